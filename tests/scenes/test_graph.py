"""The closure: inverses, hypernyms, what is arguable, and statements about names."""

from __future__ import annotations

import numpy as np

from benchbench.scenes.graph import attribute_holds, closure, triple_holds
from benchbench.scenes.sampling import sample
from benchbench.scenes.vocabulary import MENTION, PREDICATE, PREDICATES


def test_the_closure_is_closed() -> None:
    for split in ("train", "test-dense"):
        facts = closure(sample(split, np.arange(400)))
        for row, predicate in enumerate(PREDICATES):
            plane = facts.certain[:, row]
            for name in predicate.implies:
                assert not (plane & ~facts.certain[:, PREDICATE[name]]).any()
            if predicate.inverse:
                inverse = facts.certain[:, PREDICATE[predicate.inverse]]
                assert not (plane.swapaxes(1, 2) & ~inverse).any()
        assert not (facts.certain & ~facts.possible).any()
        assert not (facts.has & ~facts.may_have).any()


def test_annotations_are_certain_and_name_the_most_specific() -> None:
    scenes = sample("val", np.arange(600))
    facts = closure(scenes)
    row, i, j = np.nonzero(scenes.predicate >= 0)
    assert facts.certain[row, scenes.predicate[row, i, j], i, j].all()
    riding = scenes.predicate == PREDICATE["riding"]
    assert riding.any()
    for name in ("on", "above"):
        assert facts.certain[:, PREDICATE[name]][riding].all()
    assert facts.certain[:, PREDICATE["under"]].swapaxes(1, 2)[riding].all()


def test_nothing_certain_is_contradicted() -> None:
    facts = closure(sample("test-dense", np.arange(400)))
    for name in ("to the left of", "above", "riding", "in front of", "chasing", "in", "pulling"):
        plane = facts.certain[:, PREDICATE[name]]
        assert not (plane & plane.swapaxes(1, 2)).any(), name


def test_statements_quantify_over_all_of_a_name_that_count() -> None:
    scenes = sample("train", np.arange(3000))
    facts, near = closure(scenes), np.array([PREDICATE["near"]])
    same = (scenes.category[:, :, None] == scenes.category[:, None]) & scenes.present[:, None]
    rows, slots, others = np.nonzero(same & np.triu(np.ones_like(same[0]), 1))
    assert len(rows) > 100
    for row, slot, other in zip(rows[:60], slots, others, strict=False):
        one = scenes.take(np.array([row]))
        kind = one.category[:, slot]
        everywhere, nowhere = one.present, np.zeros_like(one.present)
        for holder in (slot, other):
            asked = facts.has[[row]], one.category, one.colour[:, holder], kind
            assert attribute_holds(*asked, everywhere)[0]
            assert not attribute_holds(*asked, nowhere)[0]
        alike = np.flatnonzero(one.category[0] == kind)
        pair = facts.certain[row, near[0]][np.ix_(alike, alike)].any()
        got = triple_holds(facts.certain[[row]], one.category, kind, near, kind, everywhere)
        assert got[0] == pair


def test_patterns_bring_their_second_colour_into_question() -> None:
    scenes = sample("test", np.arange(500))
    facts = closure(scenes)
    striped = facts.has[..., MENTION["striped"]]
    extra = (facts.may_have & ~facts.has).sum(axis=-1)
    assert (extra[striped] == 1).all()
    plain = scenes.present & (scenes.pattern == 0)
    assert (extra[plain] == 0).all()
