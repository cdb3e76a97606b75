"""The paraphrases protocol: two wordings of one meaning, and captions of another, as SugarCrepe++.

With the image, an item is right where every true caption scores above every false one (``true
above false``; the *image-to-text task* of Dumpala et al., *SUGARCREPE++*, NeurIPS 2024). Without
it, where the true captions' embeddings are more similar to each other than any of them is to a
false one (``paraphrase``; their *text-only task*). Similarity between captions is the cosine, also
for models that compare with images by a dot product. A model that embeds no captions has no
text-only score, and neither has one whose embedding is a single number: all cosines are 1.
"""

from __future__ import annotations

from itertools import combinations
from math import comb
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbench.protocols.contents import image_content
from benchbench.protocols.protocol import Answers, Events
from benchbench.protocols.scores import as_read, score_items
from benchbench.protocols.stored import by_rows
from benchbench.types import Paraphrased

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from benchbench.embedding import EmbeddingTable, Encoder
    from benchbench.protocols.stored import Bases
    from benchbench.types import ImageRef, Metric, Model, Outcome, Ties
    from benchbench.types import Paraphrases as Item
    from benchbench.types.arrays import Singles

TRUE_ABOVE_FALSE, PARAPHRASE = "true above false", "paraphrase"


def above(true: Sequence[float], false: Sequence[float], ties: Ties) -> float:
    """Return the credit for every value of ``true`` being above every value of ``false``.

    Where the lowest true value ties with the highest false one, ``wrong`` gives 0, ``right`` 1, and
    ``share`` the probability that a random order of the tied puts the true ones first.

    >>> above([3, 2], [1], "wrong"), above([3, 1], [1], "wrong"), above([1, 1], [1], "share")
    (1.0, 0.0, 0.3333333333333333)
    """
    low, high = min(true), max(false)
    if low != high:
        return float(low > high)
    if ties != "share":
        return float(ties == "right")
    tied = sum(value == low for value in true)
    return 1 / comb(tied + sum(value == low for value in false), tied)


def credit(outcome: Paraphrased, judgement: str, ties: Ties) -> float:
    """Return the credit of an item by a judgement.

    Raises:
        ValueError: the model embeds no captions, which the judgement needs.
    """
    n = outcome.true
    if judgement == TRUE_ABOVE_FALSE:
        return above(outcome.scores[:n].tolist(), outcome.scores[n:].tolist(), ties)
    if outcome.between is None:
        raise ValueError("no similarities between captions")
    same = [float(outcome.between[i, j]) for i, j in combinations(range(n), 2)]
    return above(same, outcome.between[:n, n:].ravel().tolist(), ties)


def by_guessing(outcome: Paraphrased, judgement: str) -> float:
    """Return the expected credit of an item whose scores are in random order."""
    true, false = outcome.true, len(outcome.scores) - outcome.true
    if judgement == PARAPHRASE:
        true, false = comb(true, 2), true * false
    return 1 / comb(true + false, true)


def _cosines(item: Item, captions: EmbeddingTable[str], order: Sequence[int]) -> Singles:
    """Return the cosines between an item's captions, each read as the first of its token ids."""
    vectors = captions.take(item.captions)[list(order)].astype(np.float64)
    lengths = np.sqrt((vectors * vectors).sum(axis=1))
    units = vectors / np.where(lengths, lengths, 1)[:, None]  # a vector of 0 is like no other
    return np.asarray((units[:, None, :] * units[None, :, :]).sum(axis=-1), dtype=np.float32)


