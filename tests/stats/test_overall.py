from __future__ import annotations

import numpy as np
import pytest

from benchbench.errors import UsageError
from benchbench.stats import overall, panel
from tests.stats.tables import answers, plain


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
