r"""One-sided tests over clusters, of a mean against a bound: the tests behind the gate.

.. math:: t = (\hat\theta - b) / SE

with the jackknife's standard error, on K − 1 degrees of freedom. With a bound of −margin for a
difference "new − old", a small p above is non-inferiority (Piaggio et al. 2012, *Reporting of
noninferiority and equivalence randomized trials*), a small p below a loss beyond the margin.

Two checkpoints that disagree on few items have little spread, and the truth may still lie at the
bound: then more items would be lost, and each of them adds to the variance. A claim to lie above is
therefore tested with the variance at the bound, as Tango's score test does for independent pairs
(1998, *Equivalence test and confidence interval for the difference in proportions for the
paired-sample design*),

.. math:: SE_b^2 = SE^2 + v\,(\hat\theta - b)

with v the variance that a share of items adds when it is lost (``loss_variance``).

The standard error of a share tested against a floor is taken at the floor, :math:`\sqrt{b (1 - b) /
n}` with the effective number of items and the degrees of freedom of ``share_interval``, which
inverts these tests.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchbench.stats.means import FEW_CLUSTERS
from benchbench.stats.power import POWER
from benchbench.stats.wilson import effective_size, freedom

if TYPE_CHECKING:
    from benchbench.stats.means import Mean
    from benchbench.types.arrays import Indices


@dataclass(frozen=True, slots=True)
class OneSidedTest:
    """One-sided tests of a mean against a bound, in both directions."""

    above: float
    """p-value against "at the bound or below": small if the mean is clearly above."""
    below: float
    """p-value against "at the bound or above": small if the mean is clearly below."""
    apart: float
    """The mean minus the bound."""
    standard_error: float
    error_at_bound: float
    """The standard error if the truth were at the bound."""
    per_loss: float
    """The variance that a share of items adds when it is lost (``loss_variance``)."""
    n_clusters: int

    def detectable(self, *, alpha: float = 0.05, power: float = POWER) -> float:
        r"""Return the least true distance below the bound that is claimed with this power.

        For a mean that loses items until it lies at that distance,

        .. math:: \delta = (t_{1-\alpha} + t_{1-\beta}) \sqrt{SE^2 + v\,(\hat\theta - b + \delta)_+}

        so that it is above 0 even if the two disagree on no item. NaN below ten clusters.
        """
        from scipy.special import stdtrit

        if self.n_clusters < FEW_CLUSTERS or math.isnan(self.apart):
            return float("nan")
        both = float(sum(stdtrit(self.n_clusters - 1, q) for q in (1 - alpha, power)))
        least = both * self.standard_error
        if self.apart < 0 and self.apart + least <= 0:
            return least
        # The larger root of δ² − pδ − q = 0.
        p = both**2 * self.per_loss
        q = both**2 * (self.standard_error**2 + self.per_loss * self.apart)
        return (p + math.sqrt(max(0.0, p**2 + 4 * q))) / 2


def one_sided_test(
    mean: Mean, bound: float, *, per_loss: float = 0.0, of_share: bool = False
) -> OneSidedTest:
    """Test a mean against a bound, in both directions.

    Where clusters have no spread and losses add no variance, an estimate that is not a share counts
    as exact. Below ten clusters nothing is claimed, as no interval is given.

    Args:
        mean: the mean of a score, or of a difference.
        bound: the bound.
        per_loss: ``loss_variance``, where the mean is a difference of shares of items.
        of_share: whether the value is itself a mean of answers between 0 and 1.
    """
    from scipy.special import stdtr

    n, apart = mean.n_clusters, mean.value - bound
    if n < FEW_CLUSTERS or math.isnan(apart):
        return OneSidedTest(1.0, 1.0, apart, float("nan"), float("nan"), per_loss, n)
    error = mean.standard_error
    if of_share:
        at_bound = math.sqrt(max(0.0, bound * (1 - bound)) / effective_size(mean))
        if at_bound < 1e-12:
            return OneSidedTest(
                float(apart <= 0), float(apart >= 0), apart, error, 0.0, per_loss, n
            )
        below = float(stdtr(freedom(mean), apart / at_bound))
        return OneSidedTest(1 - below, below, apart, error, at_bound, per_loss, n)
    at_bound = math.sqrt(error**2 + per_loss * max(0.0, apart))
    above = float(stdtr(n - 1, -apart / at_bound)) if at_bound >= 1e-12 else float(apart <= 0)
    below = float(stdtr(n - 1, apart / error)) if error >= 1e-12 else float(apart >= 0)
    return OneSidedTest(above, below, apart, error, at_bound, per_loss, n)


def loss_variance(groups: Indices, *, absent: int = 0) -> float:
    r"""Return the variance that a mean over groups gains with each share of its items that is lost.

    .. math:: v = \sum_i w_i^2, \qquad w_i = 1 / (G\, n_g)

    for items lost independently: 1/n for a plain mean over n of them.

    Args:
        groups: [items], numbered from 0 without gaps.
        absent: the number of further groups, which have no item and count 0.

    >>> loss_variance(np.array([0, 0, 0, 0])), loss_variance(np.array([0, 0, 0, 1]))
    (0.25, 0.3333333333333333)
    """
    sizes = np.bincount(groups)
    return float((1 / sizes).sum()) / (len(sizes) + absent) ** 2
