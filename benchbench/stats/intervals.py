r"""Intervals of one mean: Student's t over clusters, and the bootstrap's BCa.

Below a hundred clusters, resampling understates the spread of a mean; Student's t with the
cluster-robust standard error does so least (Cameron and Miller 2015, §VI).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from benchbench.stats.means import Mean

    Floats = npt.NDArray[np.float64]


def clustered_t(mean: Mean, level: float = 0.95) -> tuple[float, float]:
    r"""Student's interval over clusters; NaN below two.

    .. math:: \hat\theta \pm t_{K-1,\,(1+level)/2} \sqrt{\tfrac{K}{K-1} \sum_k u_k^2}

    K counts clusters that have an item.
    """
    from scipy.special import stdtrit

    n = mean.n_clusters
    if n < 2:
        return float("nan"), float("nan")
    error = math.sqrt(n / (n - 1) * float(np.square(mean.influence).sum()))
    half = float(stdtrit(n - 1, (1 + level) / 2)) * error
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
