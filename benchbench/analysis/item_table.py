"""The results of several models on every item, in columns: credit, ties, margins, raw outcomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbench.analysis.frame import item_values
from benchbench.protocols.priors import debias_scores
from benchbench.protocols.scores import same_shape
from benchbench.types import (
    Answered,
    Claimed,
    MatchingOutcome,
    Paraphrased,
    RelationsOutcome,
    RetrievalOutcome,
)

if TYPE_CHECKING:
    from benchbench.analysis.paired import Pairing
    from benchbench.types import Hits, Metric, Outcome, Ties
    from benchbench.types.arrays import Flags, Floats, Indices

Array = Any
Columns = Mapping[str, Array]
"""Name → array. A column ``x`` beside a column ``x.start``, [items + 1], has a list per item: those
from ``x.start[i]`` up to ``x.start[i + 1]``."""


@dataclass(frozen=True, slots=True)
class ItemTable:
    """The results of several runs on the same items, in the order of the runs."""

    values: Floats
    """[items, models]: each item's credit, a share in [0, 1] or a rank from 1; the mean where it is
    judged several times, and NaN where the metric leaves it out."""
    tied: Flags
    """[items, models]: whether the tie rule decides the item. False for decisions without
    scores."""
    margins: Floats
    """[items, models]: the score of the true caption minus that of the best other one, the least
    over the images that have one; of a single caption, the score of its image minus that of the
    best other one. NaN for other protocols."""
    shared: Columns = field(repr=False)
    """Columns that do not depend on the model."""
    of_models: tuple[Columns, ...] = field(repr=False)
    """[models]: each model's raw outcomes."""


def item_table(pairing: Pairing, metric: Metric, *, ties: Ties = "wrong") -> ItemTable:
    """Return the results of all runs on every item by one metric.

    Args:
        pairing: the runs.
        metric: the metric that scores the items.
        ties: the tie rule, where the metric fixes none.
    """
    scores = pairing.scores(metric, ties=ties)
    n = len(pairing.runs[0].outcomes)
    values = [item_values(scores.outcome, column, n) for column in scores.values.T]
    outcomes = [_read_by(metric, run.outcomes) for run in pairing.runs]
    shared, of_model = VIEWS[type(outcomes[0][0])]
    return ItemTable(
        values=np.stack(values, axis=1),
        tied=np.stack(list(_tied(pairing, metric, n)), axis=1),
        margins=np.stack([_margins(of_run) for of_run in outcomes], axis=1),
        shared=shared(outcomes[0]),
        of_models=tuple(of_model(of_run) for of_run in outcomes),
    )


