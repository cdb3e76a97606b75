"""The tie rule: the credit of an item whose true caption ties with another for the best score.

Published harnesses disagree. ARO's notebook puts the false caption first and takes the argmax, so
that a tie is wrong; mteb and unibench put the true one first, so that it is right. Half precision
ties in up to 15 % of items, so the rule moves the number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchbench.errors import UsageError

if TYPE_CHECKING:
    import numpy.typing as npt

    from benchbench.types import Ties
    from benchbench.types.arrays import Flags, Floats, Indices

RULES: tuple[Ties, ...] = ("wrong", "share", "right")


def credit(scores: npt.NDArray[np.floating], target: Indices, ties: Ties) -> Floats:
    """Return each row's credit: 1 where its target is the single best, 0 where another is better.

    Where the target is among k > 1 best, ``wrong`` gives 0, ``right`` 1, and ``share`` 1/k: the
    probability that a uniform choice among the best hits it.

    Args:
        scores: [rows, options].
        target: [rows], the column of each row's true option.
        ties: the rule.

    Returns:
        [rows], in [0, 1].

    Raises:
        UsageError: the tie rule is unknown.

    >>> credit(np.array([[2, 1, 0], [1, 1, 0], [0, 1, 2]]), np.array([0, 0, 0]), "share")
    array([1. , 0.5, 0. ])
    """
    if ties not in RULES:
        raise UsageError(f"Unknown tie rule '{ties}'. Rules: {', '.join(RULES)}.")
    among_best, n_best = _best(scores, target)
    if ties == "wrong":
        return np.asarray(among_best & (n_best == 1), dtype=np.float64)
    if ties == "right":
        return np.asarray(among_best, dtype=np.float64)
    return np.where(among_best, 1.0 / n_best, 0.0)


def _best(scores: npt.NDArray[np.floating], target: Indices) -> tuple[Flags, Indices]:
    best = scores.max(axis=1, keepdims=True)
    n_best = (scores == best).sum(axis=1)  # NaN equals nothing: such a row earns 0 by any rule
    among_best = scores[np.arange(len(scores)), target] == best[:, 0]
    return among_best, np.maximum(n_best, 1)
