"""Rank one scene's scored pairs, and find the places of its true relations.

A candidate is an ordered pair of boxes with labels and a predicate. Its score is the sum of the
logarithms of the labels' and the predicate's probabilities, so that probabilities near 1 do not
collapse into ties. It matches a true relation where labels and predicate are equal and both boxes
overlap the relation's by half: intersection over union ≥ 0.5 (Lu et al., *Visual relationship
detection with language priors*, ECCV 2016; in every mode, as Zellers et al., *Neural Motifs*, CVPR
2018, do). The overlap is measured as in KaihuaTang/Scene-Graph-Benchmark.pytorch@d05be9f9, from
which most published numbers come (``vg_eval.py``, ``sgg_eval.py``, ``boxlist_ops.py``): boxes in
pixels of the image, not rounded; every length a pixel longer than the difference of its edges;
float32. Neural Motifs adds the same pixel, but where the longest side is 1024.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchbench.types import Hits, Places, RelationsOutcome

if TYPE_CHECKING:
    import numpy.typing as npt

    from benchbench.types import Scene
    from benchbench.types.arrays import Flags, Floats, Indices, Singles


OVERLAP = 0.5
PIXEL = np.float32(1)

LAST_PLACE = 2**30
"""The place of a relation that is in no ranking."""


@dataclass(frozen=True, slots=True)
class SceneScores:
    """A model's scores of one scene."""

    boxes: Singles
    """[boxes, 4]: left, top, right, bottom; given or proposed, not rounded where that is known."""
    label_logs: Floats
    """[boxes]: log-probability of each box's label, 0 where the label was given."""
    label_ties: Indices
    """[boxes, objects]: the number of best labels where this label is one of them; otherwise 0."""
    pairs: Indices
    """[pairs, 2]: the numbers of the subject's and the object's box of each ordered pair."""
    predicate_logs: Floats
    """[pairs, predicates]: log-probability of each predicate."""
    labels_chosen: bool = False
    """Whether the model chose the labels."""


def rank(scene: Scene, scored: SceneScores) -> RelationsOutcome:
    """Rank a scene's candidates, and return the places of its true relations.

    A cat on a mat, a dog near the cat; six ordered pairs, two predicates. The model's best triples
    are "cat on mat", "mat near dog" and, wrongly, "dog *on* cat":

    >>> from pathlib import Path
    >>> from benchbench.protocols.relations.credit import recall_credit
    >>> from benchbench.protocols.relations.scene_scores import pairs_of, assemble_scores
    >>> from benchbench.types import ImageRef, Scene, Vocabulary
    >>> scene = Scene(
    ...     id="0", image=ImageRef(Path("0.png")), cluster="0", labels=(0, 1, 2),
    ...     boxes=((0, 0, 9, 9), (20, 0, 29, 9), (0, 20, 9, 29)),
    ...     relations=((0, 2, 0), (1, 0, 1)), unseen=(False, False),
    ...     vocabulary=Vocabulary(("cat", "dog", "mat"), ("on", "near")),
    ... )
    >>> likely = {(0, 2): (0.9, 0.1), (2, 1): (0.2, 0.8), (1, 0): (0.7, 0.3)}
    >>> p = [likely.get((s, o), (0.5, 0.5)) for s, o in pairs_of(scene).tolist()]
    >>> found = rank(scene, assemble_scores(scene, np.log(p), None))
    >>> recall_credit(found.constrained, 2, 1, "wrong").mean().item()  # R@1: "cat on mat" of two
    0.5
    >>> recall_credit(found.constrained, 2, 6, "wrong").mean().item()  # R@6: "near" is not best
    0.5
    >>> recall_credit(found.unconstrained, 2, 10, "wrong").mean().item()  # ngR@10
    1.0
    >>> recall_credit(found.among_true, 2, 1, "wrong").mean().item()  # A@1: two related pairs
    0.5
    """
    truth = np.array(scene.relations, dtype=np.intp).reshape(-1, 3)
    fits = _fits(scene, scored, truth)
    ties = _label_ties(scene, scored, truth)
    matching = fits if scored.labels_chosen else fits & (ties > 0)  # [relations, pairs]
    logs = scored.predicate_logs + scored.label_logs[scored.pairs].sum(axis=1)[:, None]
    logs = logs.astype(np.float32)
    given = scene.proposals is None
    true_pair = _true_pairs(scored, truth) if given else np.zeros(len(scored.pairs), dtype=bool)
    matching_true = matching[:, true_pair] if given else matching[:0]
    return RelationsOutcome(
        id=scene.id,
        cluster=scene.cluster,
        tags=scene.tags,
        predicates=tuple(scene.vocabulary.predicates[p] for p in truth[:, 2]),
        subjects=truth[:, 0].astype(np.int32),
        objects=truth[:, 1].astype(np.int32),
        unseen=scene.unseen,
        matching=matching.sum(axis=1, dtype=np.int32),
        matching_true=matching_true.sum(axis=1, dtype=np.int32),
        constrained=_constrained(logs, fits, ties, truth[:, 2]),
        unconstrained=_unconstrained(logs, fits, ties, truth[:, 2]),
        among_true=_constrained(
            logs[true_pair], fits[:, true_pair], ties[:, true_pair], truth[:, 2]
        ),
        own_pair=_own_pair(logs, scored, truth, given=given),
        n_pairs=len(scored.pairs),
        n_true_pairs=int(true_pair.sum()),
        n_labels=len(scene.vocabulary.objects) if scored.labels_chosen else 1,
        n_predicates=logs.shape[1],
    )


