"""Balanced items: as many of each kind, whole twins, and the same for ever."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from benchbench.errors import UsageError
from benchbench.scenes import balance
from benchbench.scenes.balance import (
    PAIRS,
    RELATIONS,
    attribute_groups,
    balance_attributes,
    balance_relations,
    relation_groups,
)
from benchbench.scenes.edition import aro, plan
from benchbench.scenes.items import attribute_items, relation_items
from benchbench.scenes.sampling import sample
from benchbench.scenes.vocabulary import COLOURS, MENTIONED, PATTERNS, PREDICATES

if TYPE_CHECKING:
    from benchbench.scenes.items import AttributeItems, RelationItems


def standard() -> plan.Plan:
    return plan.Plan((), plan.IMAGES, plan.DENSE, plan.TRAINING, plan.SIZE, lambda *_: None)


@pytest.fixture(scope="module")
def relations() -> list[dict[str, Any]]:
    """The records of the standard edition's ``visual_genome_relation.json``."""
    return aro.RELATION.records(standard())


@pytest.fixture(scope="module")
def attributions() -> list[dict[str, Any]]:
    """The records of its ``visual_genome_attribution.json``."""
    return aro.ATTRIBUTION.records(standard())


def test_pairs_hold_every_colour_and_every_pattern_twice() -> None:
    assert len({frozenset(pair) for pair in PAIRS}) == len(PAIRS) == 14
    count = Counter(name for pair in PAIRS for name in pair)
    assert count == dict.fromkeys(MENTIONED, 2)
    kinds = {frozenset({name in PATTERNS for name in pair}) for pair in PAIRS}
    assert kinds == {frozenset({True}), frozenset({False})}, "no colour beside a pattern"
    ring, here = [PAIRS[0][0]], PAIRS[0][1]
    while here != ring[0]:
        ring.append(here)
        here = next(b for a, b in PAIRS if a == here)
    assert {*ring} == {colour.name for colour in COLOURS}


def test_relations_are_those_of_principals_that_can_be_drawn_both_ways() -> None:
    items = relation_items(sample("test", np.arange(1500)))
    names = {PREDICATES[p].name for p in items.predicate[items.principal].tolist()}
    assert names == set(RELATIONS)
    assert len(RELATIONS) == 14


def test_every_relation_has_as_many_items(relations: list[dict[str, Any]]) -> None:
    assert Counter(r["relation_name"] for r in relations) == dict.fromkeys(RELATIONS, 300)
    assert len({r["image_path"] for r in relations}) == 3002


def test_every_pair_of_attributes_has_as_many_items(attributions: list[dict[str, Any]]) -> None:
    found = Counter(frozenset(r["attributes"]) for r in attributions)
    assert found == dict.fromkeys(map(frozenset, PAIRS), 300)
    assert Counter(r["kind"] for r in attributions) == {"colours": 3300, "patterns": 900}
    ordered = Counter(tuple(r["attributes"]) for r in attributions)
    assert len(ordered) == 28
    assert min(ordered.values()) > 120, "either may be named first"
    assert len({r["image_path"] for r in attributions}) == 4200


@pytest.mark.parametrize("kind", ["relations", "attributions"])
def test_each_caption_is_true_as_often_as_false(kind: str, request: pytest.FixtureRequest) -> None:
    records = request.getfixturevalue(kind)
    count: Counter[frozenset[str]] = Counter()
    for record in records:
        for field, sign in (("true_caption", 1), ("false_caption", -1)):
            said = record[field].removeprefix("the ")
            # Which of two objects is named first says nothing: "a x and b y" is "b y and a x".
            count[frozenset(said.split(" and the "))] += sign
    assert count
    assert not any(count.values())


@pytest.mark.parametrize("kind", ["relations", "attributions"])
def test_twins_are_whole(kind: str, request: pytest.FixtureRequest) -> None:
    records = request.getfixturevalue(kind)
    numbers = [record["image_id"] for record in records]
    assert numbers == sorted(numbers)
    of = Counter(zip(numbers, _kinds(records), strict=True))
    assert {*of.values()} == {1}
    assert all(of[number ^ 1, each] for number, each in of)


def _kinds(records: list[dict[str, Any]]) -> list[object]:
    return [r.get("relation_name") or frozenset(r["attributes"]) for r in records]


