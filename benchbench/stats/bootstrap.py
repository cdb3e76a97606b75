r"""The cluster bootstrap: intervals that know that items of one image are not independent.

Whole clusters are drawn with replacement, as many as there are, and every mean is computed anew
from the drawn items (Field and Welsh 2007, *Bootstrapping clustered data*; percentile interval,
Efron 1981). A mean over groups is the mean over those groups that the draw contains:

.. math:: \hat\theta^* = \frac{1}{|G^*|} \sum_{g \in G^*}
          \frac{\sum_c w_c S_{cg}}{\sum_c w_c N_{cg}}

with S the sum of values and N the number of items of cluster c in group g, and w how often c was
drawn. Each draw is a row of one matrix product, so that any number of means share the draws.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

RESAMPLES = 10_000
BLOCK_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class GroupedMean:
    """A mean over groups of means over items, and its bootstrap draws."""

    value: float
    draws: Floats
    """[resamples]; NaN where a draw holds no item of any group."""
    group_values: Floats
    """[groups], each group's own mean."""
    group_draws: Floats
    """[resamples, groups]; NaN where a draw holds no item of the group."""
    n_items: int
    n_clusters: int
    group_items: npt.NDArray[np.intp]
    """[groups]"""
    group_clusters: npt.NDArray[np.intp]
    """[groups], clusters with at least one item of the group."""


def grouped_means(
    values: Sequence[Floats],
    groups: Sequence[npt.NDArray[np.intp]],
    clusters: npt.NDArray[np.intp],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[GroupedMean]:
    """Several means over the same items, bootstrapped over the same draws of clusters.

    Args:
        values: per mean, [items].
        groups: per mean, [items], numbered from 0 without gaps; −1 leaves an item out. A plain
            mean over items has one group.
        clusters: [items], numbered from 0 without gaps.
        resamples: number of draws.
        seed: of the draws; equal cluster counts and seeds give equal draws.

    Returns:
        A GroupedMean per mean.

    >>> one = grouped_means([np.array([1.0, 0.0, 1.0])], [np.array([0, 0, 1])], np.arange(3))[0]
    >>> one.value, one.group_values.tolist()
    (0.75, [0.5, 1.0])
    """
    if not len(clusters):
        raise UsageError("There are no items to estimate from.")
    n_clusters = int(clusters.max()) + 1
    tables = [_tables(v, g, clusters, n_clusters) for v, g in zip(values, groups, strict=True)]
    columns = np.concatenate([part for pair in tables for part in pair], axis=1)
    drawn = np.concatenate([weights @ columns for weights in _weights(n_clusters, resamples, seed)])
    results, start = [], 0
    for sums, sizes in tables:
        middle, end = start + sums.shape[1], start + 2 * sums.shape[1]
        results.append(_summary(sums, sizes, drawn[:, start:middle], drawn[:, middle:end]))
        start = end
    return results


def percentile_interval(draws: Floats, level: float = 0.95) -> tuple[float, float]:
    """The central interval of bootstrap draws: [resamples] → low, high.

    >>> percentile_interval(np.arange(101.0), level=0.5)
    (25.0, 75.0)
    """
    held = draws[~np.isnan(draws)]
    tail = (1 - level) / 2
    low, high = np.quantile(held, [tail, 1 - tail])
    return float(low), float(high)


def _tables(
    values: Floats, groups: npt.NDArray[np.intp], clusters: npt.NDArray[np.intp], n_clusters: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Sum of values and number of items per cluster and group: two [clusters, groups].

    In float32: whole and half credits are exact up to 2**23 items, at twice the speed.
    """
    kept = groups >= 0
    n_groups = int(groups.max(initial=-1)) + 1
    if not n_groups:
        raise UsageError("Every item is left out: there is no group to average over.")
    place = clusters[kept] * n_groups + groups[kept]
    shape = (n_clusters, n_groups)
    sums = np.bincount(place, weights=values[kept], minlength=n_clusters * n_groups)
    sizes = np.bincount(place, minlength=n_clusters * n_groups)
    return sums.reshape(shape).astype(np.float32), sizes.reshape(shape).astype(np.float32)


def _weights(n_clusters: int, resamples: int, seed: int) -> Iterator[npt.NDArray[np.float32]]:
    """How often each cluster is drawn, in blocks of draws: [block, clusters]."""
    rng = np.random.Generator(np.random.PCG64(seed))
    block = max(1, BLOCK_BYTES // (16 * n_clusters))
    for start in range(0, resamples, block):
        n = min(block, resamples - start)
        drawn = rng.integers(n_clusters, size=(n, n_clusters), dtype=np.int64)
        drawn += np.arange(n, dtype=np.int64)[:, None] * n_clusters
        counts = np.bincount(drawn.ravel(), minlength=n * n_clusters)
        yield counts.reshape(n, n_clusters).astype(np.float32)


def _summary(
    sums: npt.NDArray[np.float32],
    sizes: npt.NDArray[np.float32],
    drawn_sums: npt.NDArray[np.float32],
    drawn_sizes: npt.NDArray[np.float32],
) -> GroupedMean:
    group_draws = np.full(drawn_sums.shape, np.nan)
    np.divide(drawn_sums, drawn_sizes, out=group_draws, where=drawn_sizes > 0)
    present = (drawn_sizes > 0).sum(axis=1)
    draws = np.full(len(group_draws), np.nan)
    np.divide(np.nansum(group_draws, axis=1), present, out=draws, where=present > 0)
    group_items = sizes.sum(axis=0, dtype=np.float64)
    group_values = sums.sum(axis=0, dtype=np.float64) / group_items
    return GroupedMean(
        value=float(group_values.mean()),
        draws=draws,
        group_values=group_values,
        group_draws=group_draws,
        n_items=int(group_items.sum()),
        n_clusters=int((sizes.sum(axis=1) > 0).sum()),
        group_items=group_items.astype(np.intp),
        group_clusters=(sizes > 0).sum(axis=0),
    )
