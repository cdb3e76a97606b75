"""Ranking and judging scenes, against every way of breaking every tie, one by one."""

from __future__ import annotations

from itertools import pairwise, permutations, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbench.errors import UsageError
from benchbench.protocols.relations.credit import (
    ceiling,
    guessing_credit,
    recall_credit,
    within_first_k,
)
from benchbench.protocols.relations.ranking import intersection_over_union, rank
from benchbench.protocols.relations.scene_scores import assemble_scores, pairs_of
from benchbench.types import Hits, ImageRef, Places, Proposals, RelationsOutcome, Scene, Vocabulary

VOCABULARY = Vocabulary(("cat", "dog"), ("on", "under", "near"))
FAR = [(0, 0, 10, 10), (20, 0, 30, 10), (40, 0, 50, 10)]
Triple = tuple[int, int, int]


def scene_of(
    labels: list[int],
    relations: list[Triple],
    boxes: list[tuple[int, int, int, int]] | None = None,
    **more: object,
) -> Scene:
    return Scene(
        id="0",
        image=ImageRef(Path("a.png")),
        boxes=tuple(boxes or FAR[: len(labels)]),
        labels=tuple(labels),
        relations=tuple(relations),
        unseen=(False,) * len(relations),
        cluster="a",
        vocabulary=VOCABULARY,
        **more,  # type: ignore[arg-type]
    )


@st.composite
def questions(draw: st.DrawFn) -> tuple[Scene, np.ndarray]:
    """Small scenes full of ties and of boxes that lie on one another."""
    n = draw(st.integers(2, 3))
    labels = draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))
    boxes = [FAR[draw(st.integers(0, 1))] if i == 2 else FAR[i] for i in range(n)]
    ends = [(i, j) for i in range(n) for j in range(n) if i != j]
    count = draw(st.integers(1, 3 if n == 3 else 4))
    relations = [(*draw(st.sampled_from(ends)), draw(st.integers(0, 2))) for _ in range(count)]
    given_ = "labels" if n == 2 else "pairs"
    scene = scene_of(labels, relations, boxes, given=given_)
    n_pairs = 2 if n == 2 else len({(s, o) for s, o, _ in relations})
    levels = draw(st.lists(st.integers(0, 2), min_size=3 * n_pairs, max_size=3 * n_pairs))
    return scene, -np.array(levels, dtype=float).reshape(n_pairs, 3)


def matches(scene: Scene, candidate: Triple, truth: Triple) -> bool:
    """The definition, box by box."""
    same = all(
        scene.labels[mine] == scene.labels[theirs]
        and intersection_over_union(np.array([scene.boxes[mine]]), np.array([scene.boxes[theirs]]))[
            0, 0
        ]
        >= 0.5
        for mine, theirs in zip(candidate[:2], truth[:2], strict=True)
    )
    return same and candidate[2] == truth[2]


def pairs(scene: Scene) -> list[tuple[int, int]]:
    if scene.given == "pairs":
        return list(dict.fromkeys((s, o) for s, o, _ in scene.relations))
    return [(i, j) for i in range(len(scene.boxes)) for j in range(len(scene.boxes)) if i != j]


def worlds(scene: Scene, logs: np.ndarray) -> list[tuple[list[Triple], float]]:
    """Every constrained ranking that breaking ties can give, each with its share of the chances."""
    best = [np.flatnonzero(row == row.max()) for row in logs]
    found = []
    for picked in product(*best):
        triples = [(*pair, int(p)) for pair, p in zip(pairs(scene), picked, strict=True)]
        found += orders(triples, logs.max(axis=1), 1 / np.prod([len(b) for b in best]))
    return found


def orders(
    triples: list[Triple], scores: np.ndarray, share: float
) -> list[tuple[list[Triple], float]]:
    every = list(permutations(range(len(triples))))
    sound = [o for o in every if all(scores[a] >= scores[b] for a, b in pairwise(o))]
    return [([triples[i] for i in order], share / len(sound)) for order in sound]


def outcomes_of(scene: Scene, ways: list[tuple[list[Triple], float]], k: int) -> list[list[float]]:
    """Worst, expected and best of each true relation over all rankings."""
    rows = []
    for truth in scene.relations:
        hit = [float(any(matches(scene, t, truth) for t in order[:k])) for order, _ in ways]
        expected = sum(h * share for h, (_, share) in zip(hit, ways, strict=True))
        rows.append([min(hit), expected, max(hit)])
    return rows


@settings(max_examples=60)
@given(questions(), st.integers(1, 5))
def test_one_predicate_a_pair_against_every_ranking(
    question: tuple[Scene, np.ndarray], k: int
) -> None:
    scene, logs = question
    found = rank(scene, assemble_scores(scene, logs, None))
    ways = worlds(scene, logs)
    for rule, column in (("wrong", 0), ("share", 1), ("right", 2)):
        earned = recall_credit(found.constrained, len(scene.relations), k, rule)  # type: ignore[arg-type]
        expected = [row[column] for row in outcomes_of(scene, ways, k)]
        # A relation can be sure of a hit by either of two pairs that tie; "wrong" does not see it.
        if rule == "wrong":
            assert (earned <= np.array(expected)).all()
            if len(set(scene.boxes)) == len(scene.boxes):
                assert earned.tolist() == expected
        else:
            assert earned == pytest.approx(expected, abs=1e-12)


