from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from benchbench.errors import UsageError
from benchbench.stats import detectable, needed


def test_the_detectable_difference_is_detected_so_often() -> None:
    error = 0.02
    least = detectable(error, alpha=0.05, power=0.8)
    seen = np.random.default_rng(0).normal(least, error, 40_000)
    assert np.mean(np.abs(seen) > norm.ppf(0.975) * error) == pytest.approx(0.8, abs=0.01)


def test_items_needed_make_the_difference_detectable() -> None:
    n = needed(0.01, 0.02, 500)
    assert detectable(0.02 * (500 / n) ** 0.5) == pytest.approx(0.01, rel=1e-3)
    assert needed(-0.01, 0.02, 500) == n


def test_nothing_is_never_shown() -> None:
    with pytest.raises(UsageError, match="difference of nothing"):
        needed(0.0, 0.1, 10)
    with pytest.raises(UsageError, match="between 0 and 1"):
        detectable(0.1, alpha=1.5)
