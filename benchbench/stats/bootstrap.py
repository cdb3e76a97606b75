r"""The cluster bootstrap: intervals for items that are dependent within a source image.

Whole clusters are drawn with replacement, as many as there are (Field and Welsh 2007,
*Bootstrapping clustered data*). With w the number of times that cluster c was drawn and u its
influence,

.. math:: \hat\theta^* = \hat\theta + \sum_c (w_c - 1)\, u_c

so that a group which a draw happens to miss does not drop out of a mean over groups, which would
shift every draw towards the frequent groups. The interval is the *expanded percentile* one
(Hesterberg 2015, *What teachers should know about the bootstrap*, §4.3): the percentiles are moved
out by as much as Student's interval for that number of clusters is wider than the normal one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from benchbench.errors import UsageError
from benchbench.stats.means import Mean
from benchbench.stats.medians import Median

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchbench.types.arrays import Floats


RESAMPLES = 10_000
BLOCK_BYTES = 64 << 20


def bootstrap_draws(
    statistics: Sequence[Mean | Median], *, resamples: int = RESAMPLES, seed: int = 0
) -> Floats:
    """Return bootstrap draws of several statistics of one run, from the same resampled clusters.

    Args:
        statistics: means and medians over the same clusters.
        resamples: the number of draws.
        seed: the seed of the draws; equal cluster counts and seeds give equal resamples.

    Returns:
        [resamples, statistics]

    Raises:
        UsageError: ``resamples`` is less than 1.
    """
    if resamples < 1:
        raise UsageError(f"The number of resamples should be at least 1, not {resamples}.")
    draws = np.empty((resamples, len(statistics)))
    means = {i: each for i, each in enumerate(statistics) if isinstance(each, Mean)}
    total = statistics[0].total
    influence = np.empty((total, len(means)))
    for column, mean in enumerate(means.values()):
        influence[:, column] = mean.influence
    done = 0
    for weights in resampled_weights(total, resamples, seed):
        rows = slice(done, done + len(weights))
        done += len(weights)
        draws[rows, [*means]] = (weights - 1.0) @ influence
        for i, each in enumerate(statistics):
            if isinstance(each, Median):
                draws[rows, i] = each.redraw(weights)
    draws[:, [*means]] += [mean.value for mean in means.values()]
    return draws


def expanded_percentiles(
    draws: Floats, n_clusters: int, level: float = 0.95
) -> tuple[float, float]:
    """Return the interval (low, high) of one number's draws, [resamples]; NaN below two clusters.

    A draw that misses every item has no median (NaN) and does not count: of ten clusters among
    thousands, one draw in 22,000 is of none.

    >>> low, high = expanded_percentiles(np.arange(10_001.0), n_clusters=1_000_000)
    >>> round(low), round(high)
    (250, 9750)
    """
    if n_clusters < 2:
        return float("nan"), float("nan")
    tail = expanded_tail(n_clusters, level)
    low, high = np.quantile(draws[~np.isnan(draws)], [tail, 1 - tail])
    return float(low), float(high)


def expanded_tail(n_clusters: int, level: float) -> float:
    r"""Return the share of draws outside the interval on either side.

    .. math:: \Phi\bigl(-\sqrt{n/(n-1)}\; t_{n-1,\,(1+level)/2}\bigr)

    >>> round(expanded_tail(10, 0.95), 4), round(expanded_tail(10**6, 0.95), 4)
    (0.0086, 0.025)
    """
    from scipy.special import ndtr, stdtrit

    quantile = stdtrit(n_clusters - 1, (1 + level) / 2)
    return float(ndtr(-math.sqrt(n_clusters / (n_clusters - 1)) * quantile))


def resampled_weights(n_clusters: int, resamples: int, seed: int) -> Iterator[Floats]:
    """Yield how often each cluster is drawn, in blocks of draws: [block, clusters].

    Equal numbers of clusters and equal seeds give equal weights: the models of a table share their
    resamples.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    block = max(1, BLOCK_BYTES // (24 * n_clusters))
    for start in range(0, resamples, block):
        n = min(block, resamples - start)
        drawn = rng.integers(n_clusters, size=(n, n_clusters), dtype=np.int64)
        drawn += np.arange(n, dtype=np.int64)[:, None] * n_clusters
        counts = np.bincount(drawn.ravel(), minlength=n * n_clusters)
        yield counts.reshape(n, n_clusters).astype(np.float64)
