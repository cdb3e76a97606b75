"""Two runs of the same items: which is better, by how much, how sure that is, and on what."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from benchbench.analysis.paired import no_such_tag, side_by_side
from benchbench.analysis.reliability import is_few, rare_groups, rare_share
from benchbench.errors import UsageError
from benchbench.protocols import load_protocol
from benchbench.protocols.reading import read_units
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
    import numpy.typing as npt

    from benchbench.analysis.paired import SideBySide
    from benchbench.stats import Mean, Method
    from benchbench.types import Metric, Run, Ties

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.intp]

LEVEL = 0.95
FLIPS = 100_000
"""Draws of signs for a single comparison."""
NOTHING = 1e-12
"""What rounding leaves of a difference or a spread of 0."""


@dataclass(frozen=True, slots=True)
class Change:
    """How much higher b's score is than a's."""

    name: str
    """Of the metric, or of a group."""
    a: float
    b: float
    low: float
    """Of b − a; NaN in fewer than ten clusters, or where every item differs by as much."""
    high: float
    p_value: float
    """Two-sided."""
    p_adjusted: float
    """For the number of groups; of the whole metric the p-value itself."""
    gained: int
    """What b has right and a has not, or b finds in a better place."""
    lost: int
    n_items: int
    n_clusters: int
    rare_share: float = 0.0
    """What groups of fewer than ten clusters carry of the mean."""

    @property
    def difference(self) -> float:
        """b − a."""
        return self.b - self.a


@dataclass(frozen=True, slots=True)
class Comparison:
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
    """The largest first."""
    test: str
    """What the p-value is of."""
    effect: float
    """The mean of the clusters' differences in their own standard deviations (Cohen's d of pairs);
    NaN where they have none, or the metric is no mean."""
    least: float
    """The true difference that such items find in four of five tries; NaN where the differences
    have no spread, or the metric is no mean."""
    items_needed: int
    """For the observed difference; 0 where there is none, or the metric is no mean."""
    rare: tuple[str, ...] = ()
    """Groups of the metric in fewer than ten clusters."""

    @property
    def sure(self) -> bool:
        """Whether the difference is more than chance, at 1 − level."""
        return self.whole.p_value < 1 - self.level

    def __str__(self) -> str:
        """The comparison as a terminal shows it."""
        from benchbench.render.comparison import render

        return render(self)


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
        a: the one to compare with: a baseline.
        b: the other.
        metric: by default the task's headline.
        by: a tag to slice by (``relation``).
        ties: the rule, where the metric fixes none.
        level: of intervals; p-values count as sure below 1 − level.
        interval: which are taken (``stats.interval``).
        seed: of all draws.

    Raises:
        UsageError: they do not compare, with all in which they differ; or Wilson's intervals are
            asked for, which differences have not.
    """
    both = side_by_side([a, b], metric, ties=ties)
    p_value, test = _tested(both, seed)
    whole = _change(both, both.metric.name, p_value, level, interval, seed)
    effect = least = float("nan")
    wanted = 0
    if both.is_mean:
        effect, least, wanted = _sizes(both, whole, level)
    return Comparison(
        a=a,
        b=b,
        metric=both.metric,
        ties=both.ties,
        level=level,
        interval=interval,
        whole=whole,
        by=by,
        groups=_sliced(a, b, both, by, level, interval, seed) if by is not None else (),
        test=test,
        effect=effect,
        least=least,
        items_needed=wanted,
        rare=rare_groups(both.groups, both.outcome.tolist(), both.clusters),
    )


def _tested(both: SideBySide, seed: int) -> tuple[float, str]:
    """The p-value, and what it is of."""
    one, two = both.values.T
    clusters = both.clusters[both.outcome]
    if not both.is_mean:
        p = label_swap_p(lambda v: np.asarray(np.median(v, axis=-1)), two, one, clusters, seed=seed)
        return p, "models swapped within source images, the median taken anew"
    answers = set(np.unique(both.values).tolist()) <= {0.0, 1.0}
    if answers and not both.metric.by and len(np.unique(clusters)) == len(clusters):
        return mcnemar(two, one), "McNemar's exact test: every item is of its own image"
    table = both.panel()
    flips = flip(table, table.pairs(), draws=FLIPS, seed=seed)
    how = "all sign flips" if flips.exact else f"{FLIPS:,} sign flips"
    return float(flips.p_values()[0]), f"{how} of whole source images"


def _change(
    both: SideBySide, name: str, p_value: float, level: float, method: Method, seed: int
) -> Change:
    """The metric of both runs and its difference with an interval."""
    if both.is_mean:
        apart = _apart(both)
        (bounds,) = intervals([apart], level, method=method, seed=seed)
        return _of_means(both, name, p_value, apart, bounds)
    if method not in ("auto", "percentile"):
        raise UsageError(
            f"{both.metric.name} is a median, and differences of medians are resampled: take "
            "--interval auto or percentile."
        )
    clusters, total = both.clusters[both.outcome], len(both.cluster_names)
    medians = [median_over_items(v, clusters, total) for v in both.values.T]
    drawn, bounds = bootstrap_draws(medians, seed=seed), (float("nan"), float("nan"))
    if not is_few(medians[0].n_clusters):
        apart_drawn = drawn[:, 1] - drawn[:, 0]
        bounds = expanded_percentiles(apart_drawn, medians[0].n_clusters, level)
    values = medians[0].value, medians[1].value
    return _stated(both, name, p_value, values, bounds, medians[0].n_clusters)


