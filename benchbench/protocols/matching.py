"""The matching protocol: images against captions, as in VG-Relation, VG-Attribution and Order.

A model scores every image of an item against every caption of it. The item is right where each
image prefers its own caption (Winoground's *text score*; with one image, plain accuracy). A dual
encoder's scores are similarities of float32 embeddings, summed in float64 in one fixed order, so
that equal embeddings tie exactly whatever their position in a batch. A pair scorer's scores are its
own. Captions that the model tokenises to the same ids get one score, that of the first: a dual
encoder encodes them separately, because it may read more of a string than its tokens, but rounding
must not decide between them.
"""

from __future__ import annotations

from functools import cache
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np

from benchbench.embedding.encoder import first_crops
from benchbench.protocols import ties as tie_rule
from benchbench.protocols.protocol import Answers, Events
from benchbench.types import MatchingOutcome, scores_pairs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from benchbench.embedding import EmbeddingTable, Encoder
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

CHUNK = 4096
"""Items whose embeddings are gathered at once: bounds memory at about 100 MB for 512 dimensions."""


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
    outcomes: dict[int, MatchingOutcome] = {}
    for where in same_shape([(len(item.images), len(item.captions)) for item in items]):
        for start in range(0, len(where), CHUNK):
            part = where[start : start + CHUNK]
            chosen = [items[i] for i in part]
            matrices = _similarities(chosen, images, captions)
            for i, item, scores in zip(part, chosen, matrices, strict=True):
                outcomes[int(i)] = _outcome(item, scores, token_ids)
    return tuple(outcomes[i] for i in range(len(items)))


def _outcome(
    item: Item, scores: Singles, token_ids: Mapping[str, tuple[int, ...]]
) -> MatchingOutcome:
    """Return the outcome of an item with these scores, [images, captions]."""
    read = [token_ids[caption] for caption in item.captions]
    return MatchingOutcome(
        id=item.id,
        cluster=item.cluster,
        target=item.target,
        scores=scores[:, [read.index(ids) for ids in read]],
        no_op=no_ops(item, read),
        tags=item.tags,
    )


def _similarities(
    items: Sequence[Item], images: EmbeddingTable[ImageRef], captions: EmbeddingTable[str]
) -> Singles:
    """Return the similarities of items of one shape, [items, images, captions]."""
    shown = images.take([ref for item in items for ref in item.images])
    phrases = captions.take([text for item in items for text in item.captions])
    n, images_each, captions_each = len(items), len(items[0].images), len(items[0].captions)
    left = shown.astype(np.float64).reshape(n, images_each, 1, shown.shape[1])
    right = phrases.astype(np.float64).reshape(n, 1, captions_each, phrases.shape[1])
    scores: Singles = (left * right).sum(axis=-1).astype(np.float32)
    return scores


def no_ops(item: Item, read: Sequence[tuple[int, ...]]) -> tuple[bool, ...]:
    """Return for each caption whether its token ids equal another, true caption's: [captions].

    Token ids decide, not strings: "A dog" and "a dog" are one caption to a lower-casing tokenizer.

    Args:
        item: the item with these captions.
        read: the token ids of each caption, cut to the model's context length.
    """
    targets = set(item.target)
    return tuple(
        any(other != column and read[other] == read[column] for other in targets)
        for column in range(len(read))
    )


def same_shape(shapes: Sequence[object]) -> Iterator[Indices]:
    """Yield the positions of the elements that share a shape, one array per shape."""
    places: dict[object, list[int]] = {}
    for i, shape in enumerate(shapes):
        places.setdefault(shape, []).append(i)
    for found in places.values():
        yield np.array(found, dtype=np.intp)


