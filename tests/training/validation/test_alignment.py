"""Matches are right where the group covers more of its own object than of the other."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import normalize

from benchbench.training.validation.alignment import judge

GRID = (4, 4)


def test_an_oracle_is_always_right_and_its_opposite_never() -> None:
    """Patches of the left half and of the right half look alike; entities are those looks."""
    torch.manual_seed(0)
    looks = normalize(torch.randn(2, 8), dim=-1)
    left = torch.arange(16) % 4 < 2
    patches = torch.where(left[:, None], looks[0], looks[1])[None]
    masks = torch.zeros(1, 3, 16, 16)
    masks[0, 0, :, :8] = 1
    masks[0, 1, :, 8:] = 1
    there = torch.tensor([[True, True, False]])
    entities = torch.cat([looks, torch.zeros(1, 8)])[None]
    assert judge(patches, entities, there, GRID, masks).hits.tolist() == [[True, True, False]]
    turned = entities[:, [1, 0, 2]]
    assert not judge(patches, turned, there, GRID, masks).hits.any()


def test_chance_is_about_a_half() -> None:
    generator = torch.Generator().manual_seed(0)
    n = 400
    patches = torch.randn(n, 16, 8, generator=generator)
    entities = normalize(torch.randn(n, 2, 8, generator=generator), dim=-1)
    masks = torch.zeros(n, 2, 16, 16)
    masks[:, 0, :, :8] = 1
    masks[:, 1, :, 8:] = 1
    there = torch.ones(n, 2, dtype=torch.bool)
    assert 0.35 < float(np.mean(judge(patches, entities, there, GRID, masks).hits.numpy())) < 0.55
