"""Multiple comparisons: p-values adjusted for the number of comparisons.

``step_down`` uses the dependence between the comparisons of a table, and so loses the least power;
Holm and Benjamini–Hochberg need the p-values alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchbench.stats.flips import Flips
    from benchbench.types.arrays import Floats


def step_down(flips: Flips) -> Floats:
    r"""Return family-wise p-values by the step-down maximum of \|T\|: [pairs].

    The largest \|T\| is compared with the largest of all pairs under each flip, the next with the
    largest of the remaining pairs, and so on; no p-value is smaller than the one before it
    (Westfall and Young 1993, *Resampling-based multiple testing*, algorithm 2.8; Romano and Wolf
    2005).

    They control the probability of any false claim in the table: exactly for one pair, and for
    several pairs as the number of clusters grows, when only the correlations of the pairs matter,
    which flips keep (three exchangeable models need not be symmetric together). With 10,000 draws
    the least p-value is 1/10,001 whatever the number of pairs, where Holm's would be that times the
    number.
    """
    observed = np.abs(flips.observed)
    order = np.argsort(-observed, kind="stable")

    def largest(flipped: Floats) -> Floats:
        """Return the largest of each pair and those after it: [block, pairs] in that order."""
        sizes = np.abs(flipped[:, order[::-1]])
        return np.asarray(np.maximum.accumulate(sizes, axis=1, out=sizes)[:, ::-1])

    stepwise = np.maximum.accumulate(flips.share(observed[order], largest))
    adjusted = np.empty_like(stepwise)
    adjusted[order] = stepwise
    return adjusted


def holm(p_values: Sequence[float] | Floats) -> list[float]:
    """Return family-wise p-values from raw ones under any dependence (Holm 1979).

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    adjusted, least = np.empty(len(p_values)), 0.0
    for rank, which in enumerate(order):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[which]))
        adjusted[which] = least
    return [float(each) for each in adjusted]


def benjamini_hochberg(p_values: Sequence[float] | Floats) -> list[float]:
    """Return p-values for the false discovery rate, the share of false claims among all claims.

    For independent or positively dependent comparisons (Benjamini and Hochberg 1995; Benjamini and
    Yekutieli 2001); a weaker guarantee than a family-wise one.

    >>> benjamini_hochberg([0.01, 0.04, 0.03])
    [0.03, 0.04, 0.04]
    """
    n, order = len(p_values), np.argsort(p_values, kind="stable")
    adjusted, most = np.empty(n), 1.0
    for rank in range(n, 0, -1):
        which = order[rank - 1]
        most = min(most, n * p_values[which] / rank)
        adjusted[which] = most
    return [float(each) for each in adjusted]
