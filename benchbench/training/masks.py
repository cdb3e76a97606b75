"""The view "masks": the pixels of the objects that a caption names.

Only drawn scenes have them. They are the oracle of alignments: a control trains on them, and
``validation.alignment`` judges matched regions by them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from benchbench.scenes.vocabulary import CATEGORIES
from benchbench.variants.inputs import MASKS, Inputs
from benchbench.variants.spans import MAX_ENTITIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from benchbench.training.examples import Examples
    from benchbench.training.visibility import Visibility
    from benchbench.types.arrays import Ints
    from benchbench.variants.texts import CaptionReader

CELLS = 16
"""The number of cells along each side of a mask."""


@dataclass(frozen=True, slots=True)
class EntityPlaces:
    """Where the entities of n captions are."""

    labels: Tensor
    """[n, side, side]: the slot seen at each pixel."""
    slots: Tensor
    """[n, entities]; −1 is not an object."""
    boxes: Tensor
    """[n, 4]: what each caption is about, as shares of the image."""

    def render(self, images: Tensor, size: int) -> EntityMasks:
        """Compute masks; images are not needed."""
        return EntityMasks(coverage(self.labels, self.slots, self.boxes))


@dataclass(frozen=True, slots=True)
class EntityMasks:
    """How much of each cell of the image each entity covers."""

    masks: Tensor
    """[n, entities, CELLS, CELLS]: shares, 0 to 1; 0 for unknown objects."""

    def inputs(self, device: str, preprocessing: Mapping[str, Any]) -> Inputs:
        """Return the masks on the device."""
        return MASKS.of(self.masks.to(device))


class MaskView:
    """How much of each cell of the image each entity of the caption covers."""

    def choose(
        self, found: Examples, visibility: Visibility, reader: CaptionReader
    ) -> EntityPlaces:
        """Find which object each entity is, and where objects are seen."""
        labels, slots = torch.from_numpy(visibility.seen.labels), torch.from_numpy(slots_of(found))
        return EntityPlaces(labels, slots, torch.from_numpy(found.boxes))


def slots_of(found: Examples) -> Ints:
    """Return the object of each of n captions' entities: [n, entities] slots, −1 of unknown ones.

    Known are those that alone have their name among the two objects that a part of a scene is
    about.
    """
    scenes, told = found.scenes, found.pair
    if scenes is None or told is None:
        raise RuntimeError("only drawn scenes say which objects a caption is about")
    out = np.full((len(found.captions), MAX_ENTITIES), -1, dtype=np.int64)
    part = (found.boxes != [0, 0, 1, 1]).any(axis=1)
    for row in np.flatnonzero(part).tolist():
        slots = [int(each[row]) for each in told]
        names = [CATEGORIES[scenes.category[row, slot]].name for slot in slots]
        if names[0] == names[1]:
            continue
        objects = found.captions[row].graph.objects[:MAX_ENTITIES]
        for place, thing in enumerate(objects):
            if thing.name in names:
                out[row, place] = slots[names.index(thing.name)]
    return out


def coverage(labels: Tensor, slots: Tensor, boxes: Tensor) -> Tensor:
    """Return how much of each cell of a part of an image some objects cover.

    Args:
        labels: [n, side, side]: the slot seen at each pixel.
        slots: [n, k]; −1 is not an object.
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
