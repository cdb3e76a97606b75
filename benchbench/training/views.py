"""Views: inputs of an example besides its image and caption, for objectives that use them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from benchbench.training.actions import ActionView
from benchbench.training.facts import FactsView
from benchbench.training.masks import MaskView
from benchbench.training.objects import ObjectView
from benchbench.training.pairs import Pairs
from benchbench.training.regions import RelationView

if TYPE_CHECKING:
    from torch import Tensor

    from benchbench.training.batches import BatchBuilder
    from benchbench.training.examples import Examples
    from benchbench.variants.texts import CaptionReader
    from benchbench.variants.variant import Batch


class BatchView(Protocol):
    """One more thing to show of each example, in three steps."""

    def prepare(self, found: Examples, reader: CaptionReader) -> None:
        """Choose what to show and read its names, beside the device."""
        ...

    def show(self, found: Examples, images: Tensor, size: int) -> None:
        """Cut it out of the images, [n, 3, side, side] uint8, wherever they are."""
        ...

    def add(self, batch: Batch, found: Examples, feed: BatchBuilder) -> None:
        """Put it into ``batch.extra``, on the device."""
        ...


VIEWS: dict[str, BatchView] = {
    "action": ActionView(),
    "facts": FactsView(),
    "masks": MaskView(),
    "object": ObjectView(),
    "relation": RelationView(),
    "pairs": Pairs(),
    "distant pairs": Pairs(distant_percent=50, false_percent=5),
}
"""By name, as ``Variant.views`` asks for them."""
