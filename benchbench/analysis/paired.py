"""Runs of the same items, read by one metric, side by side."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from benchbench.errors import NotComparable, UsageError
from benchbench.printable import sentence
from benchbench.protocols import load_protocol
from benchbench.protocols.reading import read_units
from benchbench.registry import load_task
from benchbench.stats import panel
from benchbench.stats.means import lay_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy.typing as npt

    from benchbench.protocols.reading import Units
    from benchbench.stats import Mean, Panel
    from benchbench.stats.means import Layout
    from benchbench.types import Metric, Run, Task, TaskInfo, Ties

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.intp]

CONDITIONS: Mapping[str, str] = {
    "task": "task",
    "task_version": "version of the task",
    "protocol": "protocol",
    "edition": "edition",
    "data_sha256": "digest of annotations and images",
}
"""Attributes of runs that must be equal, and how to say so."""
CIRCUMSTANCES = ("precision", "device")
"""Settings that may move a score by a little."""


@dataclass(frozen=True, slots=True)
class SideBySide:
    """What a metric reads of several runs; arrays are over the things that it judges."""

    runs: tuple[Run, ...]
    metric: Metric
    ties: Ties
    values: Floats
    """[units, runs]"""
    chance: Floats
    """[units]: what guessing earns."""
    outcome: Integers
    """[units]: which item each is of."""
    groups: tuple[str, ...]
    """[units]: what the metric groups by; all "" where it does not."""
    absent: int
    """Groups without a unit that count 0."""
    clusters: Integers
    """[items]"""
    cluster_names: tuple[str, ...]
    """Global names of source images."""

    @property
    def sign(self) -> int:
        """1 where more is better, −1 where less is: places from 1."""
        return -1 if self.metric.reading == "rank" else 1

    @property
    def is_mean(self) -> bool:
        """Whether the metric is a mean of what is judged, or of groups of it."""
        return self.metric.statistic == "mean"

    def panel(self) -> Panel:
        """What each cluster contributes to each run's mean."""
        total = len(self.cluster_names)
        of_units = self.clusters[self.outcome]
        return panel(self.values, self.numbered(), of_units, total=total, absent=self.absent)

    def means(self) -> list[Mean]:
        """Each run's mean."""
        layout = self._layout()
        return [layout.mean(column) for column in self.values.T]

    def mean(self, values: Floats) -> Mean:
        """The metric's mean of other values of what it judges: [units]."""
        return self._layout().mean(values)

    def _layout(self) -> Layout:
        of_units, total = self.clusters[self.outcome], len(self.cluster_names)
        return lay_out(self.numbered(), of_units, total=total, absent=self.absent)

    def part(self, kept: npt.NDArray[np.bool_]) -> SideBySide:
        """Some of what is judged, [units], as one group."""
        return replace(
            self,
            values=self.values[kept],
            chance=self.chance[kept],
            outcome=self.outcome[kept],
            groups=("",) * int(kept.sum()),
            absent=0,
        )

    def numbered(self) -> Integers:
        """[units]: groups by number."""
        return np.unique(np.array(self.groups, dtype=str), return_inverse=True)[1].astype(np.intp)

    def guessing(self) -> float:
        """What guessing earns."""
        groups = self.numbered()
        means = np.bincount(groups, self.chance) / np.bincount(groups)
        return float(means.sum() / (len(means) + self.absent))


def side_by_side(
    runs: Sequence[Run], metric: Metric | str | None = None, *, ties: Ties = "wrong"
) -> SideBySide:
    """Read runs of the same items by one metric.

    Args:
        runs: one a model.
        metric: of their task, or its name; by default the headline.
        ties: the rule, where the metric fixes none.

    Raises:
        UsageError: no run; runs that do not compare, with all in which they differ; no such metric,
            or one that reads nothing of these items.
    """
    if not runs:
        raise UsageError("There is no run to be read.")
    if apart := [line for other in runs[1:] for line in differences(runs[0], other)]:
        raise NotComparable(f"These runs do not compare: {'; '.join(dict.fromkeys(apart))}.")
    task_of(runs[0])
    chosen = metric_of(runs[0], metric)
    protocol = load_protocol(runs[0].protocol)
    read = [read_units(protocol, run.outcomes, chosen, ties) for run in runs]
    first = read[0]
    _check_same(read, runs, chosen)
    names, clusters = np.unique([o.cluster for o in runs[0].outcomes], return_inverse=True)
    return SideBySide(
        runs=tuple(runs),
        metric=chosen,
        ties=chosen.ties or ties,
        values=np.stack([each.values for each in read], axis=1),
        chance=first.chance,
        outcome=first.outcome,
        groups=tuple(first.groups),
        absent=first.absent,
        clusters=clusters.astype(np.intp),
        cluster_names=tuple(names.tolist()),
    )


