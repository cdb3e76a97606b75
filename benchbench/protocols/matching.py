"""Images against captions: VG-Relation, VG-Attribution, the Order tasks and their kin.

A model scores every image of an item against every caption of it. The item is right where each
image prefers its own caption (Winoground's *text score*; with one image, plain accuracy). Scores
are similarities of float32 embeddings, summed in float64 in one fixed order, so that equal
embeddings tie exactly whatever their place in a batch. Captions that the model reads as the same
tokens get one score, that of the first: they are encoded apart, because a model may read more of
a string than its tokens, but rounding must not decide between them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchbench.protocols import ties as tie_rule
from benchbench.types import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy.typing as npt

    from benchbench.embedding import Embedded
    from benchbench.types import ImageRef, Item, Metric, Ties

    Floats = npt.NDArray[np.float64]

CHUNK = 4096
"""Items whose embeddings are gathered at once: bounds memory at about 100 MB for 512 dimensions."""


def match(
    items: Sequence[Item],
    images: Embedded[ImageRef],
    captions: Embedded[str],
    token_ids: Mapping[str, tuple[int, ...]],
) -> tuple[Outcome, ...]:
    """Score each item from the embeddings of its images and captions.

    Args:
        items: the questions.
        images: embeddings of every image of theirs, of unit length where similarity is cosine.
        captions: the same for every caption.
        token_ids: what the model reads of each caption, cut to its context.

    Returns:
        An outcome per item, in order.
    """
    outcomes: dict[int, Outcome] = {}
    for where in same_shape([(len(item.images), len(item.captions)) for item in items]):
        for start in range(0, len(where), CHUNK):
            part = where[start : start + CHUNK]
            chosen = [items[i] for i in part]
            matrices = _similarities(chosen, images, captions)
            for i, item, scores in zip(part, chosen, matrices, strict=True):
                read = [token_ids[caption] for caption in item.captions]
                outcomes[int(i)] = Outcome(
                    id=item.id,
                    cluster=item.cluster,
                    target=item.target,
                    scores=scores[:, [read.index(ids) for ids in read]],
                    no_op=no_ops(item, read),
                    tags=item.tags,
                )
    return tuple(outcomes[i] for i in range(len(items)))


def _similarities(
    items: Sequence[Item], images: Embedded[ImageRef], captions: Embedded[str]
) -> npt.NDArray[np.float32]:
    """Similarities of items of one shape: [items, images, captions]."""
    pictures = images.take([ref for item in items for ref in item.images])
    phrases = captions.take([text for item in items for text in item.captions])
    n, dim = len(items), pictures.shape[1]
    left = pictures.astype(np.float64).reshape(n, -1, 1, dim)
    right = phrases.astype(np.float64).reshape(n, 1, -1, dim)
    scores: npt.NDArray[np.float32] = (left * right).sum(axis=-1).astype(np.float32)
    return scores


def no_ops(item: Item, read: Sequence[tuple[int, ...]]) -> tuple[bool, ...]:
    """Which captions the model cannot tell from a true one: [captions].

    Token ids decide, not strings: "A dog" and "a dog" are one caption to a lower-casing tokenizer.

    Args:
        item: whose captions.
        read: the token ids of each, cut to the model's context.
    """
    targets = set(item.target)
    return tuple(
        any(other != column and read[other] == read[column] for other in targets)
        for column in range(len(read))
    )


def same_shape(shapes: Sequence[object]) -> Iterator[npt.NDArray[np.intp]]:
    """Positions of the things that share a shape, shape by shape."""
    places: dict[object, list[int]] = {}
    for i, shape in enumerate(shapes):
        places.setdefault(shape, []).append(i)
    for found in places.values():
        yield np.array(found, dtype=np.intp)


def judge(outcomes: Sequence[Outcome], ties: Ties) -> Floats:
    """The text score of every item: [items], in [0, 1].

    The product of what its images earn by the tie rule; with ``share``, the chance that fair
    choices among the best would get every image right.
    """
    earned = np.empty(len(outcomes))
    for where in same_shape([o.scores.shape for o in outcomes]):
        scores, target = _stacked(outcomes, where)
        rows = tie_rule.credit(scores.reshape(-1, scores.shape[2]), target.reshape(-1), ties)
        earned[where] = rows.reshape(target.shape).prod(axis=1)
    return earned


def tied(outcomes: Sequence[Outcome]) -> npt.NDArray[np.bool_]:
    """Whether in any image of an item the true caption ties with the best other one: [items]."""
    found = np.zeros(len(outcomes), dtype=bool)
    for where in same_shape([o.scores.shape for o in outcomes]):
        scores, target = _stacked(outcomes, where)
        rows = tie_rule.tied(scores.reshape(-1, scores.shape[2]), target.reshape(-1))
        found[where] = rows.reshape(target.shape).any(axis=1)
    return found


def _stacked(
    outcomes: Sequence[Outcome], where: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.intp]]:
    """Scores [items, images, captions] and targets [items, images] of items of one shape."""
    chosen = [outcomes[i] for i in where]
    scores = np.stack([o.scores for o in chosen])
    return scores, np.array([o.target for o in chosen], dtype=np.intp)


def chance(outcomes: Sequence[Outcome]) -> Floats:
    """What guessing earns each item: [items]; (1 / captions) to the power of images."""
    return np.array([o.scores.shape[1] ** -float(o.scores.shape[0]) for o in outcomes])


def groups(outcomes: Sequence[Outcome], metric: Metric) -> list[str | None]:
    """The group of every item under a metric; None where the metric leaves the item out.

    Args:
        outcomes: the answers.
        metric: what to group by, which groups to leave out, and how many items one needs.

    Returns:
        [items]; "" for every item where the metric does not group.
    """
    if metric.by is None:
        return [""] * len(outcomes)
    names = [o.tags.get(metric.by) for o in outcomes]
    size: dict[str | None, int] = {}
    for name in names:
        size[name] = size.get(name, 0) + 1
    return [
        None if name in metric.leave_out or size[name] < metric.at_least else name for name in names
    ]
