"""Random items for the tests of statistics."""

from __future__ import annotations

import numpy as np


def random_items(
    seed: int, n: int = 60, n_clusters: int = 15
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values, groups and clusters of n items; some items in no group, every cluster with one."""
    rng = np.random.default_rng(seed)
    clusters = np.concatenate([np.arange(n_clusters), rng.integers(0, n_clusters, n - n_clusters)])
    return rng.random(n), rng.integers(-1, 4, size=n), clusters
