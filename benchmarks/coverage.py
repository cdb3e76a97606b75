"""Measure how often 95 % intervals hold the truth, on simulated runs whose truth is known.

Clusters hold 1 to 12 items, as images do in VG-Relation. Whether an item is right follows its
group's true accuracy, with a given correlation of the items of a cluster (a Gaussian copula). The
score is a mean over items, or one over groups: ten, each in many clusters; or forty, a few frequent
and most rare, of which benchbench says itself that it is unreliable (there marked ?). A difference
is of two models that share half of what decides, four points apart.

Beside the interval that benchbench prints stand those that ``--interval`` offers, and two that are
commonly printed: the plain percentile bootstrap of clusters in which a group that a draw misses
drops out of the mean, and the naive interval of independent items.

    python benchmarks/coverage.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import numpy as np
from scipy.special import ndtri

from benchbench.stats import interval
from benchbench.stats.bootstrap import resampled_weights
from benchbench.stats.means import build_layout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchbench.stats import Mean, Method

Array = np.ndarray[Any, Any]
RESAMPLES = 1000
STRUCTURES = 10
"""Sets of clusters and groups of a setting and an accuracy: none should decide alone."""
SLOW, SLOWEST = 10, 50
"""One in so many simulations shows what those do that resample, and the plain one."""
NONE = (np.nan, np.nan)
MOST = 12
GAP = 0.04
METHODS: tuple[Method, ...] = ("auto", "t", "percentile", "bca")
ACCURACIES = (0.5, 0.7, 0.9, 0.95)
MEANS = ("items", "10 groups", "40 groups, rare ones")


def structure(n_clusters: int, over: str, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return the cluster and the group of each item: two [items]."""
    sizes = rng.geometric(0.18, n_clusters)
    while (large := sizes > MOST).any():
        sizes[large] = rng.geometric(0.18, large.sum())
    clusters = np.repeat(np.arange(n_clusters), sizes)
    if over == "items":
        return clusters, np.zeros_like(clusters)
    count, steep = (10, 0.5) if over == "10 groups" else (40, 1.5)
    share = 1 / np.arange(1, count + 1) ** steep
    groups = rng.choice(count, size=len(clusters), p=share / share.sum())
    return clusters, np.unique(groups, return_inverse=True)[1]


def latent(clusters: Array, correlation: float, rng: np.random.Generator) -> Array:
    """Draw standard normal values per item, correlated within clusters."""
    shared = rng.normal(size=clusters.max() + 1)[clusters]
    own = rng.normal(size=len(clusters))
    return np.asarray(np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own)


def answers(
    truth: Array, clusters: Array, correlation: float, of_share: bool, rng: np.random.Generator
) -> Array:
    """Draw outcomes per item: right or wrong, or the difference of two models."""
    one = latent(clusters, correlation, rng)
    if of_share:
        return np.asarray(one < ndtri(truth), dtype=float)
    common = latent(clusters, correlation, rng)
    two = latent(clusters, correlation, rng)
    old, new = (np.sqrt(0.5) * (common + each) for each in (one, two))
    return np.asarray((new < ndtri(truth - GAP)).astype(float) - (old < ndtri(truth)))


def naive(values: Array, groups: Array) -> tuple[float, float]:
    """Return the mean over groups ± 1.96 standard errors of independent items."""
    sizes = np.bincount(groups)
    means, squares = (np.bincount(groups, each) / sizes for each in (values, values**2))
    spread = 1.96 * np.sqrt(((squares - means**2) / sizes).sum()) / len(sizes)
    return means.mean() - spread, means.mean() + spread


