from __future__ import annotations

import numpy as np
import pytest

from benchbench.errors import UsageError
from benchbench.stats.sequential import BETS, stop


def test_capital_is_the_formulas_plain_loop() -> None:
    rng = np.random.default_rng(0)
    values, null, alpha = rng.choice([0.0, 0.5, 1.0], 300, p=[0.1, 0.4, 0.5]), 0.55, 0.05
    first, wealth, total = None, [1.0] * len(BETS), 0.0
    for t, x in enumerate(values):
        m = (300 * null - total) / (300 - t)
        wealth = [w * (1 + bet / m * (x - m)) for w, bet in zip(wealth, BETS, strict=True)]
        total += x
        if first is None and sum(wealth) / len(wealth) >= 1 / alpha:
            first = t + 1
    assert first is not None
    assert stop(values, null, 0.0, 1.0, alpha=alpha).above == first


def test_wrong_claims_are_rare_however_often_one_looks() -> None:
    rng, above, below = np.random.default_rng(1), 0, 0
    values = rng.choice([-1.0, 0.0, 1.0], 400, p=[0.15, 0.75, 0.1])
    for _ in range(400):
        found = stop(rng.permutation(values), values.mean(), -1.0, 1.0)
        above, below = above + (found.above is not None), below + (found.below is not None)
    assert above / 400 < 0.08
    assert below / 400 < 0.08


def test_a_plain_loss_is_seen_early_and_never_contradicted() -> None:
    rng = np.random.default_rng(2)
    values = rng.choice([-1.0, 0.0, 1.0], 8000, p=[0.09, 0.85, 0.06])
    seen = [stop(rng.permutation(values), -0.01, -1.0, 1.0) for _ in range(20)]
    assert all(found.above is None for found in seen)
    assert np.median([found.below or 8000 for found in seen]) < 5000


def test_at_the_end_the_mean_is_known() -> None:
    values = np.array([1.0] * 6 + [0.0] * 4)
    assert stop(values, 0.5, 0.0, 1.0).above == 6
    assert stop(values, 0.9, 0.0, 1.0).below is not None
    assert stop(values[::-1], 0.5, 0.0, 1.0).below is None


def test_values_lie_within_their_bounds() -> None:
    with pytest.raises(UsageError, match="outside"):
        stop(np.array([2.0]), 0.5, 0.0, 1.0)
    with pytest.raises(UsageError, match="room"):
        stop(np.array([0.0]), 0.5, 1.0, 1.0)
