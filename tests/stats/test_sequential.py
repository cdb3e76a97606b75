from __future__ import annotations

import numpy as np
import pytest

from benchbench.errors import UsageError
from benchbench.stats.sequential import BETS, sequential_test


def within(values: np.ndarray, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    return np.full(len(values), low), np.full(len(values), high)


def first_by_loop(x: np.ndarray, null: float, low: np.ndarray, o: np.ndarray, scale: float) -> int:
    """When betting on more than the null has paid 20, as the formulas stand."""
    n, wealth = len(low), [1.0] * len(BETS)
    for t in range(len(x)):
        m, mean = (n * null - x[:t].sum()) / (n - t), o[t:].mean()
        slope = 0.0
        if t > 1 and o[:t].std() > 1e-6:
            slope = float(np.clip(np.cov(x[:t], o[:t], bias=True)[0, 1] / o[:t].var(), -1, 0))
        least = min(low[t:].min(), (low + o)[t:].min() - mean)
        bets = [min(bet / scale, 0.95 / (m - least)) for bet in BETS]
        unlike = x[t] - m - slope * (o[t] - mean)
        wealth = [w * (1 + bet * unlike) for w, bet in zip(wealth, bets, strict=True)]
        if sum(wealth) / len(wealth) >= 20:
            return t + 1
    raise AssertionError("never")


@pytest.mark.parametrize("knows", [False, True])
def test_capital_is_the_formulas_plain_loop(knows: bool) -> None:
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 5, 600)
    old = rng.binomial(sizes, 0.5)
    low, high = -old.astype(float), (sizes - old).astype(float)
    values = rng.binomial(sizes, 0.65) - old.astype(float)
    known = old.astype(float) if knows else np.zeros(600)
    wanted = first_by_loop(values, 0.1, low, known, (high - low).mean())
    assert sequential_test(values, 0.1, low, high, known=known).above == wanted
    mirrored = first_by_loop(-values, -0.6, -high, -known, (high - low).mean())
    assert sequential_test(values, 0.6, low, high, known=known).below == mirrored


def test_what_the_baseline_earned_makes_the_answer_come_sooner() -> None:
    rng, sooner = np.random.default_rng(4), []
    for _ in range(10):
        old, new = rng.binomial(1, 0.7, 6000), rng.binomial(1, 0.65, 6000)
        earned = old.astype(np.float64)
        plain, knowing = (
            sequential_test(new - earned, -0.01, -earned, 1 - earned, known=each).below or 6000
            for each in (None, earned)
        )
        sooner.append(knowing / plain)
    assert np.median(sooner) < 0.8


def test_large_clusters_that_lose_do_not_make_false_claims() -> None:
    rng, claims = np.random.default_rng(5), 0
    sizes = rng.integers(1, 9, 3000).astype(np.float64)
    gain, lost = np.where(sizes < 5, 0.25, 0.05), np.where(sizes < 5, 0.05, 0.25)
    values = rng.binomial(sizes.astype(int), gain) - 1.0 * rng.binomial(sizes.astype(int), lost)
    values -= sizes * values.sum() / sizes.sum()
    for _ in range(60):
        order = rng.permutation(len(sizes))
        wide = 1.2 * sizes[order]
        found = sequential_test(values[order], 0.0, -wide, wide)
        claims += (found.above is not None) + (found.below is not None)
    assert claims / 60 < 0.15


def test_wrong_claims_are_rare_however_often_one_looks() -> None:
    rng, above, below = np.random.default_rng(1), 0, 0
    values = rng.choice([-1.0, 0.0, 1.0], 400, p=[0.15, 0.75, 0.1])
    bounds = within(values, -1.0, 1.0)
    for _ in range(400):
        found = sequential_test(rng.permutation(values), values.mean(), *bounds)
        above, below = above + (found.above is not None), below + (found.below is not None)
    assert above / 400 < 0.08
    assert below / 400 < 0.08


def test_a_plain_loss_is_seen_early_and_never_contradicted() -> None:
    rng = np.random.default_rng(2)
    values = rng.choice([-1.0, 0.0, 1.0], 8000, p=[0.09, 0.85, 0.06])
    bounds = within(values, -1.0, 1.0)
    seen = [sequential_test(rng.permutation(values), -0.01, *bounds) for _ in range(20)]
    assert all(found.above is None for found in seen)
    assert np.median([found.below or 8000 for found in seen]) < 5000


def test_at_the_end_the_mean_is_known() -> None:
    values = np.array([1.0] * 6 + [0.0] * 4)
    bounds = within(values, 0.0, 1.0)
    assert sequential_test(values, 0.5, *bounds).above in (5, 6)
    assert sequential_test(values, 0.9, *bounds).below is not None
    assert sequential_test(values[::-1], 0.5, *bounds).below is None


def test_what_is_said_of_a_part_does_not_depend_on_the_rest() -> None:
    rng = np.random.default_rng(3)
    values = rng.choice([-1.0, 0.0, 1.0], 2000, p=[0.3, 0.6, 0.1])
    bounds = within(values, -1.0, 1.0)
    whole = sequential_test(values, -0.05, *bounds).below
    assert whole is not None
    assert sequential_test(values[:whole], -0.05, *bounds).below == whole
    assert sequential_test(values[: whole - 1], -0.05, *bounds).below is None
    assert sequential_test(values[:0], -0.05, *bounds).below is None


def test_values_lie_within_their_bounds() -> None:
    with pytest.raises(UsageError, match="outside"):
        sequential_test(np.array([2.0]), 0.5, np.zeros(1), np.ones(1))
    with pytest.raises(UsageError, match="room"):
        sequential_test(np.array([0.0]), 0.5, np.zeros(1), np.zeros(1))
