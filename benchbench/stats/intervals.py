"""Confidence intervals of one number, and the choice of their method.

The standard error is the jackknife's, which leaves out whole clusters one by one
(``Mean.standard_error``); the quantile is Student's. Shares are put on Wilson's scale, because near
0 and 1 they are skew. Simulated with known truth (benchmarks/coverage.py), this holds its level
where resampling falls short of it: below a few hundred clusters. Medians have no useful standard
error, and are resampled. Below ten clusters there is no interval.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from benchbench.errors import UsageError
from benchbench.stats.bootstrap import RESAMPLES, bootstrap_draws, expanded_percentiles
from benchbench.stats.means import FEW_CLUSTERS, Mean
from benchbench.stats.wilson import share_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchbench.stats.medians import Median
    from benchbench.types.arrays import Floats


MANY_CLUSTERS = 100
"""Below this number of clusters, intervals are rough."""
Method = Literal["auto", "t", "percentile", "bca", "wilson"]
Kind = Literal["share", "mean", "median"]
"""The kind of a number: ``share``, a mean of answers between 0 and 1; ``mean``, a mean of
differences or ranks; ``median``."""


def method_for(kind: Kind, method: Method) -> str:
    """Return the interval of a kind of number: wilson, t, percentile or bca."""
    if kind == "median":
        return "percentile"
    if method == "auto":
        return "wilson" if kind == "share" else "t"
    return method


def number_kind(value: Mean | Median, of_share: bool) -> Kind:
    """Return the kind of a number; ``of_share``: whether it averages answers between 0 and 1."""
    return ("share" if of_share else "mean") if isinstance(value, Mean) else "median"


def intervals(
    values: Sequence[Mean | Median],
    level: float = 0.95,
    *,
    of_share: Sequence[bool] | bool = False,
    method: Method = "auto",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[tuple[float, float]]:
    """Return the intervals of several numbers of one run or table, from shared resamples.

    Args:
        values: means and medians over the same clusters.
        level: the confidence level of each interval.
        of_share: whether each is a mean of answers between 0 and 1.
        method: see ``interval``.
        resamples: bootstrap draws of clusters, where any are needed.
        seed: the seed of the draws.

    Raises:
        UsageError: Wilson's method does not apply to a value, or the level is not between 0 and 1.
    """
    check_level(level)
    shares = [of_share] * len(values) if isinstance(of_share, bool) else of_share
    drawn = [
        i for i, value in enumerate(values)
        if value.n_clusters >= FEW_CLUSTERS
        and method_for(number_kind(value, shares[i]), method) in ("percentile", "bca")
    ]  # fmt: skip
    draws = {}
    if drawn:
        columns = bootstrap_draws([values[i] for i in drawn], resamples=resamples, seed=seed)
        draws = dict(zip(drawn, columns.T, strict=True))
    return [
        interval(value, draws.get(i, np.zeros(0)), level, of_share=shares[i], method=method)
        for i, value in enumerate(values)
    ]


def check_level(level: float) -> None:
    """Raise an error if a confidence level is not between 0 and 1.

    Raises:
        UsageError: it is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise UsageError(f"A level of confidence lies between 0 and 1, as 0.95, not at {level:g}.")


def interval(
    value: Mean | Median,
    draws: Floats,
    level: float = 0.95,
    *,
    of_share: bool = False,
    method: Method = "auto",
) -> tuple[float, float]:
    """Return the interval that benchbench prints, (low, high); NaN below ten clusters.

    Args:
        value: the estimate.
        draws: [resamples], its bootstrap draws, where it is resampled.
        level: the confidence level.
        of_share: whether the value is a mean of answers between 0 and 1.
        method: ``auto``: ``share_interval`` for shares, ``clustered_t`` for other means, expanded
            percentiles for medians. ``t``, ``percentile`` and ``bca`` use that method for all
            means; a share on which all items agree keeps a width, that of ``share_interval``.
            ``wilson`` is for shares of items that are each their own cluster.

    Raises:
        UsageError: Wilson's method does not apply to the value, or the level is not between 0 and
            1.
    """
    check_level(level)
    how = method_for(number_kind(value, of_share), method)
    if method == "wilson":
        _check_independent(value, of_share)
    if value.n_clusters < FEW_CLUSTERS:
        return float("nan"), float("nan")
    if how == "percentile" or not isinstance(value, Mean):
        low, high = expanded_percentiles(draws, value.n_clusters, level)
    elif how == "wilson":
        low, high = share_interval(value, level)
    else:
        low, high = bca(draws, value, level) if how == "bca" else clustered_t(value, level)
    if not of_share or not isinstance(value, Mean):
        return low, high
    return share_interval(value, level) if high - low < 1e-9 else (max(0.0, low), min(1.0, high))


def _check_independent(value: Mean | Median, of_share: bool) -> None:
    if not isinstance(value, Mean) or not of_share:
        raise UsageError(
            "Wilson's interval is of a share of right answers, and a difference, a rank or a "
            "median is none. Take --interval auto, t or percentile."
        )
    if value.n_items != value.n_clusters:
        raise UsageError(
            "Wilson's interval is for items that are independent, each of its own source image: "
            f"here {value.n_items:,} share {value.n_clusters:,}, and it would be too narrow. "
            "--interval auto is Wilson's with the effective number of items."
        )


def clustered_t(mean: Mean, level: float = 0.95) -> tuple[float, float]:
    r"""Return Student's interval over clusters, (low, high); NaN below two clusters.

    .. math:: \hat\theta \pm t_{K-1,\,(1+level)/2}\; SE

    K is the number of clusters that have an item (MacKinnon, Nielsen and Webb 2023).
    """
    from scipy.special import stdtrit

    n = mean.n_clusters
    if n < 2:
        return float("nan"), float("nan")
    half = float(stdtrit(n - 1, (1 + level) / 2)) * mean.standard_error
    return mean.value - half, mean.value + half


def bca(draws: Floats, mean: Mean, level: float = 0.95) -> tuple[float, float]:
    r"""Return the bias-corrected and accelerated interval of bootstrap draws (Efron 1987).

    With z₀ from the share of draws below the value, and the acceleration from the jackknife over
    clusters, of which influences u are a multiple,

    .. math:: \hat a = \frac{\sum_k u_k^3}{6 (\sum_k u_k^2)^{3/2}}

    (Efron 1987, eq. 6.6; DiCiccio and Efron 1996, §2.)

    Args:
        draws: [resamples], bootstrap draws of this mean.
        mean: the mean.
        level: the confidence level.

    Returns:
        (low, high); NaN below two clusters.
    """
    from scipy.special import ndtr, ndtri

    if mean.n_clusters < 2:
        return float("nan"), float("nan")
    spread = float(np.square(mean.influence).sum())
    if not spread:
        return mean.value, mean.value
    # Draws equal to the value count half: they are many where values are few and coarse.
    below = ((draws < mean.value).sum() + 0.5 * (draws == mean.value).sum()) / len(draws)
    bias = float(ndtri(np.clip(below, 0.5 / len(draws), 1 - 0.5 / len(draws))))
    acceleration = float((mean.influence**3).sum()) / (6 * spread**1.5)
    moved = [
        bias + z / (1 - acceleration * z)
        for z in (bias + ndtri((1 - level) / 2), bias + ndtri((1 + level) / 2))
    ]
    low, high = np.quantile(draws, ndtr(moved))
    return float(low), float(high)
