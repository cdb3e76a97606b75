r"""Looking while it runs: is a mean over all clusters above or below a bound, from some of them?

Clusters come in random order, without replacement, and after each one may stop. The claim then made
is wrong with probability at most α however often one looked (an anytime-valid test of the mean of
these clusters, not of others like them).

A gambler bets against "the mean is m" (here the bound). With N clusters in all, values x in [0, 1],
and the mean that the null leaves for those still to come,

.. math::
    m_t = \frac{N m - \sum_{i<t} x_i}{N - t + 1}, \qquad
    K_t = \prod_{i \le t} \bigl(1 + \lambda_i (x_i - m_i)\bigr)

is a martingale of mean 1 under the null, so that it reaches 1/α with probability α at most (Ville's
inequality; Waudby-Smith and Ramdas 2020, *Confidence sequences for sampling without replacement*;
2024, *Estimating means of bounded random variables by betting*, §4–5). The gambler spreads the
stake over many sizes of bet, each a share of the largest that cannot ruin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchbench.errors import UsageError

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

BETS = np.geomspace(0.002, 0.5, 24)
"""Shares of the largest bet."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """Where the two claims are first made; the number of clusters seen, or None where never."""

    above: int | None
    below: int | None


def stop(values: Floats, bound: float, low: float, high: float, *, alpha: float = 0.05) -> Stopped:
    """When may one say that the mean of all clusters is above, or below, a bound?

    Args:
        values: [clusters], all of them, in the random order in which they are looked at.
        bound: what their mean is held against.
        low: the least that a cluster's value can be.
        high: the most.
        alpha: the chance of a wrong claim of either kind.

    Raises:
        UsageError: a value outside its bounds, or no room between these.
    """
    if not high > low:
        raise UsageError(f"Values need room between {low} and {high}.")
    scaled, null = (values - low) / (high - low), (bound - low) / (high - low)
    if len(scaled) and not (scaled.min() >= -1e-9 and scaled.max() <= 1 + 1e-9):
        raise UsageError("A cluster's value lies outside its bounds.")
    return Stopped(
        above=_first(scaled, null, alpha),
        below=_first(1 - scaled, 1 - null, alpha),
    )


def _first(values: Floats, null: float, alpha: float) -> int | None:
    """The first time that betting on a mean above the null has paid 1/α."""
    n = len(values)
    before = np.concatenate([[0.0], np.cumsum(values)[:-1]])
    left = n - np.arange(n)
    expected = (n * null - before) / left
    # Where what is left cannot bring the mean down to the null any more, the null is refuted; where
    # it cannot bring it up to it, the bet is lost for good.
    refuted, lost = expected < 0, expected > 1
    inside = ~(refuted | lost)
    stakes = BETS / np.where(inside, np.maximum(expected, 1e-12), 1.0)[:, None]
    gains = stakes * np.where(inside, values - expected, 0.0)[:, None]
    wealth = np.cumsum(np.log1p(gains), axis=0)
    capital = np.logaddexp.reduce(wealth, axis=1) - np.log(len(BETS))
    paid = (capital >= np.log(1 / alpha)) & (np.cumsum(lost) == 0)
    # What is refuted at t was so by the values before it.
    reached = [int(np.argmax(paid)) + 1] if paid.any() else []
    reached += [int(np.argmax(refuted))] if refuted.any() else []
    return min(reached) if reached else None
