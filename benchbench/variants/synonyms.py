"""Predicates of the drawn world that are no negatives of each other."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from benchbench.scenes.vocabulary import PREDICATE, PREDICATES

if TYPE_CHECKING:
    from benchbench.types.arrays import Flags

VAGUE = ("near",)
"""Said of any two things of an image, it is hardly wrong (``scenes.graph.closure``)."""


@lru_cache(maxsize=1)
def implications() -> Flags:
    """Return which predicates imply which, [predicates, predicates] bool; each implies itself.

    Riding a horse implies being on it and above it; standing on it excludes lying on it.
    """
    implied = np.eye(len(PREDICATES), dtype=np.bool_)
    for row, predicate in enumerate(PREDICATES):
        implied[row, [PREDICATE[name] for name in predicate.implies]] = True
    for _ in PREDICATES:
        implied = implied @ implied
    return np.asarray(implied | implied.T)


@lru_cache(maxsize=1)
def vague() -> Flags:
    """Return which predicates are in ``VAGUE``, [predicates] bool."""
    return np.isin([predicate.name for predicate in PREDICATES], VAGUE)
