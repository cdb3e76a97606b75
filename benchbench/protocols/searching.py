"""Rank embeddings: find the places of the true candidates of each query, or the best candidates.

No matrix of all scores is held: candidates pass by in blocks, once for some thousand queries. A
query's true candidates are scored first. In each block the fast product counts the scores that are
certainly better; those that rounding could have moved past a true one, its own and its equals among
them, are computed exactly (``products``). Equal embeddings tie exactly at any position.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbench.protocols.products import (
    LARGEST,
    LEAST,
    PAIRS,
    UNITS,
    error_bound,
    exact_matrix,
    exact_scores,
    lengths,
    products_on,
)
from benchbench.types import Places

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchbench.embedding.outputs import Vectors
    from benchbench.protocols.products import Products, Shape
    from benchbench.types import Progress
    from benchbench.types.arrays import Floats, Indices, Singles


QUERIES = 8192
"""Queries for which candidates pass by once."""
DENSE = 32
"""Where more than one in so many products is unsure, the whole block is computed exactly."""
STAGE = "queries"
"""The stage's name for ``progress``, where there are more than pass by at once."""


def rank_embeddings(
    queries: Vectors,
    candidates: Vectors,
    true: Sequence[Sequence[int]],
    *,
    shape: Shape | None = None,
    progress: Progress | None = None,
) -> list[Places]:
    """Rank all candidates for each query, and count those around the true ones.

    Args:
        queries: [queries, dim], of unit length where similarity is cosine.
        candidates: [candidates, dim], likewise.
        true: the rows of each query's true candidates.
        shape: as for ``count_places``.
        progress: called with the number of queries that are done, where they are many.

    Returns:
        For each query, how many candidates score better than each of its true ones, and how many
        others score the same.
    """
    better, equal = count_places(queries, candidates, true, shape=shape, progress=progress)
    ends = np.cumsum([len(each) for each in true])[:-1]
    parts = zip(np.split(better, ends), np.split(equal, ends), strict=True)
    return [Places(*each) for each in parts] if len(true) else []


def rank_scores(scores: Singles, true: Sequence[Sequence[int]]) -> list[Places]:
    """Return the places of each query's true candidates, given scores [queries, candidates]."""
    return [
        _count_places(row, np.asarray(places, dtype=np.intp))
        for row, places in zip(scores, true, strict=True)
    ]


def _count_places(scores: Singles, true: Indices) -> Places:
    """Return the counts around one query's true candidates: scores [candidates], true [true]."""
    levels, level = np.unique(scores[true], return_inverse=True)
    better = np.array([np.count_nonzero(scores > each) for each in levels], dtype=np.int32)
    equal = np.array([np.count_nonzero(scores == each) for each in levels], dtype=np.int32)
    return Places(better[level], equal[level] - 1)


def count_places(
    queries: Vectors,
    candidates: Vectors,
    true: Sequence[Sequence[int]],
    *,
    shape: Shape | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
) -> tuple[Any, Any]:
    """Count the candidates around each true one, as ``rank_embeddings``, in two flat arrays.

    Args:
        queries: [queries, dim], of float32 or float16; a memory map is read block by block.
        candidates: [candidates, dim], likewise.
        true: the rows of each query's true candidates.
        shape: queries and candidates that are multiplied at once; by default what suits the device.
        device: where products are computed, as torch names it; the counts are the same everywhere.
        progress: called with the number of queries that are done, where they are many.

    Returns:
        How many candidates score better, and how many others the same: int32, [true candidates] of
        all queries, one after the other.
    """
    sizes = np.array([len(each) for each in true], dtype=np.intp)
    places = np.fromiter(chain.from_iterable(true), dtype=np.intp, count=int(sizes.sum()))
    starts = np.cumsum(sizes) - sizes
    better, equal = np.zeros((2, len(places)), dtype=np.int32)
    own = np.empty(len(places), dtype=np.float32)
    products = products_on(device)
    height, width = shape or products.shape
    report = progress if progress and len(queries) > QUERIES else (lambda what, done, total: None)
    report(STAGE, 0, len(queries))
    for start, block in blocks(queries, QUERIES):
        rows = np.argsort(-sizes[start : start + len(block)], kind="stable")
        vectors = block[rows]
        asked = _Asked(vectors, lengths(vectors), sizes[start + rows], starts[start + rows])
        _score_own(asked, candidates, places, own)
        for _, right in blocks(candidates, width):
            longest = float(lengths(right).max())
            for part in asked.parts(height):
                margin = multiply(products, part.vectors, part.lengths, right, longest)
                _count(part, right, own, products, margin, better, equal)
        report(STAGE, start + len(block), len(queries))
    return better, equal - 1


