"""The items that one of two runs has right and the other has wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from benchbench.analysis.paired import PairedScores


@dataclass(frozen=True, slots=True)
class Flip:
    """An item that one of two runs has right and the other has wrong, or on another rank."""

    id: str
    cluster: str
    group: str
    a: float
    b: float
    gained: bool
    """Whether b does better; otherwise a does."""


def flips_in(scores: PairedScores) -> tuple[Flip, ...]:
    """Return the items that the second of two runs gains, then those that it loses, in their order.

    Args:
        scores: of two runs.
    """
    sign, first = scores.sign, scores.runs[0].outcomes
    found = []
    for unit in np.flatnonzero(scores.values[:, 0] != scores.values[:, 1]):
        outcome = first[scores.outcome[unit]]
        one, two = scores.values[unit].tolist()
        gained = sign * (two - one) > 0
        found.append(Flip(outcome.id, outcome.cluster, scores.groups[unit], one, two, gained))
    return tuple(sorted(found, key=lambda each: not each.gained))
