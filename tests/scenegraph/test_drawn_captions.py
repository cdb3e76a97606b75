"""The drawn world's captions: every fact that they tell is read, and nothing else."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import pytest

from benchbench.scenegraph import Graph, drawn_tags, negatives, parse, triples, words_of
from benchbench.scenegraph.swapping import Kind
from benchbench.scenes.captions import DENSE_FACTS, captions, dense_captions
from benchbench.scenes.sampling import sample
from benchbench.scenes.vocabulary import CATEGORY, PREDICATES
from benchbench.scenes.world import Scenes
from tests.scenegraph.truth import PLURAL, Truth

SPLITS = ("train", "test", "train-dense", "test-dense")
EACH = 1000
"""Scenes of each split: 5,000 captions and 1,000 dense ones of each, 24,000 in all."""


@lru_cache(maxsize=2)
def told(split: str) -> tuple[Scenes, list[tuple[int, str, Graph]], list[tuple[int, str, Graph]]]:
    """Scenes, and (row, caption, its graph) of their captions and of their dense ones."""
    scenes = sample(split, np.arange(EACH))
    short, dense = (
        [(row, text, parse(text)) for row, texts in enumerate(lines) for text in texts]
        for lines in (captions(scenes).texts(), dense_captions(scenes).texts())
    )
    return scenes, short, dense


def annotated(scenes: Scenes, row: int) -> set[tuple[int, str, int]]:
    """(category, predicate, category) of a scene's annotation, not of its closure."""
    subjects, things = np.nonzero(scenes.predicate[row] >= 0)
    return {
        (
            int(scenes.category[row, s]),
            PREDICATES[scenes.predicate[row, s, o]].name,
            int(scenes.category[row, o]),
        )
        for s, o in zip(subjects.tolist(), things.tolist(), strict=True)
    }


def worn(text: str) -> int:
    return len(re.findall(r" in an? (?:\w+ )*?shirt", text))


@pytest.mark.parametrize("split", SPLITS)
def test_the_whole_graph_is_certain_in_its_scene(split: str) -> None:
    scenes, short, dense = told(split)
    truth = Truth.of(scenes)
    assert len(short) + len(dense) == 6 * EACH
    assert [text for row, text, graph in short + dense if not truth.holds(row, graph)] == []


@pytest.mark.parametrize("split", SPLITS)
def test_relations_are_those_annotated(split: str) -> None:
    """Not merely implied ones: the predicate's own name, in its own direction."""
    scenes, short, dense = told(split)
    for row, text, graph in short + dense:
        facts = annotated(scenes, row)
        pairs = {(s, o) for s, _, o in facts}
        for r in graph.relations:
            subject, thing = (graph.objects[i].name for i in (r.subject, r.object))
            if thing == "shirt":
                assert (subject, r.predicate) == ("person", "wearing")
                continue
            ends = CATEGORY[subject], CATEGORY[thing]
            known = ends in pairs if r.predicate == "with" else (ends[0], r.predicate, ends[1])
            assert known is True or known in facts, (text, r)


@pytest.mark.parametrize("split", SPLITS)
def test_as_many_facts_are_read_as_the_caption_tells(split: str) -> None:
    """Counted by the phrasing: one fact, one more after "while"; dense ones tell up to eight."""
    scenes, short, dense = told(split)
    for _, text, graph in short:
        assert len(graph.relations) == 1 + text.count(" while ") + worn(text), text
    either = (scenes.predicate >= 0) | (scenes.predicate >= 0).swapaxes(1, 2)
    pairs = np.triu(either).sum(axis=(1, 2))  # [n]: pairs of slots that are related somehow
    for row, text, graph in dense:
        assert len(graph.relations) == min(pairs[row], DENSE_FACTS) + worn(text), text