@dataclass(frozen=True, slots=True)
class _Asked:
    """Some queries; those with the most true candidates come first."""

    vectors: Singles
    """[queries, dim]"""
    lengths: Floats
    """[queries]"""
    sizes: Indices
    """[queries]: the number of true candidates of each."""
    starts: Indices
    """[queries]: the first place of each in arrays of all queries' true candidates."""

    def parts(self, size: int) -> Iterator[_Asked]:
        """Yield the queries in parts."""
        for start in range(0, len(self.vectors), size):
            of = slice(start, start + size)
            yield _Asked(self.vectors[of], self.lengths[of], self.sizes[of], self.starts[of])

    def ranks(self) -> Iterator[Indices]:
        """Yield the places of all first true candidates, of all second ones, and so on.

        Each is [queries that have as many], the first of the queries.
        """
        for rank in range(int(self.sizes.max(initial=0))):
            yield self.starts[: np.count_nonzero(self.sizes > rank)] + rank


def _score_own(asked: _Asked, candidates: Vectors, places: Indices, own: Singles) -> None:
    """Set the scores of these queries' true candidates: ``places`` are their rows."""
    for at in asked.ranks():
        for start in range(0, len(at), PAIRS):
            part = at[start : start + PAIRS]
            rows = places[part]
            order = np.argsort(rows)  # a memory map is read from front to back
            chosen = np.empty((len(rows), candidates.shape[1]), dtype=np.float32)
            chosen[order] = candidates[rows[order]]
            own[part] = exact_scores(asked.vectors[start : start + len(part)], chosen)
            let_go(candidates)


def _count(
    asked: _Asked,
    right: Singles,
    own: Singles,
    products: Products,
    margin: Floats,
    better: Any,
    equal: Any,
) -> None:
    """Add what one block of candidates, [candidates, dim], counts around the true ones."""
    exact: Singles | None = None
    for at in asked.ranks():
        n, scores = len(at), own[at]
        if exact is None:
            above, rows, columns = products.split(*around(scores, margin[:n]))
            if len(rows) * DENSE > n * len(right):
                exact = exact_matrix(asked.vectors, right)
        if exact is not None:
            better[at] += np.array([np.count_nonzero(r) for r in exact[:n] > scores[:, None]])
            equal[at] += np.array([np.count_nonzero(r) for r in exact[:n] == scores[:, None]])
            continue
        unsure = exact_scores(asked.vectors[rows], right[columns])
        better[at] += above + np.bincount(rows[unsure > scores[rows]], minlength=n)
        equal[at] += np.bincount(rows[unsure == scores[rows]], minlength=n)


def multiply(
    products: Products, queries: Singles, of_queries: Floats, candidates: Singles, longest: float
) -> Floats:
    """Compute the products of a block, in float64 where vectors are too long for float32.

    Args:
        products: the place of the products.
        queries: [queries, dim].
        of_queries: [queries], their lengths.
        candidates: [candidates, dim].
        longest: the largest length of these.

    Returns:
        [queries]: the largest error of a query's products.
    """
    is_short = max(longest, float(of_queries.max(initial=0))) < LARGEST
    kind, dim = "float32" if is_short else "float64", queries.shape[1]
    products.multiply(queries.astype(kind, copy=False), candidates.astype(kind, copy=False))
    return np.asarray(1.01 * error_bound(dim, kind) * longest * of_queries + dim * LEAST)


def around(scores: Singles, margin: Floats) -> tuple[Floats, Floats]:
    """Return the bounds outside which products are certainly below or above a score: [queries].

    Args:
        scores: [queries].
        margin: [queries], the largest error of a query's products.
    """
    largest = float(np.finfo(np.float32).max)
    middle = np.clip(scores.astype(np.float64), -largest, largest)
    spread = margin + 2 * UNITS["float32"] * np.abs(middle)  # a score is rounded, too
    low = np.where(scores == -np.inf, -np.inf, middle - spread)
    return low, np.where(scores == np.inf, np.inf, middle + spread)


def blocks(vectors: Vectors, size: int) -> Iterator[tuple[int, Singles]]:
    """Yield vectors in blocks of float32: the first row's number, and [block, dim].

    What was read of a memory map is let go before the next block.
    """
    for start in range(0, len(vectors), size):
        block = np.ascontiguousarray(vectors[start : start + size], dtype=np.float32)
        yield start, block.copy() if np.shares_memory(block, vectors) else block
        let_go(vectors)


def let_go(vectors: Vectors) -> None:
    """Give the memory of a read-only memory map back to the system, which keeps it as a cache."""
    mapped = getattr(vectors, "_mmap", None)
    if (
        mapped is not None
        and getattr(vectors, "mode", "") == "r"
        and hasattr(mmap, "MADV_DONTNEED")
    ):
        mapped.madvise(mmap.MADV_DONTNEED)
