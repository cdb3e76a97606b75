"""The relations protocol's implementation of ``protocols.protocol.Protocol``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from benchbench.errors import ContractError, DataError, UsageError
from benchbench.protocols.protocol import Answers, Events
from benchbench.protocols.relations import credit, storage
from benchbench.protocols.relations.ranking import rank
from benchbench.protocols.relations.scene_scores import (
    TEMPLATE,
    OwnHead,
    UnionCrops,
    boxes_of,
    groups_of,
)
from benchbench.protocols.stored import by_rows
from benchbench.types import ImageRef, RelationScorer, scores_pairs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from benchbench.embedding import Encoder
    from benchbench.protocols.relations.scene_scores import SceneScorer
    from benchbench.protocols.stored import Bases
    from benchbench.types import DualEncoder, Metric, Model, Outcome, RelationsOutcome, Scene, Ties
    from benchbench.types.arrays import Floats


class Relations:
    """The relations protocol: it ranks every ordered pair of boxes with every predicate."""

    judgements = frozenset({"recall", "unconstrained recall", "accuracy", "predicate"})
    pooled: frozenset[str] = frozenset()
    sample_note = "Means over predicates (mR) count those that this sample lacks as 0."
    event_tags = frozenset({"predicate", "triple"})
    item_tags: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()

    def answer(self, items: Sequence[Scene], model: Model, encoder: Encoder) -> Answers:
        """Score and rank each scene, by the model's own head where it has one.

        Raises:
            UsageError: the model is a pair scorer without a head for relations.
            ContractError: scenes have different vocabularies.
            DataError: no image could be read.
        """
        _check_vocabulary(items)
        scorer: SceneScorer
        if isinstance(model, RelationScorer):
            scorer, settings = OwnHead(model, encoder), {"relations": "own head"}
        elif scores_pairs(model):
            raise UsageError(
                f"{model.manifest.name} scores images with captions, pair by pair, and relation "
                "detection needs a model that embeds them apart or has a head for relations. "
                "It can run matching and retrieval tasks: benchbench list tasks"
            )
        else:
            dual = cast("DualEncoder", model)
            scorer, settings = UnionCrops(dual, encoder), _prompting(dual)
        if encoder.progress:
            encoder.progress("scenes", 0, len(items))
        kept: list[Scene] = []
        outcomes: list[RelationsOutcome] = []
        report, encoder.progress = encoder.progress, None
        done = 0
        for group in groups_of(items):
            ready = scorer.prepare(group)
            done += len(group)
            outcomes += [rank(scene, scorer.score(scene)) for scene in ready]
            kept += ready
            if report:
                report("scenes", done, len(items))
        if not kept:
            raise DataError("No item is left: not one image could be read.")
        return Answers(kept, tuple(outcomes), settings)

    def uses_encoder(self, model: Model) -> bool:
        """Return whether the model has no head for relations of its own."""
        return not isinstance(model, RelationScorer)

    def regions(self, item: Scene) -> Iterator[ImageRef]:
        """Yield the whole image, and the crop of each box."""
        yield item.image
        for box in boxes_of(item):
            yield ImageRef(item.image.path, box)

    def events(self, outcomes: Sequence[RelationsOutcome], metric: Metric, ties: Ties) -> Events:
        """Return one event per true relation; recall is first averaged within each image."""
        sizes = [len(o.predicates) for o in outcomes]
        is_recall = metric.judgement.endswith("recall")
        return Events(
            values=np.concatenate([_judged(o, metric, ties) for o in outcomes]),
            chance=np.concatenate([_guessed(o, metric) for o in outcomes]),
            outcome=np.repeat(np.arange(len(outcomes)), sizes),
            tags={
                "predicate": [name for o in outcomes for name in o.predicates],
                "triple": ["unseen" if new else "seen" for o in outcomes for new in o.unseen],
            },
            per_outcome=is_recall,
            categories={"predicate": outcomes[0].n_predicates} if is_recall else {},
        )

    def counted(self, outcomes: Sequence[RelationsOutcome]) -> Iterator[str]:
        """Yield the numbers of true relations, of unseen triples and of ranked pairs."""
        yield f"{sum(len(o.predicates) for o in outcomes):,} true relations"
        yield f"{sum(sum(o.unseen) for o in outcomes):,} of unseen triples"
        yield f"{sum(o.n_pairs for o in outcomes):,} ranked pairs"

    def remarks(
        self, outcomes: Sequence[RelationsOutcome], metrics: Sequence[Metric]
    ) -> Iterator[str]:
        """Yield the ceiling of one predicate per pair, and where K covers all pairs of an image."""
        plain = [m for m in metrics if m.judgement == "recall" and not m.by and not m.only]
        plain = sorted(plain, key=lambda m: m.k)
        if plain:
            highest = (np.mean([credit.ceiling(o, m.k) for o in outcomes]) for m in plain)
            most = [
                f"{100 * share:.1f} for {m.name}" for m, share in zip(plain, highest, strict=True)
            ]
            yield (
                "Ceiling, as one predicate can be chosen for each pair of boxes: "
                f"{', '.join(most)}."
            )
        for metric in plain:
            if all_in := sum(o.n_pairs <= metric.k for o in outcomes):
                yield (
                    f"{metric.name} ranks nothing in {100 * all_in / len(outcomes):.0f} % of the "
                    f"images: they have no more than {metric.k} pairs."
                )

    def columns(self, outcomes: Sequence[RelationsOutcome]) -> Mapping[str, Any]:
        """Return the columns: a list per image, one entry per relation or matching candidate."""
        return storage.columns(outcomes)

    def outcomes(self, columns: Mapping[str, Any], bases: Bases) -> tuple[Outcome, ...]:
        """Return the outcomes stored in columns, row by row (``outcome``)."""
        return by_rows(self.outcome, columns, bases)

    def outcome(self, row: Mapping[str, Any], base: Mapping[str, Any]) -> Outcome:
        """Return the outcome stored in a row (see ``storage.outcome``)."""
        return storage.outcome(row, base)

    def content(self, item: Scene, root: Path) -> str:
        """Return nothing: scenes of several editions are not matched."""
        return ""

    def problems(self, item: Any) -> Iterator[str]:
        """Yield contract violations: no relation, or an index outside boxes or vocabulary."""
        n, vocabulary = len(item.boxes), item.vocabulary
        if not item.relations:
            yield "has no relation"
        if len(item.labels) != n:
            yield f"has {n} boxes but {len(item.labels)} labels"
        if len(item.unseen) != len(item.relations):
            yield f"has {len(item.relations)} relations but {len(item.unseen)} of 'unseen'"
        for boxes in (item, *([item.proposals] if item.proposals else [])):
            if len(boxes.unrounded) not in (0, len(boxes.boxes)):
                yield f"has {len(boxes.boxes)} boxes but {len(boxes.unrounded)} of 'unrounded'"
        if any(not 0 <= label < len(vocabulary.objects) for label in item.labels):
            yield "has a label that is not in the vocabulary"
        for subject, thing, predicate in item.relations:
            if not (0 <= subject < n and 0 <= thing < n):
                yield f"relates box {subject} to box {thing} of {n}"
            if not 0 <= predicate < len(vocabulary.predicates):
                yield f"has predicate {predicate}, which is not in the vocabulary"
        if (item.given == "proposals") != (item.proposals is not None):
            yield f"is given '{item.given}' but its proposals are {item.proposals}"


def _check_vocabulary(items: Sequence[Scene]) -> None:
    """Refuse scenes of several vocabularies: labels, phrases and means are of one.

    Raises:
        ContractError: a scene has another vocabulary than the first.
    """
    first = items[0].vocabulary if items else None
    for item in items:
        if item.vocabulary is not first and item.vocabulary != first:
            raise ContractError(
                f"Scene {item.id} has another vocabulary than scene {items[0].id}. Relations are "
                "ranked among the predicates of one: make a task of each."
            )


def _prompting(model: DualEncoder) -> dict[str, Any]:
    return {"relations": f"union crops, '{TEMPLATE}'", "logit_scale": round(model.logit_scale, 6)}


def _judged(outcome: RelationsOutcome, metric: Metric, ties: Ties) -> Floats:
    """Return the credit of each true relation: [relations]."""
    if metric.judgement == "predicate":
        return credit.within_first_k(outcome.own_pair, metric.k, ties)
    hits = getattr(outcome, _RANKINGS[metric.judgement])
    return credit.recall_credit(hits, len(outcome.predicates), metric.k, ties)


def _guessed(outcome: RelationsOutcome, metric: Metric) -> Floats:
    """Return the expected credit of each true relation under guessing: [relations]."""
    labels, predicates = outcome.n_labels**2, outcome.n_predicates
    if metric.judgement == "predicate":
        return np.full(len(outcome.predicates), min(1.0, metric.k / predicates))
    if metric.judgement == "unconstrained recall":
        n = outcome.n_pairs * predicates
        return credit.guessing_credit(outcome.matching, n, 1 / labels, metric.k)
    matching, n = outcome.matching, outcome.n_pairs
    if metric.judgement == "accuracy":
        matching, n = outcome.matching_true, outcome.n_true_pairs
    return credit.guessing_credit(matching, n, 1 / (predicates * labels), metric.k)


_RANKINGS = {
    "recall": "constrained",
    "unconstrained recall": "unconstrained",
    "accuracy": "among_true",
}

PROTOCOL = Relations()
