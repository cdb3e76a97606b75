"""Medians of items, and their bootstrap draws over clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from benchbench.types.arrays import Floats, Indices


CELLS = 4_000_000
"""Draws times items held at once: bounds memory at about 100 MB."""


@dataclass(frozen=True, slots=True)
class Median:
    """A median over items, with the data for its bootstrap draws.

    A median has no useful influence function where values are few and whole (ranks), so that each
    draw takes the median of the items drawn.
    """

    value: float
    """NaN if there are no items."""
    values: Floats
    """[items], in ascending order."""
    clusters: Indices
    """[items]: the cluster of each item, in the order of ``values``."""
    total: int
    """The number of clusters of the run."""
    n_items: int
    n_clusters: int
    n_groups: int = 1
    rare_share: float = 0.0

    def redraw(self, weights: Floats) -> Floats:
        """Return the median under cluster weights: [draws, clusters] → [draws].

        It is the mean of the two middle values if the number of items is even, as in
        ``numpy.median``.
        """
        if not self.n_items:
            return np.full(len(weights), np.nan)
        step = max(1, CELLS // self.n_items)
        parts = [self._redraw_block(weights[i : i + step]) for i in range(0, len(weights), step)]
        return np.concatenate(parts)

    def _redraw_block(self, weights: Floats) -> Floats:
        drawn = np.cumsum(weights[:, self.clusters], axis=1)  # [draws, items]
        total = drawn[:, -1:]
        lower = (drawn < np.ceil(total / 2)).sum(axis=1)
        upper = (drawn < np.floor(total / 2) + 1).sum(axis=1)
        last = self.n_items - 1
        middle = self.values[np.minimum(lower, last)] + self.values[np.minimum(upper, last)]
        return np.where(total[:, 0] > 0, middle / 2, np.nan)


def median_over_items(values: Floats, clusters: Indices, total: int | None = None) -> Median:
    """Return the median of items.

    Args:
        values: [items].
        clusters: [items], numbered from 0.
        total: the number of clusters of the run; by default up to the last that has an item.

    >>> median_over_items(np.array([3.0, 1.0, 2.0, 10.0]), np.arange(4)).value
    2.5
    """
    order = np.argsort(values, kind="stable")
    return Median(
        value=float(np.median(values)) if len(values) else float("nan"),
        values=values[order],
        clusters=clusters[order],
        total=int(clusters.max(initial=-1)) + 1 if total is None else total,
        n_items=len(values),
        n_clusters=len(np.unique(clusters)),
    )
