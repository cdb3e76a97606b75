"""The spread between seeds against its textbook form, and Welch's interval against scipy's."""

from __future__ import annotations

import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_ind

from benchbench.errors import UsageError
from benchbench.stats import between_seeds, welch


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


def test_welchs_interval_is_scipys() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 1, 4), rng.normal(1, 3, 6)
    wanted = ttest_ind(b, a, equal_var=False).confidence_interval(0.9)
    assert welch(a, b, 0.9) == pytest.approx((wanted.low, wanted.high))
    assert np.isnan(welch(np.ones(2), np.ones(3))).all()


def test_a_spread_by_rounding_is_no_spread() -> None:
    same = np.full(3, 0.1)
    assert same.var(ddof=1) > 0
    assert np.isnan(welch(same, np.full(3, 0.3))).all()
