"""The cluster bootstrap, against a loop over draws and against scipy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from benchbench.errors import UsageError
from benchbench.stats import grouped_means, percentile_interval


def random_items(seed: int, n: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values (quarters: exact in float32), groups and clusters of n items; some in no group."""
    rng = np.random.default_rng(seed)
    clusters = np.unique(rng.integers(0, 15, size=n), return_inverse=True)[1]
    return rng.integers(0, 5, size=n) / 4, rng.integers(-1, 4, size=n), clusters


def drawn_clusters(n_clusters: int, resamples: int, seed: int) -> np.ndarray:
    """The draws as the module documents them: PCG64, whole clusters with replacement."""
    rng = np.random.Generator(np.random.PCG64(seed))
    return rng.integers(n_clusters, size=(resamples, n_clusters), dtype=np.int64)


@pytest.mark.parametrize("seed", range(3))
def test_draws_equal_a_loop_over_resampled_items(seed: int) -> None:
    values, groups, clusters = random_items(seed)
    found = grouped_means([values], [groups], clusters, resamples=50, seed=seed)[0]
    for draw, expected in zip(
        found.draws, drawn_clusters(clusters.max() + 1, 50, seed), strict=True
    ):
        means = []
        for group in range(4):
            picked = [
                values[i]
                for cluster in expected
                for i in np.flatnonzero((clusters == cluster) & (groups == group))
            ]
            if picked:
                means.append(np.mean(picked))
        assert draw == pytest.approx(np.mean(means), rel=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_value_is_the_mean_over_groups_of_means_over_items(seed: int) -> None:
    values, groups, clusters = random_items(seed)
    found = grouped_means([values], [groups], clusters, resamples=2)[0]
    each = [values[groups == g].mean() for g in range(4)]
    assert found.group_values == pytest.approx(each, rel=1e-6)
    assert found.value == pytest.approx(np.mean(each), rel=1e-6)
    assert found.n_items == (groups >= 0).sum()
    assert found.n_clusters == len(np.unique(clusters[groups >= 0]))
    assert found.group_clusters.tolist() == [
        len(np.unique(clusters[groups == g])) for g in range(4)
    ]


def test_singleton_clusters_give_the_interval_of_scipy() -> None:
    rng = np.random.default_rng(3)
    values = (rng.random(300) < 0.7).astype(float)
    ours = grouped_means([values], [np.zeros(300, int)], np.arange(300), resamples=20_000)[0]
    theirs = scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    assert percentile_interval(ours.draws) == pytest.approx(tuple(theirs), abs=0.004)


def test_clustered_items_widen_the_interval() -> None:
    values = np.repeat((np.random.default_rng(0).random(100) < 0.5).astype(float), 9)
    one_group = np.zeros(900, int)
    clustered = grouped_means([values], [one_group], np.repeat(np.arange(100), 9))[0]
    naive = grouped_means([values], [one_group], np.arange(900))[0]
    assert clustered.draws.std() == pytest.approx(3 * naive.draws.std(), rel=0.1)


def test_means_of_one_call_share_their_draws() -> None:
    values, groups, clusters = random_items(0)
    together = grouped_means([values, 1 - values], [groups, groups], clusters, resamples=100)
    assert together[0].draws + together[1].draws == pytest.approx(np.ones(100), rel=1e-5)
    alone = grouped_means([values], [groups], clusters, resamples=100)[0]
    assert np.array_equal(alone.draws, together[0].draws)


def test_blocks_do_not_change_the_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    values, groups, clusters = random_items(1)
    whole = grouped_means([values], [groups], clusters, resamples=100)[0].draws
    monkeypatch.setattr("benchbench.stats.bootstrap.BLOCK_BYTES", 1)
    assert np.array_equal(
        grouped_means([values], [groups], clusters, resamples=100)[0].draws, whole
    )


def test_a_draw_without_any_item_of_a_group_leaves_the_group_out() -> None:
    values, groups = np.array([1.0, 0.0]), np.array([0, 1])
    found = grouped_means([values], [groups], np.array([0, 1]), resamples=200)[0]
    assert set(found.draws.tolist()) == {0.0, 0.5, 1.0}
    assert np.isnan(found.group_draws).any()


def test_nothing_to_average_is_an_error() -> None:
    with pytest.raises(UsageError, match="no items"):
        grouped_means([np.array([])], [np.array([], int)], np.array([], int))
    with pytest.raises(UsageError, match="left out"):
        grouped_means([np.ones(2)], [np.array([-1, -1])], np.array([0, 1]))
