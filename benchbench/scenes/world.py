"""Scenes as a struct of arrays: what is where, what it looks like, and what is annotated."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from benchbench.scenes.atlas import EXTENTS, drawings, reach

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

VERSION = "scenes-v1"
"""The world's name, and the first word of every seed: another name draws another world. Training
data go by it. What is asked in a test edition has a name of its own (``edition.plan.EDITION``)."""

ANCHORS = (
    "foot", "top", "back", "seat", "hand", "head", "grip", "inside", "brim",
    "left", "right", "crown", "base", "sunk",
)  # fmt: skip
ANCHOR = {name: i for i, name in enumerate(ANCHORS)}


@dataclass(frozen=True, slots=True)
class Scenes:
    """n scenes of w slots. A slot holds an object, a prop (a sprite but no category) or nothing."""

    split: str
    index: Ints
    """[n]"""
    scenario: Ints
    """[n]: into ``templates.SCENARIOS``."""
    background: Ints
    """[n]: into ``backgrounds.BACKGROUNDS``."""
    variant: Ints
    """[n]: which drawing of that background."""
    light: Ints
    """[n, 3]: gains on the background's red, green and blue, in 256ths, at most 256."""
    mirrored: Flags
    """[n]: the background too."""
    category: Ints
    """[n, w]: into ``vocabulary.CATEGORIES``; −1 is a prop or nothing."""
    sprite: Ints
    """[n, w]: into the atlas; −1 is nothing."""
    owner: Ints
    """[n, w]: the slot whose object a sprite belongs to: itself, but for fronts of containers."""
    level: Ints
    """[n, w]: into ``atlas.EXTENTS``."""
    flip: Flags
    """[n, w]: faces left."""
    x: Ints
    """[n, w]: left edge of the drawing, in scene units."""
    y: Ints
    """[n, w]: its top edge."""
    depth: Ints
    """[n, w]: what is painted later is nearer; distinct where sprites are."""
    colour: Ints
    """[n, w]: into ``vocabulary.COLOURS``."""
    pattern: Ints
    """[n, w]: into ``vocabulary.PATTERNS``."""
    size: Ints
    """[n, w]: into ``vocabulary.SIZES``."""
    predicate: Ints
    """[n, w, w]: the annotated predicate from row to column; −1 is none."""

    def __len__(self) -> int:
        return len(self.index)

    @property
    def present(self) -> Flags:
        """[n, w]: slots that hold an object."""
        return np.asarray(self.category >= 0)

    def take(self, rows: Ints | slice) -> Scenes:
        """Some of the scenes."""
        arrays = {f.name: getattr(self, f.name)[rows] for f in fields(self) if f.name != "split"}
        return replace(self, **arrays)

    def boxes(self) -> Ints:
        """[n, w, 4]: what each drawing covers, in scene units; nothing where there is no sprite."""
        left, top, right, bottom = np.moveaxis(reach_table()[self.sprite, self.level], -1, 0)
        width = width_table()[self.sprite, self.level]
        first = np.where(self.flip, width - right, left)
        last = np.where(self.flip, width - left, right)
        box = np.stack([self.x + first, self.y + top, self.x + last, self.y + bottom], axis=-1)
        return np.where(self.sprite[..., None] >= 0, box, 0)


@lru_cache(maxsize=1)
def reach_table() -> Ints:
    """[sprites, levels, 4]: what sprites cover of their drawings, in scene units."""
    thousandths = np.rint(reach() * 1000).astype(np.int64)[:, None]
    return np.asarray((thousandths * np.array(EXTENTS)[:, None] + 500) // 1000)


@lru_cache(maxsize=1)
def width_table() -> Ints:
    """[sprites, levels]: widths of drawings in scene units."""
    widths = np.array([round(drawing.width * 10) for drawing in drawings()])[:, None]
    return np.asarray((widths * np.array(EXTENTS) + 500) // 1000)


@lru_cache(maxsize=1)
def anchor_table() -> Ints:
    """[sprites, levels, anchors, 2]: where things meet, from the drawing's corner."""
    table = np.array([_anchors(i) for i in range(len(drawings()))])[:, None]  # [s, 1, a, 2]
    return np.asarray((table * np.array(EXTENTS)[:, None, None] + 500) // 1000)


def _anchors(number: int) -> list[tuple[int, int]]:
    """Thousandths of the extent. Edges are at foot height; a missing anchor is the foot."""
    drawing = drawings()[number]
    left, top, right, bottom = (round(1000 * share) for share in reach()[number])
    foot_x, foot_y = (round(10 * value) for value in drawing.anchors["foot"])
    middle = (left + right) // 2
    found = {
        "left": (left, foot_y),
        "right": (right, foot_y),
        "crown": (middle, top),
        "base": (middle, bottom),
        "sunk": (middle, top + (bottom - top) * 7 // 10),
    }
    for name, (x, y) in drawing.anchors.items():
        found[name] = (round(10 * x), round(10 * y))
    return [found.get(name, (foot_x, foot_y)) for name in ANCHORS]
