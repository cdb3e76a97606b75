from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from benchbench.scenes.vocabulary import COLOURS, PREDICATES
from benchbench.training.captions import ARTICLES, reword
from benchbench.training.drawn_world import DrawnWorld
from benchbench.training.facts import FACTS, facts_of
from benchbench.variants.base import VARIANTS

if TYPE_CHECKING:
    from benchbench.variants.variant import Negatives

MANY = 4000
TEMPLATES = (r"the .+ is .+ the .+", r"the \S+ .+ and the \S+ .+")


@pytest.fixture(scope="module")
def heard() -> list[str]:
    """Captions and swapped captions as models hear them in training."""
    lines = []
    for kind in ("random", "semantic"):
        found = DrawnWorld(3, negatives=kind).examples(np.arange(MANY))
        assert found.determiners is not None
        told = zip(found.captions, found.swapped, found.determiners, strict=True)
        lines += [reword(each.text, word) for true, some, word in told for each in (true, *some)]
    return lines


def test_the_tests_templates_never_occur(heard: list[str]) -> None:
    found = [line for line in heard for form in TEMPLATES if re.fullmatch(form, line)]
    assert not found


def test_an_example_depends_on_its_number_alone() -> None:
    world = DrawnWorld(1, negatives="semantic")
    some, one = world.examples(np.arange(20)), world.examples(np.array([7]))
    assert some.captions[7] == one.captions[0]
    assert some.swapped[7] == one.swapped[0]
    assert np.array_equal(some.boxes[7], one.boxes[0])
    assert some.captions != DrawnWorld(2).examples(np.arange(20)).captions


def test_variants_are_shown_the_same_whatever_their_negatives() -> None:
    worlds = [DrawnWorld(0, negatives=kind) for kind in ("none", "random", "semantic")]
    shown = [world.examples(np.arange(50)) for world in worlds]
    for one, other in pairwise(shown):
        assert one.captions == other.captions
        assert one.determiners == other.determiners
        assert np.array_equal(one.boxes, other.boxes)
    assert not any(shown[0].swapped)
    assert np.mean([len(some) == 1 for some in shown[2].swapped]) > 0.75


@pytest.mark.parametrize("kind", ["random", "semantic"])
def test_more_swaps_begin_with_the_one(kind: Negatives) -> None:
    one, more = (
        DrawnWorld(0, negatives=kind, swaps=most).examples(np.arange(200)).swapped
        for most in (1, 3)
    )
    assert [some[:1] for some in more] == one
    assert all(len(set(some)) == len(some) for some in more)
    assert any(len(some) > 1 for some in more)


def test_odd_examples_are_twins_where_alternatives_are_wanted() -> None:
    found = DrawnWorld(0, twins=True).examples(np.arange(200))
    plain = DrawnWorld(0).examples(np.arange(0, 200, 2))
    assert found.scenes is not None
    assert (found.scenes.index[1::2] == found.scenes.index[::2] ^ 1).all()
    assert found.captions[::2] == plain.captions
    assert found.pair is not None
    rows = np.arange(200)
    ends = np.stack([found.scenes.category[rows, slot] for slot in found.pair], axis=1)
    exchanged = (ends[::2] == ends[1::2, ::-1]).all(axis=1) & (ends[::2, 0] != ends[::2, 1])
    assert exchanged.mean() > 0.15, "the same two objects in each other's roles"


def test_some_whole_images_have_dense_captions() -> None:
    plain, dense = DrawnWorld(0), DrawnWorld(0, dense_percent=50)
    found, other = (each.examples(np.arange(1000)) for each in (plain, dense))
    changed = [a != b for a, b in zip(found.captions, other.captions, strict=True)]
    whole = (found.boxes == (0, 0, 1, 1)).all(axis=1)
    assert np.array_equal(found.boxes, other.boxes)
    assert not any(np.array(changed)[~whole])
    assert 0.35 < np.mean(np.array(changed)[whole]) < 0.65


def test_twins_hardly_meet_in_a_batch() -> None:
    scenes = DrawnWorld(0).examples(np.arange(MANY)).scenes
    assert scenes is not None
    assert len(np.unique(scenes.index >> 1)) > MANY - 10


def test_no_kind_of_relation_drowns_the_others_and_two_fifths_of_captions_are_bare() -> None:
    found = DrawnWorld(0).examples(np.arange(MANY))
    assert found.scenes is not None
    assert found.pair is not None
    who, whom = found.pair
    told = found.scenes.predicate[np.arange(MANY), who, whom]
    counts = np.bincount(told[who != whom], minlength=len(PREDICATES))
    assert counts.min() > 0
    assert counts.max() < 0.2 * MANY
    pair = (found.boxes != (0, 0, 1, 1)).any(axis=1)
    coloured = np.array(
        [any(colour.name in line.text.split() for colour in COLOURS) for line in found.captions]
    )
    assert 0.45 < coloured[pair].mean() < 0.65


def test_a_swapped_caption_is_another_one_of_the_same_words() -> None:
    found = DrawnWorld(5, negatives="semantic").examples(np.arange(MANY))
    for true, some in zip(found.captions, found.swapped, strict=True):
        for false in some:
            assert false != true
            one, other = (sorted(t.text.replace(",", " ,").split()) for t in (true, false))
            assert [w for w in one if w not in ARTICLES] == [w for w in other if w not in ARTICLES]


def test_facts_are_of_the_two_and_exchanging_them_is_false() -> None:
    found = DrawnWorld(0).examples(np.arange(300))
    facts = facts_of(found)
    assert facts.true.shape == (300, FACTS)
    assert facts.false.shape == (300, 2, FACTS)
    assert VARIANTS[0].settings["facts"] == FACTS
    differ = (facts.true[:, None] != facts.false).any(dim=2)
    assert torch.equal(differ & facts.there, facts.there)
    assert facts.there.float().mean() > 0.7
    # as many facts are told falsely as truly
    assert torch.equal(facts.true.sum(dim=1), facts.false[:, 0].sum(dim=1))
