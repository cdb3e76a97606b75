"""How much a score owes to a draw that could have been another: the spread between seeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Spread:
    """Values of one score, one a seed, in short."""

    mean: float
    sd: float
    """Between seeds, from n − 1: what one more seed would differ by."""
    standard_error: float
    """Of the mean: sd / √n."""
    n: int


def between_seeds(values: Sequence[float]) -> Spread:
    """Mean and standard deviation of a score over seeds that are equally good.

    Seeds share their captions and pictures, so that this is the shuffles' part of the uncertainty
    alone, and goes beside that of sampling items (Bouthillier et al., 'Accounting for variance in
    machine learning benchmarks', MLSys 2021, §2).

    Raises:
        UsageError: fewer than two values have no spread.

    >>> between_seeds([0.25, 0.5, 0.75]).sd
    0.25
    """
    if len(values) < 2:
        raise UsageError(f"A spread between seeds needs two seeds or more, not {len(values)}.")
    sd = float(np.std(values, ddof=1))
    n = len(values)
    return Spread(float(np.mean(values)), sd, sd / n**0.5, n)
