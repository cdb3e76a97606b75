"""The view "masks": the pixels of the objects that a caption names.

Only drawn scenes have them. They are the oracle of alignments: a control trains on them, and
``validation.alignment`` judges matched regions by them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from benchbench.scenegraph import parse
from benchbench.scenes.vocabulary import CATEGORIES
from benchbench.training.visibility import visibility_of
from benchbench.variants.spans import MOST_ENTITIES

if TYPE_CHECKING:
    from torch import Tensor

    from benchbench.training.batches import BatchBuilder
    from benchbench.training.examples import Examples
    from benchbench.types.arrays import Ints
    from benchbench.variants.texts import CaptionReader
    from benchbench.variants.variant import Batch

CELLS = 16
"""Along each side of a mask."""


class MaskView:
    """How much of each cell of the image each entity of the caption covers."""

    def prepare(self, found: Examples, reader: CaptionReader) -> None:
        """Find which object each entity is, and where objects are seen."""
        found.extra |= {
            "mask slots": torch.from_numpy(slots_of(found)),
            "mask labels": torch.from_numpy(visibility_of(found).seen.labels),
        }

    def show(self, found: Examples, images: Tensor, size: int) -> None:
        """Compute masks, [n, entities, CELLS, CELLS]: shares, 0 to 1; 0 for unknown objects."""
        labels, slots = (found.extra.pop(f"mask {name}") for name in ("labels", "slots"))
        found.extra["masks"] = coverage(labels, slots, torch.from_numpy(found.boxes))

    def add(self, batch: Batch, found: Examples, feed: BatchBuilder) -> None:
        """Put them on the device."""
        batch.extra["masks"] = found.extra["masks"].to(feed.device)


def slots_of(found: Examples) -> Ints:
    """Return the object of each of n captions' entities: [n, entities] slots, −1 of unknown ones.

    Known are those that alone have their name among the two objects that a part of a scene is
    about.
    """
    scenes, told = found.scenes, found.told
    if scenes is None or told is None:
        raise RuntimeError("only drawn scenes say which objects a caption is about")
    out = np.full((len(found.captions), MOST_ENTITIES), -1, dtype=np.int64)
    part = (found.boxes != [0, 0, 1, 1]).any(axis=1)
    for row in np.flatnonzero(part).tolist():
        slots = [int(each[row]) for each in told]
        names = [CATEGORIES[scenes.category[row, slot]].name for slot in slots]
        if names[0] == names[1]:
            continue
        objects = parse(found.captions[row]).objects[:MOST_ENTITIES]
        for place, thing in enumerate(objects):
            if thing.name in names:
                out[row, place] = slots[names.index(thing.name)]
    return out


def coverage(labels: Tensor, slots: Tensor, boxes: Tensor) -> Tensor:
    """Return how much of each cell of a part of an image some objects cover.

    Args:
        labels: [n, side, side]: the slot seen at each pixel.
        slots: [n, k]; −1 is no object.
        boxes: [n, 4]: the parts, as shares of the image.

    Returns:
        [n, k, CELLS, CELLS]
    """
    from torchvision.ops import roi_align

    masks = (labels[:, None] == slots[..., None, None]) & (slots >= 0)[..., None, None]
    rows = torch.arange(len(boxes), dtype=boxes.dtype)[:, None]
    where = torch.cat([rows, boxes * labels.shape[-1]], dim=1)
    found: Tensor = roi_align(masks.float(), where, CELLS, 1.0, -1, aligned=True)
    return found
