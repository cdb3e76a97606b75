from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from benchbench.errors import UsageError
from benchbench.stats import mean_over_groups, overall, panel
from tests.stats.tables import answers, plain


def test_contributions_add_up_to_means_over_groups() -> None:
    values, clusters = answers([0.6, 0.4, 0.5], 300)
    groups = np.random.default_rng(0).integers(0, 4, 300)
    found = panel(values, groups, clusters)
    wanted = [np.mean([v[groups == g].mean() for g in range(4)]) for v in values.T]
    assert found.values == pytest.approx(wanted)
    assert found.influence[:, 1] == pytest.approx(
        mean_over_groups(values[:, 1], groups, clusters).influence
    )
    assert (found.n_models, found.n_items, found.n_clusters) == (3, 300, 100)


def test_standard_errors_are_those_of_cluster_robust_least_squares() -> None:
    values, clusters = answers([0.6, 0.5], 240)
    found = plain(values, clusters)
    fit = sm.OLS(values[:, 0] - values[:, 1], np.ones(240)).fit(
        cov_type="cluster", cov_kwds={"groups": clusters}
    )
    # statsmodels multiplies by (n − 1) / (n − 1) besides, which is 1 for a mean.
    assert found.standard_errors(found.pairs())[0] == pytest.approx(fit.bse[0], rel=1e-9)


def test_items_must_be_the_same() -> None:
    with pytest.raises(UsageError, match="should be the same items"):
        panel(np.ones((3, 2)), np.zeros(2, dtype=int), np.arange(3))
    with pytest.raises(UsageError, match="there is none"):
        panel(np.ones((0, 2)), np.zeros(0, dtype=int), np.zeros(0, dtype=int))
    with pytest.raises(UsageError, match="finite"):
        plain(np.array([[1.0, np.nan], [0.0, 1.0]]))


def test_the_mean_of_chance_corrected_scores() -> None:
    one, clusters = answers([0.8, 0.6], 90)
    two, others = answers([0.5, 0.4], 60)
    names, further = [f"a{k}" for k in range(30)], [f"b{k}" for k in range(20)]
    found = overall([(plain(one, clusters), names, 0.5), (plain(two, others), further, 0.2)])
    wanted = ((one.mean(axis=0) - 0.5) / 0.5 + (two.mean(axis=0) - 0.2) / 0.8) / 2
    assert found.values == pytest.approx(wanted)
    assert found.n_clusters == 50


def test_an_image_of_two_tasks_is_one_cluster() -> None:
    values, clusters = answers([0.8, 0.6], 90)
    names = [f"{k}.jpg" for k in range(30)]
    each = plain(values, clusters)
    twice = overall([(each, names, 0.0), (each, names, 0.0)])
    assert twice.n_clusters == 30
    # The same task twice is no better known than once.
    assert twice.standard_errors(twice.pairs()) == pytest.approx(each.standard_errors(each.pairs()))
    apart = overall([(each, names, 0.0), (each, [f"other {n}" for n in names], 0.0)])
    assert apart.standard_errors(apart.pairs())[0] < 0.8 * each.standard_errors(each.pairs())[0]


def test_all_tasks_have_all_models() -> None:
    values, clusters = answers([0.8, 0.6], 90)
    each = plain(values, clusters)
    alone = panel(values[:, :1], np.zeros(90, dtype=int), clusters)
    names = [str(k) for k in range(30)]
    with pytest.raises(UsageError, match="all tasks"):
        overall([(each, names, 0.5), (alone, names, 0.5)])
    with pytest.raises(UsageError, match="needs a task"):
        overall([])
