"""Means over groups and their influences, against the sentences that define them."""

from __future__ import annotations

import numpy as np
import pytest

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
def test_an_influence_is_the_derivative_by_a_clusters_weight(seed: int) -> None:
    values, groups, clusters = random_items(seed, n=600, n_clusters=40)

    def weighted(weights: np.ndarray) -> float:
        w = weights[clusters]
        means = [
            np.average(values[groups == g], weights=w[groups == g]) for g in range(groups.max() + 1)
        ]
        return float(np.mean(means))

    influence = mean_over_groups(values, groups, clusters).influence
    for cluster in range(40):
        nudged = np.ones(40)
        nudged[cluster] += 1e-6
        slope = (weighted(nudged) - weighted(np.ones(40))) / 1e-6
        assert influence[cluster] == pytest.approx(slope, abs=1e-6)


def test_a_rare_group_takes_its_spread_from_all_rare_groups() -> None:
    values = np.array([1.0, 0.0] * 20)
    groups = np.arange(40)  # one item each: none says anything of its own spread
    mean = mean_over_groups(values, groups, np.arange(40))
    assert mean.rare_share == 1.0
    assert mean.influence == pytest.approx((values - 0.5) / 40)
    assert np.square(mean.influence).sum() == pytest.approx(values.var() / 40)


def test_a_plain_mean_is_one_group() -> None:
    values, _, clusters = random_items(0)
    mean = mean_over_groups(values, np.zeros(60, int), clusters)
    assert mean.value == pytest.approx(values.mean())
    sums = [(values - values.mean())[clusters == c].sum() / 60 for c in range(clusters.max() + 1)]
    assert mean.influence == pytest.approx(sums)
    assert mean.rare_share == 0.0


def test_nothing_left_is_not_a_number() -> None:
    mean = mean_over_groups(np.ones(2), np.array([-1, -1]), np.array([0, 1]))
    assert np.isnan(mean.value)
    assert (mean.n_items, mean.n_clusters, len(mean.influence)) == (0, 0, 2)
