r"""Means over items and over groups of items, and what each cluster contributes to them.

A cluster's *influence* is how far the mean moves, to first order, when the cluster counts once
more: the sum over its items of residuals, by their weight. Influences add up, so that variances
and bootstrap draws of any mean come from one column of numbers (the linearisation behind
cluster-robust standard errors; Huber 1967; Cameron and Miller 2015, §II).

.. math:: u_c = \frac{1}{G} \sum_g \frac{1}{n_g} \sum_{i \in c \cap g} (y_i - m_g)

m is the group's own mean where the group has items in ten clusters or more. A rarer group says
little of its own spread (one item: nothing), so that its residuals are taken from the mean of all
items in rare groups: an overestimate where those groups differ, rather than none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
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

    @property
    def standard_error(self) -> float:
        r"""Cluster-robust; NaN below two clusters that have an item.

        .. math:: \sqrt{\tfrac{K}{K-1} \sum_k u_k^2}

        (Cameron and Miller 2015, *A practitioner's guide to cluster-robust inference*, §II.)
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
    sizes = np.bincount(groups)
    means = np.bincount(groups, weights=values) / sizes
    rare = _clusters_per_group(groups, clusters, len(sizes)) < FEW_CLUSTERS
    centres = np.where(rare, _centre_of_rare(values, rare[groups], clusters), means)
    n_groups = len(sizes) + absent
    residuals = (values - centres[groups]) / (sizes[groups] * n_groups)
    return Mean(
        value=float(means.sum() / n_groups),
        influence=np.bincount(clusters, residuals, total).astype(np.float64),
        n_items=len(values),
        n_clusters=len(np.unique(clusters)),
        n_groups=n_groups,
        rare_share=float(rare.sum() / n_groups),
    )


def _clusters_per_group(groups: Integers, clusters: Integers, n_groups: int) -> Integers:
    n_clusters = int(clusters.max()) + 1
    pairs = np.unique(groups * n_clusters + clusters)
    return np.bincount(pairs // n_clusters, minlength=n_groups)


def _centre_of_rare(values: Floats, in_rare: npt.NDArray[np.bool_], clusters: Integers) -> float:
    """The mean of all items in rare groups; of all items where those too lie in few clusters."""
    if len(np.unique(clusters[in_rare])) < FEW_CLUSTERS:
        return float(values.mean())
    return float(values[in_rare].mean())