def judge(
    outcomes: Sequence[MatchingOutcome],
    ties: Ties,
    judgement: Judgement = "text",
    no_ops: NoOps = "keep",
) -> Floats:
    """Return the credit of every item: [items], in [0, 1].

    Text and image scores are products over the item's images, or over their captions, of the credit
    by the tie rule; the group score requires both at once (Thrush et al., *Winoground*, CVPR 2022,
    §3.2). With ``share`` an item's credit is the probability that it is right when ties are broken
    at random. With ``no_ops="drop"`` no image can prefer a no-op negative (``no_op_negatives``).
    """
    earned = np.empty(len(outcomes))
    for where in same_shape([o.scores.shape for o in outcomes]):
        scores, target = _stacked(outcomes, where, no_ops)
        earned[where] = _judged(scores, target, ties, judgement)
    return earned


def _judged(
    scores: Singles,
    target: Indices,
    ties: Ties,
    judgement: Judgement,
) -> Floats:
    """Return the credit of items of one shape, [items].

    Args:
        scores: [items, images, captions].
        target: [items, images], the column of each image's own caption.
        ties: the tie rule.
        judgement: ``text``, ``image`` or ``group``.
    """
    if judgement == "group" and ties == "share":
        return np.array([_shared_group(s, t) for s, t in zip(scores, target, strict=True)])
    earned = np.ones(len(scores))
    if judgement != "image":
        rows = tie_rule.credit(scores.reshape(-1, scores.shape[2]), target.reshape(-1), ties)
        earned *= rows.reshape(target.shape).prod(axis=1)
    if judgement != "text":
        columns = np.take_along_axis(scores, target[:, None, :], axis=2).swapaxes(1, 2)
        own = np.broadcast_to(np.arange(target.shape[1]), target.shape)
        flat = tie_rule.credit(columns.reshape(-1, columns.shape[2]), own.reshape(-1), ties)
        earned *= flat.reshape(target.shape).prod(axis=1)
    return earned


def _shared_group(scores: Singles, target: Indices) -> float:
    """Return the probability of a right group when ties are broken at random, over all cell orders.

    Rows and columns share cells, so that their probabilities do not multiply. Without ties that
    matter the answer is 0 or 1, and the orders are not enumerated.
    """
    bounds = [_judged(scores[None], target[None], rule, "group")[0] for rule in BOUNDS]
    if bounds[0] == bounds[1]:
        return float(bounds[0])
    _, level = np.unique(scores, return_inverse=True)
    orders = _cell_orders(scores.size)
    broken = level.reshape(scores.shape) * scores.size + orders.reshape(-1, *scores.shape)
    targets = np.broadcast_to(target, (len(orders), len(target)))
    return float(_judged(broken.astype(np.float32), targets, "wrong", "group").mean())


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

    It is (1 / captions) to the power of images for the text score, (1 / images) to the power of
    images for the image score, and 1/6 for the group score of two images and two captions.
    """
    earned = np.empty(len(outcomes))
    dropped = [no_op_negatives(o) if no_ops == "drop" else () for o in outcomes]
    shapes = [(o.scores.shape, o.target, out) for o, out in zip(outcomes, dropped, strict=True)]
    for where in same_shape(shapes):
        first, out = outcomes[int(where[0])], dropped[int(where[0])]
        level = np.zeros_like(first.scores)
        level[:, np.flatnonzero(out)] = -np.inf
        n_images, n_captions = len(level), level.shape[1] - sum(out)
        if judgement == "text" or n_images == 1:
            earned[where] = n_captions ** -float(n_images) if judgement != "image" else 1.0
        elif judgement == "image":
            earned[where] = n_images ** -float(n_images)
        else:
            earned[where] = _shared_group(level, np.array(first.target, dtype=np.intp))
    return earned


def _stacked(
    outcomes: Sequence[MatchingOutcome], where: Indices, no_ops: NoOps
) -> tuple[Singles, Indices]:
    """Return scores [items, images, captions] and targets [items, images] of items of one shape.

    A dropped caption scores −∞: it loses to every other caption and ties with none.
    """
    chosen = [outcomes[i] for i in where]
    scores = np.stack([o.scores for o in chosen])
    if no_ops == "drop":
        out = np.array([no_op_negatives(o) for o in chosen])
        scores = np.where(out[:, None, :], np.float32(-np.inf), scores)
    return scores, np.array([o.target for o in chosen], dtype=np.intp)


def has_choice(outcome: MatchingOutcome) -> bool:
    """Return whether an item has a false caption whose token ids differ from the true captions'."""
    return len(outcome.no_op) - sum(no_op_negatives(outcome)) > len(set(outcome.target))


