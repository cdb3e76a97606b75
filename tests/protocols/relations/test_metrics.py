"""The metrics of whole runs in every mode, against plain loops written from their definitions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbench.protocols.reading import read_units
from benchbench.protocols.relations import PROTOCOL
from benchbench.protocols.relations.ranking import rank
from benchbench.protocols.relations.scene_scores import assemble_scores, pairs_of
from benchbench.registry import load_task
from benchbench.stats import mean_over_groups
from benchbench.types import (
    GivenPart,
    ImageRef,
    Metric,
    Proposals,
    RelationsOutcome,
    Scene,
    Vocabulary,
)

VOCABULARY = Vocabulary(("a", "b"), ("p", "q", "r", "never"))
Edges = tuple[float, float, float, float]
Triple = tuple[int, int, int]
"""Subject's box, object's box, predicate."""


@dataclass(frozen=True)
class Guess:
    """What a model made of a scene, for plain loops."""

    scene: Scene
    boxes: Sequence[Edges]
    labels: Sequence[int]
    scores: dict[Triple, float]
    """Of every predicate of every ordered pair; no two are equal."""


@st.composite
def worlds(draw: st.DrawFn, given_: GivenPart) -> list[tuple[Guess, RelationsOutcome]]:
    """A few scenes, boxes that overlap, repeated relations, and what a model made of them."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return [_world(rng, given_, i) for i in range(draw(st.integers(1, 4)))]


def _world(rng: np.random.Generator, given_: GivenPart, i: int) -> tuple[Guess, RelationsOutcome]:
    n = int(rng.integers(2, 5))
    boxes = np.concatenate(
        [low := rng.integers(0, 12, (n, 2)), low + rng.integers(6, 14, (n, 2))], 1
    )
    labels = rng.integers(0, 2, n)
    ends = [(s, o) for s in range(n) for o in range(n) if s != o]
    relations = [
        (*ends[rng.integers(len(ends))], int(rng.integers(3)))
        for _ in range(int(rng.integers(1, 6)))
    ]
    scene = Scene(
        id=str(i),
        image=ImageRef(Path("a.png")),
        boxes=tuple(map(tuple, boxes.tolist())),
        labels=tuple(labels.tolist()),
        relations=tuple(relations),
        unseen=tuple(bool(new) for new in rng.integers(0, 2, len(relations))),
        cluster=str(i),
        vocabulary=VOCABULARY,
        given=given_,
        unrounded=tuple(map(tuple, (boxes + rng.random((n, 4)) - 0.5).tolist())),
    )
    # Scores are sums of these: whole numbers of the boxes, and 1/64ths that differ.
    doubts = -rng.integers(0, 3, n)
    logs = -rng.permutation(len(ends) * 4).reshape(-1, 4) / 64
    of_labels = None
    edges: Sequence[Edges] = scene.unrounded
    if given_ == "boxes":
        labels = rng.integers(0, 2, n)
        of_labels = doubts[:, None] - (np.arange(2) != labels[:, None])
    elif given_ == "proposals":
        moved = rng.permutation(n)
        found, labels = boxes[moved] + rng.normal(0, 1.5, (n, 4)), labels[moved]
        edges = tuple(map(tuple, found.tolist()))
        rounded = np.round(found).astype(int)
        scene = replace(
            scene,
            proposals=Proposals(
                tuple(map(tuple, rounded.tolist())),
                tuple(labels.tolist()),
                tuple(np.exp(doubts).tolist()),
                edges,
            ),
        )
    else:
        doubts = np.zeros(n, dtype=int)
    scores = {
        (s, o, p): float(logs[row, p] + doubts[s] + doubts[o])
        for row, (s, o) in enumerate(pairs_of(scene).tolist())
        for p in range(4)
    }
    assert len(set(scores.values())) == len(scores)
    return Guess(scene, edges, labels.tolist(), scores), rank(
        scene, assemble_scores(scene, logs, of_labels)
    )


def overlap(one: Edges, other: Edges) -> float:
    """As upstream measures it: every length a pixel longer, in single precision."""
    a, b = (np.array(box, dtype=np.float32) for box in (one, other))
    pixel, shared = np.float32(1), np.float32(1)
    areas = [np.float32(1), np.float32(1)]
    for low, high in ((0, 2), (1, 3)):
        shared *= max(np.float32(0), min(a[high], b[high]) - max(a[low], b[low]) + pixel)
        areas = [areas[i] * (box[high] - box[low] + pixel) for i, box in enumerate((a, b))]
    return float(shared / (areas[0] + areas[1] - shared))


