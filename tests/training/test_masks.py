"""Where the entities of captions are, against a plain count of pixels."""

from __future__ import annotations

import numpy as np
import torch

from benchbench.scenes.visibility import measure_visible
from benchbench.scenes.vocabulary import CATEGORIES
from benchbench.training.drawn_world import DrawnWorld
from benchbench.training.masks import CELLS, coverage, slots_of

COUNT = 60


def test_entities_are_the_objects_of_their_names() -> None:
    found = DrawnWorld(0).examples(np.arange(COUNT))
    slots = slots_of(found)
    assert found.scenes is not None
    assert found.pair is not None
    known = 0
    for row, entity in np.argwhere(slots >= 0).tolist():
        slot = int(slots[row, entity])
        assert slot in [int(each[row]) for each in found.pair]
        name = CATEGORIES[found.scenes.category[row, slot]].name
        assert found.captions[row].graph.objects[entity].name == name
        known += 1
    assert known > COUNT / 2
    whole = (found.boxes == (0, 0, 1, 1)).all(axis=1)
    assert (slots[whole] == -1).all()


def test_coverage_is_the_share_of_pixels() -> None:
    found = DrawnWorld(0).examples(np.arange(COUNT))
    assert found.scenes is not None
    labels = torch.from_numpy(measure_visible(found.scenes, 128).labels)
    slots = torch.from_numpy(slots_of(found))
    whole = torch.tensor([[0.0, 0.0, 1.0, 1.0]]).expand(COUNT, 4)
    shares = coverage(labels, slots, whole)
    for row, entity in (slots >= 0).nonzero().tolist()[:10]:
        mask = labels[row] == slots[row, entity]
        cells = mask.float().view(CELLS, 8, CELLS, 8).mean(dim=(1, 3))
        assert torch.allclose(shares[row, entity], cells, atol=0.13)
        assert abs(float(shares[row, entity].mean() - mask.float().mean())) < 0.01
    assert not shares[slots < 0].any()
