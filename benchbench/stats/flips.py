r"""Sign flips of whole clusters, shared by all pairs of a table of models.

Null hypothesis of a pair: the two models' outcomes are exchangeable within a cluster, so that each
cluster's difference d is equally likely to have the opposite sign (the permutation test of matched
pairs; Fisher 1935; Good 2005, *Permutation, parametric and bootstrap tests of hypotheses*, §3.4).
The statistic is studentised,

.. math:: T = \frac{\sum_k d_k}{\sqrt{\sum_k d_k^2}}

which is Student's t of the clusters' differences up to a monotone function. Flips do not change the
denominator, which makes pairs of differently noisy models comparable.

A draw is a byte for every eight clusters. Of a few columns, the 256 signed sums of each eight
clusters are added up beforehand, and looked up by that byte: no sign is ever written out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    from benchbench.stats.panel import Panel
    from benchbench.types.arrays import Floats, Indices


DRAWS = 10_000
MAX_ENUMERATED = 13
"""All sign flips are enumerated if models differ on at most this many clusters."""
TOLERANCE = 1e-12
SLACK = 1e-9
"""Tolerance within which statistics that are equal in exact arithmetic count as equal."""
_BLOCK_BYTES = 32 << 20
_ROWS = 256
"""Draws whose pairs are subtracted at once: they stay in the processor's cache."""
_LOOKED_UP = 4
"""Up to this number of columns, sums are looked up; a matrix product is faster for more."""
_DRAWS_AT_ONCE = 4096
_BYTES_AT_ONCE = 64
"""Draws, and bytes of each, whose sums are looked up in one turn."""


@dataclass(frozen=True, slots=True)
class Flips:
    """The statistics of all pairs: as observed, and under sign flips."""

    observed: Floats
    """[pairs]; 0 if the two models do not differ in any cluster."""
    flipped: Floats
    """[draws, pairs]: the statistics under each flip."""
    exact: bool
    """Whether all flips were enumerated, the identity among them."""

    def p_values(self) -> Floats:
        """Return the two-sided p-value of each pair by itself: [pairs].

        It is exact, or (1 + hits) / (1 + draws), which is never 0 (Phipson and Smyth 2010).
        """
        return self.share(np.abs(self.observed), np.abs)

    def share(self, observed: Floats, read: Callable[[Floats], Floats]) -> Floats:
        """Return how often flipped statistics reach the observed ones: [n].

        Args:
            observed: [n].
            read: takes a block of ``flipped``, [block, pairs], and returns [block, n].
        """
        least = observed * (1 - SLACK) - SLACK
        size = max(1, _BLOCK_BYTES // (8 * max(1, self.flipped.shape[1])))
        hits = np.zeros(len(observed), dtype=np.int64)
        for start in range(0, len(self.flipped), size):
            hits += (read(self.flipped[start : start + size]) >= least).sum(axis=0)
        if self.exact:
            return np.asarray(hits / len(self.flipped))
        return np.asarray((1 + hits) / (1 + len(self.flipped)))


def flip(panel: Panel, pairs: Indices, *, draws: int = DRAWS, seed: int = 0) -> Flips:
    """Return a table's statistics under sign flips of its clusters, shared by all its pairs.

    Args:
        panel: models on the same items.
        pairs: [pairs, 2], columns of the panel.
        draws: the number of random sign vectors, where there are too many to enumerate.
        seed: the seed of the draws.
    """
    columns = panel.contributions
    apart = columns[:, pairs[:, 0]] - columns[:, pairs[:, 1]]
    # Equal sums of unequal items may differ in the last digit; studentising would magnify that.
    apart[np.abs(apart) < TOLERANCE * np.abs(columns).max(initial=0.0)] = 0.0
    length = np.sqrt(np.square(apart).sum(axis=0))
    scale = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)
    differs = (columns != columns[:, :1]).any(axis=1)
    n, of_pairs = int(differs.sum()), len(pairs) < panel.n_models
    flipped = np.empty((2**n if n <= MAX_ENUMERATED else draws, len(pairs)))
    done = 0
    for sums in _sums((apart if of_pairs else columns)[differs], draws, seed):
        for start in range(0, len(sums), _ROWS):
            part = sums[start : start + _ROWS]  # [rows, columns]
            moved = part if of_pairs else part[:, pairs[:, 0]] - part[:, pairs[:, 1]]
            np.multiply(moved, scale, out=flipped[done : done + len(part)])
            done += len(part)
    return Flips(apart.sum(axis=0) * scale, flipped, n <= MAX_ENUMERATED)


def _sums(columns: Floats, draws: int, seed: int) -> Iterator[Floats]:
    """Yield sums of columns, [n, columns], under all sign vectors or random ones, in blocks."""
    n = len(columns)
    if n <= MAX_ENUMERATED:
        yield _all_signs(n) @ columns
        return
    if columns.shape[1] <= _LOOKED_UP:
        tables = _byte_tables(columns)
        few = min(_DRAWS_AT_ONCE, _BLOCK_BYTES * 8 // n)
        yield from (_looked_up(tables, coins) for coins in _coins(n, draws, seed, few))
        return
    for coins in _coins(n, draws, seed):
        signs = np.unpackbits(coins, axis=1, count=n).astype(np.float64)
        signs *= 2
        signs -= 1
        yield signs @ columns


def _all_signs(n: int) -> Floats:
    """Return all sign vectors of n clusters: [2 ** n, n]."""
    bits = np.arange(2**n)[:, None] >> np.arange(n) & 1
    return 2.0 * bits.astype(np.float64) - 1


def _coins(n: int, draws: int, seed: int, least: int = 1) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield random sign vectors in blocks of draws, a bit for each cluster: [block, bytes].

    A block has at least ``least`` draws, or is the last. That does not change the draws; the size
    of a part would: the generator throws away what is left of its last four bytes.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    part, length = max(1, _BLOCK_BYTES // (8 * n)), -(-n // 8)
    parts: list[bytes] = []
    for start in range(0, draws, part):
        end = min(start + part, draws)
        parts.append(rng.bytes((end - start) * length))
        if len(parts) * part >= least or end == draws:
            yield np.frombuffer(b"".join(parts), np.uint8).reshape(-1, length)
            parts = []


def _byte_tables(columns: Floats) -> Floats:
    """Return the sums of every eight rows under each byte of signs: [columns, bytes, 256]."""
    length = -(-len(columns) // 8)
    padded = np.zeros((columns.shape[1], 8 * length))
    padded[:, : len(columns)] = columns.T
    signs = 2.0 * np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1) - 1  # [256, 8]
    return padded.reshape(-1, length, 8) @ signs.T


def _looked_up(tables: Floats, coins: npt.NDArray[np.uint8]) -> Floats:
    """Return the sums under each sign vector, [block, columns]: coins [block, bytes]."""
    sums = np.zeros((len(tables), len(coins)))
    found = np.empty(len(coins))
    for start in range(0, coins.shape[1], _BYTES_AT_ONCE):
        places = coins[:, start : start + _BYTES_AT_ONCE].T.astype(np.intp)
        for column, table in enumerate(tables):
            for k, place in enumerate(places):
                np.take(table[start + k], place, out=found, mode="clip")
                sums[column] += found
    return sums.T
