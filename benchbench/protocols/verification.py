r"""The verification protocol: is a caption true of an image?

A score becomes a decision by a threshold. ``fitted threshold`` is the one with which most
validation items are right; test items are then judged by it. ``own threshold`` is the model's own,
where it has one: a matching head's log-odds of 0, a generative model's probability of one half.

``area`` needs none: it is the area under the ROC curve, the probability that a true pair scores
above a false one (Mann and Whitney 1947; Hanley and McNeil 1982). Its events are linearised, so
that their mean over the two labels is the area and their spread its uncertainty: with :math:`V_i`
the share of pairs of the other label that pair i is on the right side of, and A the area, an event
has :math:`2 V_i - A`; the variance is then that of DeLong et al. (1988), over clusters. A group of
items has an area of its own, among its own pairs. Its mean is over items, so that an event has
:math:`A + (V_i - A)\, n / n_i`, with :math:`n_i` of its n items of the label of pair i.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchbench.protocols.protocol import Answers, Events
from benchbench.protocols.scores import score_items
from benchbench.protocols.stored import by_rows
from benchbench.types import Claimed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from benchbench.embedding import Encoder
    from benchbench.protocols.stored import Bases
    from benchbench.types import Claim, ImageRef, Metric, Model, Outcome, Ties
    from benchbench.types.arrays import Flags, Floats, Indices

FITTED, OWN, AREA = "fitted threshold", "own threshold", "area"
LABEL = "label"
LABELS = {True: "true", False: "false"}


def fit_threshold(scores: Floats, labels: Flags) -> float:
    """Return the threshold above which scores mean "true" that gets most items right.

    Candidates are midpoints between neighbouring distinct scores, and ±∞. Of several that are
    equally good, the middle one of the first run of them is taken, so that no side is favoured.

    Args:
        scores: [items].
        labels: [items], whether each is true.

    >>> fit_threshold(np.array([0.1, 0.4, 0.6, 0.9]), np.array([False, False, True, True]))
    0.5
    """
    levels, number = np.unique(scores, return_inverse=True)
    true = np.bincount(number, labels, len(levels))
    false = np.bincount(number, ~labels, len(levels))
    # With the threshold below level k, the levels from k on are called true.
    right = np.concatenate([[0], np.cumsum(false)]) + np.concatenate(
        [np.cumsum(true[::-1])[::-1], [0]]
    )
    edges = np.concatenate([[-np.inf], (levels[:-1] + levels[1:]) / 2, [np.inf]])
    best = np.flatnonzero(right == right.max())
    first_run = best[: int(np.argmax(np.diff(best, append=best[-1] + 2) > 1)) + 1]
    return float(edges[first_run[len(first_run) // 2]])


def decided(scores: Floats, labels: Flags, threshold: float, ties: Ties) -> Floats:
    """Return the credit of each item by a threshold: [items]; a score equal to it is a tie."""
    right = np.where(labels, scores > threshold, scores < threshold).astype(np.float64)
    right[scores == threshold] = {"wrong": 0.0, "share": 0.5, "right": 1.0}[ties]
    return right


def area_parts(scores: Floats, labels: Flags, ties: Ties) -> Floats:
    """Return the share of the items of the other label that each is on the right side of: [items].

    The mean over either label is the area under the ROC curve. A tie counts as ``ties`` says.
    """
    parts = np.empty(len(scores))
    for label in (True, False):
        own, other = scores[labels == label], np.sort(scores[labels != label])
        below = np.searchsorted(other, own, "left")
        tied = np.searchsorted(other, own, "right") - below
        won = below if label else len(other) - below - tied
        parts[labels == label] = won + tied * {"wrong": 0.0, "share": 0.5, "right": 1.0}[ties]
        parts[labels == label] /= len(other)
    return parts


class Verification:
    """The verification protocol (see ``protocol.Protocol``)."""

    judgements: frozenset[str] = frozenset({FITTED, OWN, AREA})
    pooled: frozenset[str] = frozenset({AREA})
    sample_note = "The threshold is fitted to the validation items that are left."
    event_tags: frozenset[str] = frozenset({LABEL})
    item_tags: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()

    def answer(self, items: Sequence[Claim], model: Model, encoder: Encoder) -> Answers:
        """Score every image with its caption."""
        found = score_items(items, model, encoder)
        threshold = getattr(model, "threshold", None)
        outcomes = tuple(
            Claimed(
                id=item.id,
                cluster=item.cluster,
                tags=item.tags,
                label=item.label,
                validation=item.validation,
                score=float(scores[0, 0]),
                threshold=None if threshold is None else float(threshold),
            )
            for item, scores in zip(found.items, found.matrices, strict=True)
        )
        return Answers(found.items, outcomes, found.settings)

    def uses_encoder(self, model: Model) -> bool:
        """Return True: embeddings and pair scores alone are compared."""
        return True

    def regions(self, item: Claim) -> Iterator[ImageRef]:
        """Yield the item's image."""
        yield item.image

    def events(self, outcomes: Sequence[Claimed], metric: Metric, ties: Ties) -> Events:
        """Return one event per test item; none where there is no threshold, or only one label.

        An item's part in an area is among the items that the metric reads together with it.
        """
        test = _test_items(outcomes)
        scores, labels = _arrays(outcomes, test)
        if metric.judgement == AREA:
            values = _areas(
                scores, labels, _groups([outcomes[i] for i in test], metric), metric, ties
            )
        elif (threshold := _threshold(outcomes, metric.judgement)) is None:
            values = np.full(len(test), np.nan)
        else:
            values = decided(scores, labels, threshold, ties)
        kept = test[~np.isnan(values)]
        return Events(
            values=values[~np.isnan(values)],
            chance=np.full(len(kept), 0.5),
            outcome=kept,
            tags={LABEL: [LABELS[outcomes[i].label] for i in kept]},
        )

    def counted(self, outcomes: Sequence[Claimed]) -> Iterator[str]:
        """Yield the number of true captions, and of validation items."""
        test = _test_items(outcomes)
        yield f"{sum(outcomes[i].label for i in test):,} of {len(test):,} captions true"
        if len(test) < len(outcomes):
            yield f"{len(outcomes) - len(test):,} validation items"

    def remarks(self, outcomes: Sequence[Claimed], metrics: Sequence[Metric]) -> Iterator[str]:
        """Yield the thresholds, the score of a constant answer, and VALSE's min(p_c, p_f)."""
        test = _test_items(outcomes)
        scores, labels = _arrays(outcomes, test)
        if not len(test):
            return
        asked = {metric.judgement for metric in metrics}
        share = 100 * float(labels.mean())
        yield f"Calling every caption true would score {share:.1f}."
        for judgement in (FITTED, OWN):
            threshold = _threshold(outcomes, judgement)
            if judgement not in asked:
                continue
            if threshold is None:
                yield _lack(judgement)
                continue
            right = decided(scores, labels, threshold, "wrong")
            each = [100 * float(right[labels == label].mean()) for label in _there(labels)]
            yield f"The {judgement} is {threshold:.4g}: min(p_c, p_f) is {min(each):.1f}."

    def columns(self, outcomes: Sequence[Claimed]) -> Mapping[str, Any]:
        """Return the columns ``label``, ``validation``, ``score`` and ``threshold`` (a list)."""
        import pyarrow as pa

        thresholds = [[] if o.threshold is None else [o.threshold] for o in outcomes]

        return {
            "label": pa.array([o.label for o in outcomes], pa.bool_()),
            "validation": pa.array([o.validation for o in outcomes], pa.bool_()),
            "score": pa.array([o.score for o in outcomes], pa.float32()),
            "threshold": pa.array(thresholds, pa.list_(pa.float64())),
        }

    def outcomes(self, columns: Mapping[str, Any], bases: Bases) -> tuple[Outcome, ...]:
        """Return the outcomes stored in columns, row by row (``outcome``)."""
        return by_rows(self.outcome, columns, bases)

    def outcome(self, row: Mapping[str, Any], base: Mapping[str, Any]) -> Outcome:
        """Return the outcome stored in a row.

        Raises:
            ValueError: the score is not finite.
        """
        if not np.isfinite([row["score"], *row["threshold"]]).all():
            raise ValueError("a score that is not finite")
        fields = {name: row[name] for name in ("label", "validation", "score")}
        return Claimed(**base, **fields, threshold=next(iter(row["threshold"]), None))

    def content(self, item: Any, root: Path) -> str:
        """Return nothing: the threshold depends on all claims."""
        return ""

    def problems(self, item: Any) -> Iterator[str]:
        """Yield contract violations: an empty caption, or a label that is not a truth value."""
        if not item.caption.strip():
            yield "has an empty caption"
        if not isinstance(item.label, bool) or not isinstance(item.validation, bool):
            yield "has a label or a split that is neither True nor False"


