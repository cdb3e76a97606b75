"""The parts of an audit: text-only scores, counts, flips by the crop, published results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchbench.analysis import Result

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchbench.datasets.tallies import Tally


@dataclass(frozen=True, slots=True)
class BlindScore:
    """The score of a text-only model."""

    model: str
    training: str
    """The captions that it was trained on, in words; "" where it learns nothing."""
    score: float
    """By the headline metric, a share in [0, 1]; so are the interval and the groups."""
    low: float
    high: float
    decided: float
    """The share of items on which its scores do not tie."""
    answered: int
    """Items that it answers."""
    counted: bool
    """Whether the lower end of its interval is above chance, and above the majority label."""
    groups: Mapping[str, float]
    """By the first tag."""


@dataclass(frozen=True, slots=True)
class CropFlips:
    """How many answers of a model change with the crop."""

    model: str
    items: int
    flipped: int
    """Items that are answered with one of the two, and not with the other."""
    score: float
    score_of_squares: float


@dataclass(frozen=True, slots=True)
class Published:
    """A published result of text-only models."""

    what: str
    source: str


@dataclass(frozen=True, slots=True)
class Audit(Result):
    """The audit of a task's edition."""

    task: str
    title: str
    task_version: int
    edition: str
    annotations_sha256: str
    metric: str
    chance: float
    majority: float
    """The score of the more frequent label for every item; NaN where items have no labels."""
    tally: Tally
    positions: Mapping[str, int]
    """How many items have their true caption at each position, or have the label true or false."""
    long_captions: int
    """Distinct captions over CLIP's context of 77 tokens, which cuts them."""
    tag: str
    """The tag of the groups; "" without groups."""
    group_sizes: Mapping[str, int]
    models: tuple[BlindScore, ...]
    """The best first."""
    judged: int
    """Items that are judged by the headline metric."""
    unanswered: tuple[str, ...]
    """Ids of the items that no counted model answers, in the order of the task; none where no model
    counts."""
    crops: CropFlips | None
    published: tuple[Published, ...]

    @property
    def best(self) -> BlindScore | None:
        """The text-only model with the highest score; None without models."""
        return self.models[0] if self.models else None