@settings(max_examples=30)
@given(questions(), st.integers(1, 5))
def test_any_number_of_predicates_a_pair_against_every_ranking(
    question: tuple[Scene, np.ndarray], k: int
) -> None:
    scene, logs = question
    if logs.size > 6:
        return
    triples = [(*pair, p) for pair in pairs(scene) for p in range(3)]
    ways = orders(triples, logs.ravel(), 1.0)
    found = rank(scene, assemble_scores(scene, logs, None))
    earned = recall_credit(found.unconstrained, len(scene.relations), k, "share")
    expected = [row[1] for row in outcomes_of(scene, ways, k)]
    assert earned == pytest.approx(expected, abs=1e-12)


@settings(max_examples=40)
@given(questions(), st.integers(1, 5))
def test_a_constant_scorer_earns_nothing_or_exactly_chance(
    question: tuple[Scene, np.ndarray], k: int
) -> None:
    scene, logs = question
    found = rank(scene, assemble_scores(scene, np.zeros_like(logs), None))
    n = len(scene.relations)
    shared = recall_credit(found.constrained, n, k, "share")
    assert shared.tolist() == guessing_credit(found.matching, found.n_pairs, 1 / 3, k).tolist()
    assert not recall_credit(found.constrained, n, k, "wrong").any()
    free = recall_credit(found.unconstrained, n, k, "share")
    assert free.tolist() == guessing_credit(found.matching, 3 * found.n_pairs, 1.0, k).tolist()
    own = within_first_k(found.own_pair, k, "share")
    assert own == pytest.approx([min(1.0, k / 3)] * n)


def test_a_scene_worked_by_hand() -> None:
    """Cat on dog scores best, then dog under cat, then cat near dog."""
    scene = scene_of([0, 1], [(0, 1, 0), (1, 0, 1), (0, 1, 2)])
    logs = np.log([[0.7, 0.1, 0.2], [0.2, 0.5, 0.3]])
    found = rank(scene, assemble_scores(scene, logs, None))
    one, two = (recall_credit(found.constrained, 3, k, "wrong").tolist() for k in (1, 2))
    assert (one, two) == ([1, 0, 0], [1, 1, 0])  # "near" is never the pair's best
    assert recall_credit(found.unconstrained, 3, 4, "wrong").tolist() == [
        1,
        1,
        0,
    ]  # of six
    assert recall_credit(found.unconstrained, 3, 4, "share").tolist() == [1, 1, 0.5]
    assert recall_credit(found.unconstrained, 3, 5, "wrong").tolist() == [1, 1, 1]
    assert within_first_k(found.own_pair, 1, "wrong").tolist() == [1, 1, 0]
    assert within_first_k(found.own_pair, 2, "wrong").tolist() == [1, 1, 1]
    assert (found.n_pairs, found.n_true_pairs, found.n_labels, found.n_predicates) == (2, 2, 1, 3)


def test_only_related_pairs_compete_for_accuracy() -> None:
    scene = scene_of([0, 1, 1], [(0, 1, 0)])
    logs = np.log(np.full((6, 3), 0.3))
    logs[0, 0] = np.log(0.31)
    logs[5, 1] = np.log(0.9)  # an unrelated pair
    found = rank(scene, assemble_scores(scene, logs, None))
    assert recall_credit(found.constrained, 1, 1, "wrong").tolist() == [0]
    assert recall_credit(found.among_true, 1, 1, "wrong").tolist() == [1]
    assert (found.n_pairs, found.n_true_pairs) == (6, 1)


def test_chosen_labels_must_be_right_too() -> None:
    scene = scene_of([0, 1], [(0, 1, 0)], given="boxes")
    logs = np.log([[0.7, 0.1, 0.2], [0.2, 0.5, 0.3]])
    for labels, earned in (([[0, -1], [-1, 0]], [1, 1, 1]), ([[0, -1], [0, -1]], [0, 0, 0])):
        found = rank(scene, assemble_scores(scene, logs, np.array(labels, dtype=float)))
        assert [
            recall_credit(found.constrained, 1, 1, r)[0] for r in ("wrong", "share", "right")
        ] == (earned)
    tied = rank(scene, assemble_scores(scene, logs, np.zeros((2, 2))))
    assert [recall_credit(tied.constrained, 1, 1, r)[0] for r in ("wrong", "share", "right")] == (
        [0, 0.25, 1]
    )
    assert tied.n_labels == 2
    assert tied.matching.tolist() == [1]


