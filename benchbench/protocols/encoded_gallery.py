"""A gallery's images and captions, encoded, and the best candidates of some of its queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchbench.embedding.encoder import first_crops
from benchbench.protocols.galleries import caption_vectors, gallery_captions
from benchbench.protocols.nearest import nearest
from benchbench.protocols.products import exact_scores
from benchbench.protocols.retrieval import IMAGE_TO_TEXT, TEXT_TO_IMAGE
from benchbench.protocols.searching import rank_embeddings, rank_scores
from benchbench.types import scores_pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchbench.embedding import Encoder
    from benchbench.embedding.outputs import Vectors
    from benchbench.types import Entry, ImageRef, Model, Places
    from benchbench.types.arrays import Ints, Singles

DIRECTIONS = (IMAGE_TO_TEXT, TEXT_TO_IMAGE)


class Best(NamedTuple):
    """The results of some queries."""

    places: Sequence[Places]
    """The counts around the true candidates of each."""
    rows: Ints
    """[queries, k]: the best candidates of each, the best first; of equal ones, the first."""
    scores: Singles
    """[queries, k]"""
    score: Callable[[int, int], float]
    """Returns the score of a query and a candidate, by their numbers."""


@dataclass(frozen=True, slots=True)
class EncodedGallery:
    """A gallery's entries and candidates, with embeddings of these or with scores of pairs."""

    entries: Sequence[Entry]
    texts: Sequence[str]
    """Its distinct captions."""
    refs: Sequence[ImageRef]
    """Its distinct images."""
    vectors: tuple[Vectors, Vectors] | None
    """[refs, dim] and [texts, dim]; None where the model scores pairs."""
    pairs: Singles | None
    """[refs, texts]; None where the model embeds."""

    def rank(
        self, direction: str, numbers: Sequence[int], true: Sequence[Sequence[int]], k: int
    ) -> Best:
        """Rank the candidates of some queries.

        Args:
            direction: the direction of the search: images among captions, or captions among images.
            numbers: the rows of the queries among the images, or among the captions.
            true: the rows of each query's true candidates.
            k: the number of candidates, or all where there are fewer.
        """
        if self.vectors is None:
            return self._rank_pairs(direction, numbers, true, k)
        sides = self.vectors if direction == IMAGE_TO_TEXT else self.vectors[::-1]
        queries, candidates = sides[0][list(numbers)], sides[1]
        rows, scores = nearest(queries, candidates, min(k, len(candidates)))

        def score(query: int, row: int) -> float:
            return float(exact_scores(queries[[query]], candidates[[row]])[0])

        return Best(rank_embeddings(queries, candidates, true), rows, scores, score)

    def _rank_pairs(
        self, direction: str, numbers: Sequence[int], true: Sequence[Sequence[int]], k: int
    ) -> Best:
        pairs = np.asarray(self.pairs)
        scores = (pairs if direction == IMAGE_TO_TEXT else pairs.T)[list(numbers)]
        rows = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        best = np.take_along_axis(scores, rows, axis=1)
        return Best(rank_scores(scores, true), rows, best, lambda i, row: float(scores[i, row]))


def encode_gallery(entries: Sequence[Entry], model: Model, encoder: Encoder) -> EncodedGallery:
    """Encode the images and captions of a gallery's entries, as an evaluation does.

    Raises:
        ImageError: an image cannot be read.
    """
    texts, refs = gallery_captions(entries), list(dict.fromkeys(e.image for e in entries))
    if scores_pairs(model):
        encoder.check_files(first_crops(refs))
        scored = encoder.pairs([(refs, texts)])
        return EncodedGallery(entries, texts, refs, None, scored.take(refs, texts))
    role = entries[0].gallery.role
    images, captions = encoder.images(refs, role), encoder.captions(texts, role)
    vectors = images.take(refs), caption_vectors(captions, texts)
    return EncodedGallery(entries, texts, refs, vectors, None)
