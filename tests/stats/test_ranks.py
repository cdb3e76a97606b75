from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbench.stats import letters, panel, rank_sets
from benchbench.stats.ranks import step_down_bounds
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
    sure = step_down_bounds(statistics, lambda chosen: drawn[:, chosen].max(axis=1), 0.95, 10**9)
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


@pytest.mark.parametrize("n_clusters", [12, 20])
def test_few_clusters_do_not_settle_places_by_chance(n_clusters: int) -> None:
    rng, false = np.random.default_rng(3), 0
    for seed in range(200):
        table = plain(rng.normal(size=(n_clusters, 5)))
        false += bool(rank_sets(table, resamples=500, seed=seed).surely_better.any())
    assert false / 200 < 0.11  # 0.2 and 0.14 with quantiles as drawn


def test_below_ten_clusters_any_place_may_be() -> None:
    found = rank_sets(plain(np.random.default_rng(0).normal([0, 9], 0.1, size=(9, 2))))
    assert (found.best.tolist(), found.worst.tolist()) == ([1, 1], [2, 2])


def test_a_difference_without_spread_is_sure_all_the_same() -> None:
    found = rank_sets(plain(np.stack([np.zeros(50), np.ones(50)], axis=1)), resamples=100)
    assert (found.best.tolist(), found.worst.tolist()) == ([2, 1], [2, 1])


def test_clusters_without_items_do_not_count() -> None:
    values = np.random.default_rng(0).normal([0, 9], 0.1, size=(9, 2))
    table = panel(values, np.zeros(9, dtype=int), np.arange(9), total=1000)
    assert table.n_clusters == 9
    assert not rank_sets(table, resamples=100).surely_better.any()
    assert table.standard_errors(table.pairs()) == pytest.approx(
        plain(values).standard_errors(table.pairs())
    )


@st.composite
def differences(draw: st.DrawFn) -> np.ndarray:
    n = draw(st.integers(1, 9))
    apart = np.zeros((n, n), dtype=bool)
    for one in range(n):
        for two in range(one + 1, n):
            apart[one, two] = apart[two, one] = draw(st.booleans())
    return apart


@given(differences())
def test_two_models_share_a_letter_if_and_only_if_they_do_not_differ(
    apart: np.ndarray,
) -> None:
    found = [set(each) for each in letters(apart)]
    for one in range(len(apart)):
        for two in range(len(apart)):
            if one != two:
                assert bool(found[one] & found[two]) != apart[one, two]
    assert "a" in found[0]


def test_nobody_differs() -> None:
    assert letters(np.zeros((3, 3), dtype=bool)) == ["a", "a", "a"]
