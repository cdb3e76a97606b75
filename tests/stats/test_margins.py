from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, t, ttest_1samp

from benchbench.stats import mean_over_groups, share_interval
from benchbench.stats.margins import loss_variance, one_sided_test
from benchbench.stats.means import FEW_CLUSTERS


def mean_of(values: np.ndarray):  # type: ignore[no-untyped-def]
    return mean_over_groups(values, np.zeros(len(values), dtype=int), np.arange(len(values)))


def test_single_items_give_students_test() -> None:
    values = np.random.default_rng(0).normal(0.3, 1, 40)
    found = one_sided_test(mean_of(values), 0.1)
    assert found.above == pytest.approx(ttest_1samp(values, 0.1, alternative="greater").pvalue)
    assert found.below == pytest.approx(ttest_1samp(values, 0.1, alternative="less").pvalue)


def test_without_spread_the_estimate_is_taken_at_its_word() -> None:
    assert one_sided_test(mean_of(np.zeros(30)), -0.01).above == 0.0
    assert one_sided_test(mean_of(np.zeros(30)), 0.01).below == 0.0
    at = one_sided_test(mean_of(np.zeros(30)), 0.0)
    assert (at.above, at.below) == (1.0, 1.0)


@pytest.mark.parametrize("of_share", [False, True])
@pytest.mark.parametrize("n", [1, 2, FEW_CLUSTERS - 1])
def test_few_clusters_say_nothing(n: int, of_share: bool) -> None:
    for mean in (mean_of(np.ones(n)), mean_of(np.zeros(n)), mean_of(np.arange(n) % 2.0)):
        found = one_sided_test(mean, 0.4, of_share=of_share)
        assert (found.above, found.below) == (1.0, 1.0)
        assert np.isnan(found.detectable())


def test_ten_clusters_may_say_something() -> None:
    assert one_sided_test(mean_of(np.ones(FEW_CLUSTERS)), 0.4, of_share=True).above < 0.01
    assert one_sided_test(mean_of(np.zeros(FEW_CLUSTERS)), 0.4).below == 0.0


def test_few_losses_do_not_show_that_there_are_no_more() -> None:
    """At a true loss of the margin, independent pairs pass no more often than α; exact sums."""
    n, margin = 400, 0.01
    loss = loss_variance(np.zeros(n, dtype=int))
    passed = {0.0: 0.0, loss: 0.0}
    for lost in range(n + 1):
        values = np.repeat([-1.0, 0.0], [lost, n - lost])
        for each in passed:
            said = one_sided_test(mean_of(values), -margin, per_loss=each).above <= 0.05
            passed[each] += binom.pmf(lost, n, margin) * said
    assert passed[0.0] > 0.08
    assert passed[loss] <= 0.05


def test_below_the_bound_nothing_is_added() -> None:
    mean = mean_of(np.repeat([-1.0, 0.0], [30, 70]))
    plain, more = one_sided_test(mean, -0.1), one_sided_test(mean, -0.1, per_loss=0.01)
    assert (plain.above, plain.below) == (more.above, more.below)
    assert more.error_at_bound == more.standard_error


def test_a_loss_as_large_as_is_detectable_is_detected_so_often() -> None:
    n, margin = 500, 0.02
    rng = np.random.default_rng(0)
    same = one_sided_test(mean_of(np.zeros(n)), -margin, per_loss=1 / n)
    least = same.detectable(alpha=0.05, power=0.8)
    assert least > 0
    lost = (rng.random((4000, n)) < margin + least).astype(float)
    seen = [one_sided_test(mean_of(-each), -margin).below <= 0.05 for each in lost]
    assert 0.78 < np.mean(seen) < 0.95


def test_where_two_agree_on_everything_more_than_nothing_is_detectable() -> None:
    """At the bound itself, too: a margin of 0."""
    at, near = (
        one_sided_test(mean_of(np.zeros(500)), bound, per_loss=1 / 500) for bound in (0.0, -1e-9)
    )
    assert at.detectable() > 0.01
    assert at.detectable() == pytest.approx(near.detectable(), rel=1e-3)


def test_detectable_is_students_quantiles_times_the_error() -> None:
    found = one_sided_test(mean_of(np.random.default_rng(1).normal(0, 1, 12)), 0.1)
    both = t.ppf(0.95, 11) + t.ppf(0.8, 11)
    assert found.detectable() == pytest.approx(both * found.standard_error)
    assert np.isnan(one_sided_test(mean_of(np.ones(1)), 0.0).detectable())


def test_a_loss_weighs_more_in_small_groups() -> None:
    groups = np.array([0] * 9 + [1])
    weights = np.array([1 / 18] * 9 + [1 / 2])
    assert loss_variance(groups) == pytest.approx(float((weights**2).sum()))
    assert loss_variance(groups, absent=2) == pytest.approx(loss_variance(groups) / 4)


def test_a_share_is_above_a_bound_as_its_interval_is() -> None:
    clusters = np.arange(120) // 3
    values = (np.random.default_rng(0).uniform(size=120) < 0.9).astype(float)
    mean = mean_over_groups(values, np.zeros(120, dtype=int), clusters)
    low, high = share_interval(mean, 0.9)
    assert one_sided_test(mean, low, of_share=True).above == pytest.approx(0.05)
    assert one_sided_test(mean, high, of_share=True).below == pytest.approx(0.05)
    assert one_sided_test(mean, low - 0.01, of_share=True).above < 0.05
    # Thirty that are right do not show that all are.
    right = mean_of(np.ones(30))
    assert one_sided_test(right, 0.99).above == 0.0
    assert one_sided_test(right, 0.99, of_share=True).above > 0.25
    assert one_sided_test(right, 0.5, of_share=True).above < 1e-4
    assert one_sided_test(right, 1.0, of_share=True).above == 1.0