def test_both_compositions_are_asked_about(
    relations: list[dict[str, Any]], attributions: list[dict[str, Any]]
) -> None:
    for records, share in ((relations, 0.317), (attributions, 0.286)):
        unseen = [record["composition"] == "unseen" for record in records]
        assert np.mean(unseen) == pytest.approx(share, abs=0.001)
        of = Counter(kind for kind, new in zip(_kinds(records), unseen, strict=True) if new)
        assert set(of) == set(_kinds(records)), "each kind has unseen items"


def test_the_first_tenth_and_last_record_are_pinned(
    relations: list[dict[str, Any]], attributions: list[dict[str, Any]]
) -> None:
    def told(record: dict[str, Any]) -> tuple[Any, ...]:
        box = tuple(record[f"bbox_{side}"] for side in "xywh")
        return record["image_path"], record["true_caption"], box, record["composition"]

    assert [told(relations[k]) for k in (0, 9, -1)] == [
        ("relation/000002.png", "the dog is looking at the giraffe", (59, 109, 154, 97), "unseen"),
        ("relation/000019.png", "the bike is to the left of the truck", (23, 128, 187, 57), "seen"),
        ("relation/008877.png", "the sheep is riding the cat", (25, 118, 79, 76), "unseen"),
    ]
    assert [told(attributions[k]) for k in (0, 9, -1)] == [
        ("attribution/000008.png", "the gray ball and the pink vase", (29, 81, 40, 92), "seen"),
        ("attribution/000103.png", "the green bike and the brown sign", (79, 133, 125, 63), "seen"),
        (
            "attribution/128565.png",
            "the striped bus and the spotted tree",
            (19, 100, 153, 83),
            "seen",
        ),
    ]


def naive(
    items: RelationItems | AttributeItems, numbers: Any, groups: Any, each: int
) -> list[tuple[int, int]]:
    """The rule as a sentence: go through twins, take one if a kind of its items is still short."""
    twins: dict[int, list[int]] = {}
    for k in range(len(items.scene)):
        if groups[k] >= 0:
            twins.setdefault(int(numbers[k]) // 2, []).append(k)
    have: Counter[int] = Counter()
    taken: list[tuple[int, int]] = []
    for _, of in sorted(twins.items()):
        if any(have[int(groups[k])] < each for k in of):
            taken += [(int(numbers[k]), int(groups[k])) for k in of]
            have.update(int(groups[k]) for k in of)
    kept: Counter[int] = Counter()
    out = []
    for number, group in taken:
        kept[group] += 1
        if kept[group] <= each:
            out.append((number, group))
    return out


def test_the_choice_is_what_a_plain_loop_makes() -> None:
    scenes, items = balance_relations("val", 6)
    many = sample("val", np.arange(scenes.index.max() + 9))
    asked = relation_items(many)
    found = zip(scenes.index[items.scene].tolist(), relation_groups(items).tolist(), strict=True)
    assert list(found) == naive(asked, many.index[asked.scene], relation_groups(asked), 6)


def test_the_choice_of_attributes_is_what_a_plain_loop_makes() -> None:
    scenes, items = balance_attributes("val", 2)
    many = sample("val", np.arange(scenes.index.max() + 9))
    asked = attribute_items(many)
    found = zip(scenes.index[items.scene].tolist(), attribute_groups(items).tolist(), strict=True)
    assert list(found) == naive(asked, many.index[asked.scene], attribute_groups(asked), 2)


def test_a_smaller_choice_begins_a_larger_one_and_blocks_do_not_matter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scenes, _ = balance_relations("test", 4)
    more, _ = balance_relations("test", 8)
    assert {*scenes.index.tolist()} <= {*more.index.tolist()}
    monkeypatch.setattr(balance, "BLOCK", 70)
    again, items = balance.balance_relations.__wrapped__("test", 4)
    assert np.array_equal(again.index, scenes.index)
    assert len(items.scene) == 4 * len(RELATIONS)


def test_what_cannot_be_balanced_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for each in (0, 3, -2):
        with pytest.raises(UsageError, match="an even number"):
            balance_relations("test", each)
    monkeypatch.setattr(balance, "MAX_SCENES", 2000)
    with pytest.raises(UsageError, match="The first 2,000 scenes of test"):
        balance_attributes("test", 44)
