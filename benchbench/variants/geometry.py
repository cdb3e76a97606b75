"""Compare the positions of pairs of boxes, and find nearer boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

LENGTH = 23
"""Numbers that ``compare_boxes`` gives."""
MIN_SIDE = 1 / 512
"""The smallest side, as a share of the image's side."""


def unions(boxes: Tensor, others: Tensor) -> Tensor:
    """Return the boxes around two boxes each: […, 4] twice → [..., 4]; left, top, right, bottom."""
    low = torch.minimum(boxes[..., :2], others[..., :2])
    return torch.cat([low, torch.maximum(boxes[..., 2:], others[..., 2:])], dim=-1)


def compare_boxes(boxes: Tensor, others: Tensor) -> Tensor:
    """Return the sizes, places, distances and overlaps of pairs of boxes.

    Args:
        boxes: [..., 4], subjects': left, top, right, bottom as shares of the image.
        others: [..., 4], objects'.

    Returns:
        [..., LENGTH], each number of about the order of 1. Besides the customary ratios (Zhang et
        al., VTransE, CVPR 2017) there are gaps, edges and overlaps, which say plainly what
        predicates of place are about.
    """
    sides = [(b[..., 2:] - b[..., :2]).clamp(min=MIN_SIDE) for b in (boxes, others)]
    middles = [(b[..., :2] + b[..., 2:]) / 2 for b in (boxes, others)]
    shift = middles[1] - middles[0]
    gap = torch.maximum(others[..., :2] - boxes[..., 2:], boxes[..., :2] - others[..., 2:])
    inner = (-gap).minimum(torch.minimum(*sides)).clamp(min=0).prod(dim=-1, keepdim=True)
    areas = [side.prod(dim=-1, keepdim=True) for side in sides]
    return torch.cat(
        [
            *(side.log() / 2 + 1 for side in sides),
            *(2 * middle - 1 for middle in middles),
            4 * shift,
            shift / (sides[0] + sides[1]),
            4 * gap,
            4 * (others - boxes),
            inner / areas[0],
            inner / areas[1],
            inner / (areas[0] + areas[1] - inner),
            torch.exp(-20 * gap.clamp(min=0)),
        ],
        dim=-1,
    )


def nearness(boxes: Tensor, there: Tensor) -> Tensor:
    """Return whether other boxes are nearer: relations are annotated between neighbours.

    Args:
        boxes: [n, k, 4] as shares of the image.
        there: [n, k] bool: rows that hold a box.

    Returns:
        [n, k, k, 2]: 1 / (1 + m) for each ordered pair, where m boxes are nearer to its subject
        than its object is, middle to middle and along the axes; and the same of the object.
    """
    middle = (boxes[..., :2] + boxes[..., 2:]) / 2
    far = (middle[:, :, None] - middle[:, None]).abs().sum(dim=-1)  # [n, k, k]
    itself = torch.eye(boxes.shape[1], dtype=torch.bool, device=boxes.device)
    far = far.masked_fill(~there[:, None, :] | itself, float("inf"))
    nearer = (far[..., None, :] < far[..., None]).sum(dim=-1)  # [n, k, k]
    rank = 1 / (1 + nearer.to(boxes.dtype))
    return torch.stack([rank, rank.transpose(1, 2)], dim=-1)
