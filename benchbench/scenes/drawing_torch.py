"""Draw the same images as ``drawing``, batched, on any torch device.

All arithmetic is in integers: the pixels equal the CPU's, byte for byte. The n-th sprite of all
scenes, counted from the farthest, is blended at once, in a window as large as the largest of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from benchbench.scenes.atlas import CANVAS
from benchbench.scenes.backgrounds import VARIANTS, all_backgrounds
from benchbench.scenes.drawing import SECOND_TINTS, TINTS, checked_atlas

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from benchbench.scenes.world import Scenes
    from benchbench.types.arrays import Ints


@dataclass(frozen=True, slots=True)
class _Palette:
    """The atlas and the backgrounds of one canvas size, on one device."""

    texels: Tensor
    """[texels, 5] uint8"""
    patterns: Tensor
    """[pattern texels] uint8"""
    backgrounds: Tensor
    """[backgrounds · variants, size, size, 3] uint8"""
    tints: Tensor
    """[colours, 2, 3] int32: a colour, and the second colour of its patterns."""


def draw_torch(scenes: Scenes, size: int, device: str | torch.device = "cpu") -> Tensor:
    """Draw scenes on a device, [scenes, size, size, 3] uint8, equal to ``drawing.draw``.

    Raises:
        UsageError: the size is below 32 or above 672 pixels.
    """
    import torch

    palette = _palette(size, str(device))
    canvas = _backdrops(scenes, palette, size, device)
    for layer in _layers(scenes, size):
        moved = torch.from_numpy(layer.table).to(device)
        _blend(canvas, palette, moved, size, layer.window)
    return canvas[:, :-1].reshape(len(scenes), size, size, 3).to(torch.uint8)


@dataclass(frozen=True, slots=True)
class _Layer:
    """The sprites of one rank in painting order, one from each scene that has so many."""

    table: Ints
    """[10, sprites]: scene, left, top, height, width, flip, first texel, colour, first pattern
    texel and side of the pattern."""
    window: int
    """The largest side of these sprites in pixels."""


def _layers(scenes: Scenes, size: int) -> list[_Layer]:
    """Return the sprites in painting order: each scene's farthest, each scene's next, and so on."""
    sheet = checked_atlas(size)
    there = scenes.sprite >= 0
    order = np.argsort(np.where(there, scenes.depth, np.iinfo(np.int64).max), axis=1, kind="stable")
    counts = there.sum(axis=1)
    layers = []
    for rank in range(int(counts.max(initial=0))):
        row = np.flatnonzero(counts > rank)
        at = row, order[row, rank]
        sprite, level, pattern = scenes.sprite[at], scenes.level[at], scenes.pattern[at]
        height, width = sheet.shape[sprite, level].T
        left, top = scenes.x[at] * size // CANVAS, scenes.y[at] * size // CANVAS
        columns = (
            row, left, top, height, width, scenes.flip[at], sheet.offset[sprite, level],
            scenes.colour[at], sheet.pattern_offset[pattern, level], sheet.extent[level],
        )  # fmt: skip
        layers.append(
            _Layer(np.stack(columns).astype(np.int64), int(max(height.max(), width.max())))
        )
    return layers


def _backdrops(scenes: Scenes, palette: _Palette, size: int, device: str | torch.device) -> Tensor:
    """Return the backgrounds, [scenes, size² + 1, 3] int32.

    The last pixel takes the values that fall off the canvas.
    """
    import torch

    number = torch.from_numpy(scenes.background * VARIANTS + scenes.variant).to(device)
    mirrored = torch.from_numpy(scenes.mirrored).to(device)[:, None, None, None]
    light = torch.from_numpy(scenes.light).to(device, torch.int32)[:, None, None]
    image = palette.backgrounds[number]
    lit = (torch.where(mirrored, image.flip(2), image).to(torch.int32) * light) >> 8
    spare = torch.zeros((len(scenes), 1, 3), dtype=torch.int32, device=device)
    return torch.cat([lit.reshape(len(scenes), size * size, 3), spare], dim=1)


def _blend(canvas: Tensor, palette: _Palette, table: Tensor, size: int, window: int) -> None:
    """Blend one sprite into each of some scenes, in place."""
    import torch

    row, left, top, height, width, flip, first, colour, pattern, side = (
        column[:, None, None] for column in table
    )
    steps = torch.arange(window, device=canvas.device)
    v, u = steps[None, :, None], steps[None, None, :]
    x, y = left + u, top + v
    inside = (v < height) & (u < width) & (x >= 0) & (x < size) & (y >= 0) & (y < size)
    source_x = torch.where(flip == 1, width - 1 - u, u)
    texel = palette.texels[torch.where(inside, first + v * width + source_x, 0)].to(torch.int32)
    share = palette.patterns[torch.where(inside, pattern + v * side + source_x, 0)]
    share = share.to(torch.int32)[..., None]  # [m, window, window, 1]
    tints = palette.tints[colour[:, 0, 0]][:, :, None, None]  # [m, 2, 1, 1, 3]
    tint = _over_255(tints[:, 0] * (255 - share) + tints[:, 1] * share)
    target = torch.where(inside, y * size + x, size * size)
    below = canvas[row, target]
    mixed = _over_255(texel[..., 1:2] * tint) + texel[..., 2:]
    mixed += _over_255(below * (255 - texel[..., :1]))
    canvas[row.expand_as(target), target] = mixed.clamp_(max=255)


def _over_255(value: Tensor) -> Tensor:
    value = value + 128
    return (value + (value >> 8)) >> 8


@lru_cache(maxsize=4)
def _palette(size: int, device: str) -> _Palette:
    """Copy the atlas and the backgrounds to the device, once."""
    import torch

    sheet = checked_atlas(size)
    tints = np.stack([TINTS, SECOND_TINTS], axis=1).astype(np.int32)
    return _Palette(
        texels=torch.from_numpy(sheet.texels.copy()).to(device),
        patterns=torch.from_numpy(sheet.patterns.copy()).to(device),
        backgrounds=torch.from_numpy(all_backgrounds(size)).to(device),
        tints=torch.from_numpy(tints).to(device),
    )
