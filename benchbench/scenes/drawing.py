"""Draw scenes as pixels on the CPU, in integer arithmetic.

Sprites differ in size, so that a batched blend would pad every sprite to the largest. Here the
slices are blended one after the other, which is several times faster. ``drawing_torch`` is the
batched version.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from benchbench.errors import UsageError
from benchbench.scenes.atlas import CANVAS, COVERAGE, FIXED, TINT, Atlas, atlas
from benchbench.scenes.backgrounds import background
from benchbench.scenes.vocabulary import COLOUR, COLOURS

if TYPE_CHECKING:
    from benchbench.scenes.world import Scenes
    from benchbench.types.arrays import Pixels


TINTS = np.array([colour.rgb for colour in COLOURS], dtype=np.uint8)
SECOND_TINTS = np.array([COLOURS[COLOUR[colour.second]].rgb for colour in COLOURS], dtype=np.uint8)
OPAQUE = 128
"""The least coverage at which a pixel counts as the object's."""

_255 = np.uint16(255)
_HALF = np.uint16(128)
_BYTE = np.uint16(8)


@dataclass(frozen=True, slots=True)
class Placement:
    """One sprite of a scene in painting order: plain numbers, clipped to the canvas."""

    slot: int
    sprite: Pixels
    """[height, width, 5], flipped, and cut to the part on the canvas."""
    pattern: Pixels | None
    """[height, width]"""
    top: int
    left: int


def draw(scenes: Scenes, size: int) -> Pixels:
    """Draw scenes as RGB images, [scenes, size, size, 3] uint8.

    Raises:
        UsageError: the size is below 32 or above 672 pixels.
    """
    out = np.empty((len(scenes), size, size, 3), dtype=np.uint8)
    sheet = checked_atlas(size)
    for row, sprites in enumerate(_placements(scenes, sheet)):
        canvas = out[row]
        _backdrop(scenes, row, canvas)
        for item in sprites:
            _blend(canvas, item, scenes.colour[row, item.slot])
    return out


def label(scenes: Scenes, size: int) -> npt.NDArray[np.int8]:
    """Return the slot of the object visible at each pixel, [scenes, size, size].

    −1 is background.
    """
    out = np.full((len(scenes), size, size), -1, dtype=np.int8)
    for row, sprites in enumerate(_placements(scenes, checked_atlas(size))):
        for item in sprites:
            height, width = item.sprite.shape[:2]
            target = out[row, item.top : item.top + height, item.left : item.left + width]
            slot = scenes.owner[row, item.slot]
            seen = slot if scenes.category[row, slot] >= 0 else -1
            target[item.sprite[..., COVERAGE] >= OPAQUE] = seen
    return out


def checked_atlas(size: int) -> Atlas:
    """Return the atlas for a canvas of ``size`` pixels.

    Raises:
        UsageError: the size is below 32 or above 672 pixels.
    """
    if not 32 <= size <= CANVAS:
        raise UsageError(f"Scenes are drawn at 32 to {CANVAS} pixels, not {size}.")
    return atlas(size)


def _placements(scenes: Scenes, sheet: Atlas) -> list[list[Placement]]:
    """Return every scene's sprites, the farthest first."""
    order = np.argsort(scenes.depth, axis=1, kind="stable")
    left, top = scenes.x * sheet.size // CANVAS, scenes.y * sheet.size // CANVAS
    columns = (scenes.sprite, scenes.level, scenes.pattern, scenes.flip, left, top)
    there = np.take_along_axis(scenes.sprite, order, axis=1) >= 0
    values = [column.tolist() for column in columns]
    out = []
    for row, (slots, present) in enumerate(zip(order.tolist(), there.tolist(), strict=True)):
        kept = [slot for slot, is_there in zip(slots, present, strict=True) if is_there]
        out.append([p for s in kept if (p := _placed(sheet, s, *(v[row][s] for v in values)))])
    return out


def _placed(
    sheet: Atlas, slot: int, number: int, level: int, pattern: int, flip: bool, left: int, top: int
) -> Placement | None:
    """Look a sprite up, flip it, and cut off the part beyond the canvas.

    Returns:
        The placement; None where nothing is left.
    """
    sprite = sheet.sprite(number, level)
    height, width = sprite.shape[:2]
    mask = sheet.pattern(pattern, level)[:height, :width] if pattern else None
    if flip:
        sprite, mask = sprite[:, ::-1], mask[:, ::-1] if mask is not None else None
    up, down = max(-top, 0), min(height, sheet.size - top)
    start, stop = max(-left, 0), min(width, sheet.size - left)
    if up >= down or start >= stop:
        return None
    cut = (slice(up, down), slice(start, stop))
    return Placement(slot, sprite[cut], mask if mask is None else mask[cut], top + up, left + start)


def _backdrop(scenes: Scenes, row: int, canvas: Pixels) -> None:
    image = background(int(scenes.background[row]), int(scenes.variant[row]), len(canvas))
    if scenes.mirrored[row]:
        image = image[:, ::-1]
    np.right_shift(image * scenes.light[row].astype(np.uint16), _BYTE, out=canvas, casting="unsafe")


def _blend(canvas: Pixels, item: Placement, colour: int) -> None:
    """Blend one sprite into the canvas, in place, with each share rounded.

    The formula is ``fixed + tint · colour / 255 + (255 − coverage) · canvas / 255``.
    """
    texels, (height, width) = item.sprite, item.sprite.shape[:2]
    target = canvas[item.top : item.top + height, item.left : item.left + width]
    tint = TINTS[colour].astype(np.uint16)
    if item.pattern is not None:
        share = item.pattern[..., None].astype(np.uint16)
        tint = _over_255(tint * (_255 - share) + SECOND_TINTS[colour] * share)
    mixed = _over_255(texels[..., TINT, None] * tint)
    mixed += _over_255(target * (_255 - texels[..., COVERAGE, None]))
    mixed += texels[..., FIXED]
    target[...] = np.minimum(mixed, _255)


def _over_255(value: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint16]:
    """Divide values up to 255² by 255, rounded, within 16 bits."""
    value += _HALF
    return np.asarray((value + (value >> _BYTE)) >> _BYTE, dtype=np.uint16)