def plain(values: Array, groups: Array, clusters: Array, weights: Array) -> tuple[float, float]:
    """Return the percentile bootstrap of clusters in which missed groups drop out."""
    shape = (clusters.max() + 1, groups.max() + 1)
    place = clusters * shape[1] + groups
    sums = np.bincount(place, values, shape[0] * shape[1]).reshape(shape)
    sizes = np.bincount(place, minlength=shape[0] * shape[1]).reshape(shape)
    drawn = weights @ sizes
    with np.errstate(invalid="ignore"):
        means = np.nanmean((weights @ sums) / np.where(drawn > 0, drawn, np.nan), axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def bounds(mean: Mean, moved: Array | None, of_share: bool) -> list[tuple[float, float]]:
    """Return benchbench's intervals; NaN for resampling methods without draws of clusters."""
    draws = np.zeros(0) if moved is None else mean.value + moved @ mean.influence
    return [
        interval(mean, draws, of_share=of_share, method=method)
        if moved is not None or method in ("auto", "t")
        else NONE
        for method in METHODS
    ]


def truths(n_groups: int, accuracy: float, rng: np.random.Generator) -> Array:
    """Return the accuracy of each group: up to 20 points from the mean, within [0, 1]."""
    if n_groups == 1:
        return np.array([accuracy])
    return accuracy + min(0.2, 0.99 - accuracy) * rng.uniform(-1, 1, n_groups)


def cell(
    n_clusters: int, correlation: float, over: str, of_share: bool, simulations: int
) -> tuple[Array, Array, float, float]:
    """Simulate one setting.

    Returns:
        [accuracies, intervals] how many of them hold the truth, how many there are; the mean width
        of ours; the mean weight of rare groups.
    """
    code = MEANS.index(over)
    rng = np.random.default_rng([n_clusters, int(100 * correlation), code, of_share])
    held, tried = np.zeros((2, len(ACCURACIES), len(METHODS) + 2))
    width, rare, turns = 0.0, 0.0, simulations // (STRUCTURES * len(ACCURACIES))
    for turn in range(STRUCTURES * len(ACCURACIES)):
        which = turn % len(ACCURACIES)
        clusters, groups = structure(n_clusters, over, rng)
        by_group = truths(groups.max() + 1, ACCURACIES[which], rng)
        truth = by_group.mean() if of_share else -GAP
        layout = build_layout(groups, clusters)
        seed = int(rng.integers(2**31))
        weights = np.concatenate(list(resampled_weights(n_clusters, RESAMPLES, seed=seed)))
        moved = weights - 1.0
        for again in range(turns):
            values = answers(by_group[groups], clusters, correlation, of_share, rng)
            mean = layout.mean(values)
            each = bounds(mean, None if again % SLOW else moved, of_share)
            each.append(NONE if again % SLOWEST else plain(values, groups, clusters, weights))
            each.append(naive(values, groups))
            held[which] += [low <= truth <= high for low, high in each]
            tried[which] += [not np.isnan(low) for low, _ in each]
            width += each[0][1] - each[0][0]
            rare += mean.rare_share
    made = tried[:, 0].sum()
    return held, tried, float(width / made), float(rare / made)


def row(n_clusters: int, correlation: float, over: str, of_share: bool, simulations: int) -> str:
    """Return a line of the table."""
    held, tried, width, rare = cell(n_clusters, correlation, over, of_share, simulations)
    each = " ".join(f"{share:.1f}" for share in 100 * held[:, 0] / tried[:, 0])
    first, *others = 100 * held.sum(axis=0) / tried.sum(axis=0)
    what = ("mean" if of_share else "difference") + f" over {over}" + " ?" * (rare > 0.2)
    shown = [f"{n_clusters:,}", f"{correlation:.1f}", what, f"{first:.1f}", each]
    shown += [f"{100 * width:.1f}", *(f"{share:.1f}" for share in others)]
    return f"| {' | '.join(shown)} |"


@click.command()
@click.option(
    "--simulations", default=10_000, show_default=True, help="A setting, over all accuracies."
)
@click.option("--clusters", multiple=True, type=int, default=(20, 50, 100, 300, 900))
@click.option("--correlations", multiple=True, type=float, default=(0.0, 0.2, 0.5))
def main(simulations: int, clusters: Sequence[int], correlations: Sequence[float]) -> None:
    """Print a row for each setting."""
    at = ", ".join(f"{p:g}" for p in ACCURACIES)
    heads = ["clusters", "correlation", "score", "benchbench", f"at {at}", "width", *METHODS[1:]]
    click.echo(f"| {' | '.join([*heads, 'plain percentile', 'naive'])} |")
    click.echo("|---:|---:|---|" + "---:|" * 8)
    for n_clusters in clusters:
        for over in MEANS:
            for of_share in (True, False):
                for correlation in correlations:
                    click.echo(row(n_clusters, correlation, over, of_share, simulations))


if __name__ == "__main__":
    main()
