"""The scorecard of a run: each published definition of its score, with intervals and counts."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from benchbench.analysis import Result
from benchbench.analysis.debiasing import with_debiased
from benchbench.analysis.packaged_audits import SLICE, TIES, above_blind, blind_group_tag, sliced
from benchbench.analysis.paired import require_scores, tags_of, task_of, unknown_tag_error
from benchbench.analysis.parity import far_from_print
from benchbench.analysis.reliability import is_heavy, rare_groups, rare_share
from benchbench.editions import kind_of
from benchbench.protocols import load_protocol
from benchbench.protocols.choices import count_choices
from benchbench.protocols.reading import Judge, Units, number_labels, read_units
from benchbench.stats import intervals, mean_over_groups, median_over_items
from benchbench.stats.bootstrap import RESAMPLES
from benchbench.types import Estimate, MatchingOutcome
from benchbench.types.runs import FORCED_CHOICE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchbench.analysis.parity import Compared
    from benchbench.protocols.protocol import Protocol
    from benchbench.stats import Mean, Median, Method
    from benchbench.stats.intervals import Kind
    from benchbench.types import Metric, Outcome, Run, Statistic, Task, TaskInfo, Ties
    from benchbench.types.arrays import Floats, Indices


LEVEL = 0.95
MIN_FREQUENT = 25
"""Items that a group needs for the further mean, over frequent groups alone."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a scorecard."""

    name: str
    """The name of the metric, or of the group."""
    estimate: Estimate
    """In [0, 1], or a rank from 1; NaN throughout if no item is left, low and high alone if
    there are fewer than ten clusters."""
    chance: float
    """Expected score of random guesses."""
    ties: Ties
    meaning: str
    """The things that the mean is over; for a group, the metrics that leave it out."""
    rare_share: float = 0.0
    """Weight of groups of fewer than ten clusters, in [0, 1]."""
    tied: int = 0
    """Units that the tie rule decides."""
    is_rank: bool = False
    """Whether scores are ranks from 1, of which lower is better; otherwise shares."""
    statistic: Statistic = "mean"
    measure: str = "accuracy"
    """``Metric.measure``."""
    above_blind: float = math.nan
    """The score minus that of the best text-only model, or chance if that is higher; NaN unless an
    audit of the edition is packaged (``analysis.packaged_audits``)."""

    @property
    def kind(self) -> Kind:
        """The kind of number, on which its interval depends."""
        if self.statistic == "median":
            return "median"
        return "mean" if self.is_rank else "share"

    @property
    def unreliable(self) -> bool:
        """Whether rare groups carry so much that the interval is unreliable."""
        return is_heavy(self.rare_share)


@dataclass(frozen=True, slots=True)
class Scorecard(Result):
    """A run's score by every metric of its task, and what was counted."""

    run: Run
    task: TaskInfo
    headline: Row
    metrics: tuple[Row, ...]
    """The headline first."""
    by: str | None
    groups: tuple[Row, ...]
    """The slices that ``by`` makes, the largest first."""
    ties: int
    """Units of the headline that the tie rule decides."""
    judged: int
    """Units of the headline, before it leaves any group out."""
    counted: tuple[str, ...]
    """Further counts of the protocol: ``3 no-op negatives``."""
    remarks: tuple[str, ...]
    """The protocol's remarks on these outcomes."""
    resamples: int
    interval: Method
    rare: tuple[str, ...] = ()
    """Groups of the headline in fewer than ten clusters."""
    too_short: tuple[tuple[Metric, int], ...] = ()
    """Metrics without a value, because their K is more than half of the shortest list that was
    searched; with the candidates in that list."""
    untagged: tuple[tuple[Metric, tuple[str, ...]], ...] = ()
    """Metrics that are left out because no item has their tags; with these tags."""
    far: tuple[Compared, ...] = ()
    """Published figures of the same model that the run is further than two standard errors from."""


