"""The scenes as a struct of arrays: positions, appearance and annotations of all objects."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from benchbench.scenes.atlas import EXTENTS
from benchbench.scenes.sprites import anchors, reach, widths

if TYPE_CHECKING:
    from benchbench.types.arrays import Flags, Ints

VERSION = "scenes-v1"
"""The name of the drawn world, and the first word of every seed: another name draws another world.
It names the training data. The items of a test edition have a name of their own
(``edition.plan.EDITION``)."""

ANCHORS = (
    "foot", "top", "back", "seat", "hand", "head", "grip", "inside", "brim",
    "left", "right", "crown", "base", "sunk",
)  # fmt: skip
ANCHOR = {name: i for i, name in enumerate(ANCHORS)}


@dataclass(frozen=True, slots=True)
class Scenes:
    """A batch of scenes with a fixed number of slots each.

    A slot holds an object, a prop (a sprite without a category) or nothing.
    """

    split: str
    index: Ints
    """[scenes]: the number of each scene in its split."""
    scenario: Ints
    """[scenes]: index into ``templates.SCENARIOS``."""
    background: Ints
    """[scenes]: index into ``backgrounds.BACKGROUNDS``."""
    variant: Ints
    """[scenes]: the number of the background's variant."""
    light: Ints
    """[scenes, 3]: gains on the background's red, green and blue, in 256ths, at most 256."""
    mirrored: Flags
    """[scenes]: true where the background is mirrored."""
    category: Ints
    """[scenes, slots]: index into ``vocabulary.CATEGORIES``; −1 is a prop or nothing."""
    sprite: Ints
    """[scenes, slots]: index into the atlas; −1 is nothing."""
    owner: Ints
    """[scenes, slots]: the slot of the object that a sprite belongs to. It is the sprite's own
    slot, except for the fronts of containers."""
    level: Ints
    """[scenes, slots]: index into ``atlas.EXTENTS``."""
    flip: Flags
    """[scenes, slots]: true where the sprite faces left."""
    x: Ints
    """[scenes, slots]: left edge of the drawing, in scene units."""
    y: Ints
    """[scenes, slots]: top edge of the drawing, in scene units."""
    depth: Ints
    """[scenes, slots]: painting order. A sprite painted later is nearer. Values are distinct where
    there are sprites."""
    colour: Ints
    """[scenes, slots]: index into ``vocabulary.COLOURS``."""
    pattern: Ints
    """[scenes, slots]: index into ``vocabulary.PATTERNS``."""
    size: Ints
    """[scenes, slots]: index into ``vocabulary.SIZES``."""
    predicate: Ints
    """[scenes, slots, slots]: the annotated predicate from row to column; −1 is none."""

    def __len__(self) -> int:
        return len(self.index)

    @property
    def present(self) -> Flags:
        """Return the slots that hold an object, [scenes, slots]."""
        return np.asarray(self.category >= 0)

    def take(self, rows: Ints | slice) -> Scenes:
        """Return the scenes of some rows."""
        arrays = {f.name: getattr(self, f.name)[rows] for f in fields(self) if f.name != "split"}
        return replace(self, **arrays)

    def boxes(self) -> Ints:
        """Return the box of each drawing, [scenes, slots, 4], in scene units.

        It is 0 where there is no sprite.
        """
        left, top, right, bottom = np.moveaxis(reach_table()[self.sprite, self.level], -1, 0)
        width = width_table()[self.sprite, self.level]
        first = np.where(self.flip, width - right, left)
        last = np.where(self.flip, width - left, right)
        box = np.stack([self.x + first, self.y + top, self.x + last, self.y + bottom], axis=-1)
        return np.where(self.sprite[..., None] >= 0, box, 0)


@lru_cache(maxsize=1)
def reach_table() -> Ints:
    """Return the box of each sprite in its drawing, [sprites, levels, 4], in scene units."""
    thousandths = np.rint(reach() * 1000).astype(np.int64)[:, None]
    return np.asarray((thousandths * np.array(EXTENTS)[:, None] + 500) // 1000)


@lru_cache(maxsize=1)
def width_table() -> Ints:
    """Return the widths of the drawings, [sprites, levels], in scene units."""
    thousandths = np.array([round(width * 10) for width in widths().tolist()])[:, None]
    return np.asarray((thousandths * np.array(EXTENTS) + 500) // 1000)


@lru_cache(maxsize=1)
def anchor_table() -> Ints:
    """Return the anchors, [sprites, levels, anchors, 2], in scene units from the corner."""
    table = np.array([_anchors(i) for i in range(len(anchors()))])[:, None]  # [s, 1, a, 2]
    return np.asarray((table * np.array(EXTENTS)[:, None, None] + 500) // 1000)


def _anchors(number: int) -> list[tuple[int, int]]:
    """Return a drawing's anchors as (x, y), in thousandths of the extent.

    The left and right edges are at foot height. A missing anchor is the foot.
    """
    own = anchors()[number]
    left, top, right, bottom = (round(1000 * share) for share in reach()[number])
    foot_x, foot_y = (round(10 * value) for value in own["foot"])
    middle = (left + right) // 2
    found = {
        "left": (left, foot_y),
        "right": (right, foot_y),
        "crown": (middle, top),
        "base": (middle, bottom),
        "sunk": (middle, top + (bottom - top) * 7 // 10),
    }
    for name, (x, y) in own.items():
        found[name] = (round(10 * x), round(10 * y))
    return [found.get(name, (foot_x, foot_y)) for name in ANCHORS]
