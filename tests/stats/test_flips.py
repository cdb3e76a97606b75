from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.stats import permutation_test

from benchbench.stats import flip
from tests.stats.tables import answers, plain


def scipys(own: np.ndarray, n_resamples: float) -> float:
    found = permutation_test(
        (own, np.zeros(len(own))), lambda a, b: np.sum(a - b), permutation_type="samples",
        n_resamples=n_resamples, rng=np.random.default_rng(0),
    )  # fmt: skip
    return float(found.pvalue)


def test_few_clusters_are_enumerated_as_scipy_does() -> None:
    rng = np.random.default_rng(0)
    for _ in range(5):
        own = rng.normal(0.4, 1, 9)
        table = plain(np.stack([own, np.zeros(9)], axis=1))
        found = flip(table, table.pairs())
        assert found.exact
        assert found.p_values()[0] == pytest.approx(scipys(own, np.inf))


def test_many_clusters_are_drawn_and_never_give_zero() -> None:
    own = np.random.default_rng(1).normal(0.12, 1, 300)
    table = plain(np.stack([own, np.zeros(300)], axis=1))
    found = flip(table, table.pairs(), draws=20_000)
    assert found.p_values()[0] == pytest.approx(scipys(own, 20_000), abs=0.01)
    sure = plain(np.stack([np.ones(300), np.zeros(300)], axis=1))
    assert flip(sure, sure.pairs(), draws=999).p_values()[0] == 1 / 1000


def test_the_statistic_is_students_up_to_a_monotone_function() -> None:
    values, clusters = answers([0.7, 0.5], 60)
    table = plain(values, clusters)
    found = flip(table, table.pairs(), draws=50)
    d = table.contributions[:, 0] - table.contributions[:, 1]
    t = np.sqrt(len(d)) * d.mean() / d.std(ddof=1)
    n = len(d)
    assert found.observed[0] == pytest.approx(t * np.sqrt(n / (n - 1 + t**2)))


def test_all_pairs_share_their_flips() -> None:
    values, clusters = answers([0.7, 0.5, 0.4], 18)
    table = plain(values, clusters)
    found = flip(table, table.pairs())
    assert found.exact
    columns = table.contributions[(table.contributions != table.contributions[:, :1]).any(axis=1)]
    rows = []
    for signs in product([-1, 1], repeat=len(columns)):
        row = []
        for a, b in table.pairs():
            d = columns[:, a] - columns[:, b]
            row.append((np.array(signs) * d).sum() / np.sqrt((d**2).sum()))
        rows.append(row)
    assert np.sort(found.flipped, axis=0) == pytest.approx(np.sort(np.array(rows), axis=0))


def test_the_null_is_kept() -> None:
    rng, found = np.random.default_rng(2), []
    for seed in range(400):
        table = plain(np.stack([rng.normal(0, 1, 40), np.zeros(40)], axis=1))
        found.append(flip(table, table.pairs(), draws=400, seed=seed).p_values()[0])
    assert np.mean(np.array(found) < 0.05) == pytest.approx(0.05, abs=0.03)


def test_models_that_agree_everywhere_do_not_differ() -> None:
    table = plain(np.ones((30, 2)))
    assert flip(table, table.pairs()).p_values()[0] == 1.0


def test_what_rounding_leaves_is_no_difference() -> None:
    a = np.full((200, 1), 0.1 + 0.2 + 0.3)
    table = plain(np.concatenate([a, np.full((200, 1), 0.3 + 0.2 + 0.1)], axis=1))
    assert (table.contributions[:, 0] != table.contributions[:, 1]).any()
    assert flip(table, table.pairs()).p_values()[0] == 1.0
