"""Runs of several models on the same items: a check that they match, and their scores."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchbench.analysis.common_items import CommonItems, on_common_items
from benchbench.analysis.debiasing import with_debiased
from benchbench.editions import kind_of, plain_edition
from benchbench.errors import NotComparable, UsageError
from benchbench.protocols import load_protocol
from benchbench.protocols.reading import Judge, number_labels
from benchbench.registry import load_task
from benchbench.stats import panel
from benchbench.stats.means import build_layout

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchbench.protocols.reading import Units
    from benchbench.stats import Mean, Panel
    from benchbench.stats.means import Layout
    from benchbench.types import Metric, Run, Task, TaskInfo, Ties
    from benchbench.types.arrays import Flags, Floats, Indices


EQUAL_ATTRIBUTES: Mapping[str, str] = {
    "task": "task",
    "task_version": "version of the task",
    "protocol": "protocol",
    "edition": "edition",
    "data_sha256": "digest of annotations and images",
}
"""Attributes that must be equal in all runs → their names in an error."""
OF_THE_FILES = ("edition", "data_sha256")
"""The conditions that may differ between runs that are compared on their common items."""
REPORTED_SETTINGS = ("precision", "device")
"""Settings that may change a score slightly."""


@dataclass(frozen=True, eq=False)
class PairedScores:
    """The scores of several runs on the same items by one metric.

    A unit is what the metric scores: an item, or a part of one. Derived values are cached.
    """

    runs: tuple[Run, ...]
    metric: Metric
    ties: Ties
    values: Floats
    """[units, runs]"""
    chance: Floats
    """[units]: the expected value of a random guess."""
    outcome: Indices
    """[units]: index of each unit's item."""
    groups: tuple[str, ...]
    """[units]: the group of each; all "" if the metric has no groups."""
    absent: int
    """Number of groups without a unit; each counts as a score of 0."""
    clusters: Indices
    """[items]: index of each item's cluster in ``cluster_names``."""
    cluster_names: tuple[str, ...]
    """Names of source images, the same in all tasks."""

    @property
    def sign(self) -> int:
        """1 if higher is better, −1 if lower is better (ranks)."""
        return -1 if self.metric.reading == "rank" else 1

    @property
    def is_mean(self) -> bool:
        """Whether the metric is a mean over units, or over groups of them."""
        return self.metric.statistic == "mean"

    @property
    def group_names(self) -> list[str]:
        """The distinct groups, sorted."""
        return self._numbered[0]

    @property
    def group_number(self) -> Indices:
        """[units]: index of each unit's group in ``group_names``."""
        return self._numbered[1]

    @cached_property
    def _numbered(self) -> tuple[list[str], Indices]:
        return number_labels(self.groups)

    @cached_property
    def cluster(self) -> Indices:
        """[units]: index of each unit's source image."""
        return self.clusters[self.outcome]

    @cached_property
    def panel(self) -> Panel:
        """What each cluster contributes to each run's mean."""
        total = len(self.cluster_names)
        return panel(self.values, self.group_number, self.cluster, total=total, absent=self.absent)

    @cached_property
    def means(self) -> list[Mean]:
        """The mean of each run."""
        return [self._layout.mean(column) for column in self.values.T]

    def mean(self, values: Floats) -> Mean:
        """Return the metric's mean of other values of the same units: [units]."""
        return self._layout.mean(values)

    @cached_property
    def _layout(self) -> Layout:
        total = len(self.cluster_names)
        return build_layout(self.group_number, self.cluster, total=total, absent=self.absent)

    def part(self, kept: Flags) -> PairedScores:
        """Return the scores of the units that ``kept`` selects, [units] bool, as one group."""
        return replace(
            self,
            values=self.values[kept],
            chance=self.chance[kept],
            outcome=self.outcome[kept],
            groups=("",) * int(kept.sum()),
            absent=0,
        )

    def chance_level(self) -> float:
        """Return the expected score of random guesses."""
        groups = self.group_number
        means = np.bincount(groups, self.chance) / np.bincount(groups)
        return float(means.sum() / (len(means) + self.absent))


