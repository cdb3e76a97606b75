"""Which predicates hold both ways."""

from __future__ import annotations

import pytest

from benchbench.data.aro import dropped_relations
from benchbench.scenegraph import symmetric
from benchbench.scenes.vocabulary import PREDICATES

MUTUAL = """
near to, stands near to, nearby, beside of, parked beside of, opposite of, standing opposite
sitting across from, sits parked across from, close by, stands close by
sits between, walks between, standing in between, standing among
posing with, poses with, sleeping with, slept with, riding with, running with, sitting outside with
lying by, lies by, seated by, parked by, walking by
snuggling with, connected to, attached to, hugs, talks to
"""
DIRECTED = """
riding, riding on, standing on, lying on, sits in, parked behind, walking to
flying by, going by, lit by, chased by
eating with, cutting with, filled with, covered with, laid out with, running away with
tied to, growing from, coming from, crossing, following
"""


def listed(text: str) -> list[str]:
    return [each for line in text.split("\n") for each in line.split(", ") if each]


@pytest.mark.parametrize("predicate", listed(MUTUAL))
def test_mutual_predicates(predicate: str) -> None:
    assert symmetric(predicate)


@pytest.mark.parametrize("predicate", listed(DIRECTED))
def test_predicates_with_a_direction(predicate: str) -> None:
    assert not symmetric(predicate)


def test_the_drawn_worlds_are_as_its_vocabulary_says() -> None:
    assert {p.name for p in PREDICATES if symmetric(p.name)} == {
        p.name for p in PREDICATES if p.symmetric
    }


def test_of_the_relations_that_aro_drops_these_are_mutual() -> None:
    assert {each for each in dropped_relations() if symmetric(each)} == {
        "attached to", "beside", "between", "by", "close to", "facing", "hugging", "in between",
        "lying next to", "mixed with", "near", "next to", "on the other side of", "parked beside",
        "parked by", "parked near", "parked next to", "playing with", "sitting beside",
        "sitting by", "sitting near", "sitting next to", "standing beside", "standing near",
        "standing next to", "talking to", "touching", "walking by", "walking next to", "with",
    }  # fmt: skip
