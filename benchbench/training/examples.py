"""Training examples before they are a batch, and the sources that make them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from benchbench.scenes.world import Scenes
    from benchbench.types.arrays import Ints, Singles
    from benchbench.variants.texts import Texts
    from benchbench.variants.variant import Negatives, Swapped


@dataclass(slots=True)
class Examples:
    """n examples before they are on a device."""

    captions: list[str]
    swapped: list[list[str]]
    """Of each caption, some with words swapped; none where there is nothing to swap, or nobody
    asked."""
    boxes: Singles
    """[n, 4]: left, top, right, bottom of what each caption is about, as shares of the image."""
    scenes: Scenes | None = None
    """To be drawn on the device; None where ``pixels`` has been."""
    images: Tensor | None = None
    """[n, 3, side, side] uint8: whole images, where the source has decoded them."""
    pixels: Tensor | None = None
    """[n, 3, size, size] uint8: the parts, drawn already."""
    tagged: list[Sequence[tuple[str, str]]] | None = None
    """The captions' words with Penn tags, where they are free text and somebody asked."""
    texts: Texts | None = None
    negatives: Swapped | None = None
    told: tuple[Ints, Ints] | None = None
    """[n] slots each: the two objects that a part of a scene is about."""
    determiners: list[str | None] | None = None
    """What each caption has for "a" when it is shown to the model; None leaves all as they are."""
    side: int = 0
    """Pixels along the sides of whole images, once they are drawn."""
    extra: dict[str, Any] = field(default_factory=dict)
    """What a variant's views add."""


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
