"""Render the pixels of examples: drawn scenes, and parts of images at a model's input size.

Both are computed on training's own device; on a CPU, worker processes do it beforehand.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import torch

from benchbench.scenes.drawing import draw
from benchbench.scenes.drawing_torch import draw_torch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from benchbench.scenes.world import Scenes

RENDER = 2
"""Images are drawn at so many times the size they are shown at, so that parts of them stay
sharp."""
SAMPLES = 2
"""A pixel of a part is the mean of 2 × 2 samples: a whole image drawn at twice the size is then
its exact average."""


def draw_on(scenes: Scenes, size: int, device: str) -> Tensor:
    """Draw scenes on the device, [n, 3, size, size] uint8."""
    if device == "cpu":
        return torch.from_numpy(draw(scenes, size)).permute(0, 3, 1, 2)
    return draw_torch(scenes, size, device).permute(0, 3, 1, 2)


def cut_parts(images: Tensor, boxes: Tensor, size: int) -> Tensor:
    """Return parts of images, squashed to squares.

    Args:
        images: [n, 3, side, side] uint8.
        boxes: [n, 4] float: left, top, right, bottom, as shares of the image.
        size: the size of the squares.

    Returns:
        [n, 3, size, size] uint8
    """
    from torchvision.ops import roi_align

    boxes = boxes.to(images.device)
    rows = torch.arange(len(boxes), device=boxes.device, dtype=boxes.dtype)
    where = torch.cat([rows[:, None], boxes * images.shape[-1]], dim=1)
    out = roi_align(images.float(), where, size, 1.0, SAMPLES, aligned=True)
    return out.round_().clamp_(0, 255).to(torch.uint8)  # type: ignore[no-any-return]


def normalise(pixels: Tensor, preprocessing: Mapping[str, Any]) -> Tensor:
    """Return [n, 3, size, size] uint8 as floats, by a model's mean and standard deviation."""
    mean, deviation = (
        _channels(tuple(preprocessing[name]), pixels.device) for name in ("mean", "std")
    )
    return (pixels.float() / 255 - mean) / deviation


@lru_cache(maxsize=16)
def _channels(values: tuple[float, ...], device: torch.device) -> Tensor:
    """Return a number for each channel, [3, 1, 1]; kept, as to bring it there takes a wait."""
    return torch.tensor(values, device=device)[:, None, None]
