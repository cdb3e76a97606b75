"""What every protocol offers, so that evaluating, storing and reading a run name none of them."""

from __future__ import annotations

import typing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from benchbench.embedding import Encoder
    from benchbench.types import ImageRef, Metric, Model, Outcome, Question, Ties

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Answers:
    """What a model said: the items whose images could all be read, and an outcome for each."""

    items: Sequence[Question]
    outcomes: tuple[Any, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What the protocol chose that could change a number: prompts, scales."""


@dataclass(frozen=True, slots=True)
class Events:
    """All that is judged in a run: items, queries or true relations; arrays are [events]."""

    values: Floats
    """What each earns."""
    chance: Floats
    """What guessing earns."""
    outcome: Integers
    """Which outcome each belongs to."""
    tags: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Slices finer than the outcome's own."""
    per_outcome: bool = False
    """Whether events are first averaged within their outcome (recall of an image)."""
    categories: Mapping[str, int] = field(default_factory=dict)
    """How many groups a tag has in all: those without an event count 0 in a mean over groups."""
    candidates: Integers | None = None
    """How many each was looked for among, where lists may be too short for a metric's K."""


class Protocol(typing.Protocol):
    """One way of asking and judging."""

    @property
    def judgements(self) -> frozenset[str]:
        """Those of ``Judgement`` that it knows."""
        ...

    @property
    def of_a_sample(self) -> str:
        """How numbers over part of the items differ, where they do; else an empty string."""
        ...

    @property
    def event_tags(self) -> frozenset[str]:
        """The tags that its events have beside those of the items."""
        ...

    def answer(self, items: Sequence[Any], model: Model, encoder: Encoder) -> Answers:
        """Put the questions to a model."""
        ...

    def regions(self, item: Any) -> Iterator[ImageRef]:
        """Images and crops that bound what a model is shown of an item, for a first look."""
        ...

    def events(self, outcomes: Sequence[Any], metric: Metric, ties: Ties) -> Events:
        """Judge the answers, by the metric's judgement, no-ops, K, reading and statistic alone.

        Filters and groups are the reader's (``reading``).
        """
        ...

    def counted(self, outcomes: Sequence[Any]) -> Iterator[str]:
        """What else to count in a scorecard: ``3 no-op negatives``."""
        ...

    def remarks(self, outcomes: Sequence[Any], metrics: Sequence[Metric]) -> Iterator[str]:
        """What a reader must know beside the numbers, a sentence or two each."""
        ...

    def columns(self, outcomes: Sequence[Any]) -> Mapping[str, Any]:
        """Arrow arrays of what the outcomes hold beyond id, cluster and tags."""
        ...

    def outcome(self, row: Mapping[str, Any], base: Mapping[str, Any]) -> Outcome:
        """An outcome from a row of those columns (as Python values), and id, cluster and tags."""
        ...

    def problems(self, item: Any) -> Iterator[str]:
        """What breaks the contract in one item, for ``benchbench.testing``."""
        ...
