"""Medians of items, and how they move when clusters are drawn again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.intp]


CELLS = 4_000_000
"""Draws times items at once: bounds memory at about 100 MB."""


@dataclass(frozen=True, slots=True)
class Median:
    """A median over items, with what it takes to draw it again.

    A median has no useful influence function where values are few and whole (ranks), so that each
    draw takes the median of the items drawn.
    """

    value: float
    """NaN where there is no item."""
    values: Floats
    """[items], in ascending order."""
    clusters: Integers
    """[items]"""
    total: int
    """Clusters of the run."""
    n_items: int
    n_clusters: int
    n_groups: int = 1
    rare_share: float = 0.0

    def redrawn(self, weights: Floats) -> Floats:
        """The median when each cluster counts so many times: [draws, clusters] → [draws].

        The mean of the two middle values where the number of items is even, as ``numpy.median``.
        """
        if not self.n_items:
            return np.full(len(weights), np.nan)
        step = max(1, CELLS // self.n_items)
        parts = [self._redrawn(weights[i : i + step]) for i in range(0, len(weights), step)]
        return np.concatenate(parts)

    def _redrawn(self, weights: Floats) -> Floats:
        drawn = np.cumsum(weights[:, self.clusters], axis=1)  # [draws, items]
        total = drawn[:, -1:]
        lower = (drawn < np.ceil(total / 2)).sum(axis=1)
        upper = (drawn < np.floor(total / 2) + 1).sum(axis=1)
        last = self.n_items - 1
        middle = self.values[np.minimum(lower, last)] + self.values[np.minimum(upper, last)]
        return np.where(total[:, 0] > 0, middle / 2, np.nan)


def median_over_items(values: Floats, clusters: Integers, total: int | None = None) -> Median:
    """The median of items.

    Args:
        values: [items].
        clusters: [items], numbered from 0.
        total: clusters of the run; by default up to the last that an item has.

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
