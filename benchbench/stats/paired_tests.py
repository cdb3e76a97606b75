"""Paired tests of two models where sign flips do not apply.

Exact McNemar for yes-or-no answers to independent items; swapping of labels, with the statistic
computed again, for statistics that are not means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchbench.types.arrays import Floats, Indices


SLACK = 1e-12


def mcnemar(a: Floats, b: Floats) -> float:
    """Return the exact two-sided p-value over items that exactly one of two models has right.

    Under the null hypothesis each such item is equally likely to be right for either model (McNemar
    1947). Items must be independent: each its own cluster.

    Args:
        a: [items], 0 or 1.
        b: [items], 0 or 1.

    >>> mcnemar(np.array([1.0, 1, 1, 0]), np.array([0.0, 0, 0, 0]))
    0.25
    """
    from scipy.stats import binomtest

    gained, lost = int((a > b).sum()), int((a < b).sum())
    return float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0


def label_swap_p(
    statistic: Callable[[Floats], Floats],
    a: Floats,
    b: Floats,
    clusters: Indices,
    *,
    draws: int = 10_000,
    seed: int = 0,
) -> float:
    """Return the two-sided p-value of a statistic's difference, by swapping models in clusters.

    The statistic can be any function of the items' values. The null hypothesis is that of sign
    flips: the two models' outcomes are exchangeable within a cluster. The p-value is (1 + hits) /
    (1 + draws), never 0.

    Args:
        statistic: [draws, items] → [draws].
        a: [items], one model's values.
        b: [items], the other's.
        clusters: [items], numbered from 0.
        draws: the number of random swaps.
        seed: the seed of the draws.
    """
    rng, total = np.random.Generator(np.random.PCG64(seed)), int(clusters.max(initial=-1)) + 1
    seen = abs(float(statistic(a[None])[0] - statistic(b[None])[0]))
    step, hits = max(1, 2_000_000 // max(1, len(a))), 0
    for start in range(0, draws, step):
        rows = min(step, draws - start)
        swapped = rng.integers(0, 2, size=(rows, total), dtype=np.int8)[:, clusters] > 0
        apart = statistic(np.where(swapped, b, a)) - statistic(np.where(swapped, a, b))
        hits += int((np.abs(apart) >= seen - SLACK).sum())
    return (1 + hits) / (1 + draws)
