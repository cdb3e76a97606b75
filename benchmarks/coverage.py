"""How often 95 % intervals hold the truth, on simulated runs whose truth is known.

A run has clusters of 1 to about 20 items; each item belongs to one of 40 groups, a few frequent and
most rare, as relations are. Whether an item is right follows its group's true accuracy, with a
given correlation of the items of a cluster (a Gaussian copula). Beside the interval that benchbench
prints (Student's t over clusters below 100 of them, expanded percentiles from there on) stand BCa
and the two that are commonly printed: the plain percentile bootstrap of clusters in which a group
that a draw misses drops out of the mean, and the naive interval of independent items.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from scipy.special import ndtr

from benchbench.stats import bca, interval, mean_over_groups
from benchbench.stats.bootstrap import resampled_weights

Array = np.ndarray[Any, Any]
GROUPS = 40
RESAMPLES = 1000


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
    """Coverage of the intervals in one setting."""
    rng = np.random.default_rng([n_clusters, int(100 * correlation), macro])
    clusters, groups = structure(n_clusters, rng)
    if not macro:
        groups = np.zeros_like(groups)
    by_group = rng.uniform(0.3, 0.9, size=groups.max() + 1)
    # The same resamples serve all simulations: their answers are drawn anew each time.
    weights = np.concatenate(list(resampled_weights(n_clusters, RESAMPLES, seed=1)))
    held = np.zeros(4)
    for number in range(simulations):
        values = answers(by_group[groups], clusters, correlation, rng)
        mean = mean_over_groups(values, groups, clusters)
        draws = mean.value + (weights - 1.0) @ mean.influence
        # The plain one is slow: a tenth of the simulations is enough to show what it does.
        first = number < simulations // 10
        intervals = (
            interval(mean, draws, of_share=True),
            bca(draws, mean),
            plain(values, groups, clusters, weights) if first else (np.nan, np.nan),
            naive(values, groups),
        )
        held += [low <= by_group.mean() <= high for low, high in intervals]
    held[2] *= simulations / max(1, simulations // 10)
    what = f"macro over {len(by_group)} groups" if macro else "micro"
    shares = " | ".join(f"{100 * share:.1f}" for share in held / simulations)
    return f"| {n_clusters:,} | {correlation:.1f} | {what} | {shares} |"


def main() -> None:
    """Print a row a setting."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=10_000)
    parser.add_argument("--clusters", type=int, nargs="+", default=[20, 50, 100, 300, 900])
    parser.add_argument("--correlations", type=float, nargs="+", default=[0.0, 0.2, 0.5])
    options = parser.parse_args()
    print("| clusters | correlation | mean | benchbench | BCa | plain percentile | naive |")
    print("|---:|---:|---|---:|---:|---:|---:|")
    for n_clusters in options.clusters:
        for correlation in options.correlations:
            for macro in (False, True):
                print(cell(n_clusters, correlation, macro, options.simulations), flush=True)


if __name__ == "__main__":
    main()
