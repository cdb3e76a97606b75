"""Two models on the same items: is their difference more than chance?

The interval is the cluster bootstrap's, of the difference itself; the p-value that of sign flips
(``benchbench.stats.flips``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchbench.errors import UsageError
from benchbench.stats.bootstrap import RESAMPLES, bootstrap_draws, expanded_percentiles
from benchbench.stats.flips import flip
from benchbench.stats.means import Mean, mean_over_groups
from benchbench.stats.panel import panel

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Difference:
    """How much higher one model's mean is than another's."""

    value: float
    low: float
    high: float
    level: float
    p_value: float
    """Two-sided."""
    n_items: int
    n_clusters: int


def paired_difference(
    a: Floats,
    b: Floats,
    groups: Integers,
    clusters: Integers,
    *,
    level: float = 0.99,
    draws: int = 100_000,
    seed: int = 0,
) -> Difference:
    """The difference of two means over groups, a − b, with its interval and p-value.

    Args:
        a: [items], one model's values.
        b: [items], the other's, of the same items.
        groups: [items], numbered from 0 without gaps; all 0 for a plain mean.
        clusters: [items], numbered from 0.
        level: of the cluster bootstrap's interval.
        draws: of signs.
        seed: of both.

    Raises:
        UsageError: the two are not of the same items.
    """
    if not len(a) == len(b) == len(groups) == len(clusters):
        raise UsageError(
            f"Two runs are compared on the same items, not on {len(a):,} and {len(b):,}."
        )
    mean: Mean = mean_over_groups(a - b, groups, clusters)
    resampled = bootstrap_draws([mean], resamples=RESAMPLES, seed=seed)[:, 0]
    low, high = expanded_percentiles(resampled, mean.n_clusters, level)
    both = panel(np.stack([a, b], axis=1), groups, clusters)
    p_value = flip(both, both.pairs(), draws=draws, seed=seed).p_values()[0]
    return Difference(mean.value, low, high, level, float(p_value), mean.n_items, mean.n_clusters)
