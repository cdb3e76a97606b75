"""Wilson's interval for a share of independent answers, and for a share over clusters.

(Wilson 1927, *Probable inference*, JASA 22.)
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from benchbench.errors import UsageError

if TYPE_CHECKING:
    from benchbench.stats.means import Mean


def wilson_interval(
    share: float, n: float, level: float = 0.95, *, freedom: float = math.inf
) -> tuple[float, float]:
    r"""Return the interval (low, high) for a share of ``n`` independent yes-or-no answers.

    .. math:: \frac{p + z^2/2n \pm z\sqrt{p(1-p)/n + z^2/4n^2}}{1 + z^2/n}

    It keeps a width at 0 and at 1, where resampling has none. With finite ``freedom``, z is
    Student's quantile.

    >>> low, high = wilson_interval(0.0, 28)
    >>> low, round(high, 3)
    (0.0, 0.121)

    Raises:
        UsageError: ``n`` is not above 0.
    """
    from scipy.special import ndtri, stdtrit

    if n <= 0:
        raise UsageError("A share of nothing has no interval.")
    above = (1 + level) / 2
    z = float(ndtri(above) if math.isinf(freedom) else stdtrit(freedom, above))
    centre = share + z * z / (2 * n)
    spread = z * math.sqrt(max(0.0, share * (1 - share)) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # At 0 and 1 the two halves cancel, but for rounding.
    low = 0.0 if share <= 0 else max(0.0, (centre - spread) / scale)
    return low, 1.0 if share >= 1 else min(1.0, (centre + spread) / scale)


def share_interval(mean: Mean, level: float = 0.95) -> tuple[float, float]:
    """Return Wilson's interval for a mean of answers between 0 and 1, whatever its clusters.

    It has the effective number of items in place of their number, and Student's quantile in place
    of the normal one (Korn and Graubard 1998; Dean and Pagano 2015, *Evaluating confidence interval
    methods for binomial proportions in clustered surveys*). Where every item is its own cluster and
    answers are yes or no, it is Wilson's own.
    """
    if are_singletons(mean):
        return wilson_interval(mean.value, mean.n_clusters, level)
    return wilson_interval(mean.value, effective_size(mean), level, freedom=freedom(mean))


def effective_size(mean: Mean) -> float:
    r"""Return how many independent yes-or-no answers would determine a share as precisely.

    .. math:: \min\Bigl(\frac{\hat p (1 - \hat p)}{SE^2},\;
        \frac{1}{\sum_{i\ \text{in rare groups}} w_i^2}\Bigr)

    with w an item's weight: agreement of the single items of rare groups does not show that more
    items of these groups would agree. Where all items agree, it is the number of clusters.
    """
    size = _variance(mean) / mean.standard_error**2 if _spreads(mean) else float(mean.n_clusters)
    return min(size, 1 / mean.rare_weight) if mean.rare_weight else size


def freedom(mean: Mean) -> float:
    r"""Return the degrees of freedom of a share's effective number of items; at most K − 1.

    .. math:: \nu = 2 \Bigm/ \sum_k \Bigl(\frac{u_k^2}{\sum_l u_l^2} - \frac1K
        - \frac{(1 - 2 \hat p)\, u_k}{\hat p (1 - \hat p)}\Bigr)^2

    Satterthwaite's (1946): twice over the squared coefficient of variation, here of :math:`SE^2 /
    \hat p (1 - \hat p)`, which the sum over clusters estimates (delta method). They are few where
    few clusters inform on how alike a cluster's items are, and K − 1 where each cluster is one yes
    or no, which leaves nothing to estimate besides the share.
    """
    most = mean.n_clusters - 1.0
    if not _spreads(mean):
        return most
    squares = np.square(mean.influence)
    slope = (1 - 2 * mean.value) / _variance(mean)
    # Clusters of the run without an item of this mean have no part in the sum.
    moves = squares / squares.sum() - slope * mean.influence
    variation = float(np.square(moves).sum()) - (2 * float(moves.sum()) - 1) / mean.n_clusters
    return min(most, 2 / max(variation, 1e-12))


def _variance(mean: Mean) -> float:
    """Return the variance of one yes-or-no answer with that share."""
    return mean.value * (1 - mean.value)


def _spreads(mean: Mean) -> bool:
    """Return whether any items disagree."""
    return _variance(mean) > 1e-12 and mean.standard_error > 1e-9


def are_singletons(mean: Mean) -> bool:
    r"""Return whether a mean is a plain mean of yes-or-no answers, each its own cluster.

    Only of these is :math:`\sum_k u_k^2 = p (1 - p) / n`.
    """
    if mean.n_groups != 1 or mean.n_items != mean.n_clusters:
        return False
    spread = mean.value * (1 - mean.value) / mean.n_items
    return abs(float(np.square(mean.influence).sum()) - spread) < 1e-9 * max(spread, 1e-9)
