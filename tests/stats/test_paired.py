from __future__ import annotations

import numpy as np
import pytest

from benchbench.errors import UsageError
from benchbench.stats.paired import paired_difference


def test_a_difference_of_means_over_groups() -> None:
    a, b = np.array([1.0, 1.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0, 0.0])
    found = paired_difference(a, b, np.array([0, 0, 0, 1]), np.arange(4), draws=99)
    assert found.value == pytest.approx((2 / 3 - 1 / 3 + 1 - 0) / 2)
    assert found.low <= found.value <= found.high
    assert found.p_value == 0.5  # two clusters differ, both for a
    same = paired_difference(a, a, np.zeros(4, dtype=int), np.arange(4))
    assert (same.value, same.p_value) == (0.0, 1.0)


def test_other_items_are_refused() -> None:
    with pytest.raises(UsageError, match="not on 3 and 2"):
        paired_difference(np.ones(3), np.ones(2), np.zeros(3, dtype=int), np.arange(3))
