r"""Means over items and over groups of items, and what each cluster contributes to them.

A cluster's *influence* is how far the mean moves when the cluster is left out, in the units of the
jackknife: the sum over its items of residuals, by their weight. Influences add up, so that
variances and bootstrap draws of any mean come from one column of numbers. With K clusters, n_g
items in group g and n_gc of them in cluster c,

.. math:: u_c = \frac{K-1}{K} \bigl(\hat\theta - \hat\theta_{(-c)}\bigr)
    = \frac{K-1}{K} \frac{1}{G} \sum_g \frac{1}{n_g - n_{gc}} \sum_{i \in c \cap g} (y_i - m_g)

(Efron and Stein 1981; the cluster-robust variance from these is CV3: Bell and McCaffrey 2002,
*Bias reduction in standard errors for linear regression with multi-stage samples*; MacKinnon,
Nielsen and Webb 2023, *Fast and reliable jackknife and bootstrap methods for cluster-robust
inference*). It is that of the derivative where clusters are many or equal, and larger where one
holds much of a group, whose mean it draws towards itself.

m is the group's own mean where the group has items in ten clusters or more. A rarer group says
little of its own spread (one item: nothing), so that rare groups share one: their residuals are
taken from the mean of all items in rare groups, and weighted alike, by the root mean square of
their weights. That is an overestimate where those groups differ, rather than none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]
    Integers = npt.NDArray[np.intp]

FEW_CLUSTERS = 10
"""A group with items in fewer clusters is rare."""


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean and where its uncertainty comes from."""

    value: float
    """NaN where there is no item."""
    influence: Floats
    """[clusters of the run]"""
    n_items: int
    n_clusters: int
    n_groups: int
    rare_share: float
    """Weight on groups with items in fewer than ten clusters."""
    rare_weight: float = 0.0
    """Sum over those groups' items of their squared weights."""

    @property
    def standard_error(self) -> float:
        r"""By the jackknife over clusters; NaN below two clusters that have an item.

        .. math:: \sqrt{\tfrac{K}{K-1} \sum_k u_k^2}
            = \sqrt{\tfrac{K-1}{K} \sum_k (\hat\theta_{(-k)} - \hat\theta)^2}

        (CV3 of MacKinnon, Nielsen and Webb 2023.)
        """
        n = self.n_clusters
        if n < 2:
            return float("nan")
        return float(np.sqrt(n / (n - 1) * np.square(self.influence).sum()))

    @property
    def total(self) -> int:
        """Clusters of the run."""
        return len(self.influence)


def mean_over_groups(
    values: Floats,
    groups: Integers,
    clusters: Integers,
    *,
    total: int | None = None,
    absent: int = 0,
) -> Mean:
    """The unweighted mean over groups of each group's mean over its items.

    Args:
        values: [items].
        groups: [items], numbered from 0 without gaps; −1 leaves an item out. One group makes a
            plain mean over items.
        clusters: [items], numbered from 0.
        total: clusters of the run; by default up to the last that an item has.
        absent: groups beside these that have no item and count 0.

    >>> mean_over_groups(np.array([1.0, 0.0, 1.0]), np.array([0, 0, 1]), np.arange(3)).value
    0.75
    """
    total = int(clusters.max(initial=-1)) + 1 if total is None else total
    kept = groups >= 0
    values, groups, clusters = values[kept], groups[kept], clusters[kept]
    if not len(values):
        return Mean(float("nan"), np.zeros(total), 0, 0, 0, 0.0)
    n_clusters = len(np.unique(clusters))
    cells, cell, in_cell = np.unique(
        groups * total + clusters, return_inverse=True, return_counts=True
    )
    sizes = np.bincount(groups)
    rare = np.bincount(cells // total, minlength=len(sizes)) < FEW_CLUSTERS
    means = np.bincount(groups, weights=values) / sizes
    n_groups = len(sizes) + absent
    weights = 1 / (sizes[groups] * n_groups)
    centres, share, in_rare = means[groups], in_cell[cell] / sizes[groups], rare[groups]
    rare_weight = float(np.square(weights[in_rare]).sum())
    if in_rare.any():
        pool = _pool(in_rare, clusters)
        centres[in_rare] = values[pool].mean()
        share[in_rare] = (np.bincount(clusters[pool], minlength=total) / pool.sum())[
            clusters[in_rare]
        ]
        weights[in_rare] = np.sqrt(rare_weight / in_rare.sum())
    # Only a cluster that is alone holds all of a group; it has no influence on its own mean.
    moves = weights * (values - centres) / np.where(share < 1, 1 - share, np.inf)
    return Mean(
        value=float(means.sum() / n_groups),
        influence=np.bincount(clusters, moves, total) * (n_clusters - 1) / n_clusters,
        n_items=len(values),
        n_clusters=n_clusters,
        n_groups=n_groups,
        rare_share=float(rare.sum() / n_groups),
        rare_weight=rare_weight,
    )


def _pool(in_rare: Flags, clusters: Integers) -> Flags:
    """The items whose mean stands for rare groups: [items].

    All in rare groups, or all of the run where those too lie in few clusters.
    """
    return in_rare | (len(np.unique(clusters[in_rare])) < FEW_CLUSTERS)