class Paraphrases:
    """The paraphrases protocol (see ``protocol.Protocol``)."""

    judgements: frozenset[str] = frozenset({TRUE_ABOVE_FALSE, PARAPHRASE})
    pooled: frozenset[str] = frozenset()
    sample_note = ""
    event_tags: frozenset[str] = frozenset()
    item_tags: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()

    def answer(self, items: Sequence[Item], model: Model, encoder: Encoder) -> Answers:
        """Score every image with its captions, and the captions with each other."""
        found = score_items(items, model, encoder)
        captions = found.captions
        if captions is not None and captions.vectors.shape[1] < 2:
            captions = None
        outcomes = []
        for item, scores in zip(found.items, found.matrices, strict=True):
            order = as_read(item, found.token_ids)
            between = None if captions is None else _cosines(item, captions, order)
            outcomes.append(
                Paraphrased(item.id, item.cluster, item.tags, len(item.true), scores[0], between)
            )
        return Answers(found.items, tuple(outcomes), found.settings)

    def uses_encoder(self, model: Model) -> bool:
        """Return True: embeddings and pair scores alone are compared."""
        return True

    def regions(self, item: Item) -> Iterator[ImageRef]:
        """Yield the item's image."""
        yield item.image

    def events(self, outcomes: Sequence[Paraphrased], metric: Metric, ties: Ties) -> Events:
        """Return one event per item; none for text alone where the model embeds no captions."""
        judgement = metric.judgement
        kept = [
            i
            for i, outcome in enumerate(outcomes)
            if judgement != PARAPHRASE or outcome.between is not None
        ]
        return Events(
            values=np.array([credit(outcomes[i], judgement, ties) for i in kept], dtype=np.float64),
            chance=np.array([by_guessing(outcomes[i], judgement) for i in kept], dtype=np.float64),
            outcome=np.array(kept, dtype=np.intp),
        )

    def counted(self, outcomes: Sequence[Paraphrased]) -> Iterator[str]:
        """Yield the number of captions."""
        yield f"{sum(o.true for o in outcomes):,} true captions"
        yield f"{sum(len(o.scores) - o.true for o in outcomes):,} false captions"

    def remarks(self, outcomes: Sequence[Paraphrased], metrics: Sequence[Metric]) -> Iterator[str]:
        """Yield the reason why there is no text-only score, where there is none."""
        asked = any(metric.judgement == PARAPHRASE for metric in metrics)
        if asked and any(outcome.between is None for outcome in outcomes):
            yield "The model embeds no captions, and has no text-only score."

    def columns(self, outcomes: Sequence[Paraphrased]) -> Mapping[str, Any]:
        """Return the columns ``true``, ``scores`` and ``between`` (row by row, or empty)."""
        import pyarrow as pa

        between = [() if o.between is None else o.between.ravel().tolist() for o in outcomes]
        return {
            "true": pa.array([o.true for o in outcomes], pa.int16()),
            "scores": pa.array([o.scores for o in outcomes], pa.list_(pa.float32())),
            "between": pa.array(between, pa.list_(pa.float32())),
        }

    def outcomes(self, columns: Mapping[str, Any], bases: Bases) -> tuple[Outcome, ...]:
        """Return the outcomes stored in columns, row by row (``outcome``)."""
        return by_rows(self.outcome, columns, bases)

    def outcome(self, row: Mapping[str, Any], base: Mapping[str, Any]) -> Outcome:
        """Return the outcome stored in a row.

        Raises:
            ValueError: a score is not finite, or the counts do not fit each other.
        """
        scores = np.asarray(row["scores"], dtype=np.float32)
        n = len(scores)
        between = np.asarray(row["between"], np.float32)
        matrix = between.reshape(n, n) if len(between) else None
        for values in (scores, matrix):
            if values is not None and not np.isfinite(values).all():
                raise ValueError("scores that are not finite")
        if not 1 <= row["true"] < n:
            raise ValueError(f"{row['true']} true captions of {n}")
        return Paraphrased(**base, true=row["true"], scores=scores, between=matrix)

    def content(self, item: Any, root: Path) -> str:
        """Return the digest of the image, its true captions and its false ones."""
        return image_content(item.image, [sorted(item.true), sorted(item.false)], root)

    def problems(self, item: Any) -> Iterator[str]:
        """Yield contract violations: too few captions, or an empty one."""
        if len(item.true) < 2:
            yield "has fewer than two true captions"
        if not item.false:
            yield "has no false caption"
        if any(not caption.strip() for caption in item.captions):
            yield "has an empty caption"


PROTOCOL = Paraphrases()
