from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.stats import bootstrap

from benchbench.stats import (
    bca,
    bootstrap_draws,
    clustered_t,
    interval,
    mean_over_groups,
    wilson_interval,
)
from benchbench.stats.intervals import are_singletons


def test_students_interval_is_that_of_cluster_robust_least_squares() -> None:
    rng = np.random.default_rng(0)
    values, clusters = rng.uniform(size=90), np.repeat(np.arange(30), 3)
    low, high = clustered_t(mean_over_groups(values, np.zeros(90, dtype=int), clusters))
    fit = sm.OLS(values, np.ones(90)).fit(
        cov_type="cluster", cov_kwds={"groups": clusters}, use_t=True
    )
    assert (low, high) == pytest.approx(tuple(fit.conf_int()[0]), rel=1e-9)


def test_one_cluster_has_no_interval() -> None:
    mean = mean_over_groups(np.ones(3), np.zeros(3, dtype=int), np.zeros(3, dtype=int))
    assert np.isnan(clustered_t(mean)).all()
    assert np.isnan(bca(np.ones(10), mean)).all()


def test_bca_is_scipys() -> None:
    values = np.random.default_rng(1).exponential(size=60)
    mean = mean_over_groups(values, np.zeros(60, dtype=int), np.arange(60))
    draws = bootstrap_draws([mean], resamples=60_000)[:, 0]
    wanted = bootstrap(
        (values,), np.mean, method="BCa", n_resamples=60_000, rng=np.random.default_rng(0)
    ).confidence_interval
    width = wanted.high - wanted.low
    assert bca(draws, mean) == pytest.approx((wanted.low, wanted.high), abs=0.02 * width)


def test_without_spread_bca_has_no_width() -> None:
    mean = mean_over_groups(np.ones(30), np.zeros(30, dtype=int), np.arange(30))
    assert bca(np.ones(100), mean) == (1.0, 1.0)


def test_answers_of_their_own_images_have_wilsons_interval() -> None:
    values = np.array([1.0] * 130 + [0.0] * 30)
    groups, draws = np.zeros(160, dtype=int), np.zeros(10)
    single = mean_over_groups(values, groups, np.arange(160))
    assert interval(single, draws, of_share=True) == wilson_interval(130 / 160, 160)
    shared = mean_over_groups(values, groups, np.arange(160) // 2)
    assert not are_singletons(shared)
    graded = mean_over_groups(values * 0.5, groups, np.arange(160))
    assert not are_singletons(graded)
