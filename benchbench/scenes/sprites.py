"""The drawn world's sprites: an asset that ``tools/sprites.py`` makes of ``tools/art``.

Drawing them at every start would take ten times as long as reading them. ``tests/scenes`` holds
the asset to the drawings.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchbench.types.arrays import Floats, Pixels

Texels = Pixels

FILE = Path(__file__).with_name("sprites.npz")
MASTER = 320
"""Pixels along a sprite's longer side, and along a pattern's sides, at master resolution."""


@lru_cache(maxsize=1)
def masters() -> tuple[Texels, ...]:
    """Return every sprite at master resolution: arrays of [height, width, 5]."""
    texels, shapes = _column("texels"), _column("shapes").tolist()
    texels.setflags(write=False)
    ends = np.cumsum([height * width for height, width in shapes])[:-1]
    parts = np.split(texels, ends)
    return tuple(part.reshape(*shape, 5) for part, shape in zip(parts, shapes, strict=True))


def pattern_masters() -> tuple[Texels, ...]:
    """Return the master squares of the patterns, plain first: arrays of [MASTER, MASTER, 1]."""
    return tuple(_column("patterns"))


@lru_cache(maxsize=1)
def widths() -> Floats:
    """Return the widths of the drawings, [sprites], in hundredths of the longer side."""
    return _column("widths")


@lru_cache(maxsize=1)
def reach() -> Floats:
    """Return the box that a sprite's solid shapes cover in its drawing, without the shadow.

    Returns:
        [sprites, 4]: left, top, right, bottom as shares of the extent.
    """
    return _column("reach")


@lru_cache(maxsize=1)
def anchors() -> tuple[dict[str, tuple[float, float]], ...]:
    """Return the points at which objects meet, of each sprite by name, in the widths' unit.

    Names are ``foot``, ``back``, ``seat``, ``hand``, ``head``, ``grip``, ``top``, …
    """
    names, table = _column("anchor_names").tolist(), _column("anchors")
    there = ~np.isnan(table[..., 0])
    return tuple(
        {name: (x, y) for name, (x, y), known in zip(names, row, some, strict=True) if known}
        for row, some in zip(table.tolist(), there.tolist(), strict=True)
    )


def _column(name: str) -> npt.NDArray[Any]:
    with np.load(FILE) as found:
        column: npt.NDArray[Any] = found[name]
    return column
