"""Means over groups and their influences, against the sentences that define them."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from benchbench.stats import mean_over_groups
from tests.stats.drawn import random_items


@pytest.mark.parametrize("seed", range(3))
def test_the_value_is_the_mean_over_groups_of_means_over_items(seed: int) -> None:
    values, groups, clusters = random_items(seed)
    mean = mean_over_groups(values, groups, clusters)
    assert mean.value == pytest.approx(np.mean([values[groups == g].mean() for g in range(4)]))
    kept = groups >= 0
    assert (mean.n_items, mean.n_groups) == (kept.sum(), 4)
    assert mean.n_clusters == len(np.unique(clusters[kept]))


@pytest.mark.parametrize("seed", range(3))
def test_an_influence_is_what_leaving_a_cluster_out_moves(seed: int) -> None:
    values, groups, clusters = random_items(seed, n=600, n_clusters=40)
    clusters = np.where(np.arange(600) % 3, clusters, clusters // 4)  # of very unequal sizes

    def without(cluster: int) -> float:
        left = clusters != cluster
        return float(np.mean([values[left & (groups == g)].mean() for g in range(4)]))

    mean = mean_over_groups(values, groups, clusters)
    moved = np.array([mean.value - without(cluster) for cluster in range(40)])
    assert mean.influence == pytest.approx(39 / 40 * moved)
    assert mean.standard_error == pytest.approx(np.sqrt(39 / 40 * np.square(moved).sum()))


def test_of_single_items_the_variance_is_the_third_of_white() -> None:
    values, groups, _ = random_items(3, n=200)
    groups = groups.clip(0)
    mean = mean_over_groups(values, groups, np.arange(200))
    fit = sm.OLS(values, np.eye(4)[groups]).fit(cov_type="HC3")
    assert mean.standard_error**2 == pytest.approx(199 / 200 * fit.cov_params().mean())


def test_many_clusters_leave_it_the_derivative_by_a_clusters_weight() -> None:
    values, groups, clusters = random_items(0, n=9000, n_clusters=3000)

    def weighted(weights: np.ndarray) -> float:
        w = weights[clusters]
        return float(np.mean([np.average(values[k], weights=w[k]) for k in kinds]))

    kinds = [groups == g for g in range(4)]
    influence = mean_over_groups(values, groups, clusters).influence
    for cluster in range(0, 3000, 100):
        nudged = np.ones(3000)
        nudged[cluster] += 1e-4
        slope = (weighted(nudged) - weighted(np.ones(3000))) / 1e-4
        assert influence[cluster] == pytest.approx(slope, rel=0.01, abs=1e-8)


def test_a_rare_group_takes_its_spread_from_all_rare_groups() -> None:
    values = np.array([1.0, 0.0] * 20)
    groups = np.arange(40)  # one item each: none says anything of its own spread
    mean = mean_over_groups(values, groups, np.arange(40))
    assert mean.rare_share == 1.0
    assert mean.influence == pytest.approx((values - 0.5) / 40)
    assert np.square(mean.influence).sum() == pytest.approx(values.var() / 40)
    assert mean.rare_weight == pytest.approx(1 / 40)


def test_items_of_rare_groups_weigh_alike_in_the_spread() -> None:
    values = np.array([1.0, 0.0, 0.0, 1.0] * 15)
    groups = np.array([0] * 30 + [1] * 6 + [2] * 6 + [3] * 6 + [4] * 6 + [5] * 3 + [6, 7, 8])
    mean = mean_over_groups(values, groups, np.arange(60))
    assert mean.rare_share == pytest.approx(8 / 9)
    weights = 1 / (9 * np.bincount(groups)[groups[30:]])
    assert mean.rare_weight == pytest.approx(np.square(weights).sum())
    # One variance for the 30 items, at every item's own weight: the leverage of 1 in 30 besides.
    spread = np.square(weights).sum() * values[30:].var()
    leverage = 59 / 60 * 30 / 29
    assert np.square(mean.influence[30:]).sum() == pytest.approx(leverage**2 * spread)


def test_a_cluster_that_is_alone_has_no_influence() -> None:
    mean = mean_over_groups(np.array([1.0, 0.0]), np.zeros(2, int), np.zeros(2, int), total=3)
    assert mean.influence.tolist() == [0, 0, 0]
    assert np.isnan(mean.standard_error)


def test_a_plain_mean_is_one_group() -> None:
    values, clusters = random_items(0)[0], np.repeat(np.arange(15), 4)
    mean = mean_over_groups(values, np.zeros(60, int), clusters)
    assert mean.value == pytest.approx(values.mean())
    sums = [(values - values.mean())[clusters == c].sum() / 60 for c in range(15)]
    assert mean.influence == pytest.approx(sums)
    assert mean.rare_share == 0.0


def test_nothing_left_is_not_a_number() -> None:
    mean = mean_over_groups(np.ones(2), np.array([-1, -1]), np.array([0, 1]))
    assert np.isnan(mean.value)
    assert (mean.n_items, mean.n_clusters, len(mean.influence)) == (0, 0, 2)
