"""Wilson's interval, against scipy's."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from statsmodels.stats.proportion import proportion_confint

from benchbench.errors import UsageError
from benchbench.stats import mean_over_groups, share_interval, wilson_interval
from benchbench.stats.wilson import are_singletons, effective_size, freedom


@pytest.mark.parametrize(("k", "n"), [(0, 1), (0, 28), (5, 9), (30, 30), (117, 934)])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_it_is_scipys(k: int, n: int, level: float) -> None:
    theirs = scipy.stats.binomtest(k, n).proportion_ci(level, method="wilson")
    assert wilson_interval(k / n, n, level) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_a_share_of_nothing_is_an_error() -> None:
    with pytest.raises(UsageError, match="no interval"):
        wilson_interval(0.5, 0)


def plain(values: np.ndarray, clusters: np.ndarray):  # type: ignore[no-untyped-def]
    return mean_over_groups(values, np.zeros(len(values), dtype=int), clusters)


def test_a_clustered_share_has_wilsons_interval_of_its_effective_size() -> None:
    rng = np.random.default_rng(0)
    clusters = np.repeat(np.arange(400), rng.integers(1, 9, 400))
    hard = rng.normal(size=400)[clusters]
    mean = plain((hard + rng.normal(size=len(clusters)) < 1.5).astype(float), clusters)
    size = mean.value * (1 - mean.value) / mean.standard_error**2
    assert effective_size(mean) == pytest.approx(size)
    assert size < 0.8 * mean.n_items
    theirs = proportion_confint(mean.value * size, size, method="wilson")
    low, high = share_interval(mean)
    assert (low, high) == pytest.approx(theirs, rel=2e-3)  # Student's quantile for the normal one
    assert high - low > theirs[1] - theirs[0]


def test_copies_of_an_item_count_once() -> None:
    answers = (np.arange(30) < 27).astype(float)
    copied = plain(np.repeat(answers, 5), np.repeat(np.arange(30), 5))
    assert not are_singletons(copied)
    assert effective_size(copied) == pytest.approx(29)
    assert freedom(copied) == 29  # nothing but the share is unknown
    low, high = share_interval(copied)
    alone = wilson_interval(0.9, 30)
    assert low == pytest.approx(alone[0], abs=0.02)
    assert high == pytest.approx(alone[1], abs=0.02)


def test_freedom_is_the_formulas_plain_loop() -> None:
    rng = np.random.default_rng(1)
    clusters = np.repeat(np.arange(40), [12] * 10 + [2] * 30)
    latent = rng.normal(size=40)[clusters] + rng.normal(size=len(clusters))
    values = (latent < 1.5).astype(float)
    mean = mean_over_groups(values, np.zeros(len(values), dtype=int), clusters, total=70)
    p, u = mean.value, mean.influence[:40]
    total = sum(
        (each**2 / sum(u**2) - 1 / 40 - (1 - 2 * p) * each / (p * (1 - p))) ** 2 for each in u
    )
    assert freedom(mean) == pytest.approx(2 / total)
    assert freedom(mean) < 39


def test_rare_groups_that_agree_by_chance_do_not_make_a_share_certain() -> None:
    groups = np.array([0] * 40 + list(range(1, 13)))  # twelve lone items, all right
    mean = mean_over_groups(np.array([1.0, 1, 1, 0] * 10 + [1.0] * 12), groups, np.arange(52))
    assert mean.value == pytest.approx(12.75 / 13)
    assert mean.standard_error < 0.006
    assert effective_size(mean) == pytest.approx(13**2 / 12)
    assert share_interval(mean)[0] < 0.8
    agreed = plain(np.ones(30), np.arange(30) // 2)
    assert effective_size(agreed) == 15
    assert 0.7 < share_interval(agreed)[0] < 0.8
    assert share_interval(agreed)[1] == pytest.approx(1.0)


def test_clustered_shares_are_covered() -> None:
    """Ten large clusters, forty small ones, answers that go with the cluster, nine in ten right."""
    rng, missed = np.random.default_rng(5), 0
    clusters = np.repeat(np.arange(50), [12] * 10 + [2] * 40)
    for _ in range(600):
        latent = 0.7 * rng.normal(size=50)[clusters] + 0.714 * rng.normal(size=len(clusters))
        low, high = share_interval(plain((latent < 1.2816).astype(float), clusters))
        missed += not low <= 0.9 <= high
    assert missed / 600 < 0.08
