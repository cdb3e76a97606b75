from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from benchbench.stats import mean_over_groups, share_interval
from benchbench.stats.margins import from_bound


def mean_of(values: np.ndarray):  # type: ignore[no-untyped-def]
    return mean_over_groups(values, np.zeros(len(values), dtype=int), np.arange(len(values)))


def test_single_items_give_students_test() -> None:
    values = np.random.default_rng(0).normal(0.3, 1, 40)
    found = from_bound(mean_of(values), 0.1)
    assert found.above == pytest.approx(ttest_1samp(values, 0.1, alternative="greater").pvalue)
    assert found.below == pytest.approx(ttest_1samp(values, 0.1, alternative="less").pvalue)


def test_without_spread_the_estimate_is_taken_at_its_word() -> None:
    assert from_bound(mean_of(np.zeros(30)), -0.01).above == 0.0
    assert from_bound(mean_of(np.zeros(30)), 0.01).below == 0.0
    at = from_bound(mean_of(np.zeros(30)), 0.0)
    assert (at.above, at.below) == (1.0, 1.0)


def test_one_cluster_says_nothing() -> None:
    found = from_bound(mean_of(np.ones(1)), 0.0)
    assert (found.above, found.below) == (1.0, 1.0)


def test_a_share_is_above_a_bound_as_its_interval_is() -> None:
    clusters = np.arange(120) // 3
    values = (np.random.default_rng(0).uniform(size=120) < 0.9).astype(float)
    mean = mean_over_groups(values, np.zeros(120, dtype=int), clusters)
    low, high = share_interval(mean, 0.9)
    assert from_bound(mean, low, of_share=True).above == pytest.approx(0.05)
    assert from_bound(mean, high, of_share=True).below == pytest.approx(0.05)
    assert from_bound(mean, low - 0.01, of_share=True).above < 0.05
    # Thirty that are right do not show that all are.
    right = mean_of(np.ones(30))
    assert from_bound(right, 0.99).above == 0.0
    assert from_bound(right, 0.99, of_share=True).above > 0.25
    assert from_bound(right, 0.5, of_share=True).above < 1e-4
    assert from_bound(right, 1.0, of_share=True).above == 1.0
