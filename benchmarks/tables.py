"""Time the comparison of all pairs of models at full size, beside scipy.

Twenty models on items like VG-Attribution's (28,748 items, 117 groups, images of several items):
the mean over groups of each, 10,000 resamples of whole images for intervals and places, 10,000 sign
flips for all 190 pairs. Beside it, in the same process, ``scipy.stats.bootstrap`` on one pair's
difference with a few resamples, scaled to the same work.

    python benchmarks/tables.py
"""

from __future__ import annotations

import resource
import time

import click
import numpy as np
from scipy.stats import bootstrap

from benchbench.stats import flip, panel, rank_sets, step_down
from benchbench.stats.bootstrap import expanded_percentiles

SCIPY_RESAMPLES = 20


@click.command()
@click.option("--models", default=20, show_default=True)
@click.option("--items", default=28_748, show_default=True)
@click.option("--groups", default=117, show_default=True)
@click.option("--images", default=8_000, show_default=True)
@click.option("--draws", default=10_000, show_default=True)
def main(models: int, items: int, groups: int, images: int, draws: int) -> None:
    """Time the comparison of all pairs, and print seconds, memory and the ratio."""
    rng = np.random.default_rng(0)
    clusters = np.sort(rng.integers(0, images, items))
    clusters = np.unique(clusters, return_inverse=True)[1]
    share = 1 / np.arange(1, groups + 1)
    group = rng.choice(groups, size=items, p=share / share.sum())
    group = np.unique(group, return_inverse=True)[1]
    hardness = rng.uniform(size=(items, 1))
    truth = np.linspace(0.5, 0.7, models)
    values = (0.7 * hardness + 0.3 * rng.uniform(size=(items, models)) < truth).astype(float)

    before, started = memory(), time.perf_counter()
    table = panel(values, group, clusters)
    redrawn = table.redraw(draws)
    for column, value in enumerate(table.values):
        expanded_percentiles(value + redrawn[:, column], table.n_clusters)
    step_down(flip(table, table.pairs(), draws=draws))
    rank_sets(table, resamples=draws)
    ours, used = time.perf_counter() - started, memory() - before

    sizes = np.bincount(group)
    ordered = [np.flatnonzero(clusters == k) for k in range(clusters.max() + 1)]
    apart = values[:, 0] - values[:, 1]

    def difference(chosen: np.ndarray) -> float:
        rows = np.concatenate([ordered[k] for k in chosen.astype(int)])
        counts = np.bincount(group[rows], minlength=len(sizes))
        sums = np.bincount(group[rows], apart[rows], len(sizes))
        return float(np.mean(sums[counts > 0] / counts[counts > 0]))

    started = time.perf_counter()
    bootstrap(
        (np.arange(len(ordered)),), difference, vectorized=False, method="percentile",
        n_resamples=SCIPY_RESAMPLES, rng=np.random.default_rng(0),
    )  # fmt: skip
    one = (time.perf_counter() - started) / (SCIPY_RESAMPLES + 1)
    theirs = one * draws * len(table.pairs())
    click.echo(
        f"{models} models, {items:,} items, {table.n_clusters:,} images, {groups} groups, "
        f"{draws:,} draws, {len(table.pairs())} pairs\n"
        f"benchbench          {ours:10.1f} s, {used:.0f} MB more at the peak\n"
        f"scipy.stats.bootstrap {theirs:8.0f} s, scaled from {SCIPY_RESAMPLES} resamples of one "
        f"pair: {theirs / ours:,.0f} times as long"
    )


def memory() -> float:
    """Return this process's peak memory, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