def matches(guess: Guess, candidate: Triple, truth: Triple) -> bool:
    scene = guess.scene
    return candidate[2] == truth[2] and all(
        guess.labels[mine] == scene.labels[theirs]
        and overlap(guess.boxes[mine], scene.unrounded[theirs]) >= 0.5
        for mine, theirs in zip(candidate[:2], truth[:2], strict=True)
    )


def ranked(guess: Guess, *, free: bool, true_only: bool) -> list[Triple]:
    """Triples, best first: all of them, or the best of each pair; of all pairs or the true ones."""
    related = {(s, o) for s, o, _ in guess.scene.relations}
    kept = {t: v for t, v in guess.scores.items() if not true_only or t[:2] in related}
    if not free:
        best: dict[tuple[int, int], Triple] = {}
        for triple, value in kept.items():
            other = best.get(triple[:2])
            if other is None or value > kept[other]:
                best[triple[:2]] = triple
        kept = {triple: kept[triple] for triple in best.values()}
    return sorted(kept, key=lambda triple: -kept[triple])


def hits(guess: Guess, k: int, *, free: bool, true_only: bool = False) -> list[bool]:
    """Of each true relation, whether one of the first K triples matches it."""
    top = ranked(guess, free=free, true_only=true_only)[:k]
    return [any(matches(guess, t, truth) for t in top) for truth in guess.scene.relations]


def average(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else float("nan")


def recall(world: list[Guess], k: int, *, free: bool) -> float:
    return average([average(hits(guess, k, free=free)) for guess in world])


def mean_recall(world: list[Guess], k: int, *, free: bool) -> float:
    each = []
    for predicate in range(4):
        shares = []
        for guess in world:
            found = hits(guess, k, free=free)
            relations = guess.scene.relations
            own = [float(h) for h, r in zip(found, relations, strict=True) if r[2] == predicate]
            shares += [average(own)] if own else []
        each.append(average(shares) if shares else 0.0)
    return sum(each) / 4


def zero_shot(world: list[Guess], k: int, *, free: bool) -> float:
    shares = []
    for guess in world:
        found = hits(guess, k, free=free)
        new = [float(h) for h, unseen in zip(found, guess.scene.unseen, strict=True) if unseen]
        shares += [average(new)] if new else []
    return average(shares)


def accuracy(world: list[Guess], k: int, *, free: bool) -> float:
    every = [h for guess in world for h in hits(guess, k, free=free, true_only=True)]
    return sum(every) / len(every)


def value(outcomes: list[RelationsOutcome], metric: Metric) -> float:
    """The metric as the scorecard averages it."""
    units = read_units(PROTOCOL, outcomes, metric, "wrong")
    _, groups = np.unique(np.array(units.groups, dtype=str), return_inverse=True)
    return mean_over_groups(units.values, groups, units.outcome, absent=units.absent).value


TASK = "vg-relation-detection"
DEFINITIONS: dict[str, tuple[Callable[..., float], bool]] = {
    "R": (recall, False),
    "mR": (mean_recall, False),
    "zR": (zero_shot, False),
    "ngR": (recall, True),
    "ng-mR": (mean_recall, True),
    "ng-zR": (zero_shot, True),
    "A": (accuracy, False),
}
"""Name → its definition, and whether a pair may have any number of predicates."""
MODES: dict[str, GivenPart] = {"": "labels", ".sgcls": "boxes", ".sgdet": "proposals"}


@pytest.mark.parametrize(
    ("mode", "name"),
    [(mode, name) for mode in MODES for name in DEFINITIONS if (mode, name) != (".sgdet", "A")],
)
@settings(max_examples=60)
@given(data=st.data(), k=st.integers(1, 8))
def test_whole_runs_are_read_as_the_definitions_say(
    mode: str, name: str, data: st.DataObject, k: int
) -> None:
    world = data.draw(worlds(MODES[mode]))
    metric = replace(load_task(TASK + mode).info.metric(f"{name}@20"), k=k)
    definition, free = DEFINITIONS[name]
    expected = definition([guess for guess, _ in world], k, free=free)
    found = value([outcome for _, outcome in world], metric)
    assert found == pytest.approx(expected, abs=1e-14, nan_ok=True)


@pytest.mark.parametrize("mode", MODES)
def test_every_metric_that_upstream_prints_is_shown(mode: str) -> None:
    """sgg_eval.py: seven of them, A@K only where boxes are given."""
    names = DEFINITIONS.keys() - ({"A"} if mode == ".sgdet" else set())
    for kind, ks in (("drawn", (10, 20, 50)), ("photographs", (20, 50, 100))):
        shown, _ = load_task(TASK + mode).info.shown(kind)
        assert {metric.name for metric in shown} == {f"{name}@{k}" for name in names for k in ks}
