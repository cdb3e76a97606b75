"""What is seen of each object in the picture: exact masks, boxes and shares."""

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

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Seen:
    """Pixels of each slot's object at one size of canvas."""

    labels: npt.NDArray[np.int8]
    """[n, size, size]: the slot seen at each pixel; −1 is none."""
    pixels: Ints
    """[n, w]: how many are seen."""
    boxes: Ints
    """[n, w, 4]: left, top, right, bottom of what is seen, the latter exclusive; 0 if none."""
    share: npt.NDArray[np.float64]
    """[n, w]: seen pixels over those the object would show alone on an endless canvas."""

    def mask(self, row: int, slot: int) -> Flags:
        """[size, size]: the visible mask of one object."""
        return np.asarray(self.labels[row] == slot)

    def among(self, row: Ints, crop: Ints) -> Flags:
        """Objects that a crop, or the pixels right around it, may show: those statements count.

        Args:
            row: [m], which scene.
            crop: [m, 4], left, top, right, bottom in pixels, the latter exclusive.

        Returns:
            [m, w]
        """
        boxes, edge = self.boxes[row], crop[:, None]
        apart = (boxes[..., 0] > edge[..., 2]) | (boxes[..., 2] < edge[..., 0])
        apart |= (boxes[..., 1] > edge[..., 3]) | (boxes[..., 3] < edge[..., 1])
        return np.asarray(~apart & (self.pixels[row] > 0))


def seen(scenes: Scenes, size: int) -> Seen:
    """Measure what is seen of every object."""
    labels, width = label(scenes, size), scenes.category.shape[1]
    n = len(scenes)
    row, top, left = np.nonzero(labels >= 0)
    cell = row * width + labels[row, top, left]
    pixels = np.bincount(cell, minlength=n * width).reshape(n, width)
    boxes = _bounds(cell, top, left, n * width).reshape(n, width, 4)
    whole = _opaque(size)[scenes.sprite, scenes.level]
    share = np.where(scenes.present, pixels / np.maximum(whole, 1), 0.0)
    return Seen(labels, pixels, boxes, share)


def _bounds(cell: Ints, top: Ints, left: Ints, count: int) -> Ints:
    """[count, 4]: the box around the pixels of each cell."""
    low = np.full((count, 2), CANVAS, dtype=np.int64)
    high = np.zeros((count, 2), dtype=np.int64)
    for axis, value in enumerate((left, top)):
        np.minimum.at(low[:, axis], cell, value)
        np.maximum.at(high[:, axis], cell, value + 1)
    some = high.max(axis=1, keepdims=True) > 0
    return np.where(some, np.concatenate([low, high], axis=1), 0)


@lru_cache(maxsize=4)
def _opaque(size: int) -> Ints:
    """[sprites, levels]: how many pixels of each sprite count as the object."""
    sheet = checked_atlas(size)
    sprites, levels = sheet.offset.shape
    counts = [
        [int((sheet.sprite(s, level)[..., COVERAGE] >= OPAQUE).sum()) for level in range(levels)]
        for s in range(sprites)
    ]
    return np.array(counts, dtype=np.int64)
