"""Events to the units that a metric averages: filters, means within an outcome, groups, chance."""

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
    """The outcomes of one run, judged once for all metrics that differ in filters and groups."""

    protocol: Protocol
    """The protocol of the outcomes."""
    outcomes: Sequence[Outcome]
    _known: dict[tuple[Metric, Ties], Events] = field(default_factory=dict, repr=False)

    def units(self, metric: Metric, ties: Ties) -> Units:
        """Return all units that a metric averages over, as ``read_units``."""
        if metric.judgement not in self.protocol.judgements:
            raise ContractError(
                f"The metric {metric.name} judges by '{metric.judgement}', which its protocol does "
                f"not; that has {', '.join(sorted(self.protocol.judgements))}."
            )
        return _read(self._events(metric, metric.ties or ties), self.outcomes, metric)

    def tied(self, metric: Metric) -> tuple[int, int]:
        """Return how many of a metric's units the tie rule decides, and the number of units."""
        free = replace(metric, ties=None)
        wrong, right = (self.units(free, rule).values for rule in ("wrong", "right"))
        return int((wrong != right).sum()), len(wrong)

    def _events(self, metric: Metric, ties: Ties) -> Events:
        same = Metric(
            name="", meaning="", judgement=metric.judgement, no_ops=metric.no_ops, k=metric.k,
            reading=metric.reading, statistic=metric.statistic,
        )  # fmt: skip
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


def _read(events: Events, outcomes: Sequence[Outcome], metric: Metric) -> Units:
    """Return the units of a metric: the events, filtered and grouped."""
    groups = np.array(_labels(events, outcomes, metric.by), dtype=object)
    kept = np.array([group is not None for group in groups], dtype=bool)
    for tag, wanted in metric.only:
        kept &= np.array([label == wanted for label in _labels(events, outcomes, tag)], dtype=bool)
    if too_short := _too_short(events, kept, metric.k):
        nothing = np.zeros(0)
        return Units(nothing, nothing, np.zeros(0, dtype=np.intp), [], too_short=too_short)
    units = _units(events, groups, kept)
    return _grouped(units, events.categories.get(metric.by or "", 0), metric)


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
    return [of_outcomes[i] for i in events.outcome]


def _units(events: Events, groups: npt.NDArray[np.object_], kept: Flags) -> Units:
    """Return the events themselves, or their means within each outcome and group."""
    values, chance = events.values[kept], events.chance[kept]
    outcome, labels = events.outcome[kept], groups[kept]
    if not events.per_outcome or not len(values):
        return Units(values, chance, outcome, labels.tolist())
    names, number = np.unique(labels.astype(str), return_inverse=True)
    cells, cell = np.unique(outcome * len(names) + number, return_inverse=True)
    size = np.bincount(cell)
    return Units(
        values=np.bincount(cell, weights=values) / size,
        chance=np.bincount(cell, weights=chance) / size,
        outcome=cells // len(names),
        groups=names[cells % len(names)].tolist(),
    )


def _grouped(units: Units, categories: int, metric: Metric) -> Units:
    """Return the units without the groups that the metric leaves out or that are too small."""
    names, number, size = np.unique(
        np.array(units.groups, dtype=str), return_inverse=True, return_counts=True
    )
    out = np.array([name in metric.leave_out for name in names], dtype=bool)
    out |= size < metric.at_least
    kept = ~out[number] if len(number) else np.zeros(0, dtype=bool)
    return Units(
        values=units.values[kept],
        chance=units.chance[kept],
        outcome=units.outcome[kept],
        groups=[group for group, keep in zip(units.groups, kept, strict=True) if keep],
        absent=max(0, categories - len(names)),
    )
