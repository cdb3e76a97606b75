r"""Is a mean above or below a bound? One-sided tests with Student's t over clusters.

.. math:: t = (\hat\theta - b) / SE

with the cluster-robust standard error, on K − 1 degrees of freedom (Cameron and Miller 2015, §VI).
With a bound of −margin for a difference "new − old", small p above is non-inferiority (Piaggio et
al. 2012, *Reporting of noninferiority and equivalence randomized trials*), small p below a loss
beyond the margin.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

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


def from_bound(mean: Mean, bound: float) -> Sided:
    """Test a mean against a bound, both ways.

    Without any spread among the clusters the estimate is taken at its word; below two clusters
    nothing is claimed.

    Args:
        mean: of a score, or of a difference.
        bound: what it is held against.
    """
    from scipy.special import stdtr

    n, apart = mean.n_clusters, mean.value - bound
    if n < 2 or math.isnan(apart):
        return Sided(1.0, 1.0, float("nan"))
    error = mean.standard_error
    if error < 1e-12:
        return Sided(float(apart <= 0), float(apart >= 0), 0.0)
    below = float(stdtr(n - 1, apart / error))
    return Sided(1 - below, below, error)
