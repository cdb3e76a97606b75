"""Two runs of the same items: which is better, by how much, how sure that is, and on what."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from benchbench.reports.sidebyside import side_by_side
from benchbench.stats import (
    Panel,
    bootstrap_draws,
    detectable,
    expanded_percentiles,
    flip,
    interval,
    label_swap_p,
    mcnemar,
    mean_over_groups,
    median_over_items,
    needed,
    step_down,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    from benchbench.reports.sidebyside import SideBySide
    from benchbench.types import Metric, Run, Ties

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.intp]

LEVEL = 0.95
FLIPS = 100_000
"""Draws of signs for a single comparison."""


@dataclass(frozen=True, slots=True)
class Change:
    """How much higher b's score is than a's."""

    name: str
    """Of the metric, or of a group."""
    a: float
    b: float
    low: float
    """Of b − a."""
    high: float
    p_value: float
    """Two-sided."""
    p_adjusted: float
    """For the number of groups; of the whole metric the p-value itself."""
    gained: int
    """What b has right and a has not."""
    lost: int
    n_items: int
    n_clusters: int

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
    whole: Change
    by: str | None
    groups: tuple[Change, ...]
    """The largest first."""
    test: str
    """What the p-value is of."""
    effect: float
    """The mean of the clusters' differences in their own standard deviations (Cohen's d of pairs);
    NaN where the metric is no mean."""
    least: float
    """The true difference that such items find in four of five tries; NaN where it is no mean."""
    items_needed: int
    """For the observed difference; 0 where there is none, or the metric is no mean."""

    @property
    def sure(self) -> bool:
        """Whether the difference is more than chance, at 1 − level."""
        return self.whole.p_value < 1 - self.level

    def __str__(self) -> str:
        """The comparison as a terminal shows it."""
        from benchbench.reports.changes import render

        return render(self)


def compare(
    a: Run,
    b: Run,
    metric: Metric | str | None = None,
    *,
    by: str | None = None,
    ties: Ties = "wrong",
    level: float = LEVEL,
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
        seed: of all draws.

    Raises:
        UsageError: they do not compare, with all in which they differ.
    """
    both = side_by_side([a, b], metric, ties=ties)
    p_value, test = _tested(both, seed)
    whole = _change(both, both.metric.name, p_value, level, seed)
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
        whole=whole,
        by=by,
        groups=_sliced(a, b, both, by, level, seed) if by is not None else (),
        test=test,
        effect=effect,
        least=least,
        items_needed=wanted,
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


def _change(both: SideBySide, name: str, p_value: float, level: float, seed: int) -> Change:
    """The metric of both runs and its difference with an interval."""
    one, two = both.values.T
    clusters, total = both.clusters[both.outcome], len(both.cluster_names)
    if both.is_mean:
        _, groups = np.unique(np.array(both.groups, dtype=str), return_inverse=True)
        how = {"total": total, "absent": both.absent}
        a, b, apart = (
            mean_over_groups(v, groups.astype(np.intp), clusters, **how)
            for v in (one, two, two - one)
        )
        low, high = interval(apart, bootstrap_draws([apart], seed=seed)[:, 0], level)
        n_items, n_clusters, values = apart.n_items, apart.n_clusters, (a.value, b.value)
    else:
        medians = [median_over_items(v, clusters, total) for v in (one, two)]
        drawn = bootstrap_draws(medians, seed=seed)
        n_items, n_clusters = medians[0].n_items, medians[0].n_clusters
        low, high = expanded_percentiles(drawn[:, 1] - drawn[:, 0], n_clusters, level)
        values = medians[0].value, medians[1].value
    return Change(
        name=name,
        a=values[0],
        b=values[1],
        low=low,
        high=high,
        p_value=p_value,
        p_adjusted=p_value,
        gained=int((two > one).sum()),
        lost=int((two < one).sum()),
        n_items=n_items,
        n_clusters=n_clusters,
    )


def _sizes(both: SideBySide, whole: Change, level: float) -> tuple[float, float, int]:
    """Effect size, the least difference to be found, and the items that this one would take."""
    table = both.panel()
    apart = table.contributions[:, 1] - table.contributions[:, 0]
    spread = float(np.std(apart, ddof=1)) if len(apart) > 1 else 0.0
    effect = float(apart.mean() / spread) if spread else 0.0
    error = float(table.standard_errors(table.pairs())[0])
    alpha = 1 - level
    least = detectable(error, alpha=alpha)
    found = abs(whole.difference) > 1e-12 and error > 0
    wanted = needed(whole.difference, error, whole.n_items, alpha=alpha) if found else 0
    return effect, least, wanted


def _sliced(
    a: Run, b: Run, both: SideBySide, by: str, level: float, seed: int
) -> tuple[Change, ...]:
    """The difference within each group that a tag makes, p-values adjusted for their number."""
    metric = replace(both.metric, by=by, leave_out=frozenset(), at_least=1, statistic="mean")
    sliced = side_by_side([a, b], metric, ties=both.ties)
    names, number = np.unique(np.array(sliced.groups, dtype=str), return_inverse=True)
    clusters, total = sliced.clusters[sliced.outcome], len(sliced.cluster_names)
    columns = [
        np.bincount(clusters[number == g], sliced.values[number == g, model], total)
        for g in range(len(names))
        for model in range(2)
    ]
    # Sums, not means: a flip's statistic does not know of a factor.
    table = Panel(np.stack(columns, axis=1), np.zeros((total, len(columns))), len(number))
    pairs = np.arange(2 * len(names), dtype=np.intp).reshape(-1, 2)
    flips = flip(table, pairs, seed=seed)
    raw, adjusted = flips.p_values(), step_down(flips)
    found = [
        replace(
            _change(_of_group(sliced, number == g), str(name), raw[g], level, seed),
            p_adjusted=float(adjusted[g]),
        )
        for g, name in enumerate(names)
    ]
    return tuple(sorted(found, key=lambda each: (-each.n_items, each.name)))


def _of_group(both: SideBySide, kept: npt.NDArray[np.bool_]) -> SideBySide:
    return replace(
        both,
        values=both.values[kept],
        chance=both.chance[kept],
        outcome=both.outcome[kept],
        groups=("",) * int(kept.sum()),
        absent=0,
    )


@dataclass(frozen=True, slots=True)
class Flip:
    """An item that one of two runs has right and the other has not."""

    id: str
    cluster: str
    group: str
    a: float
    b: float


def flips_of(comparison: Comparison) -> tuple[Flip, ...]:
    """The items gained, then those lost, in the order of the items.

    A group is that of ``by``, or what the metric groups by.
    """
    metric = comparison.metric
    by = comparison.by or metric.by
    plain = replace(metric, by=by, leave_out=frozenset(), at_least=1)
    both = side_by_side([comparison.a, comparison.b], plain, ties=comparison.ties)
    found = []
    for unit in np.flatnonzero(both.values[:, 0] != both.values[:, 1]):
        outcome = comparison.a.outcomes[both.outcome[unit]]
        one, two = both.values[unit].tolist()
        found.append(Flip(outcome.id, outcome.cluster, both.groups[unit], one, two))
    return tuple(sorted(found, key=lambda each: each.b < each.a))