def _groups(items: Sequence[Claimed], metric: Metric) -> list[str | None]:
    """Return the group in which each item's area is taken; None for items that a metric filters."""
    only = [(tag, wanted) for tag, wanted in metric.only if tag != LABEL]
    by = None if metric.by == LABEL else metric.by
    return [
        ("" if by is None else item.tags.get(by))
        if all(item.tags.get(tag) == wanted for tag, wanted in only)
        else None
        for item in items
    ]


def _areas(
    scores: Floats, labels: Flags, groups: Sequence[str | None], metric: Metric, ties: Ties
) -> Floats:
    """Return each item's part in the area of its group; NaN where that has only one label."""
    values, names = np.full(len(scores), np.nan), np.array(groups, dtype=object)
    for name in {each for each in groups if each is not None}:
        of = names == name
        own, n = labels[of], int(of.sum())
        if not own.any() or own.all():
            continue
        parts = area_parts(scores[of], own, ties)
        area = parts[own].mean()
        weight = 2.0 if metric.by == LABEL else np.where(own, n / own.sum(), n / (~own).sum())
        values[of] = area + weight * (parts - area)
    return values


def _test_items(outcomes: Sequence[Claimed]) -> Indices:
    return np.array([i for i, o in enumerate(outcomes) if not o.validation], dtype=np.intp)


def _arrays(outcomes: Sequence[Claimed], which: Indices) -> tuple[Floats, Flags]:
    """Return scores and labels of some items: [items], [items]."""
    scores = np.array([outcomes[i].score for i in which], dtype=np.float64)
    return scores, np.array([outcomes[i].label for i in which], dtype=bool)


def _threshold(outcomes: Sequence[Claimed], judgement: str) -> float | None:
    """Return the fitted threshold, or the model's own; None where there is none."""
    if judgement == OWN:
        return outcomes[0].threshold if outcomes else None
    chosen = np.array([i for i, o in enumerate(outcomes) if o.validation], dtype=np.intp)
    return fit_threshold(*_arrays(outcomes, chosen)) if len(chosen) else None


def _lack(judgement: str) -> str:
    if judgement == OWN:
        return "The model has no threshold of its own."
    return "There is no validation item to fit a threshold to."


def _there(labels: Flags) -> list[bool]:
    return [label for label in (True, False) if (labels == label).any()]


PROTOCOL = Verification()
