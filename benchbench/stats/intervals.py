r"""Intervals of one number, and which is taken when.

Below a hundred clusters, resampling understates the spread of a mean; Student's t with the
cluster-robust standard error does so least (Cameron and Miller 2015, §VI). Nothing is said below
ten.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchbench.stats.bootstrap import expanded_percentiles
from benchbench.stats.means import FEW_CLUSTERS, Mean
from benchbench.stats.wilson import wilson_interval

if TYPE_CHECKING:
    import numpy.typing as npt

    from benchbench.stats.medians import Median

    Floats = npt.NDArray[np.float64]

MANY_CLUSTERS = 100
"""From here on resampling holds what it promises (benchmarks/coverage.py)."""


def interval(
    value: Mean | Median, draws: Floats, level: float = 0.95, *, of_share: bool = False
) -> tuple[float, float]:
    """The interval that benchbench prints.

    From 100 clusters on the bootstrap's expanded percentiles, for means below that Student's t; NaN
    below ten. Shares of yes-or-no answers whose items are each their own cluster have Wilson's, and
    so have those where all items agree: resampling would yield no width there, a certainty that a
    few dozen clusters do not give.

    Args:
        value: what was estimated.
        draws: [resamples], of it.
        level: of the interval.
        of_share: whether the value is a mean of answers between 0 and 1.
    """
    if value.n_clusters < FEW_CLUSTERS:
        return float("nan"), float("nan")
    if of_share and isinstance(value, Mean) and are_singletons(value):
        return wilson_interval(value.value, value.n_clusters, level)
    if isinstance(value, Mean) and value.n_clusters < MANY_CLUSTERS:
        low, high = clustered_t(value, level)
    else:
        low, high = expanded_percentiles(draws, value.n_clusters, level)
    if not of_share:
        return low, high
    if high - low < 1e-9:
        return wilson_interval(value.value, value.n_clusters, level)
    return max(0.0, low), min(1.0, high)


def are_singletons(mean: Mean) -> bool:
    r"""Whether a plain mean is of yes-or-no answers, each its own cluster.

    Only of these is :math:`\sum_k u_k^2 = p (1 - p) / n`.
    """
    if mean.n_groups != 1 or mean.n_items != mean.n_clusters:
        return False
    spread = mean.value * (1 - mean.value) / mean.n_items
    return abs(float(np.square(mean.influence).sum()) - spread) < 1e-9 * max(spread, 1e-9)


def clustered_t(mean: Mean, level: float = 0.95) -> tuple[float, float]:
    r"""Student's interval over clusters; NaN below two.

    .. math:: \hat\theta \pm t_{K-1,\,(1+level)/2} \sqrt{\tfrac{K}{K-1} \sum_k u_k^2}

    K counts clusters that have an item.
    """
    from scipy.special import stdtrit

    n = mean.n_clusters
    if n < 2:
        return float("nan"), float("nan")
    half = float(stdtrit(n - 1, (1 + level) / 2)) * mean.standard_error
    return mean.value - half, mean.value + half


def bca(draws: Floats, mean: Mean, level: float = 0.95) -> tuple[float, float]:
    r"""The bias-corrected and accelerated interval of bootstrap draws (Efron 1987).

    With z₀ from the share of draws below the value, and the acceleration from the influences of
    clusters, which are the infinitesimal jackknife over clusters,

    .. math:: \hat a = \frac{\sum_k u_k^3}{6 (\sum_k u_k^2)^{3/2}}

    (Efron 1987, eq. 6.6; DiCiccio and Efron 1996, §2.)

    Args:
        draws: [resamples], of this mean.
        mean: what they are draws of.
        level: of the interval.
    """
    from scipy.special import ndtr, ndtri

    spread = float(np.square(mean.influence).sum())
    if mean.n_clusters < 2 or not spread:
        return (mean.value, mean.value) if mean.n_clusters > 1 else (float("nan"), float("nan"))
    # Draws at the value itself count half, as where they are few and coarse.
    below = ((draws < mean.value).sum() + 0.5 * (draws == mean.value).sum()) / len(draws)
    bias = float(ndtri(np.clip(below, 0.5 / len(draws), 1 - 0.5 / len(draws))))
    acceleration = float((mean.influence**3).sum()) / (6 * spread**1.5)
    moved = [
        bias + z / (1 - acceleration * z)
        for z in (bias + ndtri((1 - level) / 2), bias + ndtri((1 + level) / 2))
    ]
    low, high = np.quantile(draws, ndtr(moved))
    return float(low), float(high)
