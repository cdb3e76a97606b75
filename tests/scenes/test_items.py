"""Items: fair, even both ways, and not to be answered blind."""

from __future__ import annotations

import random
from collections import Counter
from functools import cache

import numpy as np
import pytest

from benchbench.errors import UsageError
from benchbench.scenes.blind import fit
from benchbench.scenes.captions import captions
from benchbench.scenes.graph import closure
from benchbench.scenes.holdout import held_attributes, held_triples
from benchbench.scenes.items import (
    AttributeItems,
    RelationItems,
    attribute_items,
    crops,
    relation_items,
)
from benchbench.scenes.sampling import sample
from benchbench.scenes.visibility import measure_visible
from benchbench.scenes.vocabulary import (
    CATEGORIES,
    COLOUR,
    COLOURS,
    MENTIONED,
    PATTERNS,
    PREDICATES,
)
from benchbench.scenes.world import Scenes


@cache
def asked(split: str, count: int) -> tuple[Scenes, RelationItems, AttributeItems]:
    scenes = sample(split, np.arange(count))
    return scenes, relation_items(scenes), attribute_items(scenes)


def looks(scenes: Scenes, row: int, slot: int) -> set[str]:
    """Every attribute one could call an object by: patterns bring a second colour."""
    colour, pattern = COLOURS[scenes.colour[row, slot]], PATTERNS[scenes.pattern[row, slot]]
    return {colour.name} if pattern == "plain" else {colour.name, pattern, colour.second}


def test_attribute_captions_are_true_and_false() -> None:
    scenes, _, items = asked("test", 1500)
    visibility = measure_visible(scenes, 96)
    boxes = crops(visibility, items.scene, items.slots)
    for k, row in enumerate(items.scene.tolist()):
        x, y = (CATEGORIES[c].name for c in items.categories[k])
        a, b = (MENTIONED[m] for m in items.attributes[k])
        left, top, right, bottom = boxes[k]
        shown = set(visibility.labels[row, top:bottom, left:right].reshape(-1).tolist()) - {-1}
        called = [(CATEGORIES[scenes.category[row, s]].name, looks(scenes, row, s)) for s in shown]
        assert any(name == x and a in look for name, look in called)
        assert any(name == y and b in look for name, look in called)
        assert not any(name == x and b in look for name, look in called)
        assert not any(name == y and a in look for name, look in called)
        assert x != y
        assert a != b
        assert COLOUR.keys() | set(PATTERNS) >= {a, b}


def test_positions_are_true_of_the_pixels() -> None:
    scenes, items, _ = asked("test", 1500)
    boxes = measure_visible(scenes, 96).boxes
    middle = (boxes[..., 0] + boxes[..., 2]) / 2
    for k, row in enumerate(items.scene.tolist()):
        name, (s, o) = PREDICATES[items.predicate[k]].name, items.slots[k]
        if name == "to the left of":
            assert middle[row, s] < middle[row, o]
        elif name == "to the right of":
            assert middle[row, s] > middle[row, o]
        elif name in ("above", "on", "riding"):
            assert boxes[row, s, 1] < boxes[row, o, 1]
        elif name in ("under", "carrying"):
            assert boxes[row, s, 1] > boxes[row, o, 1]


def test_false_relations_are_not_even_possible() -> None:
    scenes, items, _ = asked("test", 1500)
    graph = closure(scenes)
    s, o = items.slots.T
    assert graph.certain[items.scene, items.predicate, s, o].all()
    assert not graph.possible[items.scene, items.predicate, o, s].any()
    assert len(items.scene) > 3000


