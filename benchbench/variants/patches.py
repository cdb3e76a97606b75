"""Embed the patches of images of any size, and pool regions from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.nn.functional import interpolate

from benchbench.variants.features import vision_of

if TYPE_CHECKING:
    from torch import Tensor

SAMPLES = 2
"""Points along each side of a cell that RoI pooling averages."""


def resize(images: Tensor, side: int) -> Tensor:
    """Return [n, 3, height, width] float as [n, 3, side, side], squashed where the size differs."""
    if images.shape[-2:] == (side, side):
        return images
    return interpolate(images, (side, side), mode="bilinear", antialias=True)


def patch_map(clip: Any, images: Tensor) -> Tensor:
    """Encode the patches of images, in their places.

    As ``features.image_tokens``, but images may have any size: positions are interpolated.

    Args:
        clip: what ``features.check_backbone`` lets pass.
        images: [n, 3, height, width], normalised; whole patches along both sides.

    Returns:
        [n, dim, rows, columns], in the space of embeddings; not of unit length.
    """
    visual = vision_of(clip)
    x = visual.conv1(images)
    rows, columns = x.shape[-2:]
    start = visual.class_embedding.to(x.dtype).expand(len(x), 1, -1)
    x = torch.cat([start, x.flatten(2).transpose(1, 2)], dim=1)
    x = visual.patch_dropout(x + _positions(visual, rows, columns).to(x.dtype))
    x = visual.ln_post(visual.transformer(visual.ln_pre(x)))[:, 1:] @ visual.proj
    found: Tensor = x.transpose(1, 2).reshape(len(x), -1, rows, columns)
    return found


def _positions(visual: Any, rows: int, columns: int) -> Tensor:
    """Return [1 + rows · columns, width]: the class token's position, then the patches'."""
    known: Tensor = visual.positional_embedding
    if (rows, columns) == tuple(visual.grid_size):
        return known
    grid = known[1:].T.reshape(1, -1, *visual.grid_size).float()
    new = interpolate(grid, (rows, columns), mode="bilinear", align_corners=False)
    return torch.cat([known[:1], new[0].flatten(1).T.to(known.dtype)])


def pool_regions(maps: Tensor, boxes: Tensor, cells: int) -> Tensor:
    """Pool regions by RoIAlign (He et al., Mask R-CNN, ICCV 2017).

    Args:
        maps: [n, dim, rows, columns].
        boxes: [n, m, 4]: left, top, right, bottom as shares of each image.
        cells: along both sides of a box.

    Returns:
        [n, m, dim · cells²], of the maps' type; computed in float32.
    """
    from torchvision.ops import roi_align

    n, m = boxes.shape[:2]
    rows, columns = maps.shape[-2:]
    scale = torch.tensor([columns, rows, columns, rows], device=boxes.device)
    where = (boxes.float() * scale).flatten(0, 1)
    image = torch.arange(n, device=boxes.device).repeat_interleave(m)[:, None].float()
    found = roi_align(
        maps.float(), torch.cat([image, where], dim=1), cells, 1.0, SAMPLES, aligned=True
    )
    flat: Tensor = found.reshape(n, m, -1).to(maps.dtype)
    return flat
