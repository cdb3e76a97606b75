from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import permutation_test

from benchbench.errors import UsageError
from benchbench.stats.paired import holm, paired_difference, sign_flip_p


def test_few_clusters_are_enumerated_as_scipy_does() -> None:
    rng = np.random.default_rng(0)
    for _ in range(5):
        own = rng.normal(0.4, 1, 9)
        wanted = permutation_test(
            (own, np.zeros(9)), lambda a, b: np.sum(a - b), permutation_type="samples",
            n_resamples=np.inf,
        ).pvalue  # fmt: skip
        assert sign_flip_p(own) == pytest.approx(wanted)


def test_many_clusters_are_drawn_and_never_give_zero() -> None:
    rng = np.random.default_rng(1)
    own = rng.normal(0.12, 1, 300)
    wanted = permutation_test(
        (own, np.zeros(300)), lambda a, b: np.sum(a - b), permutation_type="samples",
        n_resamples=20_000, random_state=rng,
    ).pvalue  # fmt: skip
    assert sign_flip_p(own, draws=20_000) == pytest.approx(wanted, abs=0.01)
    assert sign_flip_p(np.ones(300), draws=999) == 1 / 1000


def test_the_null_is_kept() -> None:
    rng = np.random.default_rng(2)
    p = [sign_flip_p(rng.normal(0, 1, 40), draws=400, seed=i) for i in range(400)]
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.05, abs=0.03)


def test_a_difference_of_means_over_groups() -> None:
    a, b = np.array([1.0, 1.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0, 0.0])
    found = paired_difference(a, b, np.array([0, 0, 0, 1]), np.arange(4), draws=99)
    assert found.value == pytest.approx((2 / 3 - 1 / 3 + 1 - 0) / 2)
    assert found.low <= found.value <= found.high
    assert found.p_value == 0.5  # two clusters differ, both for a
    same = paired_difference(a, a, np.zeros(4, dtype=int), np.arange(4))
    assert (same.value, same.p_value) == (0.0, 1.0)


def test_other_items_are_refused() -> None:
    with pytest.raises(UsageError, match="not on 3 and 2"):
        paired_difference(np.ones(3), np.ones(2), np.zeros(3, dtype=int), np.arange(3))


def test_holm_is_statsmodels() -> None:
    # statsmodels.stats.multitest.multipletests([...], method="holm")[1]
    wanted = [0.03, 0.04, 0.012, 0.012]
    assert holm([0.015, 0.04, 0.004, 0.003]) == pytest.approx(wanted)
