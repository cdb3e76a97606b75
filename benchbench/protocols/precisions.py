r"""Precision among the best R answers, where a search has R true ones.

R-Precision is the share of true answers among the best R. mAP@R averages, over the places 1 to R,
the precision at a place that holds a true answer, and 0 at one that does not (Musgrave, Belongie
and Lim, *A Metric Learning Reality Check*, ECCV 2020; Chun et al., *ECCV Caption*, ECCV 2022):

.. math:: \frac1R \sum_{i=1}^{R} [\text{place } i \text{ is true}] \cdot
    \frac{\text{true among the best } i}{i}

Candidates that tie form a block. With ``wrong`` its false ones come first, with ``right`` its true
ones; with ``share`` its order is random, and the expectation has a closed form: a place of a block
of n with a true ones is true with probability a/n, and then :math:`(q-1)(a-1)/(n-1)` of the q−1
places before it in the block are expected to be true.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchbench.types import Places, Ties
    from benchbench.types.arrays import Floats, Ints

AT_R, AVERAGE = "precision at R", "average precision at R"
PRECISIONS = (AT_R, AVERAGE)

Block = tuple[int, int, int]
"""Candidates above a block of tied candidates, its size, and how many of it are true."""


def precisions(places: Sequence[Places], true: Ints, judgement: str, ties: Ties) -> Floats:
    """Return the credit of each search: [searches].

    Args:
        places: the places of each search's answers; the true ones come first.
        true: [searches], how many of them are true.
        judgement: one of ``PRECISIONS``.
        ties: the tie rule.
    """
    found = [
        _credit(_blocks(each, int(n)), int(n), judgement, ties)
        for each, n in zip(places, true, strict=True)
    ]
    return np.array(found, dtype=np.float64)


def chance_precisions(candidates: Ints, true: Ints, judgement: str) -> Floats:
    """Return the credit of each search whose candidates are in random order: [searches]."""
    found = [
        _credit(((0, int(n), int(r)),), int(r), judgement, "share")
        for n, r in zip(candidates, true, strict=True)
    ]
    return np.array(found, dtype=np.float64)


def _blocks(places: Places, true: int) -> tuple[Block, ...]:
    """Return the blocks of tied candidates that hold true answers, the best first."""
    better, equal = places.better[:true], places.equal[:true]
    above, first, number = np.unique(better, return_index=True, return_counts=True)
    sizes = equal[first] + 1
    return tuple(zip(above.tolist(), sizes.tolist(), number.tolist(), strict=True))


@lru_cache(maxsize=1 << 16)
def _credit(blocks: tuple[Block, ...], r: int, judgement: str, ties: Ties) -> float:
    """Return the credit of one search with R = ``r``.

    >>> _credit(((0, 1, 1), (2, 1, 1)), 2, AT_R, "wrong")
    0.5
    >>> _credit(((1, 1, 1),), 2, AVERAGE, "wrong")
    0.25
    """
    total, above_true = 0.0, 0
    for above, size, true in blocks:
        for q in range(1, min(size, r - above) + 1):
            share, before = _at(q, size, true, ties)
            gained = 1.0 if judgement == AT_R else (above_true + before + 1) / (above + q)
            total += share * gained
        above_true += true
    return total / r


def _at(q: int, size: int, true: int, ties: Ties) -> tuple[float, float]:
    """Return the probability that place q of a block is true, and the true ones before it then."""
    if ties == "share":
        before = (q - 1) * (true - 1) / (size - 1) if size > 1 else 0.0
        return true / size, before
    first = size - true + 1 if ties == "wrong" else 1
    return float(first <= q < first + true), float(q - first)
