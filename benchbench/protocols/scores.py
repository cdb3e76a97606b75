"""Scores of items' images with items' captions, for every protocol that compares the two.

A dual encoder's scores are similarities of float32 embeddings, summed in float64 in one fixed
order, so that equal embeddings tie exactly whatever their position in a batch. A pair scorer's
scores are its own. Captions of an item with the same token ids have one score, that of the first.
"""

from __future__ import annotations

import typing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbench.embedding.encoder import first_crops
from benchbench.types import Question, scores_pairs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchbench.embedding import EmbeddingTable, Encoder
    from benchbench.types import ImageRef, Model
    from benchbench.types.arrays import Indices, Singles

CHUNK = 4096
"""Items whose embeddings are gathered at once: bounds memory at about 100 MB for 512 dimensions."""


class Pairable(Question, typing.Protocol):
    """An item whose images are scored with its captions."""

    @property
    def captions(self) -> tuple[str, ...]:
        """Return the captions."""
        ...


def similarities(
    items: Sequence[Pairable],
    images: EmbeddingTable[ImageRef],
    captions: EmbeddingTable[str],
    token_ids: Mapping[str, tuple[int, ...]],
) -> list[Singles]:
    """Return the similarities of each item's images and captions: [images, captions] each.

    Captions of an item with the same token ids have one score, that of the first.
    """
    found: dict[int, Singles] = {}
    for where in same_shape([(len(item.images), len(item.captions)) for item in items]):
        for start in range(0, len(where), CHUNK):
            part = where[start : start + CHUNK]
            chosen = [items[i] for i in part]
            found.update(zip(part.tolist(), _of_one_shape(chosen, images, captions), strict=True))
    return [take_as_read(found[i], item, token_ids) for i, item in enumerate(items)]


def take_as_read(
    scores: Singles, item: Pairable, token_ids: Mapping[str, tuple[int, ...]]
) -> Singles:
    """Return scores in which captions of an item with the same token ids have that of the first.

    Args:
        scores: [images, captions].
        item: the item with these captions.
        token_ids: the model's token ids of each caption.
    """
    columns = as_read(item, token_ids)
    return scores if len(set(columns)) == len(columns) else scores[:, columns]


def as_read(item: Pairable, token_ids: Mapping[str, tuple[int, ...]]) -> list[int]:
    """Return for each caption the first one with the same token ids: [captions]."""
    read = [token_ids[caption] for caption in item.captions]
    return [read.index(ids) for ids in read]


@dataclass(frozen=True, slots=True)
class Scores:
    """The items whose images could be read, and the scores of their images with their captions."""

    items: Sequence[Any]
    matrices: Sequence[Singles]
    """[images, captions] each."""
    token_ids: Mapping[str, tuple[int, ...]]
    """The model's token ids of each caption, cut to its context length."""
    settings: Mapping[str, Any]
    captions: EmbeddingTable[str] | None = None
    """Embeddings of the captions; None for a pair scorer."""


def score_items(items: Sequence[Pairable], model: Model, encoder: Encoder) -> Scores:
    """Score every image of an item with every caption of it.

    A dual encoder embeds every image, and the captions of the items whose images could be read. A
    pair scorer scores each of those items' own pairs, after all image files have been decoded once.
    """
    if scores_pairs(model):
        encoder.check_files(first_crops(ref for item in items for ref in item.images))
        kept = encoder.readable(items)
        scored = encoder.pairs([(item.images, item.captions) for item in kept])
        matrices = [
            take_as_read(scored.take(item.images, item.captions), item, scored.token_ids)
            for item in kept
        ]
        return Scores(kept, matrices, scored.token_ids, {"pairs": scored.n_pairs})
    images = encoder.images(ref for item in items for ref in item.images)
    kept = encoder.readable(items)
    captions = encoder.captions(caption for item in kept for caption in item.captions)
    found = similarities(kept, images, captions.embedded, captions.token_ids)
    return Scores(kept, found, captions.token_ids, {}, captions.embedded)


def _of_one_shape(
    items: Sequence[Pairable], images: EmbeddingTable[ImageRef], captions: EmbeddingTable[str]
) -> Singles:
    """Return the similarities of items of one shape, [items, images, captions]."""
    shown = images.take([ref for item in items for ref in item.images])
    phrases = captions.take([text for item in items for text in item.captions])
    n, images_each, captions_each = len(items), len(items[0].images), len(items[0].captions)
    left = shown.astype(np.float64).reshape(n, images_each, 1, shown.shape[1])
    right = phrases.astype(np.float64).reshape(n, 1, captions_each, phrases.shape[1])
    scores: Singles = (left * right).sum(axis=-1).astype(np.float32)
    return scores


def same_shape(shapes: Sequence[object]) -> Iterator[Indices]:
    """Yield the positions of the elements that share a shape, one array per shape."""
    if shapes and shapes.count(shapes[0]) == len(shapes):
        yield np.arange(len(shapes))
        return
    places: dict[object, list[int]] = {}
    for i, shape in enumerate(shapes):
        places.setdefault(shape, []).append(i)
    for found in places.values():
        yield np.array(found, dtype=np.intp)
