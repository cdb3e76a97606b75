"""Predicates of the drawn world that a contrastive loss must not use as each other's negatives."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from benchbench.scenes.vocabulary import PREDICATE, PREDICATES

if TYPE_CHECKING:
    from benchbench.types.arrays import Flags

VAGUE = ("near",)
"""Predicates that are true of almost any two objects of an image (``scenes.graph.closure``)."""


@lru_cache(maxsize=1)
def implications() -> Flags:
    """Return the pairs of which one implies the other: [predicates, predicates] bool, symmetric.

    "riding" implies "on" and "above"; "standing on" and "lying on" exclude each other. The diagonal
    is True.
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
