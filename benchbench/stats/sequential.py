r"""Looking while it runs: is a mean over all clusters above or below a bound, from some of them?

Clusters come in random order, without replacement, and after each one may stop. The claim then made
is wrong with probability at most α however often one looked (an anytime-valid test of the mean of
these clusters, not of others like them).

A gambler bets against "the mean is m" (here the bound). With N clusters in all, values x_t of which
it is known beforehand that they are at least a_t, and the mean that the null leaves for those still
to come,

.. math::
    m_t = \frac{N m - \sum_{i<t} x_i}{N - t + 1}, \qquad
    K_t = \prod_{i \le t} \bigl(1 + \lambda_i (x_i - m_i)\bigr), \qquad
    0 \le \lambda_i < \frac{1}{m_i - a_i}

is a martingale of mean 1 under the null, so that it reaches 1/α with probability α at most (Ville's
inequality; Waudby-Smith and Ramdas 2020, *Confidence sequences for sampling without replacement*;
2024, *Estimating means of bounded random variables by betting*, §4–5). The gambler spreads the
stake over many sizes of bet, each cut where it could ruin; a cluster of few items is bounded more
narrowly than one of many, and its size is known before its answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchbench.errors import UsageError

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

BETS = np.geomspace(0.02, 4.0, 24)
"""In units of 1 / (the clusters' mean range)."""
CUT = 0.95
"""The largest share of a bet that could ruin."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """Where the two claims are first made; the number of clusters seen, or None where never."""

    above: int | None
    below: int | None


def stop(
    values: Floats, bound: float, low: Floats, high: Floats, *, alpha: float = 0.05
) -> Stopped:
    """When may one say that the mean of all clusters is above, or below, a bound?

    Args:
        values: of the clusters looked at so far, in the random order in which that is done.
        bound: what their mean is held against.
        low: [clusters], the least that each of all clusters could be, in that order.
        high: [clusters], the most.
        alpha: the chance of a wrong claim of either kind.

    Raises:
        UsageError: a value outside its bounds, or no room between any.
    """
    if not (high - low).sum() > 0:
        raise UsageError("Clusters' values need room between their bounds.")
    if len(values) > len(low):
        raise UsageError(f"There are {len(values):,} values of {len(low):,} clusters.")
    seen = slice(len(values))
    if (values < low[seen] - 1e-9).any() or (values > high[seen] + 1e-9).any():
        raise UsageError("A cluster's value lies outside its bounds.")
    bets = BETS / float((high - low).mean())
    return Stopped(
        above=_first(values, bound, low, high, bets, alpha),
        below=_first(-values, -bound, -high, -low, bets, alpha),
    )


def _first(
    values: Floats, null: float, low: Floats, high: Floats, bets: Floats, alpha: float
) -> int | None:
    """The first time that betting on a mean above the null has paid 1/α."""
    n, seen = len(low), len(values)
    if not seen:
        return None
    before = np.concatenate([[0.0], np.cumsum(values)[:-1]])
    left = n - np.arange(seen)
    expected = (n * null - before) / left
    least, most = (np.cumsum(each[::-1])[::-1][:seen] / left for each in (low, high))
    # Where the rest cannot bring the mean down to the null any more, the null is refuted; where it
    # cannot bring it up to it, the bet is lost for good.
    refuted, lost = expected < least - 1e-12, expected > most + 1e-12
    risk = np.maximum(expected - low[:seen], 1e-12)
    stakes = np.minimum(bets, CUT / risk[:, None])
    gains = stakes * np.where(refuted | lost, 0.0, values - expected)[:, None]
    wealth = np.cumsum(np.log1p(gains), axis=0)
    capital = np.logaddexp.reduce(wealth, axis=1) - np.log(len(bets))
    paid = (capital >= np.log(1 / alpha)) & (np.cumsum(lost) == 0)
    # What is refuted at t was so by the values before it.
    reached = [int(np.argmax(paid)) + 1] if paid.any() else []
    reached += [int(np.argmax(refuted))] if refuted.any() else []
    return min(reached) if reached else None
