"""Group an image's patches by similarity and distance, without a segmentation model.

MSG-CLIP's images are cut into segments before training (IBPWS: patch-wise segmentation), by tools
and files that are not released. Here patches are grouped within each step, by the image tower's own
embeddings: a k-means of a few rounds whose distance also counts how far apart patches lie, as for
superpixels (SLIC; Achanta et al., TPAMI 2012). Groups are disjoint, as segments are and overlapping
windows are not: two entities cannot be matched with the same patches.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import normalize, one_hot

if TYPE_CHECKING:
    from torch import Tensor

ROUNDS = 4
NEARNESS = 0.5
"""The cost of the distance between two neighbouring seeds, in units of cosine."""


def group_patches(patches: Tensor, grid: tuple[int, int], count: int) -> Tensor:
    """Group an image's patches. No gradient flows through the assignment.

    Args:
        patches: [n, rows · columns, dim], row by row of the image.
        grid: rows and columns.
        count: the number of groups; some may stay empty.

    Returns:
        [n, groups, rows · columns] of 0 and 1: each patch is in one group.
    """
    with torch.no_grad():
        patches = patches.detach().float()
        # Tokens share most of their direction with the whole image's: what differs is compared.
        looks = normalize(patches - patches.mean(dim=1, keepdim=True), dim=-1)
        places, seeds = _starts(grid, count, patches.device)
        places = places.expand(len(patches), -1, -1)
        members = one_hot(seeds, places.shape[1]).to(looks).expand(len(patches), -1, -1)
        for _ in range(ROUNDS):
            members = _assigned(looks, places, members)
        return members


def _assigned(looks: Tensor, places: Tensor, members: Tensor) -> Tensor:
    """Assign patches once more to the nearest group's centre; an empty group stays empty."""
    size = members.sum(dim=2, keepdim=True)
    centres = normalize(members @ looks, dim=-1)
    where = members @ places / size.clamp(min=1)
    likeness = centres @ looks.transpose(1, 2) - NEARNESS * torch.cdist(where, places).square()
    best = likeness.masked_fill(size == 0, float("-inf")).argmax(dim=1)  # [n, patches]
    members = one_hot(best, members.shape[1]).to(looks)
    return members.transpose(1, 2)


@lru_cache(maxsize=16)
def _starts(grid: tuple[int, int], count: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return where patches lie, and which of them each group starts from; kept on the device."""
    places = _places(grid, count).to(device)
    return places, torch.cdist(_seeds(grid, count).to(places), places[0]).argmin(dim=1)


def _places(grid: tuple[int, int], count: int) -> Tensor:
    """Return the places of patches, [1, patches, 2], in distances of neighbouring seeds."""
    rows, columns = grid
    across = torch.cartesian_prod(torch.arange(rows), torch.arange(columns)).float()
    return across.div((rows * columns / count) ** 0.5)[None]


def _seeds(grid: tuple[int, int], count: int) -> Tensor:
    """Return seeds, [count, 2], evenly spread over the image in rows of nearly equal length."""
    rows, columns = grid
    lines = max(1, round((count * rows / columns) ** 0.5))
    lots = torch.arange(count).tensor_split(lines)
    found = [
        ((line + 0.5) / lines * rows - 0.5, (k + 0.5) / len(lot) * columns - 0.5)
        for line, lot in enumerate(lots)
        for k in range(len(lot))
    ]
    return torch.tensor(found).div((rows * columns / count) ** 0.5)
