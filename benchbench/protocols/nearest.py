"""The best candidates of each query, exactly: by score, and among equal scores by their place.

Candidates pass by in blocks, as in ``searching``. Products that may belong to a candidate among the
best so far are computed exactly, and join a pool that is cut back to K from time to time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchbench.errors import UsageError
from benchbench.protocols.products import exact_matrix, exact_scores, lengths, products_on
from benchbench.protocols.searching import DENSE, QUERIES, STAGE, around, blocks, multiply

if TYPE_CHECKING:
    from benchbench.embedding.outputs import Vectors
    from benchbench.protocols.products import Products, Shape
    from benchbench.types import Progress
    from benchbench.types.arrays import Floats, Indices, Ints, Singles


def nearest(
    queries: Vectors,
    candidates: Vectors,
    k: int,
    *,
    shape: Shape | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
) -> tuple[Ints, Singles]:
    """Return the K best candidates of each query, the best first.

    Args:
        queries: [queries, dim], of float32 or float16; a memory map is read block by block.
        candidates: [candidates, dim], likewise.
        k: how many; no more than there are candidates.
        shape: queries and candidates that are multiplied at once; by default what suits the device.
        device: where products are computed, as torch names it; the result is the same everywhere.
        progress: called with the number of queries that are done.

    Returns:
        Their rows and their scores: [queries, k] twice. Of equal scores the first row is better.

    Raises:
        UsageError: K is not from 1 to the number of candidates.
    """
    if not 1 <= k <= len(candidates):
        raise UsageError(
            f"The {k} best of {len(candidates):,} candidates: the number should be from 1 to "
            f"{len(candidates):,}."
        )
    found = np.empty((len(queries), k), dtype=np.int64)
    scores = np.empty((len(queries), k), dtype=np.float32)
    products = products_on(device)
    size, width = shape or products.shape
    for start, block in blocks(queries, QUERIES):
        pools = [_Pool.empty(block[i : i + size], k) for i in range(0, len(block), size)]
        for first, right in blocks(candidates, width):
            longest = float(lengths(right).max())
            for pool in pools:
                margin = multiply(products, pool.queries, pool.lengths, right, longest)
                pool.pass_by(products, margin, first, right)
        for i, pool in enumerate(pools):
            pool.cut()
            rows = slice(start + i * size, start + i * size + len(pool.queries))
            found[rows], scores[rows] = pool.rows, pool.scores
        if progress:
            progress(STAGE, start + len(block), len(queries))
    return found, scores


@dataclass(slots=True)
class _Pool:
    """Some queries and the best candidates that they have met."""

    queries: Singles
    """[queries, dim]"""
    lengths: Floats
    """[queries]"""
    rows: Ints
    """[queries, k]: candidates, the best first; −1 where there is none yet."""
    scores: Singles
    """[queries, k]; −∞ where there is none yet."""
    new: list[tuple[Indices, Ints, Singles]]
    """Queries, candidates and scores that came after the last cut."""

    @classmethod
    def empty(cls, queries: Singles, k: int) -> _Pool:
        """Return the pool of queries that have met no candidate."""
        rows = np.full((len(queries), k), -1)
        return cls(queries, lengths(queries), rows, np.full(rows.shape, -np.inf, np.float32), [])

    def pass_by(self, products: Products, margin: Floats, first: int, right: Singles) -> None:
        """Take what is among the best in a block of candidates, [candidates, dim].

        Args:
            products: the products of these queries and candidates.
            margin: [queries], the largest error of each query's products.
            first: the number of the block's first candidate.
            right: the block.
        """
        n, k = self.rows.shape
        low, _ = around(self._floor(products, margin, right), margin)
        _, rows, columns = products.split(low, np.full(n, np.inf))
        if len(rows) * DENSE > n * len(right) and len(right) > k:
            exact = exact_matrix(self.queries, right)
            best = np.argsort(-exact, axis=1, kind="stable")[:, :k]
            rows, columns = np.repeat(np.arange(n), best.shape[1]), best.ravel()
            scores = exact[rows, columns]
        else:
            scores = exact_scores(self.queries[rows], right[columns])
        kept = (scores > self.scores[rows, -1]) | (self.rows[rows, -1] < 0)
        self.new.append((rows[kept], first + columns[kept], scores[kept]))
        if (self.rows[:, -1] < 0).any() or sum(len(each[0]) for each in self.new) > n * k:
            self.cut()

    def _floor(self, products: Products, margin: Floats, right: Singles) -> Singles:
        """Return scores below which no candidate of a block is among the best so far."""
        floor = self.scores[:, -1].copy()
        if (unfilled := self.rows[:, -1] < 0).any() and len(right) > self.rows.shape[1]:
            least = products.largest(self.rows.shape[1]) - 2 * margin
            floor[unfilled] = np.nextafter(least.astype(np.float32), -np.inf)[unfilled]
        return floor

    def cut(self) -> None:
        """Cut the pool back to the K best of each query."""
        n, k = self.rows.shape
        queries, rows, scores = (np.concatenate(part) for part in zip(*self.new, strict=True))
        at = np.concatenate([np.repeat(np.arange(n), k), queries])
        rows = np.concatenate([self.rows.ravel(), rows])
        scores = np.concatenate([self.scores.ravel(), scores])
        order = np.lexsort((rows, rows < 0, -scores, at))
        starts = np.searchsorted(at[order], np.arange(n))
        best = order[starts[:, None] + np.arange(k)]
        self.rows, self.scores = rows[best], scores[best]
        nothing = np.zeros(0, dtype=np.intp)
        self.new = [(nothing, nothing, np.zeros(0, dtype=np.float32))]