def _read_by(metric: Metric, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
    """Return outcomes with the scores that a metric reads: debiased ones, where it is of those."""
    if not metric.debias:
        return outcomes
    scored = [o for o in outcomes if isinstance(o, MatchingOutcome)]
    scores = [debias_scores(o.scores[None], [o], metric.debias)[0] for o in scored]
    return [
        replace(o, scores=found.astype(np.float32)) for o, found in zip(scored, scores, strict=True)
    ]


def _tied(pairing: Pairing, metric: Metric, n: int) -> Sequence[Flags]:
    """Return for each run which items have a unit that the tie rule decides: [items]."""
    found = []
    for run, judge in zip(pairing.runs, pairing.judges, strict=True):
        wrong = judge.units(replace(metric, ties="wrong"), "wrong")
        right = judge.units(replace(metric, ties="right"), "right")
        differs = (wrong.values != right.values) & (not run.decisions_only)
        found.append(np.bincount(wrong.outcome[differs], minlength=n) > 0)
    return found


def _margins(outcomes: Sequence[Outcome]) -> Floats:
    """Return each item's margin, [items] (``ItemTable.margins``)."""
    found = np.full(len(outcomes), np.nan)
    scored = [o for o in outcomes if isinstance(o, MatchingOutcome)]
    for where in same_shape([(o.scores.shape, _choosing(o)) for o in scored]):
        chosen = [scored[i] for i in where]
        scores = np.stack([o.scores for o in chosen]).astype(np.float64)
        images = _choosing(chosen[0])
        if scores.shape[2] > 1:
            own = np.array([o.target for o in chosen], dtype=np.intp)[:, images]
            found[where] = _least_margin(scores[:, images], own)
        elif len(images) == 1 < scores.shape[1]:
            own = np.full((len(chosen), 1), images[0], dtype=np.intp)
            found[where] = _least_margin(scores.swapaxes(1, 2), own)
    return found


def _choosing(outcome: MatchingOutcome) -> tuple[int, ...]:
    """Return the images that have a caption of their own; others do not choose."""
    return tuple(image for image, column in enumerate(outcome.target) if column >= 0)


def _least_margin(scores: Floats, own: Indices) -> Floats:
    """Return the least margin of the rows of each item: [items].

    Args:
        scores: [items, rows, options].
        own: [items, rows], the true option of each row.
    """
    others, own = scores.copy(), own[:, :, None]
    np.put_along_axis(others, own, -np.inf, axis=2)
    true = np.take_along_axis(scores, own, axis=2)[:, :, 0]
    return np.asarray((true - others.max(axis=2)).min(axis=1))


def _lists(values: Sequence[Any], kind: type) -> tuple[Array, Array]:
    """Return lists, one per item, as one array and the place where each begins: [items + 1]."""
    start = np.zeros(len(values) + 1, dtype=np.uint32)
    np.cumsum([len(each) for each in values], out=start[1:])
    joined: list[Array] = [np.asarray(each, dtype=kind) for each in values if len(each)]
    return np.concatenate(joined) if joined else np.zeros(0, dtype=kind), start


def _matching_shared(outcomes: Sequence[MatchingOutcome]) -> Columns:
    target, start = _lists([o.target for o in outcomes], np.int16)  # −1: no caption of its own
    _, captions = _lists([o.no_op for o in outcomes], np.uint8)
    _, scores = _lists([o.scores.ravel() for o in outcomes], np.float32)
    return {
        "target": target, "target.start": start, "no_op.start": captions, "scores.start": scores,
    }  # fmt: skip


def _matching(outcomes: Sequence[MatchingOutcome]) -> Columns:
    return {
        "scores": _lists([o.scores.ravel() for o in outcomes], np.float32)[0],
        "no_op": _lists([o.no_op for o in outcomes], np.uint8)[0],
    }


def _retrieval_shared(outcomes: Sequence[RetrievalOutcome]) -> Columns:
    return {
        "own": np.array([o.own for o in outcomes], np.uint32),
        "n_captions": np.array([o.n_captions for o in outcomes], np.uint32),
        "n_images": np.array([o.n_images for o in outcomes], np.uint32),
        "found.start": _lists([o.found.better for o in outcomes], np.int32)[1],
        "finding.start": _lists([o.finding for o in outcomes], object)[1],
    }


def _retrieval(outcomes: Sequence[RetrievalOutcome]) -> Columns:
    """Return the places of an image's captions, and of the first true image of each caption."""
    first = [[int(np.argmin(p.better)) for p in o.finding] for o in outcomes]
    pairs = [list(zip(o.finding, at, strict=True)) for o, at in zip(outcomes, first, strict=True)]
    return {
        "found_better": _lists([o.found.better for o in outcomes], np.int32)[0],
        "found_equal": _lists([o.found.equal for o in outcomes], np.int32)[0],
        "finding_better": _lists([[p.better[i] for p, i in of] for of in pairs], np.int32)[0],
        "finding_equal": _lists([[p.equal[i] for p, i in of] for of in pairs], np.int32)[0],
    }


def _relations_shared(outcomes: Sequence[RelationsOutcome]) -> Columns:
    subjects, start = _lists([o.subjects for o in outcomes], np.uint16)
    return {
        "subjects": subjects,
        "objects": _lists([o.objects for o in outcomes], np.uint16)[0],
        "unseen": _lists([o.unseen for o in outcomes], np.uint8)[0],
        "predicates.start": start,
        "n_pairs": np.array([o.n_pairs for o in outcomes], np.uint32),
        "n_predicates": np.array([o.n_predicates for o in outcomes], np.uint32),
    }


def _relations(outcomes: Sequence[RelationsOutcome]) -> Columns:
    """Return each true triple's place among the image's triples and among its pair's predicates.

    The place counts candidates that score higher; −1 where no candidate matches, or no own pair.
    """
    best = [_best_place(o.constrained, len(o.predicates)) for o in outcomes]
    own = [(o.own_pair.better, o.own_pair.equal) for o in outcomes]
    none = [np.full(len(o.predicates), -1) for o in outcomes]
    pairs = [each if len(each[0]) else (no, no) for each, no in zip(own, none, strict=True)]
    return {
        "triple_better": _lists([better for better, _ in best], np.int32)[0],
        "triple_equal": _lists([equal for _, equal in best], np.int32)[0],
        "own_better": _lists([better for better, _ in pairs], np.int32)[0],
        "own_equal": _lists([equal for _, equal in pairs], np.int32)[0],
    }


def _best_place(hits: Hits, n: int) -> tuple[Array, Array]:
    """Return the counts around the best candidate of each relation: 2 × [relations]."""
    better, equal = np.full(n, -1), np.full(n, -1)
    for relation, above, beside in zip(
        hits.relation.tolist(), hits.better.tolist(), hits.equal.tolist(), strict=True
    ):
        if better[relation] < 0 or above < better[relation]:
            better[relation], equal[relation] = above, beside
    return better, equal


def _scored_shared(truth: Callable[[Any], Sequence[bool]]) -> Callable[[Sequence[Any]], Columns]:
    """Return a function that makes shared columns of which captions, or answers, are true."""

    def shared(outcomes: Sequence[Any]) -> Columns:
        flags, start = _lists([truth(o) for o in outcomes], np.uint8)
        return {"truth": flags, "scores.start": start}

    return shared


def _scored(outcomes: Sequence[Any]) -> Columns:
    """Return the score of each caption, or answer."""
    return {"scores": _lists([np.ravel(_scores_of(o)) for o in outcomes], np.float32)[0]}


def _scores_of(outcome: Claimed | Paraphrased | Answered) -> Array:
    return outcome.score if isinstance(outcome, Claimed) else outcome.scores


View = tuple[Callable[[Any], Columns], Callable[[Any], Columns]]
VIEWS: Mapping[type, View] = {
    MatchingOutcome: (_matching_shared, _matching),
    RetrievalOutcome: (_retrieval_shared, _retrieval),
    RelationsOutcome: (_relations_shared, _relations),
    Claimed: (_scored_shared(lambda o: [o.label]), _scored),
    Paraphrased: (_scored_shared(lambda o: [c < o.true for c in range(len(o.scores))]), _scored),
    Answered: (_scored_shared(lambda o: [c == o.right for c in range(len(o.scores))]), _scored),
}
"""Class of outcomes → the columns shared by all models, and those of one."""