@dataclass(frozen=True, slots=True)
class Pairing:
    """Runs with the same items in the same order, which any metric can score."""

    runs: tuple[Run, ...]
    info: TaskInfo
    """The installed task."""
    judges: tuple[Judge, ...] = field(repr=False)
    """[runs]: each run's outcomes, judged once for all metrics with the same judgement."""
    clusters: Indices = field(repr=False)
    """[items]"""
    cluster_names: tuple[str, ...] = field(repr=False)
    common: CommonItems | None = None
    """Where runs of several editions are compared on the items that they share."""
    _known: dict[tuple[Metric, Ties], PairedScores] = field(default_factory=dict, repr=False)

    def metric(self, metric: Metric | str | None = None) -> Metric:
        """Return a metric of the task by name; None is the headline, a ``Metric`` is returned.

        Raises:
            UsageError: the task has no metric of that name.
        """
        shown, headline = self.info.shown(kind_of(self.runs[0].edition).name)
        if metric is None:
            return headline
        if not isinstance(metric, str):
            return metric
        for each in shown:
            if each.name == metric:
                return each
        there = ", ".join(each.name for each in shown)
        raise UsageError(
            f"{self.runs[0].task}@{self.runs[0].edition} has no metric '{metric}'. There are: "
            f"{there}."
        )

    def scores(self, metric: Metric | str | None = None, *, ties: Ties = "wrong") -> PairedScores:
        """Return these runs' scores by a metric; they are computed once.

        Args:
            metric: a metric of the task, or its name; by default the headline.
            ties: the tie rule, for metrics without one of their own.

        Raises:
            UsageError: there is no such metric, or it applies to none of these items.
            NotComparable: it applies to other items in one run than in another.
        """
        chosen = self.metric(metric)
        for run in self.runs:
            require_scores(run, chosen.ties or ties)
        if (chosen, ties) not in self._known:
            self._known[chosen, ties] = self._read(chosen, ties)
        return self._known[chosen, ties]

    def _read(self, metric: Metric, ties: Ties) -> PairedScores:
        read = [judge.units(metric, ties) for judge in self.judges]
        first = read[0]
        _check_same_units(read, self.runs, metric)
        return PairedScores(
            runs=self.runs,
            metric=metric,
            ties=metric.ties or ties,
            values=np.stack([each.values for each in read], axis=1),
            chance=first.chance,
            outcome=first.outcome,
            groups=tuple(first.groups),
            absent=first.absent,
            clusters=self.clusters,
            cluster_names=self.cluster_names,
        )


def pair_runs(
    runs: Sequence[Run], *, apart: Sequence[str] = (), common_items: bool = False
) -> Pairing:
    """Pair runs of the same items.

    Args:
        runs: one per model.
        apart: further differences to report, which the caller found.
        common_items: whether runs of several editions are paired on the items of equal content.

    Raises:
        UsageError: there is no run, or the installed task has another version; or the items of a
            run cannot be matched with another edition's.
        NotComparable: the runs differ; the message lists all differences.
    """
    if not runs:
        raise UsageError("No run was given. Name a run file, or a folder of run files.")
    compare = conditions_apart if common_items else differences
    found = [*(line for other in runs[1:] for line in compare(runs[0], other)), *apart]
    if found:
        raise NotComparable(_refused(found, runs))
    common = None
    if common_items:
        runs, common = on_common_items(runs)
    info = with_debiased(task_of(runs[0]), runs)
    protocol = load_protocol(runs[0].protocol)
    names, clusters = number_labels([o.cluster for o in runs[0].outcomes])
    return Pairing(
        runs=tuple(runs),
        info=info,
        judges=tuple(Judge(protocol, run.outcomes) for run in runs),
        clusters=clusters,
        cluster_names=tuple(names),
        common=common,
    )


def _refused(found: Sequence[str], runs: Sequence[Run]) -> str:
    """Return the error for runs that differ; it names the option where that would help."""
    kinds = {kind_of(run.edition).name for run in runs}
    files = {tuple(getattr(run, name) for name in OF_THE_FILES) for run in runs}
    several = len(files) > 1 and len({run.task for run in runs}) == 1
    hint = " On the items that are equal in both: --common-items." if several else ""
    editions = {run.edition for run in runs}
    if len(editions) > 1 and len({plain_edition(each) for each in editions}) == 1:
        hint = " Ways to show the same items are compared by benchbench sweep."
    lines = "; ".join(dict.fromkeys(found))
    return f"These runs do not compare: {lines}.{hint if len(kinds) == 1 else ''}"