def test_principals_are_asked_exactly_as_often_both_ways() -> None:
    for split in ("train", "test"):
        _, relations, attributes = asked(split, 1500)
        count: Counter[str] = Counter()
        for (true, false), principal in zip(relations.captions(), relations.principal, strict=True):
            if principal:
                count[true] += 1
                count[false] -= 1
        assert count
        assert not any(count.values())
        halves: Counter[frozenset[tuple[int, int]]] = Counter()
        rows = zip(attributes.categories.tolist(), attributes.attributes.tolist(), strict=True)
        for ((x, y), (a, b)), principal in zip(rows, attributes.principal, strict=True):
            if principal:
                halves[frozenset([(x, a), (y, b)])] += 1
                halves[frozenset([(x, b), (y, a)])] -= 1
        assert halves
        assert not any(halves.values())


def test_unseen_is_unseen_in_both_captions() -> None:
    _, relations, attributes = asked("test", 1500)
    held, (s, o) = held_triples(), relations.categories.T
    assert np.array_equal(held[relations.predicate, s, o], relations.unseen)
    assert np.array_equal(held[relations.predicate, o, s], relations.unseen)
    (x, y), (a, b), lacks = attributes.categories.T, attributes.attributes.T, held_attributes()
    true, false = (lacks[x, m].astype(int) + lacks[y, n] for m, n in ((a, b), (b, a)))
    assert np.array_equal(true, false)
    assert np.array_equal(true > 0, attributes.unseen)
    for items in (relations, attributes):
        assert 0.03 < items.unseen.mean() < 0.5


def test_training_items_are_all_seen() -> None:
    _, relations, attributes = asked("train", 1500)
    assert not relations.unseen.any()
    assert not attributes.unseen.any()


def test_all_swappable_predicates_are_asked() -> None:
    _, items, _ = asked("test", 1500)
    names = {PREDICATES[p].name for p in items.predicate[items.principal].tolist()}
    assert names == {
        "to the left of", "to the right of", "above", "under", "in front of", "behind", "on", "in",
        "riding", "carrying", "chasing", "looking at", "pulling", "leaning on",
    }  # fmt: skip


def test_crops_hold_both_objects() -> None:
    scenes, items, _ = asked("test", 1500)
    visibility = measure_visible(scenes, 224)
    boxes = crops(visibility, items.scene, items.slots)
    assert (boxes[:, 2] > boxes[:, 0]).all()
    assert boxes.min() >= 0
    assert boxes.max() <= 224
    for slot in items.slots.T:
        own = visibility.boxes[items.scene, slot]
        assert (boxes[:, :2] <= own[:, :2]).all()
        assert (boxes[:, 2:] >= own[:, 2:]).all()


def test_a_blind_reader_stays_at_chance() -> None:
    """``benchmarks/scenes_blind.py`` measures the same on many more."""
    _, relations, attributes = asked("train", 4000)
    _, test_relations, test_attributes = asked("test", 3000)
    for train, test in ((relations, test_relations), (attributes, test_attributes)):
        assert len(test.captions()) > 2500
        assert 0.48 <= fit(train.captions()).accuracy(test.captions()) <= 0.52


def test_the_blind_reader_can_read() -> None:
    """The control: shuffled captions do sound false."""
    rng = random.Random(3)
    texts = [five[0].split() for five in captions(sample("train", np.arange(1200))).texts()]
    pairs = [(" ".join(words), " ".join(rng.sample(words, len(words)))) for words in texts]
    assert fit(pairs[:900]).accuracy(pairs[900:]) > 0.9
    with pytest.raises(UsageError):
        fit([])


def test_a_crop_shows_what_it_overlaps() -> None:
    scenes = sample("test", np.arange(60))
    visibility, size = measure_visible(scenes, 96), 96
    rows = np.arange(60)
    whole = np.tile([0, 0, size, size], (60, 1))
    assert np.array_equal(visibility.among(rows, whole), visibility.pixels > 0)
    left = np.tile([0, 0, size // 2, size], (60, 1))
    for row, shown in enumerate(visibility.among(rows, left)):
        inside = set(visibility.labels[row][:, : size // 2].reshape(-1).tolist()) - {-1}
        assert inside <= set(np.flatnonzero(shown).tolist())
