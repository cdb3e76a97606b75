"""Comparison of two runs on the same items: difference, interval, p-value, slices, flips."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from benchbench.analysis import Result
from benchbench.analysis.flips import Flip, flips_in
from benchbench.analysis.paired import pair_runs, unknown_tag_error
from benchbench.analysis.reliability import is_few, rare_groups, rare_share
from benchbench.errors import UsageError
from benchbench.stats import (
    Panel,
    bootstrap_draws,
    detectable,
    expanded_percentiles,
    flip,
    intervals,
    label_swap_p,
    mcnemar,
    median_over_items,
    needed,
    step_down,
)

if TYPE_CHECKING:
    from benchbench.analysis.paired import PairedScores, Pairing
    from benchbench.stats import Mean, Method
    from benchbench.types import Metric, Run, Ties
    from benchbench.types.arrays import Indices


LEVEL = 0.95
SIGN_FLIPS = 100_000
"""The number of random sign vectors of a single comparison."""
TOLERANCE = 1e-12
"""A difference or a spread of 0, rounding errors included."""
Test = Literal["McNemar", "all sign flips", "sign flips", "label swaps, the median taken anew"]
"""The test behind a p-value: McNemar's exact test, of items that are each of its own source image;
all sign flips of whole source images, or ``SIGN_FLIPS`` of them drawn; or models swapped within
source images, for a median."""


@dataclass(frozen=True, slots=True)
class Change:
    """The difference of two scores, b − a, of a metric or of a group of it."""

    name: str
    """The name of the metric, or of a group."""
    a: float
    b: float
    low: float
    """The interval's lower bound of b − a; NaN in fewer than ten clusters, or if every item differs
    equally."""
    high: float
    p_value: float
    """Two-sided."""
    p_adjusted: float
    """The p-value adjusted for the number of groups; for the whole metric, the p-value itself."""
    gained: int
    """Units that only b has right, or finds on a better rank."""
    lost: int
    """Units that only a has right, or finds on a better rank."""
    n_items: int
    n_clusters: int
    rare_share: float = 0.0
    """Weight of groups of fewer than ten clusters in the mean, in [0, 1]."""

    @property
    def difference(self) -> float:
        """b − a."""
        return self.b - self.a


@dataclass(frozen=True, slots=True)
class Comparison(Result):
    """Two runs, compared by one metric."""

    a: Run
    b: Run
    metric: Metric
    ties: Ties
    level: float
    interval: Method
    whole: Change
    by: str | None
    groups: tuple[Change, ...]
    """The changes in the groups of ``by``, the largest group first."""
    test: Test
    effect: float
    """The mean of the clusters' differences in their own standard deviations (Cohen's d of pairs);
    NaN if they have none, or the metric is not a mean."""
    detectable: float
    """The true difference that such items find in four of five tries; NaN if the differences
    have no spread, or the metric is not a mean."""
    items_needed: int
    """The number of items that the observed difference needs; 0 if there is none, or the metric is
    not a mean."""
    rare: tuple[str, ...] = ()
    """Groups of the metric in fewer than ten clusters."""
    flips: tuple[Flip, ...] = field(default=(), repr=False)
    """The items gained, then those lost, in the order of the items; in the groups of ``by``, or of
    the metric."""

    @property
    def significant(self) -> bool:
        """Whether the p-value is below 1 − level."""
        return self.whole.p_value < 1 - self.level

    @property
    def is_rank(self) -> bool:
        """Whether scores are ranks from 1, of which lower is better."""
        return self.metric.reading == "rank"


def compare(
    a: Run,
    b: Run,
    metric: Metric | str | None = None,
    *,
    by: str | None = None,
    ties: Ties = "wrong",
    level: float = LEVEL,
    interval: Method = "auto",
    seed: int = 0,
) -> Comparison:
    """Compare two runs of the same items.

    Args:
        a: the baseline.
        b: the other run.
        metric: by default the task's headline.
        by: a tag to slice by (``relation``).
        ties: the rule, where the metric fixes none.
        level: the confidence level of intervals; p-values below 1 − level are significant.
        interval: the kind (``stats.interval``).
        seed: the seed of all draws.

    Raises:
        NotComparable: the runs differ in more than their models, with everything in which they do.
        UsageError: no such metric or tag; or Wilson's intervals, which differences do not have.
    """
    pairing = pair_runs([a, b])
    both = pairing.scores(metric, ties=ties)
    p_value, test = _test(both, seed)
    whole = _change(both, both.metric.name, p_value, level, interval, seed)
    effect = least = float("nan")
    wanted = 0
    if both.is_mean:
        effect, least, wanted = _effect_sizes(both, whole, level)
    return Comparison(
        a=a,
        b=b,
        metric=both.metric,
        ties=both.ties,
        level=level,
        interval=interval,
        whole=whole,
        by=by,
        groups=_slices(pairing, both, by, level, interval, seed) if by is not None else (),
        test=test,
        effect=effect,
        detectable=least,
        items_needed=wanted,
        rare=rare_groups(both.groups, both.outcome.tolist(), both.clusters),
        flips=_flips(pairing, both, by),
    )


def _flips(pairing: Pairing, both: PairedScores, by: str | None) -> tuple[Flip, ...]:
    """Return the flips of everything that the metric judges, in the groups of a tag or its own."""
    metric = replace(both.metric, by=by or both.metric.by, leave_out=frozenset(), at_least=1)
    return flips_in(pairing.scores(metric, ties=both.ties))


def _test(both: PairedScores, seed: int) -> tuple[float, Test]:
    """Return the p-value and its test."""
    one, two = both.values.T
    clusters = both.cluster
    if not both.is_mean:
        p = label_swap_p(lambda v: np.asarray(np.median(v, axis=-1)), two, one, clusters, seed=seed)
        return p, "label swaps, the median taken anew"
    answers = set(np.unique(both.values).tolist()) <= {0.0, 1.0}
    if answers and not both.metric.by and len(np.unique(clusters)) == len(clusters):
        return mcnemar(two, one), "McNemar"
    table = both.panel
    flips = flip(table, table.pairs(), draws=SIGN_FLIPS, seed=seed)
    return float(flips.p_values()[0]), "all sign flips" if flips.exact else "sign flips"


def _change(
    both: PairedScores, name: str, p_value: float, level: float, method: Method, seed: int
) -> Change:
    """Return the metric of both runs and its difference with an interval."""
    if both.is_mean:
        apart = _mean_difference(both)
        (bounds,) = intervals([apart], level, method=method, seed=seed)
        return _mean_change(both, name, p_value, apart, bounds)
    if method not in ("auto", "percentile"):
        raise UsageError(
            f"{both.metric.name} is a median, and differences of medians are resampled: take "
            "--interval auto or percentile."
        )
    total = len(both.cluster_names)
    medians = [median_over_items(v, both.cluster, total) for v in both.values.T]
    drawn, bounds = bootstrap_draws(medians, seed=seed), (float("nan"), float("nan"))
    if not is_few(medians[0].n_clusters):
        apart_drawn = drawn[:, 1] - drawn[:, 0]
        bounds = expanded_percentiles(apart_drawn, medians[0].n_clusters, level)
    values = medians[0].value, medians[1].value
    return _build_change(both, name, p_value, values, bounds, medians[0].n_clusters)


def _mean_difference(both: PairedScores) -> Mean:
    """Return the mean of the differences of units."""
    one, two = both.values.T
    return both.mean(two - one)


def _mean_change(
    both: PairedScores, name: str, p_value: float, apart: Mean, bounds: tuple[float, float]
) -> Change:
    """Return a change of means; without an interval if every item differs equally.

    Resampling such items gives no width.
    """
    a, b = (mean.value for mean in both.means)
    bounds = bounds if bounds[1] - bounds[0] > TOLERANCE else (float("nan"), float("nan"))
    change = _build_change(both, name, p_value, (a, b), bounds, apart.n_clusters)
    return replace(change, rare_share=rare_share(apart))


def _build_change(
    both: PairedScores,
    name: str,
    p_value: float,
    values: tuple[float, float],
    bounds: tuple[float, float],
    n_clusters: int,
) -> Change:
    better = both.sign * (both.values[:, 1] - both.values[:, 0])
    return Change(
        name=name,
        a=values[0],
        b=values[1],
        low=bounds[0],
        high=bounds[1],
        p_value=p_value,
        p_adjusted=p_value,
        gained=int((better > 0).sum()),
        lost=int((better < 0).sum()),
        n_items=len(both.values),
        n_clusters=n_clusters,
    )


def _effect_sizes(both: PairedScores, whole: Change, level: float) -> tuple[float, float, int]:
    """Return the effect size, the detectable difference, and the items that this one would take."""
    table = both.panel
    error = float(table.standard_errors(table.pairs())[0])
    if error <= TOLERANCE:
        return float("nan"), float("nan"), 0
    alpha = 1 - level
    found = abs(whole.difference) > TOLERANCE
    wanted = needed(whole.difference, error, whole.n_items, alpha=alpha) if found else 0
    return _effect(table), detectable(error, alpha=alpha), wanted


def _effect(table: Panel) -> float:
    """Return the mean over clusters with an item, in standard deviations; NaN without spread."""
    apart, n = table.contributions[:, 1] - table.contributions[:, 0], table.n_clusters
    mean = float(apart.sum()) / n
    squares = float(np.square(apart).sum()) - n * mean**2
    spread = math.sqrt(max(0.0, squares) / max(1, n - 1))
    return mean / spread if spread > TOLERANCE * abs(mean) else float("nan")


def _slices(
    pairing: Pairing, both: PairedScores, by: str, level: float, method: Method, seed: int
) -> tuple[Change, ...]:
    """Return the difference in each group of a tag, with p-values adjusted for their number."""
    metric = replace(both.metric, by=by, leave_out=frozenset(), at_least=1, statistic="mean")
    if not len(pairing.judges[0].units(metric, both.ties).values):
        raise unknown_tag_error(pairing.runs[0], by)
    sliced = pairing.scores(metric, ties=both.ties)
    return group_changes(sliced, level=level, method=method, seed=seed)


def group_changes(
    sliced: PairedScores,
    *,
    level: float | None = LEVEL,
    method: Method = "auto",
    seed: int = 0,
) -> tuple[Change, ...]:
    """Return the difference of two runs in each group of their metric.

    Args:
        sliced: two runs, read by a mean over groups.
        level: the confidence level of intervals; None leaves them out, which takes half the time.
        method: the kind of intervals.
        seed: the seed of all draws.

    Returns:
        One change per group, the group of most items first; p-values adjusted for their number by
        the step-down maximum of |T|.
    """
    names, number = sliced.group_names, sliced.group_number
    flips = flip(*_by_group(sliced, number, len(names)), seed=seed)
    raw, adjusted = flips.p_values(), step_down(flips)
    parts = [sliced.part(number == g) for g in range(len(names))]
    aparts = [_mean_difference(part) for part in parts]
    nothing = (float("nan"), float("nan"))
    bounds = [nothing] * len(parts)
    if level is not None:
        bounds = intervals(aparts, level, method=method, seed=seed)
    found = [
        replace(
            _mean_change(part, names[g], float(raw[g]), aparts[g], bounds[g]),
            p_adjusted=float(adjusted[g]),
        )
        for g, part in enumerate(parts)
    ]
    return tuple(sorted(found, key=lambda each: (-each.n_items, each.name)))


def _by_group(sliced: PairedScores, number: Indices, n_groups: int) -> tuple[Panel, Indices]:
    """Return each cluster's sum of differences per group, each beside a column of zeros.

    Sums, not means: a constant factor does not change the statistic of a sign flip.
    """
    columns = np.zeros((len(sliced.cluster_names), 1 + n_groups))
    cells = sliced.cluster, 1 + number
    np.add.at(columns, cells, sliced.values[:, 1] - sliced.values[:, 0])
    pairs = np.stack([1 + np.arange(n_groups), np.zeros(n_groups)], axis=1).astype(np.intp)
    return Panel(columns, np.zeros_like(columns), len(number)), pairs
