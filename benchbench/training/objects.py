"""The view "object": the crop of one visible object of each scene, and its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from benchbench.scenes.dice import dice
from benchbench.scenes.vocabulary import CATEGORIES
from benchbench.training.rendering import cut_parts, normalise
from benchbench.training.visibility import choose_one, visibility_of
from benchbench.variants.variant import Batch, Shown

if TYPE_CHECKING:
    from torch import Tensor

    from benchbench.training.batches import BatchBuilder
    from benchbench.training.examples import Examples
    from benchbench.variants.texts import CaptionReader


class ObjectView:
    """Any object that an annotator would see, as tightly cut out as in the test edition."""

    def prepare(self, found: Examples, reader: CaptionReader) -> None:
        """Choose the objects; a scene and what is shown of it belong together."""
        sight = visibility_of(found)
        slot, there = choose_one(sight.shown, dice("training/object", sight.scenes.index), "slot")
        at = np.arange(len(slot)), slot
        boxes = sight.seen.boxes[at] / found.side
        names = [CATEGORIES[kind].name for kind in sight.scenes.category[at].tolist()]
        found.extra |= {
            "object boxes": torch.from_numpy(boxes.astype(np.float32)),
            "object names": reader.read(names),
            "object there": torch.from_numpy(there),
            "object within": torch.from_numpy(sight.within(slot[:, None], found.boxes)),
        }

    def show(self, found: Examples, images: Tensor, size: int) -> None:
        """Cut out the images, [n, 3, size, size] uint8."""
        found.extra["object pixels"] = cut_parts(images, found.extra["object boxes"], size)

    def add(self, batch: Batch, found: Examples, feed: BatchBuilder) -> None:
        """Add them as ``Shown``."""
        add_shown(batch, found, feed, "object")


def add_shown(batch: Batch, found: Examples, feed: BatchBuilder, name: str) -> None:
    """Put pixels, names and flags of a view into ``batch.extra``, on the device."""
    device, extra = feed.device, found.extra
    pixels = extra[f"{name} pixels"].to(device, non_blocking=True)
    batch.extra[name] = Shown(
        images=normalise(pixels, feed.preprocessing),
        texts=extra[f"{name} names"].to(device),
        there=extra[f"{name} there"].to(device, non_blocking=True),
        within=extra[f"{name} within"].to(device, non_blocking=True),
    )
