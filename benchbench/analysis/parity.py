"""What published harnesses would print from a run's scores, beside what is in print.

A figure is compared with the run's own value by the figure's definition, whose standard error
counts source images. The reasons that could explain a difference are checked one by one, as far as
the run's manifest and the publication tell.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from benchbench.analysis import Result
from benchbench.analysis.paired import task_of
from benchbench.analysis.quoting import figures_of, model_named
from benchbench.data.published.figure import published_figures
from benchbench.editions import kind_of
from benchbench.protocols import load_protocol
from benchbench.protocols.matching import first_wins
from benchbench.protocols.reading import Judge
from benchbench.stats import mean_over_groups
from benchbench.stats.means import FEW_CLUSTERS
from benchbench.types import MatchingOutcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchbench.data.published.figure import Figure, PublishedModel
    from benchbench.stats import Mean
    from benchbench.types import Harness, Metric, Run, Task, TaskInfo, Ties
    from benchbench.types.arrays import Indices

FAR = 2.0
"""Standard errors beyond which a run is far from print."""
State = Literal["found", "excluded", "unknown"]
Cause = Literal["edition", "items", "definition", "average", "ties", "activation", "crop",
                "precision"]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Printed:
    """A number that a harness would print."""

    harness: Harness
    group: str
    """Of the tag that it prints by; empty where it prints one number."""
    value: float
    """NaN where decisions without scores do not tell it."""
    n_items: int
    n_groups: int
    tied: int
    """Items whose scores tie, so that the harness's tie rule decides them."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A possible reason for a difference, checked."""

    cause: Cause
    state: State
    here: str = ""
    """What the run has."""
    there: str = ""
    """What the figure has."""
    value: float = float("nan")
    """The run's value by the figure's rule, where that is what was checked."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A published figure beside the run's value by its definition."""

    figure: Figure
    here: float
    """NaN where decisions without scores do not tell it."""
    standard_error: float
    n_clusters: int
    reasons: tuple[Reason, ...] = ()
    """Empty where there is no difference beyond rounding."""

    @property
    def difference(self) -> float:
        """Return here minus print."""
        return self.here - self.figure.share

    @property
    def is_equal(self) -> bool:
        """Return whether it would be printed like the figure: rounded, or cut."""
        return _is_printed_as(self.figure, self.here)

    @property
    def is_far(self) -> bool:
        """Return whether all values that print like the figure are over two standard errors away.

        Never so below ten clusters, where standard errors mean little.
        """
        if self.n_clusters < FEW_CLUSTERS or self.is_equal:
            return False
        gap = min(abs(self.here - bound) for bound in self.figure.bounds)
        return gap > FAR * self.standard_error


@dataclass(frozen=True, slots=True)
class Parity(Result):
    """A run beside published harnesses and figures."""

    run: Run
    task: TaskInfo
    model: PublishedModel | None
    """The published model of the same weights; None where none is known."""
    printed: tuple[Printed, ...]
    compared: tuple[Compared, ...]


def parity(
    run: Run,
    *,
    task: Task | None = None,
    figures: Sequence[Figure] | None = None,
    published_as: str = "",
) -> Parity:
    """Return what published harnesses would print, and what is in print of the same model.

    Args:
        run: of ``evaluate`` or ``read_run``.
        task: with the metrics and harnesses; by default the installed task of that name.
        figures: published ones; by default those of the package.
        published_as: the key of the published model of these weights, where the run's name does not
            tell.

    Raises:
        UsageError: the task is another one or has changed since, there is no such model, or a
            figure is of a metric that the task does not have.
    """
    info = task_of(run, task)
    there = published_figures() if figures is None else figures
    model = model_named(there, run.model.name, published_as)
    of_task = figures_of(there, info)
    reader = _Reader(run, info)
    return Parity(
        run=run,
        task=info,
        model=model,
        printed=tuple(each for harness in info.harnesses for each in reader.printed(harness)),
        compared=tuple(reader.compared(each) for each in of_task if each.model == model),
    )


