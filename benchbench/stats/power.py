r"""What a comparison could have shown: the least difference, and the items for a given one.

For a two-sided test of level α with power 1 − β, on clusters like those that are there,

.. math:: \delta_{\min} = (z_{1-\alpha/2} + z_{1-\beta})\; SE, \qquad SE \propto 1/\sqrt{K}

(Cohen 1988; for evaluations, Miller 2024, *Adding error bars to evals*, §5). SE is that of the
paired difference: it knows how alike the two models' answers are.
"""

from __future__ import annotations

import math
from statistics import NormalDist

from benchbench.errors import UsageError

POWER = 0.8


def detectable(standard_error: float, *, alpha: float = 0.05, power: float = POWER) -> float:
    """The least true difference that is found with this power.

    >>> round(detectable(0.01), 4)
    0.028
    """
    return _factor(alpha, power) * standard_error


def needed(
    difference: float, standard_error: float, n: int, *, alpha: float = 0.05, power: float = POWER
) -> int:
    """How many items (or clusters) like these n would find a true difference with this power.

    Args:
        difference: to be found; its sign does not count.
        standard_error: of the paired difference, over the n that are there.
        n: items or clusters.

    Raises:
        UsageError: no difference at all is to be found.

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
