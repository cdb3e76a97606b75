"""Measure the visible part of each object in an image: exact masks, boxes and shares."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from benchbench.scenes.atlas import CANVAS, COVERAGE
from benchbench.scenes.drawing import OPAQUE, checked_atlas, label

if TYPE_CHECKING:
    from benchbench.scenes.world import Scenes
    from benchbench.types.arrays import Flags, Floats, Ints


@dataclass(frozen=True, slots=True)
class VisibleParts:
    """The visible pixels of each slot's object at one canvas size."""

    labels: npt.NDArray[np.int8]
    """[scenes, size, size]: the slot visible at each pixel; −1 is none."""
    pixels: Ints
    """[scenes, slots]: the number of visible pixels."""
    boxes: Ints
    """[scenes, slots, 4]: left, top, right, bottom of the visible part; right and bottom are
    exclusive. 0 if nothing is visible."""
    share: Floats
    """[scenes, slots]: visible pixels divided by the pixels that the object would have alone on an
    endless canvas."""

    def mask(self, row: int, slot: int) -> Flags:
        """Return the visible mask of one object, [size, size]."""
        return np.asarray(self.labels[row] == slot)

    def among(self, row: Ints, crop: Ints) -> Flags:
        """Return the objects that a crop, or the pixels right around it, may show.

        Statements about these objects count for the crop.

        Args:
            row: [crops], the scene of each crop.
            crop: [crops, 4], left, top, right, bottom in pixels; right and bottom are exclusive.

        Returns:
            [crops, slots]
        """
        boxes, edge = self.boxes[row], crop[:, None]
        apart = (boxes[..., 0] > edge[..., 2]) | (boxes[..., 2] < edge[..., 0])
        apart |= (boxes[..., 1] > edge[..., 3]) | (boxes[..., 3] < edge[..., 1])
        return np.asarray(~apart & (self.pixels[row] > 0))


def measure_visible(scenes: Scenes, size: int) -> VisibleParts:
    """Measure the visible part of every object at a canvas of ``size`` pixels."""
    labels, width = label(scenes, size), scenes.category.shape[1]
    n = len(scenes)
    row, top, left = np.nonzero(labels >= 0)
    cell = row * width + labels[row, top, left]
    pixels = np.bincount(cell, minlength=n * width).reshape(n, width)
    boxes = _bounds(cell, top, left, n * width).reshape(n, width, 4)
    whole = _opaque(size)[scenes.sprite, scenes.level]
    share = np.where(scenes.present, pixels / np.maximum(whole, 1), 0.0)
    return VisibleParts(labels, pixels, boxes, share)


def _bounds(cell: Ints, top: Ints, left: Ints, count: int) -> Ints:
    """Return the box around the pixels of each cell, [count, 4]."""
    low = np.full((count, 2), CANVAS, dtype=np.int64)
    high = np.zeros((count, 2), dtype=np.int64)
    for axis, value in enumerate((left, top)):
        np.minimum.at(low[:, axis], cell, value)
        np.maximum.at(high[:, axis], cell, value + 1)
    some = high.max(axis=1, keepdims=True) > 0
    return np.where(some, np.concatenate([low, high], axis=1), 0)


@lru_cache(maxsize=4)
def _opaque(size: int) -> Ints:
    """Return the number of pixels of each sprite that count as the object, [sprites, levels]."""
    sheet = checked_atlas(size)
    sprites, levels = sheet.offset.shape
    counts = [
        [int((sheet.sprite(s, level)[..., COVERAGE] >= OPAQUE).sum()) for level in range(levels)]
        for s in range(sprites)
    ]
    return np.array(counts, dtype=np.int64)
