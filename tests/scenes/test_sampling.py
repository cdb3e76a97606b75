"""The sampler's promises: determinism, twins, hold-out, fullness."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbench.errors import UsageError
from benchbench.scenes.appearance import principals
from benchbench.scenes.atlas import CANVAS
from benchbench.scenes.casting import scenario_flags
from benchbench.scenes.graph import closure
from benchbench.scenes.holdout import CLASSES, category_class, held_attributes, held_triples
from benchbench.scenes.sampling import SPLITS, sample
from benchbench.scenes.templates import SCENARIOS
from benchbench.scenes.vocabulary import CATEGORIES, COLOURS, PREDICATES
from benchbench.scenes.world import Scenes


def same(one: Scenes, other: Scenes) -> bool:
    names = [f.name for f in fields(Scenes) if f.name != "split"]
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=12), st.sampled_from(SPLITS))
@settings(max_examples=25)
def test_a_scene_depends_on_its_number_alone(numbers: list[int], split: str) -> None:
    batch = sample(split, np.array(numbers))
    for row in {0, len(numbers) - 1}:
        alone = sample(split, np.array(numbers[row : row + 1]))
        assert same(alone, batch.take(np.array([row])))


def test_splits_differ() -> None:
    drawn = [sample(split, np.arange(64)).x[:, 0].tolist() for split in SPLITS]
    assert all(a != b for i, a in enumerate(drawn) for b in drawn[:i])


@pytest.mark.parametrize(("split", "least", "most"), [("train", 2, 6), ("train-dense", 7, 12)])
def test_scenes_are_as_full_as_promised(split: str, least: int, most: int) -> None:
    count = sample(split, np.arange(3000)).present.sum(axis=1)
    assert count.min() >= least
    assert count.max() <= most
    assert len(set(count.tolist())) == most - least + 1


def test_every_scenario_and_category_comes_up() -> None:
    scenes = sample("train", np.arange(6000))
    assert set(scenes.scenario.tolist()) == set(range(len(SCENARIOS)))
    assert set(scenes.category.reshape(-1).tolist()) == {-1, *range(len(CATEGORIES))}


def test_objects_are_on_the_canvas() -> None:
    for split in ("test", "test-dense"):
        scenes = sample(split, np.arange(2000))
        boxes = scenes.boxes()[scenes.present]
        assert boxes[:, :2].min() >= -12
        assert boxes[:, 2:].max() <= CANVAS + 12


@pytest.mark.parametrize("split", ["train", "train-dense"])
def test_training_never_draws_what_is_held_out(split: str) -> None:
    scenes = sample(split, np.arange(2000))
    kind, there = np.maximum(scenes.category, 0), scenes.present
    facts = closure(scenes)
    assert not (facts.has & held_attributes()[kind]).any()
    row, predicate, i, j = np.nonzero(facts.certain)
    assert not held_triples()[predicate, kind[row, i], kind[row, j]].any()
    assert there.any()


def test_test_splits_do_draw_it() -> None:
    scenes = sample("test", np.arange(2000))
    kind, facts = np.maximum(scenes.category, 0), closure(scenes)
    assert (facts.has & held_attributes()[kind]).any(axis=(1, 2)).mean() > 0.1
    row, predicate, i, j = np.nonzero(facts.certain)
    unseen = held_triples()[predicate, kind[row, i], kind[row, j]]
    assert len(set(row[unseen].tolist())) > 100


def test_the_hold_out_is_closed_under_swaps() -> None:
    triples = held_triples()
    assert np.array_equal(triples, triples.swapaxes(1, 2))
    for row, predicate in enumerate(PREDICATES):
        if predicate.inverse and predicate.name not in (
            "sitting on",
            "standing on",
            "lying on",
            "on",
        ):
            inverse = [p.name for p in PREDICATES].index(predicate.inverse)
            assert np.array_equal(triples[row], triples[inverse].T)
    classes = np.array([category_class(c.name) for c in CATEGORIES])
    for number in range(len(CLASSES)):
        rows = held_attributes()[classes == number]
        assert len(rows) > 5
        assert (rows == rows[0]).all()


def test_twins_change_places_and_attributes() -> None:
    scenes = sample("val", np.arange(2000))
    even, odd = scenes.take(slice(0, None, 2)), scenes.take(slice(1, None, 2))
    assert np.array_equal(even.scenario, odd.scenario)
    rows, (first, second) = np.arange(1000), principals(even.scenario)
    swappable = scenario_flags()[1][even.scenario]
    crossed = even.category[rows, first] == odd.category[rows, second]
    assert np.array_equal(crossed, swappable | crossed)
    assert crossed[swappable].all()
    for values in ("colour", "pattern"):
        one, other = getattr(even, values), getattr(odd, values)
        stays = np.where(swappable, first, second)
        assert np.array_equal(one[rows, first], other[rows, stays])


def test_predicates_given_a_pair_are_long_tailed() -> None:
    scenes = sample("train", np.arange(12000))
    row, i, j = np.nonzero(scenes.predicate >= 0)
    kinds = scenes.category[row, i] * len(CATEGORIES) + scenes.category[row, j]
    person_bag = kinds == 0 * len(CATEGORIES) + [c.name for c in CATEGORIES].index("bag")
    counts = np.sort(np.bincount(scenes.predicate[row, i, j][person_bag]))[::-1]
    assert (counts > 0).sum() >= 4
    assert counts[0] > 4 * counts[3]


def test_colours_are_drawn_without_favour() -> None:
    scenes = sample("train", np.arange(8000))
    share = np.bincount(scenes.colour[scenes.present]) / scenes.present.sum()
    assert share.max() < 1.6 / len(COLOURS)


@pytest.mark.parametrize(("split", "index"), [("trial", [0]), ("train", [-1]), ("train", [[0]])])
def test_nonsense_is_refused(split: str, index: list[int]) -> None:
    with pytest.raises(UsageError):
        sample(split, np.array(index))
