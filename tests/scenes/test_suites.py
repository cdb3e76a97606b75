"""The drawn world as SugarCrepe and Winoground: read by the tasks, false where it should be."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from benchbench.registry import load_task
from benchbench.scenes.blind import fit
from benchbench.scenes.edition import export
from benchbench.scenes.edition.sugarcrepe import SUBSETS, contrasts
from benchbench.scenes.graph import closure
from benchbench.scenes.sampling import sample
from benchbench.scenes.visibility import measure_visible
from benchbench.scenes.vocabulary import CATEGORY, MENTION, PREDICATE
from benchbench.types import Item

IMAGES = 60


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("suites") / "drawn"
    return export(root, parts=["sugarcrepe", "winoground"], images=IMAGES, size=96)


@pytest.fixture(scope="module")
def world() -> World:
    return World()


class World:
    """What may be said of each test image, from its graph alone."""

    def __init__(self) -> None:
        self.scenes = sample("test", np.arange(IMAGES))
        self.graph = closure(self.scenes)
        self.visible = measure_visible(self.scenes, 96).pixels > 0

    def may_be_said(self, caption: str, index: int) -> bool:
        """Whether anybody might grant all that a caption claims."""
        claims = [self.claim(part, index) for part in re.split(" and (?:there is )?", caption)]
        return all(claims)

    def claim(self, text: str, index: int) -> bool:
        words = text.removeprefix("the ").removeprefix("an ").removeprefix("a ")
        if " is " in words:
            who, rest = words.split(" is ")
            what, whom = rest.rsplit(" the ", 1)
            plane = self.graph.possible[index, PREDICATE[what]]
            return bool(plane[np.ix_(self.named(who, index), self.named(whom, index))].any())
        *attribute, name = words.split()
        named = self.named(name, index)
        if attribute:
            return bool(self.graph.may_have[index, named, MENTION[attribute[0]]].any())
        return bool(named.any())

    def named(self, name: str, index: int) -> np.ndarray:
        return np.asarray((self.scenes.category[index] == CATEGORY[name]) & self.visible[index])


def index_of(item: Item, image: int = 0) -> int:
    return int(item.images[image].path.stem)


def test_sugarcrepe_is_true_first_and_false_second(root: Path, world: World) -> None:
    items = load_task("sugarcrepe").items(root)
    counts = Counter(item.tags["subset"] for item in items)
    assert set(counts) == set(SUBSETS)
    assert all(10 < counts[name] <= IMAGES for name in SUBSETS)
    for item in items:
        true, false = item.captions
        assert world.may_be_said(true, index_of(item)), item
        assert not world.may_be_said(false, index_of(item)), item


def test_winoground_captions_are_true_of_their_own_image_alone(root: Path, world: World) -> None:
    items = load_task("winoground").items(root)
    assert set(Counter(item.tags["type"] for item in items)) == {"Object", "Relation"}
    assert len(items) >= 20
    for item in items:
        first, second = index_of(item, 0), index_of(item, 1)
        assert (first % 2, second) == (0, first + 1)
        assert sorted(item.captions[0].split()) == sorted(item.captions[1].split())
        for image, index in enumerate((first, second)):
            said = [world.may_be_said(caption, index) for caption in item.captions]
            assert said == [image == 0, image == 1], item


def test_what_is_swapped_cannot_be_told_from_language() -> None:
    pairs: dict[str, dict[str, list[tuple[str, str]]]] = {}
    for split in ("train", "test"):
        for _, (subset, true, false) in contrasts(sample(split, np.arange(600))):
            pairs.setdefault(subset, {}).setdefault(split, []).append((true, false))
    for subset in ("replace_att", "replace_obj", "replace_rel", "swap_att", "swap_obj"):
        reader = fit(pairs[subset]["train"])
        assert 0.4 < reader.accuracy(pairs[subset]["test"]) < 0.6, subset


def test_what_is_added_is_told_by_length_alone() -> None:
    """The card of the task says so: the shorter caption is true, a tie counts half."""
    right: dict[str, list[float]] = {}
    for _, (subset, true, false) in contrasts(sample("test", np.arange(400))):
        longer = len(false) - len(true)
        right.setdefault(subset, []).append(0.5 + 0.5 * ((longer > 0) - (longer < 0)))
    earns = {subset: round(100 * float(np.mean(each)), 1) for subset, each in right.items()}
    assert earns == {
        "add_att": 100.0, "add_obj": 100.0, "replace_att": 51.7, "replace_obj": 50.6,
        "replace_rel": 49.6, "swap_att": 50.0, "swap_obj": 50.0,
    }  # fmt: skip
    every = [value for each in right.values() for value in each]
    assert (len(every), round(100 * float(np.mean(every)), 1)) == (1765, 62.7)