def far_from_print(run: Run, info: TaskInfo) -> tuple[Compared, ...]:
    """Return the figures of the run's model that it is more than two standard errors away from.

    Only figures of the run's edition and of the same definition count, and only whole runs.
    """
    if run.partial or run.counts.skipped:
        return ()
    there = published_figures()
    model = model_named(there, run.model.name)
    reader = _Reader(run, info)
    same = [
        each
        for each in there
        if model is not None
        and (each.model, each.task) == (model, run.task)
        and run.edition in each.editions
        and not each.differs
    ]
    return tuple(each for each in map(reader.compared, same) if each.is_far)


@dataclass(frozen=True)
class _Reader:
    """A run, read by several definitions."""

    run: Run
    info: TaskInfo

    @cached_property
    def _clusters(self) -> Indices:
        names = [outcome.cluster for outcome in self.run.outcomes]
        return np.unique(names, return_inverse=True)[1].astype(np.intp)

    @cached_property
    def _judge(self) -> Judge:
        return Judge(load_protocol(self.run.protocol), self.run.outcomes)

    @cached_property
    def _first_wins(self) -> Judge:
        """Return the judge of outcomes in which the first of equal scores wins."""
        outcomes = [
            first_wins(each) for each in self.run.outcomes if isinstance(each, MatchingOutcome)
        ]
        return Judge(load_protocol(self.run.protocol), outcomes)

    def mean(self, metric: Metric, ties: Ties = "wrong", *, first: bool = False) -> Mean:
        """Return the run's mean by a metric; its value is NaN where only scores would tell it."""
        if self.run.decisions_only and (first or (metric.ties or ties) != "wrong"):
            nothing = np.zeros(0, dtype=np.intp)
            return mean_over_groups(np.zeros(0), nothing, nothing)
        units = (self._first_wins if first else self._judge).units(metric, ties)
        number = np.unique(np.array(units.groups, dtype=str), return_inverse=True)[1]
        clusters, total = self._clusters, int(self._clusters.max(initial=-1)) + 1
        return mean_over_groups(
            units.values, number.astype(np.intp), clusters[units.outcome], total=total,
            absent=units.absent,
        )  # fmt: skip

    def printed(self, harness: Harness) -> Iterator[Printed]:
        """Yield the number that a harness would print, or one per group."""
        groups = self._groups(harness.by) if self._tells(harness) else [""]
        for group in groups:
            metric = _within(harness.metric, harness.by if group else None, group)
            mean = self.mean(metric, first=harness.first_of_equals)
            tied = 0 if self.run.decisions_only else self._judge.tied(metric)[0]
            yield Printed(harness, group, mean.value, mean.n_items, mean.n_groups, tied)

    def _tells(self, harness: Harness) -> bool:
        """Return whether the run has all that a harness's number depends on."""
        strict = harness.metric.ties in (None, "wrong") and not harness.first_of_equals
        return strict or not self.run.decisions_only

    def _groups(self, by: str | None) -> list[str]:
        if by is None:
            return [""]
        return sorted({outcome.tags[by] for outcome in self.run.outcomes if by in outcome.tags})

    def compared(self, figure: Figure) -> Compared:
        """Return a figure beside the run's value by its definition."""
        metric, first = self._definition(figure)
        mean = self.mean(metric, first=first)
        found = Compared(figure, mean.value, mean.standard_error, mean.n_clusters)
        if np.isnan(mean.value) or found.is_equal:
            return found
        return replace(found, reasons=tuple(self._reasons(figure, metric)))

    def _definition(self, figure: Figure) -> tuple[Metric, bool]:
        """Return a figure's metric, and whether the first of equal scores wins."""
        metric = self.info.metric(figure.metric)
        of_harness = [
            each
            for each in self.info.harnesses
            if each.name == figure.harness
            and each.metric.judgement == metric.judgement
            and (each.by is None or each.by == figure.by)
        ]
        first = bool(of_harness) and of_harness[0].first_of_equals
        if of_harness:
            metric = of_harness[0].metric
        return _within(metric, figure.by or None, figure.group), first

    def _reasons(self, figure: Figure, metric: Metric) -> Iterator[Reason]:
        """Yield every reason, checked."""
        run = self.run
        yield _edition(run, figure)
        whole = not (run.partial or run.counts.skipped)
        items = f"{run.counts.items:,} of {run.counts.items_in_edition:,}"
        yield Reason("items", "excluded" if whole else "found", here=items)
        if figure.differs:
            yield Reason("definition", "found", there=figure.differs)
        yield self._average(figure, metric)
        yield self._ties(figure, metric)
        yield _activation(run, figure)
        yield from _crop(run, figure)
        precision = str(run.settings.get("precision", "unknown"))
        state: State = "unknown" if precision == "unknown" else "found"
        yield Reason("precision", "excluded" if precision == "fp32" else state, here=precision)

    def _average(self, figure: Figure, metric: Metric) -> Reason:
        """Return whether another average of the task is in print: the nearest one."""
        own = abs(self.mean(metric).value - figure.share)
        near: tuple[float, str, float] | None = None
        for other in self.info.shown(kind_of(self.run.edition).name)[0]:
            if (
                _average(other) == _average(metric)
                or other.judgement != metric.judgement
                or other.reading != "hit"
            ):
                continue
            narrowed = replace(_within(other, figure.by or None, figure.group), ties=metric.ties)
            value = self.mean(narrowed).value
            gap = abs(value - figure.share)
            if gap < own and (near is None or gap < near[0]):
                near = gap, other.meaning, value
        if near is None:
            return Reason("average", "excluded")
        state: State = "found" if _is_printed_as(figure, near[2]) else "excluded"
        return Reason("average", state, here=near[1], value=near[2])

    def _ties(self, figure: Figure, metric: Metric) -> Reason:
        """Return whether ties can explain the difference: the range that tie rules span."""
        if self.run.decisions_only:
            return Reason("ties", "unknown")
        low, high = (self.mean(replace(metric, ties=rule)).value for rule in ("wrong", "right"))
        reached = low < high and low <= figure.bounds[1] and figure.bounds[0] <= high
        return Reason("ties", "found" if reached else "excluded", value=high)


