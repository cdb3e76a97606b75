from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.stats import bootstrap

from benchbench.errors import UsageError
from benchbench.stats import (
    bca,
    bootstrap_draws,
    clustered_t,
    expanded_percentiles,
    interval,
    intervals,
    mean_over_groups,
    median_over_items,
    share_interval,
    wilson_interval,
)
from benchbench.stats.wilson import are_singletons


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
    groups, none = np.zeros(160, dtype=int), np.zeros(0)
    single = mean_over_groups(values, groups, np.arange(160))
    assert interval(single, none, of_share=True) == wilson_interval(130 / 160, 160)
    assert interval(single, none, of_share=True, method="wilson") == wilson_interval(130 / 160, 160)
    shared = mean_over_groups(values, groups, np.arange(160) // 2)
    assert not are_singletons(shared)
    graded = mean_over_groups(values * 0.5, groups, np.arange(160))
    assert not are_singletons(graded)


def test_each_method_is_what_it_says() -> None:
    rng = np.random.default_rng(2)
    values, clusters = (rng.uniform(size=90) < 0.6).astype(float), np.repeat(np.arange(30), 3)
    mean = mean_over_groups(values, np.zeros(90, dtype=int), clusters)
    draws = bootstrap_draws([mean], seed=4)[:, 0]
    wanted = {
        "auto": share_interval(mean),
        "t": clustered_t(mean),
        "percentile": expanded_percentiles(draws, 30),
        "bca": bca(draws, mean),
    }
    for method, bounds in wanted.items():
        found = intervals([mean], of_share=True, method=method, seed=4)  # type: ignore[arg-type]
        assert found == [pytest.approx(bounds)]
    assert len(set(wanted.values())) == 4
    assert intervals([mean]) == [clustered_t(mean)]  # were it a difference


def test_numbers_of_one_call_share_their_draws_and_get_their_own_kind() -> None:
    values, clusters = np.random.default_rng(3).uniform(size=120), np.repeat(np.arange(40), 3)
    groups = np.zeros(120, dtype=int)
    means = [mean_over_groups(v, groups, clusters) for v in (values, 1 - values)]
    median = median_over_items(values, clusters)
    (a, b), middle, (c, d) = intervals([means[0], median, means[1]], method="percentile")
    assert (c, d) == pytest.approx((1 - b, 1 - a))
    assert [middle] == intervals([median])
    few = mean_over_groups(values[:27], groups[:27], clusters[:27])
    assert np.isnan(intervals([few])).all()


def test_agreement_of_all_has_a_width_by_every_method() -> None:
    mean = mean_over_groups(np.ones(40), np.zeros(40, dtype=int), np.arange(40) // 2)
    for method in ("auto", "t", "percentile", "bca"):
        ((low, high),) = intervals([mean], of_share=True, method=method)
        assert (round(low, 2), high) == (0.82, 1.0)


def test_wilsons_is_refused_where_it_would_be_too_narrow() -> None:
    shared = mean_over_groups(np.ones(40), np.zeros(40, dtype=int), np.arange(40) // 2)
    with pytest.raises(UsageError, match="40 share 20"):
        intervals([shared], of_share=True, method="wilson")
    single = mean_over_groups(np.ones(40), np.zeros(40, dtype=int), np.arange(40))
    for other in (single, median_over_items(np.ones(40), np.arange(40))):
        with pytest.raises(UsageError, match="a difference, a rank or a median is none"):
            intervals([other], method="wilson")
