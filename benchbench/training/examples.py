"""The examples of training, and the interface of the sources that make them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from benchbench.scenegraph import Caption
    from benchbench.scenes.world import Scenes
    from benchbench.types.arrays import Ints, Singles
    from benchbench.variants.variant import Negatives


@dataclass(frozen=True, slots=True)
class Examples:
    """n examples: the first of the stages that end in a ``Batch`` (``stages``)."""

    captions: list[Caption]
    swapped: list[list[Caption]]
    """Swapped captions of each caption; none if no words can be swapped, or none are wanted."""
    boxes: Singles
    """[n, 4]: the part of the image that each caption describes: left, top, right, bottom as shares
    of the image."""
    scenes: Scenes | None = None
    """Still to be drawn; None where ``images`` are there."""
    images: Tensor | None = None
    """[n, 3, side, side] uint8: whole images, where the source has decoded them."""
    pair: tuple[Ints, Ints] | None = None
    """[n] slots each: the two objects that a part of a scene is about."""
    determiners: list[str | None] | None = None
    """The determiner in place of each caption's "a"; None leaves all captions as they are."""


class Source(Protocol):
    """A source of training examples."""

    @property
    def name(self) -> str:
        """Return the source's name for logs and cards: ``scenes-v1``, ``karpathy:FILE``."""
        ...

    @property
    def negatives(self) -> Negatives:
        """Return the kind of swapped captions."""
        ...

    @property
    def swaps(self) -> int:
        """Return the maximum number of swapped captions of a caption."""
        ...

    def record(self) -> dict[str, Any]:
        """Return further fields for a checkpoint's record: ``splits``; for files,
        ``data_sha256``."""
        ...

    def examples(self, numbers: Ints) -> Examples:
        """Return the examples of these numbers, from 0 without end."""
        ...