@pytest.mark.parametrize("split", SPLITS)
def test_as_many_objects_and_attributes_are_read_as_the_tags_say(split: str) -> None:
    places = {"grass", "park", "beach", "snow", "desert", "road", "city", "room", "kitchen", "sea"}
    others = {*places, "sky", "picture", "nothing", "left", "right", "front"}
    _, short, dense = told(split)
    for _, text, graph in short + dense:
        tagged = drawn_tags(words_of(text))
        assert tagged is not None
        nouns = [word for word, tag in tagged if tag in ("NN", "NNS") and word not in others]
        assert [each.name for each in graph.objects] == nouns
        looks = [word for word, tag in tagged if tag == "JJ"]
        assert [each.name for each in graph.attributes] == looks
        assert graph.text == text


def swaps(split: str) -> Iterator[tuple[int, Graph, Kind, Graph]]:
    """(row, graph of a caption, kind of a negative of it, that one's graph)."""
    _, short, _ = told(split)
    for row, _, graph in short:
        for each in negatives(graph):
            yield row, graph, each.kind, parse(each.caption)


@pytest.mark.parametrize(("split", "most"), [("train", 0.003), ("test-dense", 0.01)])
def test_negatives_are_certain_only_where_the_scene_has_a_second_object_of_a_name(
    split: str, most: float
) -> None:
    scenes, _, _ = told(split)
    truth, wrong, count = Truth.of(scenes), 0, 0
    for row, graph, _, negative in swaps(split):
        count += 1
        if truth.holds(row, negative):
            wrong += 1
            kinds = [
                CATEGORY[PLURAL.get(o.name, o.name)] for o in graph.objects if o.name != "shirt"
            ]
            among = np.bincount(scenes.category[row][scenes.present[row]], minlength=len(CATEGORY))
            assert (among[kinds] > 1).any(), negative.text
    assert count > EACH
    assert wrong / count < most


def named(graph: Graph) -> tuple[Counter[tuple[str, str, str]], Counter[tuple[str, str]]]:
    """Its relations and its attributes by name."""
    names = [each.name for each in graph.objects]
    relations = Counter((names[r.subject], r.predicate, names[r.object]) for r in graph.relations)
    return relations, Counter((names[a.object], a.name) for a in graph.attributes)


@pytest.mark.parametrize("split", ["train", "test-dense"])
def test_a_negative_says_what_was_swapped_and_all_else_as_before(split: str) -> None:
    for _, graph, kind, negative in swaps(split):
        (relations, looks), (others, other_looks) = named(graph), named(negative)
        if kind == "attribute swap":
            assert relations == others
            assert looks != other_looks
            continue
        assert looks == other_looks
        gone, new = list((relations - others).elements()), list((others - relations).elements())
        assert [(thing, what, who) for who, what, thing in gone] == new
        assert len(gone) == 1 or any(s == o for s, _, o in relations)


def test_place_and_company_are_no_relations() -> None:
    graph = parse("we see a dog chasing a cat on the grass")
    assert triples(graph) == (("dog", "chasing", "cat"),)
    graph = parse("a dog chasing a cat with a large red ball nearby")
    assert triples(graph) == (
        ("dog", "chasing", "cat"),
        ("ball", "is", "large"),
        ("ball", "is", "red"),
    )


def test_clothes_belong_to_their_wearer_and_travel_with_them() -> None:
    graph = parse("a horse being ridden by a person in a blue shirt")
    assert triples(graph) == (
        ("person", "riding", "horse"),
        ("person", "wearing", "shirt"),
        ("shirt", "is", "blue"),
    )
    assert [each.caption for each in negatives(graph)] == [
        "a person in a blue shirt being ridden by a horse"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "a dog a cat",
        "a dog chasing",
        "chasing a cat",
        "a dog chasing it",
        "a dog nearby",
        "a dog while while",
        "a dog chasing a platypus",
        "two",
        "",
    ],
)
def test_what_the_drawn_world_never_says_has_no_graph(text: str) -> None:
    graph = parse(text)
    assert graph.relations == ()
    assert negatives(graph) == ()
