"""The matching protocol: images against captions, as in VG-Relation, VG-Attribution and Order.

A model scores every image of an item against every caption of it. The item is right where each
image prefers its own caption (Winoground's *text score*; with one image, plain accuracy). A dual
encoder's scores are similarities of float32 embeddings, summed in float64 in one fixed order, so
that equal embeddings tie exactly whatever their position in a batch. A pair scorer's scores are its
own. Captions that the model tokenises to the same ids get one score, that of the first: a dual
encoder encodes them separately, because it may read more of a string than its tokens, but rounding
must not decide between them.

An image without a caption of its own (``target`` −1) is a distractor: it does not choose, and
captions may wrongly prefer it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np

from benchbench.protocols import matching_columns
from benchbench.protocols import ties as tie_rule
from benchbench.protocols.choices import choose_captions
from benchbench.protocols.contents import matching_content
from benchbench.protocols.matching_columns import NONE
from benchbench.protocols.priors import caption_priors, debias_scores, describe_debiasing
from benchbench.protocols.protocol import Answers, Events
from benchbench.protocols.scores import same_shape, score_items, similarities
from benchbench.types import Chooser, MatchingOutcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    import numpy.typing as npt

    from benchbench.embedding import EmbeddingTable, Encoder
    from benchbench.protocols.stored import Bases
    from benchbench.types import (
        ImageRef,
        Item,
        Judgement,
        Metric,
        Model,
        NoOps,
        Outcome,
        Ties,
    )
    from benchbench.types.arrays import Floats, Indices, Singles


BOUNDS: tuple[Ties, Ties] = ("wrong", "right")
"""The tie rules that give the lowest and the highest value."""


def match(
    items: Sequence[Item],
    images: EmbeddingTable[ImageRef],
    captions: EmbeddingTable[str],
    token_ids: Mapping[str, tuple[int, ...]],
) -> tuple[MatchingOutcome, ...]:
    """Return the outcome of each item, computed from the embeddings of its images and captions.

    Args:
        items: the items.
        images: embeddings of every image of the items, of unit length where similarity is cosine.
        captions: embeddings of every caption of the items, likewise.
        token_ids: the model's token ids of each caption, cut to its context length.

    Returns:
        One outcome per item, in order.
    """
    matrices = similarities(items, images, captions, token_ids)
    return tuple(_outcome(i, scores, token_ids) for i, scores in zip(items, matrices, strict=True))


def _outcome(
    item: Item,
    scores: Singles,
    token_ids: Mapping[str, tuple[int, ...]],
    priors: Singles | None = None,
) -> MatchingOutcome:
    """Return the outcome of an item with these scores, [images, captions]."""
    return MatchingOutcome(
        id=item.id,
        cluster=item.cluster,
        target=item.target,
        scores=scores,
        no_op=no_ops(item, [token_ids[caption] for caption in item.captions]),
        tags=item.tags,
        priors=priors,
    )


def no_ops(item: Item, read: Sequence[tuple[int, ...]]) -> tuple[bool, ...]:
    """Return for each caption whether its token ids equal another, true caption's: [captions].

    Token ids decide, not strings: "A dog" and "a dog" are one caption to a lower-casing tokenizer.

    Args:
        item: the item with these captions.
        read: the token ids of each caption, cut to the model's context length.
    """
    if len(set(read)) == len(read):
        return (False,) * len(read)
    targets = set(item.target) - {NONE}
    return tuple(
        any(other != column and read[other] == read[column] for other in targets)
        for column in range(len(read))
    )


def judge(
    outcomes: Sequence[MatchingOutcome],
    ties: Ties,
    judgement: Judgement = "text",
    no_ops: NoOps = "keep",
    debias: float = 0.0,
) -> Floats:
    """Return the credit of every item: [items], in [0, 1].

    Text and image scores are products over the item's images, or over their captions, of the credit
    by the tie rule; the group score requires both at once (Thrush et al., *Winoground*, CVPR 2022,
    §3.2). Images without a caption of their own do not choose. With ``share`` an item's credit is
    the probability that it is right when ties are broken at random. With ``no_ops="drop"`` no image
    can prefer a no-op negative (``no_op_negatives``). With ``debias`` images choose by
    debiased scores (``priors``), and captions as ever.

    Raises:
        UsageError: scores are to be debiased, and an item has no priors.
    """
    earned = np.empty(len(outcomes))
    shapes = [(o.scores.shape, _choosing(o.target), o.by_caption is None) for o in outcomes]
    for where in same_shape(shapes):
        chosen = [outcomes[i] for i in where.tolist()]
        scores, by_caption = _stacked(chosen, no_ops)
        by_image = debias_scores(scores, chosen, debias) if debias else scores
        target = np.array([o.target for o in chosen], dtype=np.intp)
        if judgement == "group" and ties == "share" and by_caption is None:
            items = zip(by_image, scores, target, strict=True)
            earned[where] = [_shared_group(*item) for item in items]
        else:
            back = scores if by_caption is None else by_caption
            earned[where] = _judged(by_image, target, ties, judgement, back)
    return earned


def _judged(
    scores: npt.NDArray[np.floating],
    target: Indices,
    ties: Ties,
    judgement: Judgement,
    by_caption: npt.NDArray[np.floating],
) -> Floats:
    """Return the credit of items of one shape, [items]; where ties are shared, by each side alone.

    Args:
        scores: [items, images, captions], by which images prefer captions.
        target: [items, images], the column of each image's own caption.
        ties: the tie rule.
        judgement: ``text``, ``image`` or ``group``.
        by_caption: [items, images, captions], by which captions prefer images.
    """
    earned = np.ones(len(scores))
    choosing = list(_choosing(tuple(target[0].tolist())))
    target = target[:, choosing]
    if judgement != "image":
        rows = scores[:, choosing].reshape(-1, scores.shape[2])
        right = tie_rule.credit(rows, target.reshape(-1), ties)
        earned *= right.reshape(target.shape).prod(axis=1)
    if judgement != "text":
        columns = np.take_along_axis(by_caption, target[:, None, :], axis=2).swapaxes(1, 2)
        own = np.broadcast_to(np.array(choosing, dtype=np.intp), target.shape)
        flat = tie_rule.credit(columns.reshape(-1, columns.shape[2]), own.reshape(-1), ties)
        earned *= flat.reshape(target.shape).prod(axis=1)
    return earned


@cache
def _choosing(target: tuple[int, ...]) -> tuple[int, ...]:
    """Return the images that have a caption of their own."""
    return tuple(image for image, column in enumerate(target) if column != NONE)


def _shared_group(
    scores: npt.NDArray[np.floating], by_caption: npt.NDArray[np.floating], target: Indices
) -> float:
    """Return the probability of a right group when ties are broken at random, over all cell orders.

    Rows and columns share cells, so that their probabilities do not multiply. Without ties that
    matter the answer is 0 or 1, and the orders are not enumerated.

    Args:
        scores: [images, captions], by which images prefer captions.
        by_caption: [images, captions], by which captions prefer images.
        target: [images], the column of each image's own caption.
    """
    bounds = [
        _judged(scores[None], target[None], rule, "group", by_caption[None])[0] for rule in BOUNDS
    ]
    if bounds[0] == bounds[1]:
        return float(bounds[0])
    broken = [_broken_ties(each) for each in (scores, by_caption)]
    targets = np.broadcast_to(target, (len(broken[0]), len(target)))
    return float(_judged(broken[0], targets, "wrong", "group", broken[1]).mean())


def _broken_ties(scores: npt.NDArray[np.floating]) -> Singles:
    """Return a matrix with its ties broken by each cell order: [orders, images, captions]."""
    _, level = np.unique(scores, return_inverse=True)
    orders = _cell_orders(scores.size).reshape(-1, *scores.shape)
    broken: Singles = (level.reshape(scores.shape) * scores.size + orders).astype(np.float32)
    return broken


def first_wins(outcome: MatchingOutcome) -> MatchingOutcome:
    """Return an outcome whose equal scores are ordered: the first image and caption is the best.

    Every row and column then has one best cell: the one that argmax finds. Places replace scores.

    >>> tied = MatchingOutcome("1", "a", {}, (0, 1), np.zeros((2, 2), np.float32), (False, False))
    >>> first_wins(tied).scores
    array([[3., 2.],
           [1., 0.]], dtype=float32)
    """
    flat = outcome.scores.ravel()
    places = np.empty(flat.size, dtype=np.float32)
    places[np.lexsort((-np.arange(flat.size), flat))] = np.arange(flat.size)
    return replace(outcome, scores=places.reshape(outcome.scores.shape))


@cache
def _cell_orders(n: int) -> Indices:
    """Return orders of n cells: all up to 7 cells, otherwise 5,040 drawn with a fixed seed."""
    if n <= 7:
        return np.array(list(permutations(range(n))), dtype=np.intp)
    rng = np.random.Generator(np.random.PCG64(0))
    return rng.permuted(np.tile(np.arange(n), (5040, 1)), axis=1)


def no_op_negatives(outcome: MatchingOutcome) -> tuple[bool, ...]:
    """Return which captions are no-op negatives: [captions]; a true caption never is one."""
    return tuple(flag and column not in outcome.target for column, flag in enumerate(outcome.no_op))


def chance(
    outcomes: Sequence[MatchingOutcome], judgement: Judgement = "text", no_ops: NoOps = "keep"
) -> Floats:
    """Return the expected credit of each item under guessing: [items]; random order, no ties.

    It is (1 / captions) to the power of choosing images for the text score, (1 / images) to the
    same power for the image score, and 1/6 for the group score of two images and two captions.
    """
    earned = np.empty(len(outcomes))
    dropped: list[tuple[bool, ...]] = [()] * len(outcomes)
    if no_ops == "drop":
        dropped = [no_op_negatives(o) for o in outcomes]
    shapes = [(o.scores.shape, o.target, out) for o, out in zip(outcomes, dropped, strict=True)]
    for where in same_shape(shapes):
        first, out = outcomes[int(where[0])], dropped[int(where[0])]
        level = np.zeros_like(first.scores)
        level[:, np.flatnonzero(out)] = -np.inf
        n_images, n_captions = len(level), level.shape[1] - sum(out)
        choosing = float(len(_choosing(first.target)))
        if judgement == "text" or n_images == 1:
            earned[where] = n_captions**-choosing if judgement != "image" else 1.0
        elif judgement == "image":
            earned[where] = n_images**-choosing
        else:
            earned[where] = _shared_group(level, level, np.array(first.target, dtype=np.intp))
    return earned


def _stacked(chosen: Sequence[MatchingOutcome], no_ops: NoOps) -> tuple[Singles, Singles | None]:
    """Return the scores of items of one shape: [items, images, captions].

    The second part is the scores by caption, where the items have them. A dropped caption scores
    −∞: it loses to every other caption and ties with none.
    """
    out = np.array([no_op_negatives(o) for o in chosen]) if no_ops == "drop" else None

    def stack(rows: Sequence[Singles]) -> Singles:
        whole: Singles = np.concatenate(rows).reshape(len(chosen), *chosen[0].scores.shape)
        if out is not None:
            whole = np.where(out[:, None, :], np.float32(-np.inf), whole)
        return whole

    back = [o.by_caption for o in chosen if o.by_caption is not None]
    return stack([o.scores for o in chosen]), stack(back) if back else None


def has_choice(outcome: MatchingOutcome) -> bool:
    """Return whether an item has a false caption whose token ids differ from the true captions'."""
    return len(outcome.no_op) - sum(no_op_negatives(outcome)) > len(set(outcome.target) - {NONE})