def _is_printed_as(figure: Figure, value: float) -> bool:
    low, high = figure.bounds
    return low <= value <= high


def _average(metric: Metric) -> tuple[object, ...]:
    """Return what distinguishes the averages of two metrics."""
    return metric.by, metric.leave_out, metric.at_least, metric.no_ops


def _within(metric: Metric, by: str | None, group: str) -> Metric:
    """Return a metric over the items of one group."""
    return metric if by is None else replace(metric, only=(*metric.only, (by, group)))


def _edition(run: Run, figure: Figure) -> Reason:
    there = " or ".join(figure.editions)
    if not figure.editions:
        return Reason("edition", "unknown", run.edition)
    state: State = "excluded" if run.edition in figure.editions else "found"
    return Reason("edition", state, run.edition, there)


def _activation(run: Run, figure: Figure) -> Reason:
    """Return whether the activation differs from the one that the figure was measured with."""
    here = run.model.activation.replace("_", "")
    there = figure.activation or figure.model.activation
    if "unknown" in here or not there:
        return Reason("activation", "unknown", here, there)
    return Reason("activation", "excluded" if here == there else "found", here, there)


def _crop(run: Run, figure: Figure) -> Iterator[Reason]:
    """Yield whether the model was shown crops here and whole images there, or the reverse.

    Nothing where it was shown whole images, and the source speaks of no crops.
    """
    here = "crops" if run.counts.pictures > run.counts.images else "whole images"
    if figure.images:
        yield Reason("crop", "excluded" if here == figure.images else "found", here, figure.images)
    elif here == "crops":
        yield Reason("crop", "unknown", here)
