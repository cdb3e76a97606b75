from __future__ import annotations

import numpy as np
import pytest

from benchbench.errors import UsageError
from benchbench.stats.sequential import BETS, stop


def within(values: np.ndarray, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    return np.full(len(values), low), np.full(len(values), high)


def test_capital_is_the_formulas_plain_loop() -> None:
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 5, 300)
    values = np.array([rng.choice([-1, 0, 1], n, p=[0.1, 0.5, 0.4]).sum() for n in sizes], float)
    null, alpha, low = 0.5, 0.05, -sizes.astype(float)
    first, wealth, total = None, [1.0] * len(BETS), 0.0
    for t, x in enumerate(values):
        m = (300 * null - total) / (300 - t)
        bets = [min(bet / (2 * sizes.mean()), 0.95 / (m - low[t])) for bet in BETS]
        wealth = [w * (1 + bet * (x - m)) for w, bet in zip(wealth, bets, strict=True)]
        total += x
        if first is None and sum(wealth) / len(wealth) >= 1 / alpha:
            first = t + 1
    assert first is not None
    assert stop(values, null, low, -low, alpha=alpha).above == first


def test_wrong_claims_are_rare_however_often_one_looks() -> None:
    rng, above, below = np.random.default_rng(1), 0, 0
    values = rng.choice([-1.0, 0.0, 1.0], 400, p=[0.15, 0.75, 0.1])
    bounds = within(values, -1.0, 1.0)
    for _ in range(400):
        found = stop(rng.permutation(values), values.mean(), *bounds)
        above, below = above + (found.above is not None), below + (found.below is not None)
    assert above / 400 < 0.08
    assert below / 400 < 0.08


def test_a_plain_loss_is_seen_early_and_never_contradicted() -> None:
    rng = np.random.default_rng(2)
    values = rng.choice([-1.0, 0.0, 1.0], 8000, p=[0.09, 0.85, 0.06])
    bounds = within(values, -1.0, 1.0)
    seen = [stop(rng.permutation(values), -0.01, *bounds) for _ in range(20)]
    assert all(found.above is None for found in seen)
    assert np.median([found.below or 8000 for found in seen]) < 5000


def test_at_the_end_the_mean_is_known() -> None:
    values = np.array([1.0] * 6 + [0.0] * 4)
    bounds = within(values, 0.0, 1.0)
    assert stop(values, 0.5, *bounds).above in (5, 6)
    assert stop(values, 0.9, *bounds).below is not None
    assert stop(values[::-1], 0.5, *bounds).below is None


def test_what_is_said_of_a_part_does_not_depend_on_the_rest() -> None:
    rng = np.random.default_rng(3)
    values = rng.choice([-1.0, 0.0, 1.0], 2000, p=[0.3, 0.6, 0.1])
    bounds = within(values, -1.0, 1.0)
    whole = stop(values, -0.05, *bounds).below
    assert whole is not None
    assert stop(values[:whole], -0.05, *bounds).below == whole
    assert stop(values[: whole - 1], -0.05, *bounds).below is None
    assert stop(values[:0], -0.05, *bounds).below is None


def test_values_lie_within_their_bounds() -> None:
    with pytest.raises(UsageError, match="outside"):
        stop(np.array([2.0]), 0.5, np.zeros(1), np.ones(1))
    with pytest.raises(UsageError, match="room"):
        stop(np.array([0.0]), 0.5, np.zeros(1), np.zeros(1))
