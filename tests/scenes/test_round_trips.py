"""Each official format, written by ``scenes.edition`` and read back by the package's reader.

VG150's round trip is in ``tests/data/test_vg150.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchbench.data.aro import read_attributions, read_relations
from benchbench.data.karpathy import read_captioned, read_captions, read_training
from benchbench.data.order import frozen_name, negatives, pre_caption, stream_order_items
from benchbench.data.scenarioclip import read_classes, read_images
from benchbench.registry import load_task
from benchbench.scenes.captions import captions, dense_captions
from benchbench.scenes.edition import ALL_PARTS, export
from benchbench.scenes.edition.karpathy import COCO, tagged_captions
from benchbench.scenes.edition.plan import select_annotated
from benchbench.scenes.edition.sugarcrepe import contrasts
from benchbench.scenes.items import attribute_items, relation_items
from benchbench.scenes.sampling import sample
from benchbench.scenes.templates import SCENARIOS
from benchbench.scenes.visibility import measure_visible
from benchbench.scenes.vocabulary import CATEGORIES

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.scenes.world import Scenes

IMAGES, SIDE = 20, 96
PARTS = tuple(each for each in ALL_PARTS if each != "vg150")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("formats") / "drawn"
    return export(folder, parts=PARTS, images=IMAGES, training=10, size=SIDE)


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    return sample("test", np.arange(IMAGES))


def test_aro(root: Path, scenes: Scenes) -> None:
    for read, items in ((read_relations, relation_items), (read_attributions, attribute_items)):
        assert [each.captions for each in read(root)] == items(scenes).captions()


def test_karpathy(root: Path, scenes: Scenes) -> None:
    texts = captions(scenes).texts()
    assert [told for _, told in read_captions(root / COCO)] == texts
    entries = read_captioned(root, COCO)
    assert [list(each.captions) for each in entries] == texts
    assert all(each.image.path.is_file() for each in entries)
    training = captions(sample("train", np.arange(10))).texts()
    assert [list(each.captions) for each in read_training(root, COCO)] == training


def test_order_negatives(root: Path, scenes: Scenes) -> None:
    told = [(image, k, each) for image, some in tagged_captions(captions(scenes))
            for k, each in enumerate(some)]  # fmt: skip
    items = list(stream_order_items(root, frozen_name(COCO), 0))
    assert len(items) == len(told)
    for item, (image, k, each) in zip(items, told, strict=True):
        shuffles = negatives(each, f"order/0/{image}/{k}")
        assert list(item.captions) == [pre_caption(each.text), *shuffles]


def test_scenarioclip(root: Path, scenes: Scenes) -> None:
    found, shown = read_images(root), select_annotated(scenes, measure_visible(scenes, SIDE))
    assert [each.dense_caption for each in found] == [x[0] for x in dense_captions(scenes).texts()]
    assert [each.action for each in found] == [SCENARIOS[k].name for k in scenes.scenario.tolist()]
    for row, each in enumerate(found):
        kinds = scenes.category[row, shown[row]].tolist()
        assert [name for name, _ in each.objects] == [CATEGORIES[kind].name for kind in kinds]
    phrases = {phrase for each in found for _, phrase in each.relations}
    assert set(read_classes(root).relations) == phrases


def test_sugarcrepe(root: Path, scenes: Scenes) -> None:
    found = {
        (each.tags["subset"], each.images[0].path.stem, each.captions)
        for each in load_task("sugarcrepe").items(root)
    }
    assert found == {
        (subset, f"{int(scenes.index[row]):06d}", (true, false))
        for row, (subset, true, false) in contrasts(scenes)
    }


def test_winoground(root: Path, scenes: Scenes) -> None:
    items = load_task("winoground").items(root)
    told = set(relation_items(scenes, whole=True).captions())
    told |= set(attribute_items(scenes, whole=True).captions())
    assert [int(each.id) for each in items] == list(range(len(items)))
    for each in items:
        first, second = each.captions
        assert {(first, second), (second, first)} <= told
        assert all(image.path.is_file() for image in each.images)
