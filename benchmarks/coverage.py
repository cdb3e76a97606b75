"""How often 95 % intervals hold the truth, on simulated runs whose truth is known.

A run has clusters of 1 to about 20 items; each item belongs to one of 40 groups, a few frequent and
most rare, as relations are. Whether an item is right follows its group's true accuracy, with a
given correlation of the items of a cluster (a Gaussian copula). Beside the intervals that
benchbench prints stand the two that are commonly printed: the naive one of independent items
(normal, binomial), and the plain percentile bootstrap of clusters in which a group that a draw
misses drops out of the mean.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from scipy.special import ndtr

from benchbench.stats import bootstrap_draws, expanded_percentiles, mean_over_groups

Array = np.ndarray[Any, Any]
GROUPS = 40


def structure(n_clusters: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Clusters and groups of items: two [items]."""
    clusters = np.repeat(np.arange(n_clusters), rng.geometric(0.18, n_clusters))
    share = 1 / np.arange(1, GROUPS + 1) ** 1.5
    groups = rng.choice(GROUPS, size=len(clusters), p=share / share.sum())
    return clusters, np.unique(groups, return_inverse=True)[1]


def answers(truth: Array, clusters: Array, correlation: float, rng: np.random.Generator) -> Array:
    """Right or wrong, per item, with the items of a cluster correlated."""
    shared = rng.normal(size=clusters.max() + 1)[clusters]
    own = rng.normal(size=len(clusters))
    latent = np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own
    return np.asarray(ndtr(latent) < truth, dtype=float)


def naive(values: Array, groups: Array) -> tuple[float, float]:
    """Mean over groups ± 1.96 standard errors of independent items."""
    sizes = np.bincount(groups)
    means = np.bincount(groups, values) / sizes
    spread = 1.96 * np.sqrt((means * (1 - means) / sizes).sum()) / len(sizes)
    return means.mean() - spread, means.mean() + spread


def plain(values: Array, groups: Array, clusters: Array, weights: Array) -> tuple[float, float]:
    """Percentile bootstrap of clusters in which missed groups drop out."""
    shape = (clusters.max() + 1, groups.max() + 1)
    place = clusters * shape[1] + groups
    sums = np.bincount(place, values, shape[0] * shape[1]).reshape(shape)
    sizes = np.bincount(place, minlength=shape[0] * shape[1]).reshape(shape)
    drawn = weights @ sizes
    with np.errstate(invalid="ignore"):
        means = np.nanmean((weights @ sums) / np.where(drawn > 0, drawn, np.nan), axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def cell(n_clusters: int, correlation: float, macro: bool, simulations: int) -> str:
    """Coverage of the three intervals in one setting."""
    rng = np.random.default_rng([n_clusters, int(100 * correlation), macro])
    clusters, groups = structure(n_clusters, rng)
    if not macro:
        groups = np.zeros_like(groups)
    by_group = rng.uniform(0.3, 0.9, size=groups.max() + 1)
    weights = rng.multinomial(n_clusters, np.full(n_clusters, 1 / n_clusters), size=1000)
    held = np.zeros(3)
    for seed in range(simulations):
        values = answers(by_group[groups], clusters, correlation, rng)
        mean = mean_over_groups(values, groups, clusters)
        draws = bootstrap_draws([mean], resamples=1000, seed=seed)[:, 0]
        intervals = (
            expanded_percentiles(draws, mean.n_clusters),
            plain(values, groups, clusters, weights),
            naive(values, groups),
        )
        held += [low <= by_group.mean() <= high for low, high in intervals]
    what = f"macro over {len(by_group)} groups" if macro else "micro"
    shares = "".join(f"{100 * share:12.1f}" for share in held / simulations)
    return f"{n_clusters:9,}{correlation:12.1f}  {what:21}{shares}"


def main() -> None:
    """Print a row a setting."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=2000)
    parser.add_argument("--clusters", type=int, nargs="+", default=[20, 70, 200, 900])
    options = parser.parse_args()
    print(" clusters correlation  mean                   benchbench       plain       naive")
    for n_clusters in options.clusters:
        for correlation in (0.0, 0.3):
            for macro in (False, True):
                print(cell(n_clusters, correlation, macro, options.simulations), flush=True)


if __name__ == "__main__":
    main()
