"""The spread between seeds, against its textbook form."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbench.errors import UsageError
from benchbench.stats import between_seeds


@given(st.lists(st.floats(0, 1), min_size=2, max_size=8))
def test_it_is_the_sample_standard_deviation(values: list[float]) -> None:
    spread = between_seeds(values)
    assert spread.n == len(values)
    assert spread.mean == pytest.approx(statistics.fmean(values))
    assert spread.sd == pytest.approx(statistics.stdev(values))
    assert spread.standard_error == pytest.approx(spread.sd / len(values) ** 0.5)


@pytest.mark.parametrize("values", [[], [0.5]])
def test_one_seed_has_no_spread(values: list[float]) -> None:
    with pytest.raises(UsageError, match=f"two seeds or more, not {len(values)}"):
        between_seeds(values)
