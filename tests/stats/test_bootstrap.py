"""The cluster bootstrap, against a loop over draws, scipy, and Student's interval."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from benchbench.errors import UsageError
from benchbench.stats import bootstrap_draws, expanded_percentiles, mean_over_groups
from benchbench.stats.bootstrap import expanded_tail
from tests.stats.drawn import random_items


def draws_of(values: np.ndarray, clusters: np.ndarray, resamples: int = 10_000) -> np.ndarray:
    """Draws of a plain mean."""
    mean = mean_over_groups(values, np.zeros(len(values), int), clusters)
    return bootstrap_draws([mean], resamples=resamples)[:, 0]


@pytest.mark.parametrize("seed", range(3))
def test_draws_equal_a_loop_over_resampled_clusters(seed: int) -> None:
    values, groups, clusters = random_items(seed)
    mean = mean_over_groups(values, groups, clusters)
    found = bootstrap_draws([mean], resamples=50, seed=seed)[:, 0]
    rng = np.random.Generator(np.random.PCG64(seed))
    for draw, drawn in zip(found, rng.integers(15, size=(50, 15), dtype=np.int64), strict=True):
        moved = sum(mean.influence[c] for c in drawn) - mean.influence.sum()
        assert draw == pytest.approx(mean.value + moved)


def test_with_equal_clusters_draws_are_means_of_resampled_items() -> None:
    values = np.random.default_rng(0).random(90)
    clusters = np.repeat(np.arange(30), 3)
    found = draws_of(values, clusters, resamples=20)
    rng = np.random.Generator(np.random.PCG64(0))
    for draw, drawn in zip(found, rng.integers(30, size=(20, 30), dtype=np.int64), strict=True):
        assert draw == pytest.approx(np.mean([values[clusters == c] for c in drawn]))


def test_singleton_clusters_give_the_draws_of_scipy() -> None:
    values = (np.random.default_rng(3).random(300) < 0.7).astype(float)
    ours = draws_of(values, np.arange(300), resamples=20_000)
    theirs = scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(0)
    )
    assert ours.std() == pytest.approx(theirs.standard_error, rel=0.03)
    expected = tuple(theirs.confidence_interval)
    assert tuple(np.quantile(ours, [0.025, 0.975])) == pytest.approx(expected, abs=0.004)


def test_clustered_items_widen_the_interval() -> None:
    values = np.repeat((np.random.default_rng(0).random(100) < 0.5).astype(float), 9)
    clustered = draws_of(values, np.repeat(np.arange(100), 9))
    naive = draws_of(values, np.arange(900))
    assert clustered.std() == pytest.approx(3 * naive.std(), rel=0.05)


def test_draws_are_centred_on_the_value_however_rare_a_group() -> None:
    values = np.array([1.0] * 50 + [0.0])
    groups = np.array([0] * 50 + [1])
    mean = mean_over_groups(values, groups, np.arange(51))
    draws = bootstrap_draws([mean])[:, 0]
    assert mean.value == 0.5
    assert draws.mean() == pytest.approx(0.5, abs=0.01)


def test_means_of_one_call_share_their_draws() -> None:
    values, groups, clusters = random_items(0)
    pair = [mean_over_groups(v, groups, clusters) for v in (values, 1 - values)]
    both = bootstrap_draws(pair, resamples=100)
    assert both.sum(axis=1) == pytest.approx(np.ones(100))
    assert bootstrap_draws(pair[:1], resamples=100)[:, 0] == pytest.approx(both[:, 0])


def test_blocks_do_not_change_the_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    values, _, clusters = random_items(1)
    whole = draws_of(values, clusters, resamples=100)
    monkeypatch.setattr("benchbench.stats.bootstrap.BLOCK_BYTES", 1)
    assert draws_of(values, clusters, resamples=100) == pytest.approx(whole)


@pytest.mark.parametrize("n", [5, 20, 60])
def test_the_expanded_interval_of_normal_values_is_students(n: int) -> None:
    values = np.random.default_rng(n).normal(size=n)
    low, high = expanded_percentiles(draws_of(values, np.arange(n), resamples=200_000), n)
    student = scipy.stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert high - low == pytest.approx(student.high - student.low, rel=0.12)


def test_the_tail_is_hesterbergs() -> None:
    for n in (2, 10, 100):
        t = scipy.stats.t.ppf(0.975, n - 1)
        assert expanded_tail(n, 0.95) == pytest.approx(
            scipy.stats.norm.cdf(-np.sqrt(n / (n - 1)) * t)
        )


def test_one_cluster_has_no_interval_and_no_draw_is_an_error() -> None:
    assert all(np.isnan(expanded_percentiles(np.ones(9), 1)))
    mean = mean_over_groups(np.ones(3), np.zeros(3, int), np.arange(3))
    with pytest.raises(UsageError, match="at least 1"):
        bootstrap_draws([mean], resamples=0)
