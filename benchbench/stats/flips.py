r"""Sign flips of whole clusters, shared by all pairs of a table of models.

Null hypothesis of a pair: the two models' outcomes are exchangeable within a cluster, so that each
cluster's difference d is equally likely to have the opposite sign (the permutation test of matched
pairs; Fisher 1935; Good 2005, *Permutation, parametric and bootstrap tests of hypotheses*, §3.4).
The statistic is studentised,

.. math:: T = \frac{\sum_k d_k}{\sqrt{\sum_k d_k^2}}

which is Student's t of the clusters' differences up to a monotone function. Flips do not change the
denominator, which makes pairs of differently noisy models comparable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchbench.stats.panel import Panel
    from benchbench.types.arrays import Floats, Indices


DRAWS = 10_000
MAX_ENUMERATED = 13
"""All sign flips are enumerated if models differ on at most this many clusters."""
TOLERANCE = 1e-12
SLACK = 1e-9
"""Tolerance within which statistics that are equal in exact arithmetic count as equal."""
_BLOCK_BYTES = 32 << 20


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
        return self.share(np.abs(self.flipped), np.abs(self.observed))

    def share(self, flipped: Floats, observed: Floats) -> Floats:
        """Return how often flipped statistics reach the observed ones: [draws, n], [n] → [n]."""
        hits = (flipped >= observed * (1 - SLACK) - SLACK).sum(axis=0)
        if self.exact:
            return np.asarray(hits / len(flipped))
        return np.asarray((1 + hits) / (1 + len(flipped)))


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
    few = int(differs.sum()) <= MAX_ENUMERATED
    signs = _all_signs(int(differs.sum())) if few else _signs(int(differs.sum()), draws, seed)
    parts = []
    for block in signs:
        sums = block @ columns[differs]  # [block, models]
        parts.append((sums[:, pairs[:, 0]] - sums[:, pairs[:, 1]]) * scale)
    return Flips(apart.sum(axis=0) * scale, np.concatenate(parts), few)


def _all_signs(n: int) -> Iterator[Floats]:
    """Yield all sign vectors of n clusters: [2 ** n, n]."""
    bits = np.arange(2**n)[:, None] >> np.arange(n) & 1
    yield 2.0 * bits.astype(np.float64) - 1


def _signs(n: int, draws: int, seed: int) -> Iterator[Floats]:
    """Yield random sign vectors in blocks of draws: [block, n]."""
    rng = np.random.Generator(np.random.PCG64(seed))
    block, length = max(1, _BLOCK_BYTES // (8 * n)), -(-n // 8)
    for start in range(0, draws, block):
        rows = min(block, draws - start)
        coins = np.frombuffer(rng.bytes(rows * length), np.uint8).reshape(rows, length)
        yield 2.0 * np.unpackbits(coins, axis=1, count=n).astype(np.float64) - 1
