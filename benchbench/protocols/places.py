"""Turn the place of the first true answer in a ranking into its credit.

A search with several true answers is judged by the first of them: it is a hit at K where any of
them is among the best K (the R@K of caption retrieval; Karpathy and Fei-Fei, CVPR 2015, §4.2). A
tie rule needs three counts only: how many false candidates score better than the best true one, how
many tie with it, and how many true ones share that score. Where ties are broken at random, the
block of tied candidates is in random order, and every expectation over its orders has a closed
form. It is computed in integers and rounded once, so that guessing (everything ties) and a model
that scores everything alike come out equal to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import comb
from typing import TYPE_CHECKING

import numpy as np

from benchbench.errors import UsageError
from benchbench.protocols.ties import RULES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchbench.types import Metric, Places, Ties
    from benchbench.types.arrays import Floats, Ints


_BITS = 128
"""Binary digits kept in a sum of fractions, far beyond the 53 that it is rounded to."""


@dataclass(frozen=True, slots=True)
class FirstTrue:
    """The best true answer of each search; arrays are [searches]."""

    better: Ints
    """False candidates with a higher score."""
    tied: Ints
    """False candidates with exactly the same score."""
    true: Ints
    """True candidates with that score, the best one included: at least one."""


def first_true(places: Sequence[Places], counted: Sequence[int] | None = None) -> FirstTrue:
    """Return the best true answer of each search.

    Args:
        places: the places of each search's true answers, at least one each.
        counted: how many of them, from the front, are true in this reading; by default all. The
            others count as false candidates.
    """
    sizes = [len(p.better) for p in places] if counted is None else list(counted)
    better = np.concatenate([p.better[:n] for p, n in zip(places, sizes, strict=True)])
    equal = np.concatenate([p.equal[:n] for p, n in zip(places, sizes, strict=True)])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp)
    least = np.minimum.reduceat(better, starts)
    at_best = better == np.repeat(least, sizes)  # as many score better: the same score
    true = np.add.reduceat(at_best, starts, dtype=np.int64)
    others = np.maximum.reduceat(np.where(at_best, equal, 0), starts).astype(np.int64)
    return FirstTrue(least.astype(np.int64), others - (true - 1), true)


def search_credit(first: FirstTrue, metric: Metric, ties: Ties) -> Floats:
    """Return the credit of each search by a metric's reading, K and statistic: [searches].

    With b candidates better and t tied, ``wrong`` puts the first true answer at place b + t + 1,
    ``right`` at b + 1, and ``share`` gives the expectation over all orders of the tied block, or
    the median place over those orders where the statistic is a median.

    Raises:
        UsageError: the tie rule is unknown.
    """
    if ties not in RULES:
        raise UsageError(f"Unknown tie rule '{ties}'. Rules: {', '.join(RULES)}.")
    place = first.better + 1 + (first.tied if ties == "wrong" else 0)
    values = _read(place, metric)
    if ties != "share":
        return values
    tied = np.flatnonzero(first.tied)
    rows = np.stack([first.better[tied], first.tied[tied], first.true[tied]], axis=1)
    distinct, number = np.unique(rows, axis=0, return_inverse=True)
    shared = [expected_credit(*row, _what(metric), metric.k) for row in distinct.tolist()]
    values[tied] = np.array(shared, dtype=np.float64)[number.reshape(-1)]
    return values


def chance_credit(candidates: Ints, true: Ints, metric: Metric) -> Floats:
    """Return the credit of each search whose candidates all stand in random order: [searches]."""
    return search_credit(FirstTrue(np.zeros_like(true), candidates - true, true), metric, "share")


def _read(place: Ints, metric: Metric) -> Floats:
    if metric.reading == "hit":
        return (place <= metric.k).astype(np.float64)
    return place.astype(np.float64) if metric.reading == "rank" else 1 / place


def _what(metric: Metric) -> str:
    is_middle = metric.reading == "rank" and metric.statistic == "median"
    return "middle" if is_middle else metric.reading


@lru_cache(maxsize=1 << 16)
def expected_credit(better: int, tied: int, true: int, reading: str, k: int = 1) -> float:
    """Return the expected credit of the first true answer over all orders of the tied block.

    It is computed in integers and rounded once.

    Args:
        better: candidates above the block.
        tied: false candidates in the block.
        true: true candidates in the block.
        reading: "hit", "rank", "reciprocal rank", or "middle" (the median place).
        k: the K of hits.

    One true answer among three, then two; the second block starts at place 3:

    >>> expected_credit(0, 2, 1, "rank"), expected_credit(0, 2, 1, "hit", k=2)
    (2.0, 0.6666666666666666)
    >>> expected_credit(2, 1, 2, "rank"), expected_credit(2, 1, 2, "hit", k=3)
    (3.3333333333333335, 0.6666666666666666)
    """
    size = tied + true
    if reading == "hit":
        return _share_within(max(0, k - better), size, true)
    if reading == "rank":
        return ((better + 1) * (true + 1) + tied) / (true + 1)
    if reading == "middle":
        return better + _middle_place(size, true)
    return _mean_reciprocal(better, tied, true)


def _share_within(slots: int, size: int, true: int) -> float:
    """Return the probability that a true candidate is in the first slots of a block.

    It is :math:`1 - C(n-m, p) / C(n, p)`, the complement of the hypergeometric probability of none.
    """
    ways = comb(size, true)
    return (ways - comb(size - min(slots, size), true)) / ways


def _middle_place(size: int, true: int) -> float:
    """Return the median, over all orders of a block, of the place of its first true candidate."""
    ways = comb(size, true)

    def least(halves: int) -> int:
        """Return the first place by which at least ``halves`` of twice the orders have one."""
        low, high = 1, size
        while low < high:
            middle = (low + high) // 2
            if 2 * (ways - comb(size - middle, true)) >= halves:
                high = middle
            else:
                low = middle + 1
        return low

    return (least(ways) + least(ways + 1)) / 2


def _mean_reciprocal(better: int, tied: int, true: int) -> float:
    r"""Return the mean reciprocal place of the first true candidate over all orders of the block.

    .. math:: \sum_{j=0}^{t} \frac{C(n-j-1,\,p-1)}{C(n,p)} \cdot \frac{1}{b+1+j}, \qquad n = t + p

    In the j-th term, the first true candidate stands behind j others of the block.
    """
    size = tied + true
    ways = comb(size - 1, true - 1)  # orders whose first true one is behind j
    total = 0
    for j in range(tied + 1):
        total += (ways << _BITS) // (better + 1 + j)
        if j < tied:
            ways = ways * (tied - j) // (size - j - 1)
    return total / (comb(size, true) << _BITS)
