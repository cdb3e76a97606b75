"""Turn events into the units that a metric averages: filters, means, groups, chance."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from benchbench.errors import ContractError
from benchbench.types import Metric

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from benchbench.protocols.protocol import Events, Protocol
    from benchbench.types import Outcome, Ties
    from benchbench.types.arrays import Flags, Floats, Indices


@dataclass(frozen=True, slots=True)
class Units:
    """The units that a metric averages; arrays are [units]."""

    values: Floats
    chance: Floats
    outcome: Indices
    """The index of the outcome that each unit belongs to."""
    groups: Sequence[str]
    """The group of each unit; all "" where the metric does not group."""
    absent: int = 0
    """Groups without a unit that count 0."""
    too_short: int = 0
    """Candidates in the shortest list, where that is too short for the metric's K, so that there is
    no unit; otherwise 0."""


@dataclass(frozen=True, slots=True)
class Judge:
    """The outcomes of one run, judged once for all metrics that differ in filters and groups.

    They are filtered and grouped once for all tie rules.
    """

    protocol: Protocol
    """The protocol of the outcomes."""
    outcomes: Sequence[Outcome]
    _known: dict[tuple[Metric, Ties], Events] = field(default_factory=dict, repr=False)
    _chosen: dict[Metric, _Selection] = field(default_factory=dict, repr=False)

    def units(self, metric: Metric, ties: Ties) -> Units:
        """Return all units that a metric averages over, as ``read_units``."""
        events = self._events(metric, metric.ties or ties)
        selection = self._selection(metric, events)
        return replace(selection.units, values=selection.means(events.values))

    def tied(self, metric: Metric) -> tuple[int, int]:
        """Return how many of a metric's units the tie rule decides, and the number of units."""
        rules: tuple[Ties, Ties] = ("wrong", "right")
        wrong, right = (
            self._selection(metric, events).means(events.values)
            for events in (self._events(metric, rule) for rule in rules)
        )
        return int((wrong != right).sum()), len(wrong)

    def _selection(self, metric: Metric, events: Events) -> _Selection:
        same = replace(metric, name="", meaning="", source="", ties=None, kinds=())
        if same not in self._chosen:
            self._chosen[same] = _select(events, self.outcomes, metric)
        return self._chosen[same]

    def _events(self, metric: Metric, ties: Ties) -> Events:
        if metric.judgement not in self.protocol.judgements:
            raise ContractError(
                f"The metric {metric.name} judges by '{metric.judgement}', which its protocol does "
                f"not; that has {', '.join(sorted(self.protocol.judgements))}."
            )
        same = Metric(
            name="", meaning="", judgement=metric.judgement, no_ops=metric.no_ops, k=metric.k,
            reading=metric.reading, statistic=metric.statistic, debias=metric.debias,
        )  # fmt: skip
        if metric.judgement in self.protocol.pooled:
            same = replace(same, by=metric.by, only=metric.only)
        if (same, ties) not in self._known:
            self._known[same, ties] = self.protocol.events(self.outcomes, same, ties)
        return self._known[same, ties]


def read_units(
    protocol: Protocol, outcomes: Sequence[Outcome], metric: Metric, ties: Ties
) -> Units:
    """Return all units that a metric averages over: judged, filtered, grouped.

    There are none where K is more than half of the length of the shortest list that was searched: a
    place among the best 10 of 12 shows nothing.

    Args:
        protocol: the protocol of the outcomes.
        outcomes: the outcomes of one run.
        metric: the metric.
        ties: the tie rule, where the metric fixes none.

    Raises:
        ContractError: the protocol does not support the metric's judgement.
    """
    return Judge(protocol, outcomes).units(metric, ties)


@dataclass(frozen=True, slots=True)
class _Selection:
    """The events that a metric keeps, and the units that they form, under any tie rule."""

    kept: Flags
    """[events]."""
    cell: Indices | None
    """The unit that each kept event is averaged or multiplied into, before units are left out; None
    where each is a unit itself."""
    joint: bool
    """Whether a unit's value is the product of its events' instead of their mean."""
    left: Flags
    """[units], False for those left out."""
    units: Units
    """The units that are left, without values."""

    def means(self, values: Floats) -> Floats:
        """Return the units' values, given those of all events: [events] → [units]."""
        values = values[self.kept]
        if self.cell is not None:
            values = _joined(values, self.cell, self.joint)
        return values[self.left]


