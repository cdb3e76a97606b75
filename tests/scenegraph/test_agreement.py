"""Swaps that would be mistakes in grammar; the tags here are written by hand."""

from __future__ import annotations

import pytest

from benchbench.scenegraph import Graph, negatives, parse


def read(text: str) -> Graph:
    """Return the graph of "word/TAG …"."""
    words = [(word, tag) for word, _, tag in (part.rpartition("/") for part in text.split())]
    return parse(" ".join(word for word, _ in words), words)


def swaps(text: str) -> list[str]:
    return [each.caption for each in negatives(read(text))]


@pytest.mark.parametrize(
    "text",
    [
        "two/CD men/NNS are/VBP riding/VBG a/DT horse/NN",
        "two/CRD men/NNS are/VBB riding/VVG a/AT0 horse/NN",
        "a/DT boy/NN is/VBZ playing/VBG video/NN games/NNS",
        "a/DT boy/NN holds/VBZ two/CD kites/NNS",
        "a/AT0 boy/NN holds/VVZ two/CRD kites/NNS",
        "boys/NNS hold/VVB a/AT0 kite/NN",
        "people/NN sit/VVI on/PRP a/AT0 bench/NN",
        "a/DT boy/NN was/VBD watching/VBG birds/NNS",
        "a/DT herd/NN of/IN sheep/NN are/VBP standing/VBG on/IN a/DT road/NN",
        "two/CD slices/NNS of/IN pizza/NN are/VBP served/VBN on/IN a/DT plate/NN",
        "there/EX is/VBZ a/DT bear/NN wearing/VBG skis/NNS",
        "a/DT man/NN on/IN skis/NNS is/VBZ posing/VBG ./.",
        "two/CD beds/NNS in/IN a/DT room/NN that/WDT has/VBZ a/DT window/NN",
    ],
)
def test_a_singular_and_a_plural_do_not_change_places_around_a_finite_verb(text: str) -> None:
    graph = read(text)
    assert graph.relations
    first, other = (graph.objects[i] for i in (0, 1))
    moved = [each for each in swaps(text) if each.find(other.name) < each.find(first.name)]
    assert moved == []


@pytest.mark.parametrize(
    ("text", "swapped"),
    [
        (
            "a/DT boy/NN is/VBZ holding/VBG a/DT kite/NN",
            "a kite is holding a boy",
        ),
        (
            "two/CD boys/NNS are/VBP holding/VBG kites/NNS",
            "kites are holding two boys",
        ),
        (
            "a/DT boy/NN holding/VBG two/CD kites/NNS",
            "two kites holding a boy",
        ),
        (
            "a/DT group/NN of/IN men/NNS is/VBZ riding/VBG an/DT elephant/NN",
            "an elephant is riding a group of men",
        ),
        (
            "a/DT boy/NN can/MD be/VB seen/VBN under/IN trees/NNS",
            "trees can be seen under a boy",
        ),
        (
            "a/DT boy/NN about/IN to/TO hit/VB two/CD balls/NNS",
            "two balls about to hit a boy",
        ),
        (
            "men/NNS in/IN a/DT park/NN as/IN a/DT train/NN is/VBZ coming/VBG",
            "a park in men as a train is coming",
        ),
    ],
)
def test_ends_that_agree_as_well_do(text: str, swapped: str) -> None:
    assert swapped in swaps(text)


@pytest.mark.parametrize(
    "text",
    [
        "a/DT girl/NN brushing/VBG her/PRP$ hair/NN",
        "her/DPS hair/NN brushing/VVG a/AT0 girl/NN",
        "a/DT girl/NN watching/VBG a/DT group/NN of/IN her/PRP$ friends/NNS",
        "their/PRP$ dog/NN chasing/VBG a/DT cat/NN",
    ],
)
def test_possessives_stay_where_they_are(text: str) -> None:
    assert read(text).relations
    assert swaps(text) == []


def test_a_possessive_inside_clothes_moves_with_the_noun_that_it_refers_to() -> None:
    text = "a/DT man/NN in/IN his/PRP$ hat/NN riding/VBG a/DT horse/NN"
    assert swaps(text) == ["a horse riding a man in his hat"]


def test_templates_are_left_as_they_are() -> None:
    assert [n.caption for n in negatives(parse("the trees is behind the boy"))] == [
        "the boy is behind the trees"
    ]
    graph = parse("a dog chases two cats")
    assert [n.caption for n in negatives(graph)] == ["two cats chases a dog"]
