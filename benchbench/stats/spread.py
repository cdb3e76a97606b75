"""The spread of a score between seeds: its dependence on a random draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Spread:
    """Summary of one score's values, one value per seed."""

    mean: float
    sd: float
    """The standard deviation between seeds, with n − 1: the expected deviation of one more seed."""
    standard_error: float
    """The standard error of the mean: sd / √n."""
    n: int


def between_seeds(values: Sequence[float]) -> Spread:
    """Return mean and standard deviation of a score over equally good seeds.

    Seeds share their captions and images, so that this is the shuffles' part of the uncertainty
    alone, and is reported beside that of sampling items (Bouthillier et al., 'Accounting for
    variance in machine learning benchmarks', MLSys 2021, §2).

    Raises:
        UsageError: there are fewer than two values, which have no spread.

    >>> between_seeds([0.25, 0.5, 0.75]).sd
    0.25
    """
    if len(values) < 2:
        raise UsageError(f"A spread between seeds needs two seeds or more, not {len(values)}.")
    sd = float(np.std(values, ddof=1))
    n = len(values)
    return Spread(float(np.mean(values)), sd, sd / n**0.5, n)
