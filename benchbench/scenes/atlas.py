"""Sprites as texels: every drawing at every size level, for one resolution of the canvas.

A texel is five bytes: coverage, tint and three bytes of fixed colour. Over a background b, an
object of colour c is painted as ``fixed + tint · c / 255 + (255 − coverage) · b / 255``. All values
are integers, so that CPU and GPU draw the same image.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbench.scenes.shapes import Shape, body, dilate, fill, ink, oval, rect
from benchbench.scenes.vocabulary import ARTISTS, PATTERNS
from benchbench.types.arrays import Flags, Floats, Ints, Pixels

if TYPE_CHECKING:
    from benchbench.scenes.art.drawing import Drawing

Texels = Pixels

CANVAS = 672
"""Scene units along each side of a canvas: 7 per pixel at 96, 3 at 224."""

EXTENTS = (72, 83, 95, 110, 126, 145, 167, 192, 220, 253, 291, 335, 385)
"""Longer sides of sprites in scene units, one per level; each is about 1.15 times the one before.
"""

COVERAGE, TINT, FIXED = 0, 1, slice(2, 5)

_MASTER = 320
_PER_UNIT = _MASTER / 100
_LINE = 7
_LINE_RGB = (30, 26, 32)
_LINE_SHADE = 64


@dataclass(frozen=True, slots=True)
class Atlas:
    """All sprites at all levels for one canvas size, as flat arrays that both renderers read."""

    size: int
    texels: Texels
    """[texels, 5]"""
    offset: Ints
    """[sprites, levels]: the first row of each sprite in ``texels``."""
    shape: Ints
    """[sprites, levels, 2]: height and width in pixels."""
    patterns: Texels
    """[pattern texels]: share of the second colour, in 255ths."""
    pattern_offset: Ints
    """[patterns, levels]: the first texel of each pattern's square, whose side is one sprite
    extent."""
    extent: Ints
    """[levels]: the side of a pattern's square in pixels."""

    def sprite(self, number: int, level: int) -> Texels:
        """Return a view of one sprite's texels, [height, width, 5]."""
        height, width = self.shape[number, level]
        start = self.offset[number, level]
        return self.texels[start : start + height * width].reshape(height, width, 5)

    def pattern(self, number: int, level: int) -> Texels:
        """Return a view of one pattern's square, [extent, extent]."""
        side, start = self.extent[level], self.pattern_offset[number, level]
        return self.patterns[start : start + side * side].reshape(side, side)


@lru_cache(maxsize=4)
def atlas(size: int) -> Atlas:
    """Return the atlas for a canvas of ``size`` pixels; the first call takes about two seconds."""
    extent = [max(4, (2 * units * size + CANVAS) // (2 * CANVAS)) for units in EXTENTS]
    sprites = [resample(image, extent) for image in masters()]
    patterns = [resample(image, extent) for image in _pattern_masters()]
    flat = [texels.reshape(-1, 5) for ladder in sprites for texels in ladder]
    squares = [texels[..., 0].reshape(-1) for ladder in patterns for texels in ladder]
    levels = len(extent)
    return Atlas(
        size=size,
        texels=_frozen(np.concatenate(flat)),
        offset=_starts(flat).reshape(-1, levels),
        shape=np.array([[t.shape[:2] for t in ladder] for ladder in sprites], dtype=np.int64),
        patterns=_frozen(np.concatenate(squares)),
        pattern_offset=_starts(squares).reshape(-1, levels),
        extent=np.array(extent, dtype=np.int64),
    )


@lru_cache(maxsize=1)
def drawings() -> tuple[Drawing, ...]:
    """Return every sprite's drawing, by number."""
    return tuple(artist() for artist in ARTISTS)


@lru_cache(maxsize=1)
def masters() -> tuple[Texels, ...]:
    """Return every sprite at master resolution: arrays of [height, width, 5]."""
    return tuple(rasterise(drawing) for drawing in drawings())


def rasterise(drawing: Drawing) -> Texels:
    """Rasterise a drawing at master resolution, with an outline around its solid shapes.

    Returns:
        [height, width, 5] texels; the longer side is ``_MASTER``.
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


def resample(image: Texels, sides: list[int]) -> list[Texels]:
    """Average areas to each size at which 100 units are ``side`` pixels, in exact integers.

    Returns:
        Arrays of [height, width, channels] uint8, premultiplied, never brighter than coverage.
    """
    below = _accumulated(image.astype(np.int64))
    return [_averaged(below, side) for side in sides]


def _averaged(below: Ints, side: int) -> Texels:
    rows = _binned(below, side)
    sums = _binned(_accumulated(rows.swapaxes(0, 1)), side).swapaxes(0, 1)
    area = _MASTER * _MASTER
    out = (sums + area // 2) // area
    if out.shape[-1] == 5:
        room = out[..., COVERAGE] - out[..., FIXED].max(axis=-1)
        out[..., TINT] = np.clip(out[..., TINT], 0, np.maximum(room, 0))
        out[..., FIXED] = np.minimum(out[..., FIXED], out[..., :1])
    return np.ascontiguousarray(out, dtype=np.uint8)


def _accumulated(lines: Ints) -> Ints:
    """Return the sums of the lines before each line, and of all lines, [lines + 1, …]."""
    out = np.zeros((len(lines) + 1, *lines.shape[1:]), dtype=np.int64)
    np.cumsum(lines, axis=0, out=out[1:])
    return out


def _binned(below: Ints, side: int) -> Ints:
    """Return sums over bins of ``_MASTER / side`` lines each, times ``side`` to stay integers."""
    lines = len(below) - 1
    count = -(-lines * side // _MASTER)
    edges = np.minimum(np.arange(count + 1) * _MASTER, lines * side)
    whole, part = edges // side, edges % side
    after = below[np.minimum(whole + 1, lines)]
    spread = (slice(None),) + (None,) * (below.ndim - 1)
    scaled = below[whole] * side + (after - below[whole]) * part[spread]
    return np.asarray(np.diff(scaled, axis=0))


def _pattern_masters() -> list[Texels]:
    """Return the master squares of the patterns, plain first: arrays of [_MASTER, _MASTER, 1]."""
    return [_square(_pattern_shapes(name)) for name in PATTERNS]


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
    square = np.zeros((_MASTER, _MASTER), dtype=np.bool_)
    for shape in shapes:
        square |= fill(shape, _MASTER, _MASTER, _PER_UNIT)
    return (square[..., None] * 255).astype(np.uint8)


@lru_cache(maxsize=1)
def reach() -> Floats:
    """Return the box that a sprite's solid shapes cover in its drawing, without the shadow.

    Returns:
        [sprites, 4]: left, top, right, bottom as shares of the extent.
    """
    return np.array([_reach(drawing) for drawing in drawings()]) / 100.0


def _reach(drawing: Drawing) -> list[float]:
    points = np.array([p for s in drawing.shapes if s.solid for ring in s.rings for p in ring])
    low = np.maximum(points.min(axis=0) - _LINE / _PER_UNIT, 0)
    high = np.minimum(points.max(axis=0) + _LINE / _PER_UNIT, (drawing.width, drawing.height))
    return [*low, *high]


def _starts(parts: list[Any]) -> Ints:
    return np.cumsum([0, *(len(part) for part in parts)], dtype=np.int64)[:-1]


def _frozen(array: Texels) -> Texels:
    array.setflags(write=False)
    return array
