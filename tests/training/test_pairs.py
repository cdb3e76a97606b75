"""The view "pairs": what the edition annotates, background pairs, distant labels, mixed splits."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from benchbench.scenes.edition.vg150 import _batch
from benchbench.scenes.sampling import sample
from benchbench.scenes.vocabulary import CATEGORIES
from benchbench.training.drawn_world import DrawnWorld, sample_splits
from benchbench.training.examples import Examples
from benchbench.training.pairs import (
    NAMES,
    PHRASES,
    Pairs,
    SceneAnnotations,
    annotate_scenes,
    known_predicates,
)
from benchbench.training.views import VIEWS
from benchbench.training.visibility import Visibility
from benchbench.variants import towers
from benchbench.variants.pairs import NO_PAIR, UNRELATED, PairTargets, Regions
from benchbench.variants.texts import CaptionReader

SPLITS = ("train", "train-dense")


@pytest.fixture(scope="module")
def reader() -> CaptionReader:
    return CaptionReader(towers.find_tokenizer(towers.NAME), with_triples=False)


@pytest.fixture(scope="module")
def seen_of() -> SceneAnnotations:
    return annotate_scenes(sample("train-dense", np.arange(300)), 12)


def prepared(view: Pairs, reader: CaptionReader, number: int = 6) -> tuple[Regions, PairTargets]:
    found: Examples = DrawnWorld(splits=("train-dense",)).examples(np.arange(number))
    shown = view.choose(found, Visibility(found.scenes, 128), reader)
    return shown.regions, shown.targets


def test_a_survey_says_what_the_edition_annotates() -> None:
    scenes = sample("test-dense", np.arange(20))
    graphs, found = _batch(scenes, 224), annotate_scenes(scenes)
    np.testing.assert_array_equal(found.there.sum(axis=1), graphs.boxes_of)
    np.testing.assert_array_equal(found.boxes[found.there], graphs.boxes)
    np.testing.assert_array_equal(found.labels[found.there] + 1, graphs.labels)
    related = found.predicates >= 0
    np.testing.assert_array_equal(related.sum(axis=(1, 2)), graphs.relations_of)
    np.testing.assert_array_equal(found.predicates[related] + 1, graphs.predicates)


def test_pairs_come_with_those_that_are_unrelated(reader: CaptionReader) -> None:
    regions, told = prepared(Pairs(), reader)
    for row in range(6):
        n = int(regions.there[row].sum())
        kinds, weight = told.predicates[row], told.weight[row]
        assert len({tuple(e) for e in regions.ends[row].tolist()}) == 24
        assert weight[kinds > NO_PAIR].sum() == pytest.approx(n * (n - 1), rel=1e-5)
        assert (weight[kinds >= 0] == 1).all()
        some = regions.ends[row][kinds > NO_PAIR]
        assert (some[:, 0] != some[:, 1]).all() and int(some.max()) < n
    assert (told.predicates == UNRELATED).any()


def test_all_related_pairs_come_first(reader: CaptionReader, seen_of: SceneAnnotations) -> None:
    _, told = prepared(Pairs(), reader)
    related = (told.predicates >= 0).int()
    assert (related.diff(dim=1) <= 0).all()
    assert int((seen_of.predicates >= 0).sum(axis=(1, 2)).max()) <= 24


def test_phrases_are_of_subject_and_of_object(reader: CaptionReader) -> None:
    regions, told = prepared(Pairs(), reader)
    row, column = (int(i[0]) for i in torch.nonzero(told.predicates[:, :8] >= 0, as_tuple=True))
    subject, thing = (NAMES[regions.labels[row, end]] for end in regions.ends[row, column])
    phrase = PHRASES[told.predicates[row, column]]
    for side, (texts, words) in enumerate(
        [
            (told.subject_phrases, f"{subject} {phrase}"),
            (told.object_phrases, f"{phrase} {thing}"),
        ]
    ):
        ids = [i for i in texts.ids[told.spoken[row, column, side]].tolist() if i]
        assert tuple(ids) == reader.ids(words)


def test_the_same_example_is_annotated_the_same_way(reader: CaptionReader) -> None:
    (one, told), (other, again) = (prepared(Pairs(distant_percent=50), reader) for _ in range(2))
    assert torch.equal(one.ends, other.ends)
    assert torch.equal(told.predicates, again.predicates)


def test_what_is_prepared_travels_between_processes(reader: CaptionReader) -> None:
    regions, told = prepared(Pairs(), reader)
    again: tuple[Regions, PairTargets] = pickle.loads(pickle.dumps((regions, told)))
    assert torch.equal(again[0].ends, regions.ends)
    assert torch.equal(again[1].subject_phrases.ids, told.subject_phrases.ids)


def test_distant_labels_come_at_about_the_recorded_rates(seen_of: SceneAnnotations) -> None:
    index, truth = np.arange(300), seen_of.predicates
    view = Pairs(distant_percent=50, false_percent=10)
    labels = view.labelled(seen_of, index)
    rows, subject, thing = np.nonzero(labels != truth)
    names = seen_of.labels[rows, subject], seen_of.labels[rows, thing]
    assert known_predicates()[(*names, labels[rows, subject, thing])].all()
    count = known_predicates()[seen_of.labels[:, :, None], seen_of.labels[:, None, :]].sum(axis=-1)
    related, background = (truth >= 0) & (count > 0), (truth == UNRELATED) & (count > 0)
    # A guess may happen to be right.
    expected = 0.5 * (1 - 1 / count[related]).mean()
    assert (labels != truth)[related].mean() == pytest.approx(expected, abs=0.05)
    assert (labels != truth)[background].mean() == pytest.approx(0.1, abs=0.02)
    assert (labels[truth == NO_PAIR] == NO_PAIR).all()


def test_distant_labels_depend_on_the_scene_alone(seen_of: SceneAnnotations) -> None:
    view, index = Pairs(distant_percent=50, false_percent=10), np.arange(300)
    labels = view.labelled(seen_of, index)
    some = np.array([7, 200, 3])
    part = SceneAnnotations(*(getattr(seen_of, name)[some] for name in SceneAnnotations.__slots__))
    np.testing.assert_array_equal(view.labelled(part, some), labels[some])
    np.testing.assert_array_equal(Pairs().labelled(seen_of, index), seen_of.predicates)


def test_the_registered_views_differ_in_supervision_alone() -> None:
    distant: Any = VIEWS["distant pairs"]
    assert distant.distant_percent > 0 and distant.false_percent > 0
    assert replace(distant, distant_percent=0, false_percent=0) == VIEWS["pairs"]


def test_mixed_scenes_are_those_of_their_splits() -> None:
    which, numbers = np.array([1, 0, 1, 0, 0]), np.array([5, 9, 2, 0, 30])
    scenes = sample_splits(SPLITS, which, numbers)
    for row in range(5):
        alone = sample(SPLITS[which[row]], numbers[row : row + 1])
        width = alone.category.shape[1]
        assert scenes.category[row, :width].tolist() == alone.category[0].tolist()
        assert (scenes.category[row, width:] == -1).all()
        assert (scenes.sprite[row, width:] == -1).all()
        assert (scenes.predicate[row, :width, :width] == alone.predicate[0]).all()
        assert scenes.predicate[row].max() == alone.predicate.max()
        one, own = annotate_scenes(scenes.take(slice(row, row + 1)), 6), annotate_scenes(alone, 6)
        np.testing.assert_array_equal(one.boxes, own.boxes)
    assert len(CATEGORIES) > scenes.category.max()


def test_an_example_of_mixed_splits_does_not_depend_on_its_batch() -> None:
    source = DrawnWorld(splits=SPLITS)
    every, one = source.examples(np.arange(8)), source.examples(np.array([5]))
    assert one.captions == every.captions[5:6]
    np.testing.assert_array_equal(one.boxes, every.boxes[5:6])
