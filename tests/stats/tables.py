"""Tables of models that tests compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchbench.stats import panel

if TYPE_CHECKING:
    from benchbench.stats import Panel
    from benchbench.types.arrays import Floats, Indices


def plain(values: Floats, clusters: Indices | None = None) -> Panel:
    """Means over items: [items, models]."""
    clusters = np.arange(len(values)) if clusters is None else clusters
    return panel(values, np.zeros(len(values), dtype=np.intp), clusters)


def answers(
    accuracies: list[float], n: int, seed: int = 0, per_cluster: int = 3
) -> tuple[Floats, Indices]:
    """Right or wrong answers of models that find the same items hard: [items, models]; clusters."""
    rng = np.random.default_rng(seed)
    hardness = rng.uniform(size=(n, 1)) * 0.7 + 0.3 * rng.uniform(size=(n, len(accuracies)))
    return (hardness < np.array(accuracies)).astype(float), np.arange(n) // per_cluster