def scorecard(
    run: Run,
    *,
    task: Task | None = None,
    ties: Ties = "wrong",
    by: str | None = None,
    interval: Method = "auto",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Scorecard:
    """Read a run by every metric of its task.

    Args:
        run: a run of ``evaluate`` or ``read_run``.
        task: the task with the metrics; by default the installed task of that name.
        ties: the rule for metrics whose publication fixes none.
        by: a tag to slice by (``relation``); or ``blind``: whether a text-only model of the
            packaged audit is right on the item.
        interval: the kind (``stats.interval``).
        resamples: bootstrap draws of clusters, where any are needed.
        seed: the seed of the draws.

    Raises:
        UsageError: the task is another one or has changed since, no item has the tag ``by``, or
            ``interval`` is Wilson's if items are not independent.
    """
    plain = task_of(run, task)
    info = with_debiased(plain, [run])
    run = sliced(run) if by == SLICE and SLICE not in tags_of(run) else run
    protocol = load_protocol(run.protocol)
    shown, first = readable_metrics(run, info, ties)
    _, clusters = number_labels([o.cluster for o in run.outcomes])
    judge = Judge(protocol, run.outcomes)
    metrics = [_read_metric(judge, metric, ties, clusters) for metric in shown]
    metrics += _frequent_groups(judge, first, metrics, ties, clusters)
    slices = _read_slices(judge, run, by, ties, clusters, info) if by is not None else []
    everything = metrics + slices
    bounds = intervals(
        [read.value for read in everything], LEVEL, of_share=[not r.is_rank for r in everything],
        method=interval, resamples=resamples, seed=seed,
    )  # fmt: skip
    rows = [read.row(*each) for read, each in zip(everything, bounds, strict=True)]
    own = TIES if first.ties else ties
    of_metrics = [_with_blind(row, run, own, row.name) for row in rows[: len(metrics)]]
    of_slices = rows[len(metrics) :]
    if by is not None and by == blind_group_tag(run):
        of_slices = [_with_blind(row, run, ties, first.name, row.name) for row in of_slices]
    units = judge.units(first, ties)
    tied, judged = judge.tied(replace(first, by=None, at_least=1, leave_out=frozenset()))
    headline = next(row for row in of_metrics if row.name == first.name)
    return Scorecard(
        run=run,
        task=info,
        headline=headline,
        metrics=(headline, *(row for row in of_metrics if row is not headline)),
        by=by,
        groups=tuple(sorted(of_slices, key=lambda row: (-row.estimate.n_items, row.name))),
        ties=tied,
        judged=judged,
        counted=(*protocol.counted(run.outcomes), *_choices(run)),
        remarks=tuple(protocol.remarks(run.outcomes, shown)),
        resamples=resamples,
        interval=interval,
        rare=rare_groups(units.groups, units.outcome.tolist(), clusters),
        too_short=tuple(
            (metric, read.too_short)
            for metric, read in zip(shown, metrics, strict=False)
            if read.too_short
        ),
        untagged=untagged_metrics(run, info),
        far=far_from_print(run, plain),
    )


def _choices(run: Run) -> tuple[str, ...]:
    """Return how forced choices came out; empty for other runs."""
    chosen = [o for o in run.outcomes if isinstance(o, MatchingOutcome)]
    return tuple(count_choices(chosen)) if chosen and run.settings.get(FORCED_CHOICE) else ()


def _with_blind(row: Row, run: Run, ties: Ties, metric: str, group: str | None = None) -> Row:
    """Return a row with its score above that of the best text-only model."""
    above = above_blind(run, metric, row.estimate.value, row.chance, group, ties=ties)
    return replace(row, above_blind=above)


def readable_metrics(run: Run, info: TaskInfo, ties: Ties) -> tuple[tuple[Metric, ...], Metric]:
    """Return the metrics by which a run can be read, and its edition's headline metric.

    Metrics over an optional tag that the edition's items lack are left out. A run of decisions
    alone has no scores that could tie, and is read by metrics that count ties as wrong.

    Raises:
        UsageError: the run has only decisions, and ``ties`` is not "wrong".
    """
    shown, headline = info.shown(kind_of(run.edition).name)
    left_out = {metric for metric, _ in untagged_metrics(run, info)}
    shown = tuple(metric for metric in shown if metric not in left_out)
    if any(metric.ties is None for metric in shown):
        require_scores(run, ties)
    if run.decisions_only:
        shown = tuple(metric for metric in shown if metric.ties in (None, "wrong"))
    return shown, headline


def _frequent_groups(
    judge: Judge, headline: Metric, metrics: Sequence[_Score], ties: Ties, clusters: Indices
) -> list[_Score]:
    """Return the headline over frequent groups alone, where rare ones make it unreliable."""
    read = next(each for each in metrics if each.name == headline.name)
    if not is_heavy(rare_share(read.value)) or headline.at_least >= MIN_FREQUENT:
        return []
    metric = replace(headline, name=f"{headline.name}≥{MIN_FREQUENT}", at_least=MIN_FREQUENT)
    frequent = _read_metric(judge, metric, ties, clusters)
    return [frequent] if frequent.value.n_items else []


@dataclass(frozen=True, slots=True)
class _Score:
    """A mean or a median, before its interval is known."""

    name: str
    meaning: str
    ties: Ties
    value: Mean | Median
    chance: float
    is_rank: bool
    statistic: Statistic = "mean"
    measure: str = "accuracy"
    too_short: int = 0
    """Candidates in the shortest list, where that leaves the metric without a value."""
    tied: int = 0

    def row(self, low: float, high: float) -> Row:
        """Return the row, given the statistic's interval."""
        value = self.value
        low = max(1.0, low) if self.is_rank else low
        return Row(
            name=self.name,
            estimate=Estimate(value.value, low, high, LEVEL, value.n_items, value.n_clusters),
            chance=self.chance,
            ties=self.ties,
            meaning=self.meaning,
            rare_share=rare_share(value),
            tied=self.tied,
            is_rank=self.is_rank,
            statistic=self.statistic,
            measure=self.measure,
        )


def _read_metric(judge: Judge, metric: Metric, ties: Ties, clusters: Indices) -> _Score:
    units = judge.units(metric, ties)
    value = _statistic(units, units.values, metric, clusters)
    meaning = f"{value.n_groups} {metric.meaning}" if metric.by else metric.meaning
    return _Score(
        name=metric.name,
        meaning=meaning,
        ties=metric.ties or ties,
        value=value,
        chance=_statistic(units, units.chance, metric, clusters).value,
        is_rank=metric.reading == "rank",
        statistic=metric.statistic,
        measure=metric.measure,
        too_short=units.too_short,
        tied=judge.tied(metric)[0],
    )


def chance_of(protocol: Protocol, outcomes: Sequence[Outcome], metric: Metric) -> float:
    """Return the expected score of random guesses by a metric; NaN if nothing is judged."""
    units = read_units(protocol, outcomes, metric, "wrong")
    return _statistic(units, units.chance, metric, np.arange(len(outcomes))).value


def _statistic(units: Units, values: Floats, metric: Metric, clusters: Indices) -> Mean | Median:
    """Return the metric's statistic of some values, [units]; ``clusters`` are of outcomes."""
    of_units, total = clusters[units.outcome], int(clusters.max(initial=-1)) + 1
    if metric.statistic == "median":
        return median_over_items(values, of_units, total)
    _, groups = number_labels(units.groups)
    return mean_over_groups(values, groups, of_units, total=total, absent=units.absent)


def untagged_metrics(run: Run, info: TaskInfo) -> tuple[tuple[Metric, tuple[str, ...]], ...]:
    """Return the metrics over tags that no item of a run has, with these; never the headline."""
    shown, headline = info.shown(kind_of(run.edition).name)
    there = tags_of(run)
    found = []
    for metric in shown:
        used = {tag for tag, _ in metric.only} | ({metric.by} if metric.by else set())
        if metric is not headline and used - there:
            found.append((metric, tuple(sorted(used - there))))
    return tuple(found)


def _read_slices(
    judge: Judge, run: Run, by: str, ties: Ties, clusters: Indices, info: TaskInfo
) -> list[_Score]:
    """Return the headline within each group of a tag, ties counted as the caller says.

    A judgement of all items together (an area) keeps its metric's rule, without which it is not
    the number of that name.

    Raises:
        UsageError: no item has the tag, or the run has decisions alone and no scores for the rule.
    """
    require_scores(run, ties)
    _, headline = info.shown(kind_of(run.edition).name)
    own = headline.ties if headline.judgement in judge.protocol.pooled else None
    metric = replace(headline, by=by, leave_out=frozenset(), at_least=1, ties=own)
    units = judge.units(metric, ties)
    if not len(units.values) and not units.too_short:
        raise unknown_tag_error(run, by)
    reads = []
    for label in sorted(set(units.groups)):
        part = _units_of_group(units, label)
        value = _statistic(part, part.values, metric, clusters)
        chance = _statistic(part, part.chance, metric, clusters).value
        out_of = [m.name for m in info.metrics if m.by == by and label in m.leave_out]
        meaning = f"not in {', '.join(out_of)}" if out_of else ""
        is_rank = metric.reading == "rank"
        reads.append(
            _Score(
                label,
                meaning,
                own or ties,
                value,
                chance,
                is_rank,
                metric.statistic,
                metric.measure,
            )
        )
    return reads


def _units_of_group(units: Units, label: str) -> Units:
    kept = np.array([group == label for group in units.groups], dtype=bool)
    groups = [label] * int(kept.sum())
    return Units(units.values[kept], units.chance[kept], units.outcome[kept], groups)
