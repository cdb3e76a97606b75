r"""Is a mean above or below a bound? One-sided tests over clusters.

.. math:: t = (\hat\theta - b) / SE

with the jackknife's standard error, on K − 1 degrees of freedom. The error of a share is taken at
the bound, :math:`\sqrt{b (1 - b) / n}` with the effective number of items and the degrees of
freedom of ``share_interval``, which inverts these tests. With a bound of −margin for a difference
"new − old", small p above is non-inferiority (Piaggio et al. 2012, *Reporting of noninferiority and
equivalence randomized trials*), small p below a loss beyond the margin.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchbench.stats.wilson import effective_size, freedom

if TYPE_CHECKING:
    from benchbench.stats.means import Mean


@dataclass(frozen=True, slots=True)
class Sided:
    """Where a mean lies, seen from a bound."""

    above: float
    """p-value against "at the bound or below": small where the mean is surely above."""
    below: float
    """p-value against "at the bound or above"."""
    standard_error: float


def from_bound(mean: Mean, bound: float, *, of_share: bool = False) -> Sided:
    """Test a mean against a bound, both ways.

    Without any spread among the clusters an estimate that is no share is taken at its word; below
    two clusters nothing is claimed.

    Args:
        mean: of a score, or of a difference.
        bound: what it is held against.
        of_share: whether the value is a mean of answers between 0 and 1.
    """
    from scipy.special import stdtr

    n, apart = mean.n_clusters, mean.value - bound
    if n < 2 or math.isnan(apart):
        return Sided(1.0, 1.0, float("nan"))
    error = mean.standard_error
    if of_share:
        error = math.sqrt(max(0.0, bound * (1 - bound)) / effective_size(mean))
    if error < 1e-12:
        return Sided(float(apart <= 0), float(apart >= 0), 0.0)
    below = float(stdtr(freedom(mean) if of_share else n - 1, apart / error))
    return Sided(1 - below, below, error)