def task_of(run: Run, task: Task | None = None) -> TaskInfo:
    """The task that a run is of, by default the installed one.

    Raises:
        UsageError: it is another task, or another version of it.
    """
    info = (task or load_task(run.task)).info
    if info.name != run.task:
        raise UsageError(f"The run is of {run.task}, not of {info.name}.")
    if info.protocol != run.protocol:
        raise UsageError(
            f"The run of {run.task} is of the {run.protocol} protocol, the task of {info.protocol}."
        )
    if info.version != run.task_version:
        raise UsageError(
            f"The run is of {run.task} version {run.task_version}; installed is version "
            f"{info.version}, whose items differ. Evaluate again, or install the benchbench that "
            f"made it ({run.environment.get('benchbench', 'unknown')})."
        )
    return info


def no_such_tag(run: Run, tag: str) -> UsageError:
    """What to say where no item has a tag."""
    protocol = load_protocol(run.protocol)
    tags = {name for o in run.outcomes for name in o.tags} | protocol.event_tags
    return UsageError(
        f"No item of {run.task} has the tag '{tag}'. Tags: {', '.join(sorted(tags)) or 'none'}."
    )


def circumstances(runs: Sequence[Run]) -> Iterator[str]:
    """In what the runs differ beside their models: a warning for each."""
    for name in CIRCUMSTANCES:
        of: dict[str, list[str]] = {}
        for run in runs:
            of.setdefault(str(run.settings.get(name)), []).append(run.model.name)
        if len(of) > 1:
            said = "; ".join(f"{value}: {', '.join(names)}" for value, names in of.items())
            yield sentence(f"UNLIKE: {name} differs, and scores may differ for that alone. {said}.")


def metric_of(run: Run, metric: Metric | str | None) -> Metric:
    """A metric of a run's task: itself, by name, or the headline.

    Raises:
        UsageError: the task has none of that name.
    """
    info = load_task(run.task).info
    shown, headline = info.shown(drawn=run.drawn)
    if metric is None:
        return headline
    if not isinstance(metric, str):
        return metric
    for each in shown:
        if each.name == metric:
            return each
    there = ", ".join(each.name for each in shown)
    raise UsageError(f"{run.task}@{run.edition} has no metric '{metric}'. There are: {there}.")


def differences(a: Run, b: Run) -> list[str]:
    """Why two runs do not compare; nothing where they do."""
    found = [
        f"{said}: {_short(getattr(a, name))} of {a.model.name}, "
        f"{_short(getattr(b, name))} of {b.model.name}"
        for name, said in CONDITIONS.items()
        if getattr(a, name) != getattr(b, name)
    ]
    if a.task != b.task:
        return found
    one, two = ({o.id for o in run.outcomes} for run in (a, b))
    for more, less, owner in ((one, two, a), (two, one, b)):
        if extra := sorted(more - less):
            some = ", ".join(extra[:3]) + (", …" if len(extra) > 3 else "")
            found.append(f"items of {owner.model.name} alone: {len(extra):,} ({some})")
    if not found and [o.id for o in a.outcomes] != [o.id for o in b.outcomes]:
        found.append("the order of the items")
    return found


def _short(value: object) -> str:
    return str(value)[:12] if isinstance(value, str) and len(value) == 64 else str(value)


def _check_same(read: Sequence[Units], runs: Sequence[Run], metric: Metric) -> None:
    first = read[0]
    if not len(first.values):
        raise UsageError(f"{metric.name} reads nothing of {runs[0].task}@{runs[0].edition}.")
    for each, run in zip(read[1:], runs[1:], strict=True):
        same = list(each.groups) == list(first.groups)
        if not same or not np.array_equal(each.outcome, first.outcome):
            raise NotComparable(
                f"These runs do not compare by {metric.name}: it reads other items of "
                f"{run.model.name} than of {runs[0].model.name}."
            )