def _select(events: Events, outcomes: Sequence[Outcome], metric: Metric) -> _Selection:
    """Filter and group the events as a metric does."""
    groups = np.array(_labels(events, outcomes, metric.by), dtype=object)
    kept = np.array([group is not None for group in groups], dtype=bool)
    for tag, wanted in metric.only:
        kept &= np.array([label == wanted for label in _labels(events, outcomes, tag)], dtype=bool)
    if too_short := _too_short(events, kept, metric.k):
        nothing, none = np.zeros(0), np.zeros(0, dtype=bool)
        units = Units(nothing, nothing, np.zeros(0, dtype=np.intp), [], too_short=too_short)
        return _Selection(np.zeros(len(kept), dtype=bool), None, False, none, units)
    if metric.all_of is None:
        units, cell = _units(events, groups, kept)
    else:
        joined = np.array(_labels(events, outcomes, metric.all_of), dtype=object)
        kept &= np.array([each is not None for each in joined], dtype=bool)
        units, cell = _joint_units(events, groups, kept, joined[kept].astype(str))
    return _grouped(kept, cell, units, events.categories.get(metric.by or "", 0), metric)


def _joined(values: Floats, cell: Indices, joint: bool) -> Floats:
    """Return the mean, or the product, of the values in each cell: [values] → [cells]."""
    if not joint:
        return np.bincount(cell, weights=values) / np.bincount(cell)
    order = np.argsort(cell, kind="stable")
    starts = np.flatnonzero(np.diff(cell[order], prepend=-1))
    return np.multiply.reduceat(values[order], starts) if len(starts) else values


def _joint_units(
    events: Events,
    groups: npt.NDArray[np.object_],
    kept: Flags,
    joined: npt.NDArray[np.str_],
) -> tuple[Units, Indices]:
    """Return a unit for each value of ``joined``, [kept events], in order; without values.

    Its outcome and group are those of its first event. The second part is the unit of each event.
    """
    names, first, cell = np.unique(joined, return_index=True, return_inverse=True)
    rank = np.empty(len(names), dtype=np.intp)
    rank[np.argsort(first)] = np.arange(len(names))
    cell, first = rank[cell.reshape(-1)], np.sort(first)
    chance = _joined(events.chance[kept], cell, joint=True)
    labels = groups[kept][first]
    return Units(np.zeros(0), chance, events.outcome[kept][first], labels.tolist()), cell


def _too_short(events: Events, kept: Flags, k: int) -> int:
    """Return the length of the shortest list where that is under 2 K; otherwise 0."""
    if events.candidates is None or not kept.any():
        return 0
    shortest = int(events.candidates[kept].min())
    return shortest if shortest < 2 * k else 0


def _labels(events: Events, outcomes: Sequence[Outcome], tag: str | None) -> Sequence[str | None]:
    """Return a tag's value for each event: None where it has none; all "" without a tag."""
    if tag is None:
        return [""] * len(events.outcome)
    if tag in events.tags:
        return events.tags[tag]
    of_outcomes = [outcome.tags.get(tag) for outcome in outcomes]
    return [of_outcomes[i] for i in events.outcome.tolist()]


def _units(
    events: Events, groups: npt.NDArray[np.object_], kept: Flags
) -> tuple[Units, Indices | None]:
    """Return the events themselves, or their means within each outcome and group; without values.

    The second part is the unit of each event, where events are averaged.
    """
    none, chance = np.zeros(0), events.chance[kept]
    outcome, labels = events.outcome[kept], groups[kept]
    if not events.per_outcome or not len(chance):
        return Units(none, chance, outcome, labels.tolist()), None
    names, number = number_labels(labels.tolist())
    cells, cell = np.unique(outcome * len(names) + number, return_inverse=True)
    means = np.bincount(cell, weights=chance) / np.bincount(cell)
    groups_of = [names[i] for i in (cells % len(names)).tolist()]
    return Units(none, means, cells // len(names), groups_of), cell


def number_labels(labels: Sequence[str]) -> tuple[list[str], Indices]:
    """Return the distinct labels, sorted, and the number of each label among them: [labels].

    >>> number_labels(["on", "near", "on"])
    (['near', 'on'], array([1, 0, 1]))
    """
    names = sorted(set(labels))
    place = {name: i for i, name in enumerate(names)}
    return names, np.array([place[label] for label in labels], dtype=np.intp)


def _grouped(
    kept: Flags,
    cell: Indices | None,
    units: Units,
    categories: int,
    metric: Metric,
) -> _Selection:
    """Return the selection without the groups that the metric leaves out or that are too small."""
    names, number = number_labels(units.groups)
    size = np.bincount(number, minlength=len(names))
    out = np.array([name in metric.leave_out for name in names], dtype=bool)
    out |= size < metric.at_least
    left = ~out[number] if len(number) else np.zeros(0, dtype=bool)
    some = Units(
        values=units.values,
        chance=units.chance[left],
        outcome=units.outcome[left],
        groups=[group for group, keep in zip(units.groups, left, strict=True) if keep],
        absent=max(0, categories - len(names)),
    )
    return _Selection(kept, cell, metric.all_of is not None, left, some)