def test_detections_match_by_label_and_half_an_overlap() -> None:
    near, half, off = (0, 0, 10, 11), (20, 0, 30, 5), (20, 0, 30, 4)
    for boxes, labels, hit in (
        ([near, half], (0, 1), 1),
        ([near, off], (0, 1), 0),
        ([near, half], (0, 0), 0),
    ):
        proposals = Proposals(tuple(boxes), labels, (0.5, 0.5))
        scene = scene_of([0, 1], [(0, 1, 0)], given="proposals", proposals=proposals)
        found = rank(
            scene, assemble_scores(scene, np.log([[0.7, 0.1, 0.2], [0.2, 0.5, 0.3]]), None)
        )
        assert recall_credit(found.constrained, 1, 1, "wrong").tolist() == [hit]
        assert found.matching.tolist() == [hit]
        assert not len(found.matching_true)
        assert not len(found.own_pair.better)


@pytest.mark.parametrize(("bottom", "hit"), [(4.5, 1), (4.4999, 0)])
def test_overlaps_are_measured_with_a_pixel_more_on_what_is_not_rounded(
    bottom: float, hit: int
) -> None:
    """11 x 5.5 of 11 x 11; without that pixel 4.5 of 10, and rounded both boxes are alike."""
    proposals = Proposals(
        (FAR[0], (20, 0, 30, 4)),
        (0, 1),
        (0.5, 0.5),
        unrounded=((0.0, 0.0, 10.0, 10.0), (20.0, 0.0, 30.0, bottom)),
    )
    scene = scene_of([0, 1], [(0, 1, 0)], given="proposals", proposals=proposals)
    found = rank(scene, assemble_scores(scene, np.log([[0.7, 0.1, 0.2], [0.2, 0.5, 0.3]]), None))
    assert found.matching.tolist() == [hit]


def test_a_detectors_doubts_count() -> None:
    boxes = (*FAR[:2], FAR[0])
    proposals = Proposals(boxes, (0, 1, 0), (0.9, 0.9, 0.2))
    scene = scene_of([0, 1], [(0, 1, 0)], given="proposals", proposals=proposals)
    logs = np.log(np.tile([0.5, 0.3, 0.2], (6, 1)))
    found = rank(scene, assemble_scores(scene, logs, None))
    assert found.constrained.better.tolist() == [0, 2]
    assert found.constrained.equal.tolist() == [1, 3]
    assert not rank(
        scene_of([0, 1], [(0, 1, 0)], given="proposals", proposals=Proposals((), (), ())),
        assemble_scores(
            scene_of([0, 1], [(0, 1, 0)], given="proposals", proposals=Proposals((), (), ())),
            np.empty((0, 3)),
            None,
        ),
    ).n_pairs


def test_a_pair_with_two_relations_can_only_be_hit_once() -> None:
    found = related([(0, 1, 0), (0, 1, 2), (1, 0, 1), (1, 0, 1)])
    assert [ceiling(found, k) for k in (1, 2, 9)] == [2 / 4, 3 / 4, 3 / 4]


def related(relations: list[Triple]) -> RelationsOutcome:
    scene = scene_of([0, 1], relations)
    return rank(scene, assemble_scores(scene, np.zeros((2, 3)), None))


def test_an_unknown_rule_is_refused() -> None:
    found = related([(0, 1, 0)])
    with pytest.raises(UsageError, match="Unknown tie rule"):
        recall_credit(found.constrained, 1, 1, "lucky")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="Unknown tie rule"):
        within_first_k(Places(np.zeros(1, int), np.zeros(1, int)), 1, "lucky")  # type: ignore[arg-type]


def test_a_relation_of_a_box_with_itself_is_always_missed() -> None:
    for given_ in ("labels", "pairs"):
        scene = scene_of([0, 1], [(0, 1, 0), (1, 1, 0)], given=given_)
        n = len(pairs_of(scene))
        found = rank(scene, assemble_scores(scene, np.zeros((n, 3)), None))
        assert n == (2 if given_ == "labels" else 1)
        assert recall_credit(found.constrained, 2, 99, "right").tolist() == [1, 0]
        assert within_first_k(found.own_pair, 3, "share").tolist() == [1, 0]


def test_many_candidates_in_one_block_of_ties_do_not_overflow() -> None:
    many = np.full(900, 90_000, dtype=np.int32)
    zeros = np.zeros(900, dtype=np.int32)
    hits = Hits(zeros, zeros, many, np.full(900, 50, dtype=np.int32))
    (earned,) = recall_credit(hits, 1, 50, "share")
    # Each of 900 has a place with chance 50/90,001 and is picked with 1/50; nearly independent.
    assert earned == pytest.approx(1 - (1 - 50 / 90_001 / 50) ** 900, rel=1e-3)
    assert guessing_credit(np.array([900], dtype=np.int32), 90_001, 1 / 50, 50)[0] == earned


def test_what_no_ranked_pair_matches_is_out_of_reach() -> None:
    nothing = Proposals((), (), ())
    scene = scene_of([0, 1], [(0, 1, 0)], given="proposals", proposals=nothing)
    assert ceiling(rank(scene, assemble_scores(scene, np.empty((0, 3)), None)), 10) == 0
    itself = scene_of([0, 1], [(1, 1, 0)])
    assert ceiling(rank(itself, assemble_scores(itself, np.zeros((2, 3)), None)), 10) == 0
