"""Scores over several seeds: their spread, and Welch's interval of two methods' difference."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchbench.types.arrays import Floats


TOLERANCE = 1e-12
"""The largest range of scores that are the same but for rounding."""


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


def welch(a: Floats, b: Floats, level: float = 0.95) -> tuple[float, float]:
    """Return Welch's interval of the difference of means, b − a, of independent seeds.

    NaN if the seeds of each method score the same, rounding errors aside: a spread of 0 is not
    certainty.
    """
    from scipy.special import stdtrit

    parts = np.array([each.var(ddof=1) / len(each) for each in (a, b)])
    parts[[float(np.ptp(each)) <= TOLERANCE for each in (a, b)]] = 0.0
    if not parts.sum():
        return float("nan"), float("nan")
    freedom = parts.sum() ** 2 / (parts**2 / (np.array([len(a), len(b)]) - 1)).sum()
    half = float(stdtrit(freedom, (1 + level) / 2)) * math.sqrt(parts.sum())
    middle = float(b.mean() - a.mean())
    return middle - half, middle + half
