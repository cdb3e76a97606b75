"""Rank embeddings: find the places of the true candidates of each query.

Similarities are of float32 embeddings, multiplied in float64 and rounded to float32. A matrix
product may sum in another order at another position, so that equal inputs could give results that
differ in the last bit. Each distinct vector therefore enters the product once, on either side, and
equal embeddings tie exactly at any position.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from benchbench.types import Places

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchbench.embedding.outputs import Vectors
    from benchbench.types.arrays import Floats, Indices, Singles


CELLS = 1 << 22
"""Similarities held at once: about 60 MB with all intermediate arrays."""


def rank_embeddings(
    queries: Vectors, candidates: Vectors, true: Sequence[Sequence[int]], cells: int = CELLS
) -> list[Places]:
    """Rank all candidates for each query, and count those around the true ones.

    Args:
        queries: [queries, dim], of unit length where similarity is cosine.
        candidates: [candidates, dim], likewise.
        true: the rows of each query's true candidates.
        cells: similarities held at once.

    Returns:
        For each query, how many candidates score better than each of its true ones, and how many
        others score the same.
    """
    first, number = distinct(candidates)
    is_whole = len(first) == len(candidates)
    right = (candidates if is_whole else candidates[first]).astype(np.float64).T
    places: dict[int, Places] = {}
    for asked, left in _blocks(queries, max(1, cells // len(candidates))):
        scores = (left @ right).astype(np.float32)  # [distinct queries, distinct candidates]
        for row, searches in zip(scores, asked, strict=True):
            among = row if is_whole else row[number]
            for search in searches:
                places[search] = _count_places(among, np.asarray(true[search], dtype=np.intp))
    return [places[search] for search in range(len(queries))]


def rank_scores(scores: Singles, true: Sequence[Sequence[int]]) -> list[Places]:
    """Return the places of each query's true candidates, given scores [queries, candidates]."""
    return [
        _count_places(row, np.asarray(places, dtype=np.intp))
        for row, places in zip(scores, true, strict=True)
    ]


def _blocks(queries: Vectors, size: int) -> Iterator[tuple[list[list[int]], Floats]]:
    """Yield distinct queries in blocks: the rows that each stands for, and vectors [block, dim]."""
    first, number = distinct(queries)
    asked: list[list[int]] = [[] for _ in first]
    for row, which in enumerate(number.tolist()):
        asked[which].append(row)
    for start in range(0, len(first), size):
        part = slice(start, start + size)
        yield asked[part], queries[first[part]].astype(np.float64)


def _count_places(scores: Singles, true: Indices) -> Places:
    """Return the counts around one query's true candidates: scores [candidates], true [true]."""
    levels, level = np.unique(scores[true], return_inverse=True)
    better = np.array([np.count_nonzero(scores > each) for each in levels], dtype=np.int32)
    equal = np.array([np.count_nonzero(scores == each) for each in levels], dtype=np.int32)
    return Places(better[level], equal[level] - 1)


def distinct(vectors: Vectors) -> tuple[Indices, Indices]:
    """Return the first row of each distinct vector, and for every row the number of its vector."""
    known: dict[bytes, int] = {}
    first: list[int] = []
    number = np.empty(len(vectors), dtype=np.intp)
    for row, vector in enumerate(vectors):
        name = hashlib.blake2b((vector + np.float32(0)).tobytes(), digest_size=16).digest()
        number[row] = known.setdefault(name, len(first))  # -0.0 + 0 is 0.0, its equal
        if number[row] == len(first):
            first.append(row)
    return np.array(first, dtype=np.intp), number
