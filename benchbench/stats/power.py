r"""The power of a comparison: the least detectable difference, and the items for a given one.

For a two-sided test of level α with power 1 − β, on clusters like the present ones,

.. math:: \delta_{\min} = (z_{1-\alpha/2} + z_{1-\beta})\; SE, \qquad SE \propto 1/\sqrt{K}

(Cohen 1988; for evaluations, Miller 2024, *Adding error bars to evals*, §5). SE is that of the
paired difference: it reflects how alike the two models' answers are.
"""

from __future__ import annotations

import math
from statistics import NormalDist

from benchbench.errors import UsageError

POWER = 0.8


def detectable(standard_error: float, *, alpha: float = 0.05, power: float = POWER) -> float:
    """Return the least true difference that is found with this power.

    >>> round(detectable(0.01), 4)
    0.028
    """
    return _factor(alpha, power) * standard_error


def needed(
    difference: float, standard_error: float, n: int, *, alpha: float = 0.05, power: float = POWER
) -> int:
    """Return how many items (or clusters) like these n detect a true difference with this power.

    Args:
        difference: the true difference; its sign does not count.
        standard_error: the standard error of the paired difference, over the present n.
        n: the present number of items or clusters.

    Raises:
        UsageError: the difference is 0.

    >>> needed(0.014, 0.01, 1000)
    4005
    """
    if not difference:
        raise UsageError("No number of items shows a difference of nothing.")
    return math.ceil(n * (detectable(standard_error, alpha=alpha, power=power) / difference) ** 2)


def _factor(alpha: float, power: float) -> float:
    if not (0 < alpha < 1 and 0 < power < 1):
        raise UsageError(f"α and power lie between 0 and 1, not at {alpha} and {power}.")
    return NormalDist().inv_cdf(1 - alpha / 2) + NormalDist().inv_cdf(power)
