"""Turn places into the credit of each true relation, under any K and tie rule, and under guessing.

A relation's credit is 1 where one of the candidates that match it is among the best K. Where
candidates tie across the K-th place, or labels or predicates tie within a candidate, ``wrong``
takes the worst case of each candidate, ``right`` the best, and ``share`` the probability that one
of them is picked when all ties are broken at random.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from benchbench.errors import UsageError
from benchbench.protocols.ties import RULES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from benchbench.types import Hits, Places, RelationsOutcome, Ties
    from benchbench.types.arrays import Floats


def recall_credit(hits: Hits, n_relations: int, k: int, ties: Ties) -> Floats:
    """Return the credit of each relation: [relations].

    The pair (0, 1) has the best score, for predicates 0 and 1 alike; the relation's own is 0:

    >>> from benchbench.types import Hits
    >>> hits = Hits(np.array([0]), np.array([0]), np.array([0]), np.array([2]))
    >>> [recall_credit(hits, 1, 1, ties)[0].item() for ties in ("wrong", "share", "right")]
    [0.0, 0.5, 1.0]
    """
    if ties not in RULES:
        raise UsageError(f"Unknown tie rule '{ties}'. Rules: {', '.join(RULES)}.")
    earned = np.zeros(n_relations)
    if ties == "share":
        return _pick_probability(hits, n_relations, k)
    if ties == "wrong":
        inside = (hits.better.astype(np.int64) + hits.equal < k) & (hits.choices == 1)
    else:
        inside = hits.better < k
    earned[hits.relation[inside]] = 1.0
    return earned


def _pick_probability(hits: Hits, n_relations: int, k: int) -> Floats:
    """Return each relation's probability that one of its candidates is picked within K."""
    earned = np.zeros(n_relations)
    starts = np.searchsorted(hits.relation, np.arange(n_relations + 1))
    for relation, (start, stop) in enumerate(pairwise(starts)):
        missed, crossing = 1.0, []
        for i in range(start, stop):
            better, equal = int(hits.better[i]), int(hits.equal[i])
            chance = 1 / int(hits.choices[i])
            if better + equal < k:
                missed *= 1 - chance
            elif better < k:  # of the one block of ties that the K-th place divides
                crossing.append(chance)
                slots, block = k - better, equal + 1
        if crossing:
            missed *= _miss_probability(crossing, slots, block)
        earned[relation] = 1 - missed
    return earned


def _miss_probability(chances: Sequence[float], slots: int, block: int) -> float:
    """Return the probability that no candidate of a tied block is both within K and picked.

    Of t tied candidates in random order, the first s are within K. The candidates are taken one by
    one: after i of them, j of which got a place, the next one gets one with probability (s − j) /
    (t − i).

    >>> _miss_probability([1.0], slots=2, block=5)
    0.6
    >>> _miss_probability([1.0, 1.0], slots=2, block=5)  # 3/5 of the first, then 2/4
    0.3
    """
    placed = np.arange(len(chances) + 1)
    mass = (placed == 0).astype(np.float64)  # all missed so far, by how many got a place
    for i, chance in enumerate(chances):
        another = mass * np.clip(slots - placed, 0, None) / (block - i)
        mass -= another
        mass[1:] += another[:-1] * (1 - chance)
    return float(mass.sum())


def guessing_credit(matching: npt.NDArray[np.int32], n: int, chance: float, k: int) -> Floats:
    """Return each relation's credit when candidates come in random order: [relations].

    Args:
        matching: [relations], how many of the candidates match.
        n: the number of candidates.
        chance: the probability that a matching candidate has the relation's predicate, and its
            labels.
        k: how many places count.
    """
    return np.array([_guess(int(count), n, chance, k) for count in matching])


@cache
def _guess(count: int, n: int, chance: float, k: int) -> float:
    if k >= n:
        return 1.0 - (1.0 - chance) ** count
    return 1.0 - _miss_probability([chance] * count, k, n)


def within_first_k(places: Places, k: int, ties: Ties) -> Floats:
    """Return for each element whether it is within the first K of its own ranking: [elements]."""
    if ties not in RULES:
        raise UsageError(f"Unknown tie rule '{ties}'. Rules: {', '.join(RULES)}.")
    better, block = places.better.astype(np.float64), places.equal.astype(np.float64) + 1
    if ties == "wrong":
        return np.asarray(better + block <= k, dtype=np.float64)
    if ties == "right":
        return np.asarray(better < k, dtype=np.float64)
    return np.clip((k - better) / block, 0.0, 1.0)


def ceiling(related: RelationsOutcome, k: int) -> float:
    """Return the share of a scene's relations that K triples can hit, one per ordered pair.

    Every triple is assumed to match its own pair alone. Of two relations of one pair only one can
    be hit, unless they are the same relation twice; relations that no ranked pair matches are out
    of reach.
    """
    most: dict[tuple[int, int], dict[str, int]] = {}
    ends = zip(related.subjects.tolist(), related.objects.tolist(), strict=True)
    within = (related.matching > 0).tolist()
    for pair, predicate, reached in zip(ends, related.predicates, within, strict=True):
        if not reached:
            continue
        counts = most.setdefault(pair, {})
        counts[predicate] = counts.get(predicate, 0) + 1
    best = sorted((max(counts.values()) for counts in most.values()), reverse=True)
    return sum(best[:k]) / len(related.predicates)