def intersection_over_union(left: Singles, right: Singles) -> Singles:
    """Return the overlaps of boxes, each a pixel wider and higher: [n, 4], [m, 4] → [n, m].

    Two boxes measured so at 3 x 3 and 3 x 2 pixels share 6 of 9; two that touch share 3 x 1:

    >>> one, other = np.float32([[0, 0, 2, 2]]), np.float32([[0, 0, 2, 1], [2, 0, 4, 2]])
    >>> intersection_over_union(one, other).round(3).tolist()
    [[0.6669999957084656, 0.20000000298023224]]
    """
    low = np.maximum(left[:, None, :2], right[None, :, :2])
    high = np.minimum(left[:, None, 2:], right[None, :, 2:])
    shared = np.clip(high - low + PIXEL, 0, None).prod(axis=2)
    areas = [(each[:, 2:] - each[:, :2] + PIXEL).prod(axis=1) for each in (left, right)]
    return np.asarray(shared / (areas[0][:, None] + areas[1][None, :] - shared))


def _fits(scene: Scene, scored: SceneScores, truth: Indices) -> Flags:
    """Return whether both boxes of a pair match those of a relation: [relations, pairs]."""
    boxes = np.array(scene.unrounded or scene.boxes, dtype=np.float32).reshape(-1, 4)
    near = intersection_over_union(boxes, scored.boxes) >= OVERLAP  # [true boxes, boxes]
    subjects, things = near[truth[:, 0]], near[truth[:, 1]]
    return np.asarray(subjects[:, scored.pairs[:, 0]] & things[:, scored.pairs[:, 1]])


def _label_ties(scene: Scene, scored: SceneScores, truth: Indices) -> Indices:
    """Return the number of best labellings of a pair, a relation's among them: [relations, pairs].

    It is 0 where the relation's labelling is not among the best. Tied labels of the two boxes are
    assumed to be picked independently.
    """
    labels = np.array(scene.labels, dtype=np.intp)
    subjects = scored.label_ties[:, labels[truth[:, 0]]].T  # [relations, boxes]
    things = scored.label_ties[:, labels[truth[:, 1]]].T
    return np.asarray(subjects[:, scored.pairs[:, 0]] * things[:, scored.pairs[:, 1]])


def _true_pairs(scored: SceneScores, truth: Indices) -> Flags:
    related = set(map(tuple, truth[:, :2].tolist()))
    return np.array([tuple(pair) in related for pair in scored.pairs.tolist()], dtype=bool)


def _constrained(logs: Singles, fits: Flags, ties: Indices, predicates: Indices) -> Hits:
    """Return the hits among the best triple of each pair; tied predicates are equally likely."""
    best = logs.max(axis=1, initial=-np.inf)  # [pairs]
    is_best = logs == best[:, None]
    as_good = is_best * is_best.sum(axis=1, keepdims=True)  # [pairs, predicates]
    choices = fits * ties * as_good[:, predicates].T  # [relations, pairs]
    relation, pair = np.nonzero(choices)
    return _hits(relation, best[pair], choices[relation, pair], best)


def _unconstrained(logs: Singles, fits: Flags, ties: Indices, predicates: Indices) -> Hits:
    """Return the hits among the triples of every predicate of every pair."""
    choices = fits * ties
    relation, pair = np.nonzero(choices)
    scores = logs[pair, predicates[relation]]
    return _hits(relation, scores, choices[relation, pair], logs.ravel())


def _hits(
    relation: Indices,
    scores: Singles,
    choices: Indices,
    everything: Singles,
) -> Hits:
    better, equal = _places(scores, np.sort(everything))
    return Hits(relation.astype(np.int32), better, equal, choices.astype(np.int32))


def _places(
    scores: Singles, ascending: Singles
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return how many of the candidates score higher, and how many others score the same."""
    low = np.searchsorted(ascending, scores, side="left")
    high = np.searchsorted(ascending, scores, side="right")
    return (len(ascending) - high).astype(np.int32), (high - low - 1).astype(np.int32)


def _own_pair(logs: Singles, scored: SceneScores, truth: Indices, *, given: bool) -> Places:
    """Return the place of each relation's predicate among the predicates of its own pair.

    A relation of a box with itself is in no pair: its place is behind all others.
    """
    if not given:
        return Places(np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int32))
    number = {tuple(pair): i for i, pair in enumerate(scored.pairs.tolist())}
    found = np.array([number.get(tuple(ends), -1) for ends in truth[:, :2].tolist()])
    rows = np.vstack([logs, np.full(logs.shape[1], -np.inf, dtype=np.float32)])[found]
    own = rows[np.arange(len(truth)), truth[:, 2]][:, None]
    better, equal = (rows > own).sum(axis=1), (rows == own).sum(axis=1) - 1
    better[found < 0], equal[found < 0] = LAST_PLACE, 0
    return Places(better.astype(np.int32), equal.astype(np.int32))
