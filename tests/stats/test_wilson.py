"""Wilson's interval, against scipy's."""

from __future__ import annotations

import pytest
import scipy.stats

from benchbench.errors import UsageError
from benchbench.stats import wilson_interval


@pytest.mark.parametrize(("k", "n"), [(0, 1), (0, 28), (5, 9), (30, 30), (117, 934)])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_it_is_scipys(k: int, n: int, level: float) -> None:
    theirs = scipy.stats.binomtest(k, n).proportion_ci(level, method="wilson")
    assert wilson_interval(k / n, n, level) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_a_share_of_nothing_is_an_error() -> None:
    with pytest.raises(UsageError, match="no interval"):
        wilson_interval(0.5, 0)
