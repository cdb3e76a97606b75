"""R@K, mR@K, ngR@K, zR@K and A@K of whole runs, against loops written from their definitions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbench.protocols.reading import read_units
from benchbench.protocols.relations import PROTOCOL
from benchbench.protocols.relations.ranking import rank
from benchbench.protocols.relations.scoring import pairs_of, scored
from benchbench.registry import load_task
from benchbench.stats import mean_over_groups
from benchbench.types import Box, ImageRef, Metric, Related, Scene, Vocabulary

VOCABULARY = Vocabulary(("a", "b"), ("p", "q", "r", "never"))
Scores = dict[tuple[int, int, int], float]
"""Subject's box, object's box, predicate → probability."""


@st.composite
def worlds(draw: st.DrawFn) -> list[tuple[Scene, np.ndarray]]:
    """A few scenes with scores that never tie, boxes that overlap, and repeated relations."""
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    found = []
    for i in range(draw(st.integers(1, 4))):
        n = int(rng.integers(2, 5))
        corners = rng.integers(0, 12, (n, 2))
        sides = rng.integers(6, 14, (n, 2))
        boxes = np.concatenate([corners, corners + sides], axis=1)
        ends = [(s, o) for s in range(n) for o in range(n) if s != o]
        relations = [
            (*ends[rng.integers(len(ends))], int(rng.integers(3)))
            for _ in range(int(rng.integers(1, 6)))
        ]
        scene = Scene(
            id=str(i),
            image=ImageRef(Path("a.png")),
            boxes=tuple((int(a), int(b), int(c), int(d)) for a, b, c, d in boxes),
            labels=tuple(int(label) for label in rng.integers(0, 2, n)),
            relations=tuple(relations),
            unseen=tuple(bool(new) for new in rng.integers(0, 2, len(relations))),
            cluster=str(i),
            vocabulary=VOCABULARY,
        )
        probabilities = rng.permutation(len(ends) * 4).reshape(-1, 4) + 1.0
        found.append((scene, np.log(probabilities / probabilities.size)))
    return found


def overlap(one: Box, other: Box) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(0, width) * max(0, height)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return shared / (sum(areas) - shared)


def matches(scene: Scene, candidate: tuple[int, int, int], truth: tuple[int, int, int]) -> bool:
    return candidate[2] == truth[2] and all(
        scene.labels[mine] == scene.labels[theirs]
        and overlap(scene.boxes[mine], scene.boxes[theirs]) >= 0.5
        for mine, theirs in zip(candidate[:2], truth[:2], strict=True)
    )


def ranked(
    scene: Scene, scores: Scores, *, free: bool, true_only: bool
) -> list[tuple[int, int, int]]:
    """Triples, best first: all of them, or the best of each pair; of all pairs or the true ones."""
    related = {(s, o) for s, o, _ in scene.relations}
    kept = {t: v for t, v in scores.items() if not true_only or t[:2] in related}
    if not free:
        best: dict[tuple[int, int], tuple[int, int, int]] = {}
        for triple, value in kept.items():
            other = best.get(triple[:2])
            if other is None or value > kept[other]:
                best[triple[:2]] = triple
        kept = {triple: kept[triple] for triple in best.values()}
    return sorted(kept, key=lambda triple: -kept[triple])


def hits(scene: Scene, scores: Scores, k: int, **how: bool) -> list[bool]:
    """Of each true relation, whether one of the first K triples matches it."""
    top = ranked(scene, scores, **how)[:k]
    return [any(matches(scene, t, truth) for t in top) for truth in scene.relations]


def average(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else float("nan")


def recall(world: list[tuple[Scene, Scores]], k: int, *, free: bool = False) -> float:
    shares = [average(hits(s, v, k, free=free, true_only=False)) for s, v in world]
    return average(shares)


def mean_recall(world: list[tuple[Scene, Scores]], k: int) -> float:
    each = []
    for predicate in range(4):
        shares = []
        for scene, scores in world:
            found = hits(scene, scores, k, free=False, true_only=False)
            own = [h for h, r in zip(found, scene.relations, strict=True) if r[2] == predicate]
            shares += [average([float(h) for h in own])] if own else []
        each.append(average(shares) if shares else 0.0)
    return sum(each) / 4


def zero_shot(world: list[tuple[Scene, Scores]], k: int) -> float:
    shares = []
    for scene, scores in world:
        found = hits(scene, scores, k, free=False, true_only=False)
        new = [float(h) for h, unseen in zip(found, scene.unseen, strict=True) if unseen]
        shares += [average(new)] if new else []
    return average(shares)


def accuracy(world: list[tuple[Scene, Scores]], k: int) -> float:
    every = [h for s, v in world for h in hits(s, v, k, free=False, true_only=True)]
    return sum(every) / len(every)


def value(outcomes: list[Related], metric: Metric) -> float:
    """The metric as the scorecard averages it."""
    units = read_units(PROTOCOL, outcomes, metric, "wrong")
    _, groups = np.unique(np.array(units.groups, dtype=str), return_inverse=True)
    return mean_over_groups(units.values, groups, units.outcome, absent=units.absent).value


METRICS = {m.name: m for m in load_task("vg-relation-detection").info.metrics} | {
    m.name: m for m in load_task("vg-relation-detection.predicate").info.metrics
}
DEFINITIONS: dict[str, Callable[[list[tuple[Scene, Scores]], int], float]] = {
    "R@20": recall,
    "mR@20": mean_recall,
    "ngR@20": lambda world, k: recall(world, k, free=True),
    "zR@20": zero_shot,
    "A@20": accuracy,
}


@pytest.mark.parametrize("name", DEFINITIONS)
@settings(deadline=None, max_examples=60)
@given(worlds(), st.integers(1, 8))
def test_whole_runs_are_read_as_the_definitions_say(
    name: str, world: list[tuple[Scene, np.ndarray]], k: int
) -> None:
    outcomes = [rank(scene, scored(scene, logs, None)) for scene, logs in world]
    plain = [
        (
            scene,
            {
                (s, o, p): float(logs[row, p])
                for row, (s, o) in enumerate(pairs_of(scene).tolist())
                for p in range(4)
            },
        )
        for scene, logs in world
    ]
    metric = Metric(**{**{f: getattr(METRICS[name], f) for f in Metric.__slots__}, "k": k})
    expected = DEFINITIONS[name](plain, k)
    assert value(outcomes, metric) == pytest.approx(expected, abs=1e-14, nan_ok=True)
