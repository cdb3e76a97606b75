r"""Sequential tests: is a mean over all clusters above or below a bound, judged by some of them?

Clusters come in random order, without replacement, and the test may stop after each one. The claim
then made is wrong with probability at most α however often the test was evaluated (an anytime-valid
test of the mean of these clusters, not of others like them).

A gambler bets against "the mean is m" (here the bound). With N clusters in all, values x_t, and the
mean that the null leaves for the remaining clusters,

.. math::
    m_t = \frac{N m - \sum_{i<t} x_i}{N - t + 1}, \qquad
    K_t = \prod_{i \le t} \bigl(1 + \lambda_i (x_i - m_i)\bigr), \qquad
    0 \le \lambda_i < \frac{1}{m_i - a_i}

is a martingale of mean 1 under the null, so that it reaches 1/α with probability α at most (Ville's
inequality; Waudby-Smith and Ramdas 2020, *Confidence sequences for sampling without replacement*;
2024, *Estimating means of bounded random variables by betting*, §4–5). The gambler spreads the
stake over many sizes of bet, each cut where it could ruin: a_t is the least value that *any*
remaining cluster could have. A bet that depended on which cluster comes next would win wherever
large clusters have other means than small ones, whatever the mean of all.

What is known of every cluster beforehand may reduce the randomness of its value (a control
variate): with o the baseline's part in it, and ō_t the mean of o over the remaining clusters,

.. math:: x_t - c_t (o_t - \bar o_t), \qquad -1 \le c_t \le 0

has the same mean under the null. c is the slope of x on o among the clusters evaluated so far.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchbench.errors import UsageError

if TYPE_CHECKING:
    from benchbench.types.arrays import Floats


BETS = np.geomspace(0.02, 4.0, 24)
"""Sizes of bets, in units of 1 / (the clusters' mean range)."""
MAX_BET_SHARE = 0.95
"""The largest share of a bet that could lose the whole stake."""


@dataclass(frozen=True, slots=True)
class SequentialTest:
    """When the two claims are first made: the number of clusters by then, or None if never."""

    above: int | None
    below: int | None


def sequential_test(
    values: Floats,
    bound: float,
    low: Floats,
    high: Floats,
    *,
    known: Floats | None = None,
    alpha: float = 0.05,
) -> SequentialTest:
    """Return when the mean of all clusters can be claimed to be above, or below, a bound.

    Args:
        values: the values of the clusters evaluated so far, in their random order.
        bound: the bound.
        low: [clusters], the least possible value of each of all clusters, in that order.
        high: [clusters], the greatest possible value.
        known: [clusters], a known quantity that lowers each cluster's value, one for one at most:
            the baseline's credit, where values are differences to it.
        alpha: the probability of a wrong claim of either kind.

    Raises:
        UsageError: a value is outside its bounds, there are more values than clusters, or all
            bounds coincide.
    """
    if not (high - low).sum() > 0:
        raise UsageError("Clusters' values need room between their bounds.")
    if len(values) > len(low):
        raise UsageError(f"There are {len(values):,} values of {len(low):,} clusters.")
    seen = slice(len(values))
    if (values < low[seen] - 1e-9).any() or (values > high[seen] + 1e-9).any():
        raise UsageError("A cluster's value lies outside its bounds.")
    bets = BETS / float((high - low).mean())
    known = np.zeros(len(low)) if known is None else known
    return SequentialTest(
        above=_first(values, bound, low, high, known, bets, alpha),
        below=_first(-values, -bound, -high, -low, -known, bets, alpha),
    )


def _first(
    values: Floats,
    null: float,
    low: Floats,
    high: Floats,
    known: Floats,
    bets: Floats,
    alpha: float,
) -> int | None:
    """Return the first time that betting on a mean above the null has paid 1/α, or None."""
    n, seen = len(low), len(values)
    if not seen:
        return None
    left = n - np.arange(seen)
    expected = (n * null - _sums_before(values)) / left
    least, most, mean_known = (_accumulate_rest(np.add, each, seen) / left
                               for each in (low, high, known))  # fmt: skip
    # Where the rest can no longer bring the mean down to the null, the null is refuted; where it
    # can no longer bring the mean up to the null, the bet is lost.
    refuted, lost = expected < least - 1e-12, expected > most + 1e-12
    # The least possible value is concave in the slope, so that its minimum is at an end of it.
    flat = _accumulate_rest(np.minimum, low, seen)
    steep = _accumulate_rest(np.minimum, low + known, seen) - mean_known
    risk = np.maximum(expected - np.minimum(flat, steep), 1e-12)
    stakes = np.minimum(bets, MAX_BET_SHARE / risk[:, None])
    unlike = values - expected - _slopes(values, known[:seen]) * (known[:seen] - mean_known)
    gains = stakes * np.where(refuted | lost, 0.0, unlike)[:, None]
    wealth = np.cumsum(np.log1p(gains), axis=0)
    capital = np.logaddexp.reduce(wealth, axis=1) - np.log(len(bets))
    paid = (capital >= np.log(1 / alpha)) & (np.cumsum(lost) == 0)
    # A null that is refuted at t was refuted by the values before it.
    reached = [int(np.argmax(paid)) + 1] if paid.any() else []
    reached += [int(np.argmax(refuted))] if refuted.any() else []
    return min(reached) if reached else None


def _sums_before(values: Floats) -> Floats:
    """Return, at each time, the sum of the values before it."""
    return np.concatenate([[0.0], np.cumsum(values)[:-1]])


def _accumulate_rest(how: np.ufunc, values: Floats, seen: int) -> Floats:
    """Return, at each time, the sum (or the least) of the values from it on: [seen]."""
    return np.asarray(how.accumulate(values[::-1])[::-1][:seen])


def _slopes(values: Floats, known: Floats) -> Floats:
    """Return, at each time, the slope of earlier values on their known part; in [−1, 0]."""
    n = np.maximum(np.arange(len(values)), 1)
    mean = _sums_before(known) / n
    together = _sums_before(known * values) / n - mean * _sums_before(values) / n
    spread = _sums_before(known**2) / n - mean**2
    return np.clip(np.where(spread > 1e-12, together / np.maximum(spread, 1e-12), 0.0), -1.0, 0.0)