class Matching:
    """The matching protocol (see ``protocol.Protocol``)."""

    judgements: frozenset[str] = frozenset({"text", "image", "group"})
    sample_note = ""
    event_tags: frozenset[str] = frozenset()
    item_tags: frozenset[str] = frozenset()

    def answer(self, items: Sequence[Item], model: Model, encoder: Encoder) -> Answers:
        """Embed every image, and the captions of the items whose images could be read.

        A pair scorer scores each of those items' own pairs, after all image files have been decoded
        once.
        """
        if scores_pairs(model):
            encoder.check_files(first_crops(ref for item in items for ref in item.images))
            kept = encoder.readable(items)
            scored = encoder.pairs([(item.images, item.captions) for item in kept])
            outcomes = (
                _outcome(item, scored.take(item.images, item.captions), scored.token_ids)
                for item in kept
            )
            return Answers(kept, tuple(outcomes), {"pairs": scored.n_pairs})
        images = encoder.images(ref for item in items for ref in item.images)
        kept = encoder.readable(items)
        captions = encoder.captions(caption for item in kept for caption in item.captions)
        return Answers(kept, match(kept, images, captions.embedded, captions.token_ids))

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
            values=judge(picked, ties, metric.judgement, metric.no_ops),
            chance=chance(picked, metric.judgement, metric.no_ops),
            outcome=np.array(chosen, dtype=np.intp),
        )

    def counted(self, outcomes: Sequence[MatchingOutcome]) -> Iterator[str]:
        """Yield the number of no-op negatives: false captions with the token ids of a true one."""
        yield f"{sum(sum(o.no_op) for o in outcomes):,} no-op negatives"

    def remarks(
        self, outcomes: Sequence[MatchingOutcome], metrics: Sequence[Metric]
    ) -> Iterator[str]:
        """Yield nothing: the metrics are complete."""
        return iter(())

    def columns(self, outcomes: Sequence[MatchingOutcome]) -> Mapping[str, Any]:
        """Return the columns ``target``, ``scores`` (row by row) and ``no_op``."""
        import pyarrow as pa

        return {
            "target": pa.array([list(o.target) for o in outcomes], pa.list_(pa.int16())),
            "scores": pa.array([o.scores.ravel() for o in outcomes], pa.list_(pa.float32())),
            "no_op": pa.array([list(o.no_op) for o in outcomes], pa.list_(pa.bool_())),
        }

    def outcome(self, row: Mapping[str, Any], base: Mapping[str, Any]) -> Outcome:
        """Return the outcome stored in a row.

        Raises:
            ValueError: a score is not finite, or a target is not a column of the captions.
        """
        scores = np.asarray(row["scores"], dtype=np.float32)
        if not np.isfinite(scores).all():
            raise ValueError("scores that are not finite")
        if any(not 0 <= column < len(row["no_op"]) for column in row["target"]):
            raise ValueError(f"target {row['target']} of {len(row['no_op'])} captions")
        return MatchingOutcome(
            **base,
            target=tuple(row["target"]),
            scores=scores.reshape(len(row["target"]), len(row["no_op"])),
            no_op=tuple(row["no_op"]),
        )

    def problems(self, item: Any) -> Iterator[str]:
        """Yield contract violations: no image, no caption, no choice, or a wrong target."""
        if not item.images or not item.captions:
            yield "has no image or no caption"
        if len(item.target) != len(item.images):
            yield f"has {len(item.images)} images but {len(item.target)} targets"
        if any(not 0 <= column < len(item.captions) for column in item.target):
            yield f"target {item.target} is not a column of {len(item.captions)} captions"
        if len(item.captions) < 2:
            yield "has nothing to choose from"
        if any(not caption.strip() for caption in item.captions):
            yield "has an empty caption"


PROTOCOL = Matching()
