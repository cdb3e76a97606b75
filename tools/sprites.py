"""Draw the drawn world's sprites, and write the asset that the package reads.

Usage: ``python -m tools.sprites``, from the repository root. The asset is
``benchbench/scenes/sprites.npz``; ``tests/scenes/test_sprites.py`` compares it with the drawings.
A change of any texel changes every edition: its version goes up with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from benchbench.scenes.atlas import TINT
from benchbench.scenes.shapes import Shape, body, dilate, fill, ink, oval, rect
from benchbench.scenes.sprites import FILE, MASTER
from benchbench.scenes.vocabulary import PATTERNS, SPRITES
from benchbench.types.arrays import Flags, Ints, Pixels
from tools.art import animals, furniture, people, things, vehicles
from tools.art.drawing import tilt

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.art.drawing import Drawing

Texels = Pixels

ARTISTS = (animals, furniture, things, vehicles)
"""Modules that draw all but people, each thing by a function of its name."""
TILT = 17.0
"""Degrees, of what leans."""

_PER_UNIT = MASTER / 100
_LINE = 7
_LINE_RGB = (30, 26, 32)
_LINE_SHADE = 64


def drawings() -> list[Drawing]:
    """Return every sprite's drawing, by number."""
    return [drawing_of(*sprite) for sprite in SPRITES]


def drawing_of(name: str, pose: str) -> Drawing:
    """Draw a category or a prop in a pose."""
    if name == "person":
        drawn: Drawing = getattr(people, pose)()
        return drawn
    if pose == "tilted":
        return tilt(drawing_of(name, "upright"), TILT)
    upright = f"{name}_upright"
    named = upright if pose == "upright" and _artist(upright) else name
    artist = _artist(named)
    if artist is None:
        raise LookupError(f"tools/art draws no {named}")
    if pose == "lie":
        return artist(lying=True)
    return artist(True) if pose in ("run", "front") else artist()


def _artist(name: str) -> Callable[..., Drawing] | None:
    return next((getattr(each, name) for each in ARTISTS if hasattr(each, name)), None)


def columns() -> dict[str, npt.NDArray[Any]]:
    """Draw everything: the arrays of the asset."""
    drawn = drawings()
    masters = [rasterise(drawing) for drawing in drawn]
    names = list(dict.fromkeys(name for drawing in drawn for name in drawing.anchors))
    missing = (np.nan, np.nan)
    return {
        "texels": np.concatenate([texels.reshape(-1, 5) for texels in masters]),
        "shapes": np.array([texels.shape[:2] for texels in masters]),
        "patterns": np.stack([_square(_pattern_shapes(name)) for name in PATTERNS]),
        "widths": np.array([drawing.width for drawing in drawn], dtype=np.float64),
        "reach": np.array([_reach(drawing) for drawing in drawn]) / 100.0,
        "anchor_names": np.array(names),
        "anchors": np.array(
            [[each.anchors.get(name, missing) for name in names] for each in drawn]
        ),
    }


def rasterise(drawing: Drawing) -> Texels:
    """Rasterise a drawing at master resolution, with an outline around its solid shapes.

    Returns:
        [height, width, 5] texels; the longer side is ``MASTER``.
    """
    height, width = round(drawing.height * _PER_UNIT), round(drawing.width * _PER_UNIT)
    image = np.zeros((height, width, 5), dtype=np.int64)
    masks = [fill(shape, height, width, _PER_UNIT) for shape in drawing.shapes]
    solid = np.zeros((height, width), dtype=np.bool_)
    for shape, mask in zip(drawing.shapes, masks, strict=True):
        if not shape.solid:
            _lay(image, mask, shape)
        elif shape.paint.opacity == 255:
            solid |= mask
    _line(image, dilate(solid, _LINE))
    for shape, mask in zip(drawing.shapes, masks, strict=True):
        if shape.lined:
            _line(image, dilate(mask, _LINE * 2 // 3) & solid)
        if shape.solid:
            _lay(image, mask, shape)
    return _lit(image).astype(np.uint8)


def _lay(image: Ints, mask: Flags, shape: Shape) -> None:
    """Composite one shape over the image below it, premultiplied."""
    paint = shape.paint
    texel = np.array([255, paint.shade, *paint.rgb]) * paint.opacity
    image[mask] = (image[mask] * (255 - paint.opacity) + texel + 127) // 255


def _line(image: Ints, mask: Flags) -> None:
    """Draw a dark line that takes a little of the object's colour."""
    image[mask] = (255, _LINE_SHADE, *_LINE_RGB)


def _lit(image: Ints) -> Ints:
    """Apply light from above: tinted parts lose a fifth of their brightness towards the bottom."""
    height = len(image)
    rows = np.arange(height)[:, None]
    image[..., TINT] = image[..., TINT] * (255 * height - 51 * rows) // (255 * height)
    return image


def _pattern_shapes(name: str) -> list[Shape]:
    paint = body()
    if name == "striped":
        return [rect(paint, x, 0, x + 8, 100) for x in range(4, 100, 17)]
    if name == "spotted":
        rows = [(y, 0 if i % 2 else 9.5) for i, y in enumerate(range(5, 105, 14))]
        return [oval(paint, x + shift, y, 4.6) for y, shift in rows for x in range(0, 110, 19)]
    if name == "checkered":
        cells = [(x, y) for x in range(10) for y in range(10) if (x + y) % 2]
        return [rect(paint, 11 * x, 11 * y, 11 * x + 11, 11 * y + 11) for x, y in cells]
    return [rect(ink("#000000"), 0, 0, 0, 0)]


def _square(shapes: list[Shape]) -> Texels:
    square = np.zeros((MASTER, MASTER), dtype=np.bool_)
    for shape in shapes:
        square |= fill(shape, MASTER, MASTER, _PER_UNIT)
    return (square[..., None] * 255).astype(np.uint8)


def _reach(drawing: Drawing) -> list[float]:
    points = np.array([p for s in drawing.shapes if s.solid for ring in s.rings for p in ring])
    low = np.maximum(points.min(axis=0) - _LINE / _PER_UNIT, 0)
    high = np.minimum(points.max(axis=0) + _LINE / _PER_UNIT, (drawing.width, drawing.height))
    return [*low, *high]


if __name__ == "__main__":
    arrays: dict[str, Any] = columns()
    np.savez_compressed(FILE, **arrays)
