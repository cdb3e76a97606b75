r"""Means over items and over groups of items, and the contribution of each cluster to them.

A cluster's *influence* is how far the mean moves when the cluster is left out, in the units of the
jackknife: the weighted sum of residuals over its items. Influences add up, so that variances and
bootstrap draws of any mean come from one column of numbers. With K clusters, n_g items in group g
and n_gc of them in cluster c,

.. math:: u_c = \frac{K-1}{K} \bigl(\hat\theta - \hat\theta_{(-c)}\bigr)
    = \frac{K-1}{K} \frac{1}{G} \sum_g \frac{1}{n_g - n_{gc}} \sum_{i \in c \cap g} (y_i - m_g)

(Efron and Stein 1981; the cluster-robust variance from these is CV3: Bell and McCaffrey 2002, *Bias
reduction in standard errors for linear regression with multi-stage samples*; MacKinnon, Nielsen and
Webb 2023, *Fast and reliable jackknife and bootstrap methods for cluster-robust inference*). It
equals the influence by the derivative where clusters are many or equal, and is larger where one
cluster holds much of a group, whose mean it draws towards itself.

m is the group's own mean where the group has items in ten clusters or more. A rarer group has
little information on its own spread (with one item, none), so that rare groups share one: their
residuals are taken from the mean of all items in rare groups, and weighted alike, by the root mean
square of their weights. That overestimates the variance where those groups differ, instead of
setting it to 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from benchbench.types.arrays import Flags, Floats, Indices


FEW_CLUSTERS = 10
"""A group with items in fewer clusters than this is rare."""


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean, with the clusters' influences that give its uncertainty."""

    value: float
    """NaN if there are no items."""
    influence: Floats
    """[clusters of the run]: the influence of each cluster."""
    n_items: int
    n_clusters: int
    n_groups: int
    rare_share: float
    """The weight on groups with items in fewer than ten clusters."""
    rare_weight: float = 0.0
    """The sum over those groups' items of their squared weights."""

    @property
    def standard_error(self) -> float:
        r"""Return the standard error by the jackknife over clusters.

        .. math:: \sqrt{\tfrac{K}{K-1} \sum_k u_k^2}
            = \sqrt{\tfrac{K-1}{K} \sum_k (\hat\theta_{(-k)} - \hat\theta)^2}

        NaN below two clusters that have an item. (CV3 of MacKinnon, Nielsen and Webb 2023.)
        """
        n = self.n_clusters
        if n < 2:
            return float("nan")
        return float(np.sqrt(n / (n - 1) * np.square(self.influence).sum()))

    @property
    def total(self) -> int:
        """Return the number of clusters of the run."""
        return len(self.influence)


@dataclass(frozen=True, slots=True)
class Layout:
    """The groups, clusters and weights of items: all that a mean needs besides the values."""

    groups: Indices
    """[items]: the number of each item's group."""
    clusters: Indices
    """[items]: the number of each item's cluster."""
    weights: Floats
    """[items]: the weight of each item in the mean; they add up to 1 minus the weight of groups
    without an item."""
    residual_weights: Floats
    """[items]: the weight of each item's residual in its cluster's influence."""
    rare: Flags
    """[groups]: whether the group has items in fewer than ten clusters."""
    pool: Flags
    """[items]: whether the item is in the pool whose mean replaces that of rare groups."""
    n_groups: int
    n_clusters: int
    total: int

    def mean(self, values: Floats) -> Mean:
        """Return the mean of values, [items]."""
        if not len(values):
            return Mean(float("nan"), np.zeros(self.total), 0, 0, 0, 0.0)
        own = np.bincount(self.groups, values) / np.bincount(self.groups)
        centres = np.where(self.rare, values[self.pool].mean(), own) if self.rare.any() else own
        moves = self.residual_weights * (values - centres[self.groups])
        in_rare = self.rare[self.groups]
        return Mean(
            value=float(own.sum() / self.n_groups),
            influence=np.bincount(self.clusters, moves, self.total).astype(np.float64),
            n_items=len(values),
            n_clusters=self.n_clusters,
            n_groups=self.n_groups,
            rare_share=float(self.rare.sum() / self.n_groups),
            rare_weight=float(np.square(self.weights[in_rare]).sum()),
        )


def build_layout(
    groups: Indices, clusters: Indices, *, total: int | None = None, absent: int = 0
) -> Layout:
    """Return the layout of items in groups and clusters, for several means over them.

    Args:
        groups: [items], numbered from 0 without gaps.
        clusters: [items], numbered from 0.
        total: the number of clusters of the run; by default up to the last that has an item.
        absent: the number of further groups, which have no item and count 0.
    """
    total = int(clusters.max(initial=-1)) + 1 if total is None else total
    cells, cell, in_cell = np.unique(
        groups * total + clusters, return_inverse=True, return_counts=True
    )
    sizes, in_cluster = np.bincount(groups), np.bincount(clusters, minlength=total)
    rare = np.bincount(cells // max(1, total), minlength=len(sizes)) < FEW_CLUSTERS
    weights = 1 / (sizes[groups] * (len(sizes) + absent))
    residual_weights, share, in_rare = weights.copy(), in_cell[cell] / sizes[groups], rare[groups]
    # All items in rare groups, or all of the run where these items together are in few clusters.
    pool = in_rare | (len(np.unique(clusters[in_rare])) < FEW_CLUSTERS)
    if in_rare.any():
        residual_weights[in_rare] = np.sqrt(np.square(weights[in_rare]).mean())
        share[in_rare] = np.bincount(clusters[pool], minlength=total)[clusters[in_rare]]
        share[in_rare] /= pool.sum()
    n_clusters = int((in_cluster > 0).sum())
    # The share is 1 only for the run's sole cluster; it has no influence on its own mean.
    residual_weights *= (
        (n_clusters - 1) / max(1, n_clusters) / np.where(share < 1, 1 - share, np.inf)
    )
    n_groups = len(sizes) + absent
    return Layout(
        groups, clusters, weights, residual_weights, rare, pool, n_groups, n_clusters, total
    )


def mean_over_groups(
    values: Floats,
    groups: Indices,
    clusters: Indices,
    *,
    total: int | None = None,
    absent: int = 0,
) -> Mean:
    """Return the unweighted mean over groups of each group's mean over its items.

    Args:
        values: [items].
        groups: [items], numbered from 0 without gaps; −1 leaves an item out. One group makes a
            plain mean over items.
        clusters: [items], numbered from 0.
        total: the number of clusters of the run; by default up to the last that has an item.
        absent: the number of further groups, which have no item and count 0.

    >>> mean_over_groups(np.array([1.0, 0.0, 1.0]), np.array([0, 0, 1]), np.arange(3)).value
    0.75
    """
    total = int(clusters.max(initial=-1)) + 1 if total is None else total
    kept = groups >= 0
    return build_layout(groups[kept], clusters[kept], total=total, absent=absent).mean(values[kept])
