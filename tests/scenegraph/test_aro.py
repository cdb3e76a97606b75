"""ARO's two templates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from benchbench.data.aro import dropped_relations
from benchbench.scenegraph import negatives, parse, symmetric, triples
from benchbench.scenegraph.symmetric import LISTED
from benchbench.scenes.items import attribute_items, relation_items
from benchbench.scenes.sampling import sample

NAMES = st.sampled_from(
    ["door", "parking meter", "man", "fire hydrant", "t-shirt", "tennis racket", "glass of water"]
)
RELATIONS = st.sampled_from(
    [
        "wearing",
        "to the left of",
        "on",
        "covered in",
        "on the back of",
        "in the middle of",
        "inside",
    ]
)
LOOKS = st.sampled_from(["white", "crouched", "light brown", "open", "red", "dark gray"])


@given(NAMES, RELATIONS, NAMES)
def test_relation_captions(one: str, relation: str, other: str) -> None:
    assume(one != other)
    graph = parse(f"the {one} is {relation} the {other}")
    assert triples(graph) == ((one, relation, other),)
    assert [n.caption for n in negatives(graph)] == [f"the {other} is {relation} the {one}"]


@given(LOOKS, NAMES, LOOKS, NAMES)
def test_attribution_captions(a: str, one: str, b: str, other: str) -> None:
    assume(one != other and a != b)
    graph = parse(f"the {a} {one} and the {b} {other}")
    assert triples(graph) == ((one, "is", a), (other, "is", b))
    assert [n.caption for n in negatives(graph)] == [f"the {b} {one} and the {a} {other}"]


def test_the_negatives_of_items_are_their_false_captions() -> None:
    scenes = sample("test", np.arange(600))
    pairs = relation_items(scenes).captions()
    assert len(pairs) > 300
    for true, false in pairs + attribute_items(scenes).captions():
        assert [each.caption for each in negatives(parse(true))] == [false]


@pytest.mark.parametrize(
    "text",
    [
        "the man in the hat is riding the horse",
        "the dog is a friend",
        "the dog",
        "the red dog and the cat",
        "the door is the shirt",
        "the is the the",
        "the dog is near",
        "the dog is on the left",
        "the big dog is to the right.",
    ],
)
def test_other_captions_are_not_of_these_forms(text: str) -> None:
    assert parse(text).relations == ()


def test_what_a_symmetric_relation_says_is_kept_but_not_swapped() -> None:
    graph = parse("The man is standing next to the bus.")
    assert triples(graph) == (("man", "standing next to", "bus"),)
    assert negatives(graph) == ()


def test_the_listed_symmetric_relations_are_among_those_aro_drops() -> None:
    aro = dropped_relations()
    assert aro >= LISTED
    held = {relation for relation in aro if symmetric(relation)}
    assert {"near", "beside", "next to", "parked near", "sitting next to", "touching"} <= held
    assert not held & {"biting", "filled with", "topped with", "flying over", "parked in front of"}
