"""The validation set: as many items of each relation and pair, of ``val`` alone, drawn as told."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from benchbench.scenes.balance import PAIRS, RELATIONS, balance_attributes, balance_relations
from benchbench.scenes.drawing import draw
from benchbench.scenes.visibility import measure_visible
from benchbench.training.validation import structure
from benchbench.training.validation.structure import StructureSet, build

if TYPE_CHECKING:
    from PIL.Image import Image


def transform(image: Image) -> torch.Tensor:
    return torch.from_numpy(np.array(image.resize((24, 24)))).permute(2, 0, 1).float()


@pytest.fixture(scope="module")
def small() -> StructureSet:
    return build(transform, per_relation=4, per_pair=2, gallery=6)


def test_every_relation_and_every_pair_has_as_many_items(small: StructureSet) -> None:
    relations, attributes = small.choices["relation"], small.choices["attribute"]
    assert Counter(relations.groups.tolist()) == dict.fromkeys(range(len(RELATIONS)), 4)
    assert Counter(attributes.groups.tolist()) == dict.fromkeys(range(len(PAIRS)), 2)
    for number, true, false in zip(
        relations.groups.tolist(), relations.true, relations.false, strict=True
    ):
        assert f" is {RELATIONS[number]} the " in true
        assert f" is {RELATIONS[number]} the " in false
    for number, true in zip(attributes.groups.tolist(), attributes.true, strict=True):
        assert {*PAIRS[number]} <= {*true.split()}


def test_captions_are_true_as_often_as_false(small: StructureSet) -> None:
    each = small.choices["relation"]
    assert Counter(each.true) == Counter(each.false)


def test_images_are_crops_of_val_scenes(
    small: StructureSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a plain loop, a scene and an item at a time."""
    scenes, items = balance_relations("val", 4)
    assert scenes.split == balance_attributes("val", 2)[0].split == "val"
    for k in range(0, len(items.scene), 7):
        one = scenes.take(items.scene[k : k + 1])
        mask = [measure_visible(one, 224).mask(0, slot) for slot in items.slots[k].tolist()]
        rows, columns = np.nonzero(mask[0] | mask[1])
        box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        crop = structure.cut_part(draw(one, 224)[0], [int(side) for side in box])
        assert torch.equal(small.choices["relation"].images[k], transform(crop))
    monkeypatch.setattr(structure, "_AT_ONCE", 5)
    again = build(transform, per_relation=4, per_pair=2, gallery=6)
    for name, each in small.choices.items():
        assert torch.equal(again.choices[name].images, each.images)


def test_a_model_that_always_says_the_same_earns_its_share(small: StructureSet) -> None:
    each = small.choices["relation"]
    alone = torch.from_numpy(each.groups == 3)
    assert each.share(alone) == pytest.approx(100 / len(RELATIONS))


def test_the_exam_has_some_hundred_items_of_each_kind() -> None:
    assert structure.PER_RELATION * len(RELATIONS) == 840
    assert structure.PER_PAIR * len(PAIRS) == 588