def paired_scores(
    runs: Sequence[Run], metric: Metric | str | None = None, *, ties: Ties = "wrong"
) -> PairedScores:
    """Pair runs, and return their scores by one metric; see ``Pairing.scores``."""
    return pair_runs(runs).scores(metric, ties=ties)


def require_scores(run: Run, ties: Ties) -> None:
    """Check that a run has the scores that a tie rule needs.

    Raises:
        UsageError: it has only decisions, and the rule is not "wrong".
    """
    if run.decisions_only and ties != "wrong":
        raise UsageError(
            f"The run of {run.model.name} holds decisions without scores: which "
            f"scores were tied is unknown, so ties cannot count as {ties}. Leave --ties out, or "
            "use a metric that counts ties as wrong."
        )


def task_of(run: Run, task: Task | None = None) -> TaskInfo:
    """Return the task of a run, by default the installed one.

    Raises:
        UsageError: it is another task, or another version of it.
    """
    info = (task or load_task(run.task)).info
    if info.name != run.task:
        raise UsageError(f"The run is of {run.task}, not of {info.name}.")
    if info.protocol != run.protocol:
        raise UsageError(
            f"The run of {run.task} has the protocol {run.protocol}, the task {info.protocol}."
        )
    if info.version != run.task_version:
        raise UsageError(
            f"The run is of {run.task} version {run.task_version}; installed is version "
            f"{info.version}, whose items differ. Evaluate again, or install the benchbench that "
            f"made it ({run.environment.get('benchbench', 'unknown')})."
        )
    return info


def tags_of(run: Run) -> frozenset[str]:
    """Return the tags that a run's items, or the events in them, have."""
    return load_protocol(run.protocol).event_tags.union(*(o.tags for o in run.outcomes))


def unknown_tag_error(run: Run, tag: str) -> UsageError:
    """Return the error for a tag that no item has."""
    there = ", ".join(sorted(tags_of(run))) or "none"
    return UsageError(f"No item of {run.task} has the tag '{tag}'. Tags: {there}.")


class SettingDifference(NamedTuple):
    """A setting in which runs differ."""

    name: str
    models: Mapping[str, list[str]]
    """Value → names of models, in the order of the runs."""


def setting_differences(runs: Sequence[Run]) -> Iterator[SettingDifference]:
    """Yield the settings in which runs differ; imported runs have none, and are left out."""
    runs = [run for run in runs if not run.imported]
    for name in REPORTED_SETTINGS:
        models: dict[str, list[str]] = {}
        for run in runs:
            models.setdefault(str(run.settings.get(name)), []).append(run.model.name)
        if len(models) > 1:
            yield SettingDifference(name, models)


def conditions_apart(a: Run, b: Run, *, but: Sequence[str] = OF_THE_FILES) -> list[str]:
    """Return the conditions in which two runs differ, but for some; by default the files."""
    found = [
        f"{what}: {_short(getattr(a, name))} of {a.model.name}, "
        f"{_short(getattr(b, name))} of {b.model.name}"
        for name, what in EQUAL_ATTRIBUTES.items()
        if name not in but and getattr(a, name) != getattr(b, name)
    ]
    one, two = (kind_of(run.edition) for run in (a, b))
    if "edition" in but and one != two:
        found.append(f"images: {one.images} of {a.model.name}, {two.images} of {b.model.name}")
    return found


def differences(a: Run, b: Run) -> list[str]:
    """Return the reasons why two runs cannot be compared; an empty list if they can."""
    found = conditions_apart(a, b, but=())
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


def _check_same_units(read: Sequence[Units], runs: Sequence[Run], metric: Metric) -> None:
    first = read[0]
    if not len(first.values):
        raise UsageError(
            f"{metric.name} applies to no item of {runs[0].task}@{runs[0].edition}. Name another "
            f"metric: benchbench show task {runs[0].task}"
        )
    for each, run in zip(read[1:], runs[1:], strict=True):
        same = list(each.groups) == list(first.groups)
        if not same or not np.array_equal(each.outcome, first.outcome):
            raise NotComparable(
                f"These runs do not compare by {metric.name}: it applies to other items of "
                f"{run.model.name} than of {runs[0].model.name}."
            )