class Matching:
    """The matching protocol (see ``protocol.Protocol``)."""

    judgements: frozenset[str] = frozenset({"text", "image", "group"})
    pooled: frozenset[str] = frozenset()
    sample_note = ""
    event_tags: frozenset[str] = frozenset()
    item_tags: frozenset[str] = frozenset()
    optional: frozenset[str] = matching_columns.OPTIONAL

    def answer(self, items: Sequence[Item], model: Model, encoder: Encoder) -> Answers:
        """Score every item, as ``score_items``; a ``Chooser`` chooses (``choices``)."""
        if isinstance(model, Chooser):
            found = choose_captions(items, model, encoder)
        else:
            found = score_items(items, model, encoder)
        priors = caption_priors(found.items, model, encoder)
        outcomes = (
            _outcome(item, scores, found.token_ids, prior)
            for item, scores, prior in zip(found.items, found.matrices, priors, strict=True)
        )
        return Answers(found.items, tuple(outcomes), found.settings)

    def uses_encoder(self, model: Model) -> bool:
        """Return True: embeddings and pair scores alone are compared."""
        return True

    def regions(self, item: Item) -> Iterator[ImageRef]:
        """Yield the item's images."""
        yield from item.images

    def events(self, outcomes: Sequence[MatchingOutcome], metric: Metric, ties: Ties) -> Events:
        """Return one event per item; where no-ops are dropped, of items with a choice left."""
        dropping = metric.no_ops == "drop"
        chosen = [i for i, o in enumerate(outcomes) if not dropping or has_choice(o)]
        picked = [outcomes[i] for i in chosen]
        return Events(
            values=judge(picked, ties, metric.judgement, metric.no_ops, metric.debias),
            chance=chance(picked, metric.judgement, metric.no_ops),
            outcome=np.array(chosen, dtype=np.intp),
        )

    def counted(self, outcomes: Sequence[MatchingOutcome]) -> Iterator[str]:
        """Yield the number of no-op negatives: false captions with the token ids of a true one."""
        yield f"{sum(sum(o.no_op) for o in outcomes):,} no-op negatives"

    def remarks(
        self, outcomes: Sequence[MatchingOutcome], metrics: Sequence[Metric]
    ) -> Iterator[str]:
        """Yield what debiased scores are, where a metric reads them."""
        yield from describe_debiasing(metrics)

    def columns(self, outcomes: Sequence[MatchingOutcome]) -> Mapping[str, Any]:
        """Return the columns of ``matching_columns``."""
        return matching_columns.write(outcomes)

    def outcomes(self, columns: Mapping[str, Any], bases: Bases) -> tuple[Outcome, ...]:
        """Return the outcomes stored in columns.

        Raises:
            ValueError: a score is not finite, or a target is not a column of the captions.
        """
        return matching_columns.read(columns, bases)

    def content(self, item: Item, root: Path) -> str:
        """Return the digest of the item's images and captions."""
        return matching_content(item, root)

    def problems(self, item: Any) -> Iterator[str]:
        """Yield contract violations: no image, no caption, no choice, or a wrong target."""
        if not item.images or not item.captions:
            yield "has no image or no caption"
        if len(item.target) != len(item.images):
            yield f"has {len(item.images)} images but {len(item.target)} targets"
        if any(not NONE <= column < len(item.captions) for column in item.target):
            yield f"target {item.target} is not a column of {len(item.captions)} captions"
        if not _choosing(item.target):
            yield "has no image with a caption of its own"
        if len(item.captions) < 2 and len(item.images) < 2:
            yield "has nothing to choose from"
        if any(not caption.strip() for caption in item.captions):
            yield "has an empty caption"


PROTOCOL = Matching()
