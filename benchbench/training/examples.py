"""Training examples as a source gives them, and the sources that make them."""

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
    """Of each caption, some with words swapped; none where there is nothing to swap, or nobody
    asked."""
    boxes: Singles
    """[n, 4]: left, top, right, bottom of what each caption is about, as shares of the image."""
    scenes: Scenes | None = None
    """Still to be drawn; None where ``images`` are there."""
    images: Tensor | None = None
    """[n, 3, side, side] uint8: whole images, where the source has decoded them."""
    pair: tuple[Ints, Ints] | None = None
    """[n] slots each: the two objects that a part of a scene is about."""
    determiners: list[str | None] | None = None
    """What each caption has for "a" when it is shown to the model; None leaves all as they are."""


class Source(Protocol):
    """Where training examples come from."""

    @property
    def name(self) -> str:
        """Return its name for logs and cards: ``scenes-v1``, ``karpathy:FILE``."""
        ...

    @property
    def negatives(self) -> Negatives:
        """Return which swapped captions it makes."""
        ...

    @property
    def swaps(self) -> int:
        """Return how many swapped captions it makes of a caption, at most."""
        ...

    def record(self) -> dict[str, Any]:
        """Return what else a checkpoint records of it: ``splits``; of files, ``data_sha256``."""
        ...

    def examples(self, numbers: Ints) -> Examples:
        """Return the examples of these numbers, from 0 without end."""
        ...
