r"""Two models on the same items: is their difference more than chance?

Both means weigh the items alike, so that the difference is a sum over clusters,

.. math:: \hat\delta = \sum_c d_c, \qquad d_c = \sum_{i \in c} w_i (a_i - b_i)

with w the weight of an item in the mean (1/n, or 1/(G n_g) in a mean over G groups). The null
hypothesis is that the two models' outcomes are exchangeable within a cluster: then every d_c is as
likely to have the other sign (the permutation test of matched pairs; Fisher 1935, Good 2005, §3.4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchbench.errors import UsageError
from benchbench.stats.bootstrap import RESAMPLES, bootstrap_draws, expanded_percentiles
from benchbench.stats.means import Mean, mean_over_groups

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.intp]

ENUMERATED = 14
"""Up to so many clusters that differ, all sign flips are counted."""
_BLOCK = 1000


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
    sizes = np.bincount(groups)
    weight = 1 / (sizes[groups] * len(sizes))
    of_clusters = np.bincount(clusters, (a - b) * weight).astype(np.float64)
    p_value = sign_flip_p(of_clusters, draws=draws, seed=seed)
    return Difference(mean.value, low, high, level, p_value, mean.n_items, mean.n_clusters)


def sign_flip_p(differences: Floats, *, draws: int = 100_000, seed: int = 0) -> float:
    """The two-sided p-value of a sum under random signs.

    Exact where few clusters differ; else (1 + hits) / (1 + draws), never 0.

    Args:
        differences: [clusters].
        draws: of signs.
        seed: of the draws.

    >>> sign_flip_p(np.array([1.0, 2.0, 3.0]))
    0.25
    """
    own = differences[differences != 0]
    if not len(own):
        return 1.0
    # Sums that are equal in exact arithmetic must count as such.
    least = abs(own.sum()) - 1e-9 * np.abs(own).sum()
    if len(own) <= ENUMERATED:
        bits = np.arange(2 ** len(own))[:, None] >> np.arange(len(own)) & 1
        return float((np.abs((2.0 * bits - 1) @ own) >= least).mean())
    rng, hits = np.random.Generator(np.random.PCG64(seed)), 0
    for start in range(0, draws, _BLOCK):
        signs = rng.integers(0, 2, size=(min(_BLOCK, draws - start), len(own)), dtype=np.int8)
        hits += int((np.abs((2.0 * signs - 1) @ own) >= least).sum())
    return (1 + hits) / (1 + draws)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for their number, step by step (Holm 1979).

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values)
    adjusted, least = np.empty(len(p_values)), 0.0
    for rank, which in enumerate(order):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[which]))
        adjusted[which] = least
    return [float(each) for each in adjusted]
