from __future__ import annotations

import numpy as np
import pytest

from benchbench.stats import rank_sets
from benchbench.stats.ranks import stepped_down
from tests.stats.tables import answers, plain


def test_places_of_models_far_apart_and_alike() -> None:
    values, clusters = answers([0.9, 0.5, 0.5, 0.1], 900)
    found = rank_sets(plain(values, clusters), resamples=2000)
    assert found.best.tolist() == [1, 2, 2, 4]
    assert found.worst.tolist() == [1, 3, 3, 4]
    assert found.surely_better[0].tolist() == [False, True, True, True]


def test_one_model_is_first_and_last() -> None:
    values, clusters = answers([0.5], 60)
    found = rank_sets(plain(values, clusters), resamples=100)
    assert (found.best.tolist(), found.worst.tolist()) == ([1], [1])


def test_models_that_answer_alike_share_all_places() -> None:
    values, clusters = answers([0.5], 60)
    found = rank_sets(plain(np.repeat(values, 3, axis=1), clusters), resamples=100)
    assert (found.best.tolist(), found.worst.tolist()) == ([1, 1, 1], [3, 3, 3])


def test_stepping_down_settles_no_less_than_a_single_step() -> None:
    rng = np.random.default_rng(0)
    drawn, statistics = rng.normal(size=(4000, 30)), rng.normal(1.5, 1.5, 30)
    once = statistics > np.quantile(drawn.max(axis=1), 0.95)
    sure = stepped_down(statistics, drawn, 0.95)
    assert (sure >= once).all()
    # By hand: the bound that the last round used is of those that are left.
    left = np.quantile(drawn[:, ~sure].max(axis=1), 0.95, method="higher")
    assert not (statistics[~sure] > left).any()


def test_true_places_are_covered() -> None:
    truth, missed = [0.6, 0.6, 0.55, 0.5], 0
    for seed in range(150):
        values, clusters = answers(truth, 600, seed=seed)
        found = rank_sets(plain(values, clusters), resamples=500, seed=seed)
        # Places that ties at the top leave open: 1–2, 1–2, 3, 4.
        low, high = np.array([1, 1, 3, 4]), np.array([2, 2, 3, 4])
        missed += bool(((found.best > low) | (found.worst < high)).any())
    assert missed / 150 == pytest.approx(0.05, abs=0.06)
