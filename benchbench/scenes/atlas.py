"""Sprites as texels: every drawing at every size level, for one resolution of the canvas.

A texel is five bytes: coverage, tint and three bytes of fixed colour. Over a background b, an
object of colour c is painted as ``fixed + tint · c / 255 + (255 − coverage) · b / 255``. All values
are integers, so that CPU and GPU draw the same image.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from benchbench.scenes.sprites import MASTER, masters, pattern_masters
from benchbench.types.arrays import Ints, Pixels

Texels = Pixels

CANVAS = 672
"""Scene units along each side of a canvas: 7 per pixel at 96, 3 at 224."""

EXTENTS = (72, 83, 95, 110, 126, 145, 167, 192, 220, 253, 291, 335, 385)
"""Longer sides of sprites in scene units, one per level; each is about 1.15 times the one before.
"""

COVERAGE, TINT, FIXED = 0, 1, slice(2, 5)


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
    """Return the atlas for a canvas of ``size`` pixels; the first call takes about a second."""
    extent = [max(4, (2 * units * size + CANVAS) // (2 * CANVAS)) for units in EXTENTS]
    sprites = [resample(image, extent) for image in masters()]
    patterns = [resample(image, extent) for image in pattern_masters()]
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
    area = MASTER * MASTER
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
    """Return sums over bins of ``MASTER / side`` lines each, times ``side`` to stay integers."""
    lines = len(below) - 1
    count = -(-lines * side // MASTER)
    edges = np.minimum(np.arange(count + 1) * MASTER, lines * side)
    whole, part = edges // side, edges % side
    after = below[np.minimum(whole + 1, lines)]
    spread = (slice(None),) + (None,) * (below.ndim - 1)
    scaled = below[whole] * side + (after - below[whole]) * part[spread]
    return np.asarray(np.diff(scaled, axis=0))


def _starts(parts: list[Any]) -> Ints:
    return np.cumsum([0, *(len(part) for part in parts)], dtype=np.int64)[:-1]


def _frozen(array: Texels) -> Texels:
    array.setflags(write=False)
    return array