def _apart(both: SideBySide) -> Mean:
    """The mean of what the items differ by."""
    one, two = both.values.T
    return both.mean(two - one)


def _of_means(
    both: SideBySide, name: str, p_value: float, apart: Mean, bounds: tuple[float, float]
) -> Change:
    """Without an interval where every item differs by as much: no resampling knows a width."""
    a, b = (mean.value for mean in both.means())
    bounds = bounds if bounds[1] - bounds[0] > NOTHING else (float("nan"), float("nan"))
    stated = _stated(both, name, p_value, (a, b), bounds, apart.n_clusters)
    return replace(stated, rare_share=rare_share(apart))


def _stated(
    both: SideBySide,
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


def _sizes(both: SideBySide, whole: Change, level: float) -> tuple[float, float, int]:
    """Effect size, the least difference to be found, and the items that this one would take."""
    table = both.panel()
    error = float(table.standard_errors(table.pairs())[0])
    if error <= NOTHING:
        return float("nan"), float("nan"), 0
    alpha = 1 - level
    found = abs(whole.difference) > NOTHING
    wanted = needed(whole.difference, error, whole.n_items, alpha=alpha) if found else 0
    return _effect(table), detectable(error, alpha=alpha), wanted


def _effect(table: Panel) -> float:
    """The mean over clusters with an item, in standard deviations; NaN without spread."""
    apart, n = table.contributions[:, 1] - table.contributions[:, 0], table.n_clusters
    mean = float(apart.sum()) / n
    squares = float(np.square(apart).sum()) - n * mean**2
    spread = math.sqrt(max(0.0, squares) / max(1, n - 1))
    return mean / spread if spread > NOTHING * abs(mean) else float("nan")


def _sliced(
    a: Run, b: Run, both: SideBySide, by: str, level: float, method: Method, seed: int
) -> tuple[Change, ...]:
    """The difference within each group that a tag makes, p-values adjusted for their number."""
    metric = replace(both.metric, by=by, leave_out=frozenset(), at_least=1, statistic="mean")
    if not len(read_units(load_protocol(a.protocol), a.outcomes, metric, both.ties).values):
        raise no_such_tag(a, by)
    sliced = side_by_side([a, b], metric, ties=both.ties)
    return group_changes(sliced, level=level, method=method, seed=seed)


def group_changes(
    sliced: SideBySide,
    *,
    level: float | None = LEVEL,
    method: Method = "auto",
    seed: int = 0,
) -> tuple[Change, ...]:
    """The difference of two runs within each group of their metric.

    Args:
        sliced: two runs, read by a mean over groups.
        level: of intervals; None leaves them out, which takes half the time.
        method: of intervals.
        seed: of all draws.

    Returns:
        A change a group, the one of most items first; p-values adjusted for their number by the
        step-down maximum of |T|.
    """
    names, number = np.unique(np.array(sliced.groups, dtype=str), return_inverse=True)
    flips = flip(*_by_group(sliced, number, len(names)), seed=seed)
    raw, adjusted = flips.p_values(), step_down(flips)
    parts = [sliced.part(number == g) for g in range(len(names))]
    aparts = [_apart(part) for part in parts]
    nothing = (float("nan"), float("nan"))
    bounds = [nothing] * len(parts)
    if level is not None:
        bounds = intervals(aparts, level, method=method, seed=seed)
    found = [
        replace(
            _of_means(part, str(names[g]), float(raw[g]), aparts[g], bounds[g]),
            p_adjusted=float(adjusted[g]),
        )
        for g, part in enumerate(parts)
    ]
    return tuple(sorted(found, key=lambda each: (-each.n_items, each.name)))


def _by_group(sliced: SideBySide, number: Integers, n_groups: int) -> tuple[Panel, Integers]:
    """What clusters add to each group's difference, each beside a column of nothing.

    Sums, not means: a flip's statistic does not know of a factor.
    """
    columns = np.zeros((len(sliced.cluster_names), 1 + n_groups))
    cells = sliced.clusters[sliced.outcome], 1 + number
    np.add.at(columns, cells, sliced.values[:, 1] - sliced.values[:, 0])
    pairs = np.stack([1 + np.arange(n_groups), np.zeros(n_groups)], axis=1).astype(np.intp)
    return Panel(columns, np.zeros_like(columns), len(number)), pairs


@dataclass(frozen=True, slots=True)
class Flip:
    """An item that one of two runs has right and the other has not."""

    id: str
    cluster: str
    group: str
    a: float
    b: float
    gained: bool
    """Whether b does better; else a does."""


def flips_of(comparison: Comparison) -> tuple[Flip, ...]:
    """The items gained, then those lost, in the order of the items.

    A group is that of ``by``, or what the metric groups by.
    """
    metric = comparison.metric
    by = comparison.by or metric.by
    plain = replace(metric, by=by, leave_out=frozenset(), at_least=1)
    return flips_in(side_by_side([comparison.a, comparison.b], plain, ties=comparison.ties))


def flips_in(both: SideBySide) -> tuple[Flip, ...]:
    """The items that the second of two runs gains, then those that it loses."""
    found = []
    for unit in np.flatnonzero(both.values[:, 0] != both.values[:, 1]):
        outcome = both.runs[0].outcomes[both.outcome[unit]]
        one, two = both.values[unit].tolist()
        gained = both.sign * (two - one) > 0
        found.append(Flip(outcome.id, outcome.cluster, both.groups[unit], one, two, gained))
    return tuple(sorted(found, key=lambda each: not each.gained))
