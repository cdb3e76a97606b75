"""The interface of a protocol: evaluating, storing and reading a run depend on it alone."""

from __future__ import annotations

import typing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from benchbench.embedding import Encoder
    from benchbench.protocols.stored import Bases
    from benchbench.types import ImageRef, Metric, Model, Outcome, Question, Ties
    from benchbench.types.arrays import Floats, Indices


@dataclass(frozen=True, slots=True)
class Answers:
    """A model's results: the items whose images could all be read, and an outcome for each."""

    items: Sequence[Question]
    outcomes: tuple[Any, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The protocol's own settings that could change a number: prompts, scales."""


@dataclass(frozen=True, slots=True)
class Events:
    """Everything that is judged in a run: items, queries or true relations; arrays are [events]."""

    values: Floats
    """The credit of each event."""
    chance: Floats
    """The expected credit of each event under guessing."""
    outcome: Indices
    """The index of the outcome that each event belongs to."""
    tags: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Tags of each event, finer than the outcome's own."""
    per_outcome: bool = False
    """Whether events are first averaged within their outcome (recall of an image)."""
    categories: Mapping[str, int] = field(default_factory=dict)
    """How many groups a tag has in all: groups without an event count 0 in a mean over groups."""
    candidates: Indices | None = None
    """The number of candidates of each event, where lists may be too short for a metric's K."""


class Protocol(typing.Protocol):
    """One way to evaluate a model on items and to judge the outcomes."""

    @property
    def judgements(self) -> frozenset[str]:
        """Return the values of ``Judgement`` that this protocol supports."""
        ...

    @property
    def pooled(self) -> frozenset[str]:
        """Return the judgements of an item among all others: each group is judged by itself."""
        ...

    @property
    def sample_note(self) -> str:
        """Return how numbers over part of the items differ; an empty string where they do not."""
        ...

    @property
    def event_tags(self) -> frozenset[str]:
        """Return the tags that the events have in addition to those of the items."""
        ...

    @property
    def item_tags(self) -> frozenset[str]:
        """Return the tags that the protocol itself requires of each item."""
        ...

    @property
    def optional(self) -> frozenset[str]:
        """Return the columns, each of lists of float32, that only some runs' files have."""
        ...

    def answer(self, items: Sequence[Any], model: Model, encoder: Encoder) -> Answers:
        """Evaluate a model on the items."""
        ...

    def uses_encoder(self, model: Model) -> bool:
        """Return whether all that a model computes here goes through the encoder.

        Only then can several workers share a model's inputs.
        """
        ...

    def regions(self, item: Any) -> Iterator[ImageRef]:
        """Yield images and crops that bound a model's input for an item, to check the files."""
        ...

    def events(self, outcomes: Sequence[Any], metric: Metric, ties: Ties) -> Events:
        """Judge the outcomes by the metric's judgement, no-ops, K, reading and statistic alone.

        Filters and groups are applied afterwards (``reading``); for ``pooled`` judgements they are
        the metric's here, too. The tie rule changes ``values`` alone.
        """
        ...

    def counted(self, outcomes: Sequence[Any]) -> Iterator[str]:
        """Yield further counts for a scorecard: ``3 no-op negatives``."""
        ...

    def remarks(self, outcomes: Sequence[Any], metrics: Sequence[Metric]) -> Iterator[str]:
        """Yield remarks that a reader needs beside the numbers, a sentence or two each."""
        ...

    def columns(self, outcomes: Sequence[Any]) -> Mapping[str, Any]:
        """Return Arrow arrays of the outcomes' fields other than id, cluster and tags."""
        ...

    def outcomes(self, columns: Mapping[str, Any], bases: Bases) -> tuple[Outcome, ...]:
        """Return the outcomes stored in those columns, given their ids, clusters and tags.

        Raises:
            ValueError: stored values do not fit each other.
        """
        ...

    def content(self, item: Any, root: Path) -> str:
        """Return the digest of an item's content; empty where items are not judged one by one."""
        ...

    def problems(self, item: Any) -> Iterator[str]:
        """Yield contract violations of one item, for ``benchbench.testing``."""
        ...
