r"""Claims tested on runs: per seed, over seeds, and the confirmatory ones together.

With d_1, …, d_n the paired differences of n seeds (``variants_page`` tells which pairs started from
the same weights and were shown the same examples),

.. math:: \bar d \pm t_{n-1,\,1-\alpha}\; s / \sqrt{n}, \qquad t = (\bar d - b) / (s / \sqrt{n})

with b the claim's bound: its margin, or for what is to be kept −margin. From three seeds on, the
p-value is of this t; below, of the jackknife over source images of the mean of the differences
(``stats.margins``), which speaks of the checkpoints. Seeds that do not differ at all give no
interval and no claim. Where two models were trained on different devices, or in different
precisions, their difference is of the device, too: it is measured, and no claim is made of it.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from benchbench.analysis.paired import paired_scores
from benchbench.errors import UsageError
from benchbench.stats import holm, intervals
from benchbench.stats.margins import loss_variance, one_sided_test

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchbench.analysis.paired import PairedScores
    from benchbench.types import Run
    from benchmarks.claims import Claim, Claims

    Runs = Mapping[tuple[int, str, str], Run]
    """By seed, model and task."""

MIN_SEEDS = 3
"""Seeds from which on the p-value is over seeds."""
Verdict = Literal[
    "shown", "not shown", "the contrary", "across devices", "estimated", "not trained"
]
Basis = Literal["seeds", "items", "nothing"]
NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two checkpoints of one seed; scores as shares."""

    difference: float
    """Better − worse."""
    low: float
    """The interval of the difference, for other items; NaN where one of the two has no items at
    hand."""
    high: float
    better_on: str = ""
    """The device and the precision of its training; "" of what needs none."""
    worse_on: str = ""

    @property
    def across(self) -> bool:
        """Whether the two were trained on different devices, or in different precisions."""
        return bool(self.better_on and self.worse_on) and self.better_on != self.worse_on


@dataclass(frozen=True, slots=True)
class MeanDifference:
    """A mean difference with its interval and its tests against a bound."""

    mean: float
    low: float = NAN
    high: float = NAN
    above: float = 1.0
    """p-value against "at the bound or below"."""
    below: float = 1.0
    """p-value against "at the bound or above"."""


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """A claim's verdict and its evidence."""

    claim: Claim
    pairs: Mapping[int, Pair]
    """By seed; those that have both models."""
    missing: tuple[str, ...]
    """Models without a run in any seed."""
    metric: str = ""
    seeds: MeanDifference = MeanDifference(NAN)
    """Over seeds; an interval from two on."""
    items: MeanDifference = MeanDifference(NAN)
    """Over source images, of the mean of these seeds' differences."""
    above: float = 1.0
    """The p-value of the claim: adjusted by Holm where it is confirmatory."""
    below: float = 1.0
    """The p-value of the contrary, likewise."""
    verdict: Verdict = "not trained"

    @property
    def n(self) -> int:
        """Seeds."""
        return len(self.pairs)

    @property
    def across(self) -> bool:
        """Whether any seed's two models were trained on different devices."""
        return any(each.across for each in self.pairs.values())

    @property
    def basis(self) -> Basis:
        """The sampling unit of the p-value."""
        return "nothing" if not self.n else "seeds" if self.n >= MIN_SEEDS else "items"

    @property
    def tested(self) -> MeanDifference:
        """The test of the verdict and the p-value."""
        return self.seeds if self.basis == "seeds" else self.items

    @property
    def shown(self) -> MeanDifference:
        """The interval to report first: over seeds if there is one."""
        return self.seeds if self.n > 1 else self.items


def over_seeds(differences: Sequence[float], bound: float, level: float) -> MeanDifference:
    """Return Student's interval and one-sided tests over seeds.

    Args:
        differences: one a seed.
        bound: what the mean is held against.
        level: one-sided; the interval has 1 − 2 · level.

    >>> found = over_seeds([0.1, 0.2, 0.3], 0.0, 0.025)
    >>> round(found.mean, 3), round(found.low, 3), round(found.high, 3), round(found.above, 4)
    (0.2, -0.048, 0.448, 0.0371)
    """
    from scipy.special import stdtr, stdtrit

    n = len(differences)
    mean = float(np.mean(differences)) if n else NAN
    error = float(np.std(differences, ddof=1)) / math.sqrt(n) if n > 1 else 0.0
    if error < 1e-12:
        return MeanDifference(mean)
    half = float(stdtrit(n - 1, 1 - level)) * error
    below = float(stdtr(n - 1, (mean - bound) / error))
    above = float(stdtr(n - 1, (bound - mean) / error))
    return MeanDifference(mean, mean - half, mean + half, above, below)


def over_items(both: PairedScores, bound: float, level: float) -> MeanDifference:
    """Return the same over source images, of the mean of several seeds' differences.

    Args:
        both: runs of the worse and the better model by turns, a pair a seed.
        bound: what the mean is held against.
        level: one-sided; the interval has 1 − 2 · level.
    """
    apart = (both.values[:, 1::2] - both.values[:, ::2]).mean(axis=1)
    mean = both.mean(apart)
    ((low, high),) = intervals([mean], 1 - 2 * level)
    # Two models that agree on every item are the same, and would not differ on others either.
    per_loss = loss_variance(both.group_number, absent=both.absent) if apart.any() else 0.0
    sided = one_sided_test(mean, bound, per_loss=per_loss)
    return MeanDifference(mean.value, low, high, sided.above, sided.below)


def judge_claims(claims: Claims, runs: Runs) -> list[ClaimResult]:
    """Return every claim with its verdict, in the order of the file.

    Those whose models are not there count in Holm's adjustment as any other: how many claims there
    are was fixed before training.

    Args:
        claims: of a file.
        runs: of whatever is trained; of a model that has no seeds under every seed.

    Raises:
        NotComparable: runs of one task that are of other items.
    """
    return judge(
        [measure_claim(claim, runs, claims.level) for claim in claims.claims], claims.level
    )


def judge(measured: Sequence[ClaimResult], level: float) -> list[ClaimResult]:
    """Return measured claims with their verdicts: Holm's adjustment over the confirmatory ones.

    One across devices is no evidence, and counts as one that was not trained: with p = 1.
    """
    found = list(measured)
    places = [i for i, each in enumerate(found) if each.claim.confirmatory]
    tested = [MeanDifference(NAN) if found[i].across else found[i].tested for i in places]
    above = holm([each.above for each in tested])
    below = holm([each.below for each in tested])
    for i, one, other in zip(places, above, below, strict=True):
        found[i] = replace(found[i], above=one, below=other)
    return [replace(each, verdict=_verdict(each, level)) for each in found]


def measure_claim(claim: Claim, runs: Runs, level: float) -> ClaimResult:
    """Return a claim's differences and tests, before its p-value is adjusted for the others.

    Raises:
        NotComparable: runs that are of other items.
    """
    seeds_of = {
        name: {seed for seed, model, task in runs if (model, task) == (name, claim.task)}
        for name in (claim.better, claim.worse)
    }
    missing = tuple(name for name, seeds in seeds_of.items() if not seeds)
    seeds = sorted(seeds_of[claim.better] & seeds_of[claim.worse])
    if not seeds:
        return ClaimResult(claim, {}, missing)
    beside = [
        runs[seed, name, claim.task] for seed in seeds for name in (claim.worse, claim.better)
    ]
    both = paired_scores(beside, claim.metric)
    if not both.is_mean or both.sign < 0:
        raise UsageError(
            f"The claim '{claim.name}' is of {both.metric.name} on {claim.task}, which counts "
            "places, and a claim is of a mean in percent. Name another metric."
        )
    pairs = {seed: pair_of(both, 2 * k, level) for k, seed in enumerate(seeds)}
    differences = [each.difference for each in pairs.values()]
    seeds_mean = over_seeds(differences, claim.bound, level)
    items_mean = over_items(both, claim.bound, level)
    return with_p(ClaimResult(claim, pairs, missing, both.metric.name, seeds_mean, items_mean))


def measure_pairs(
    claim: Claim, pairs: Mapping[int, Pair], metric: str, level: float
) -> ClaimResult:
    """Return a claim's tests by the seeds' differences and intervals alone, without their items.

    Over seeds nothing is lost. Over items the standard error of the mean is taken to be the mean of
    the seeds' standard errors: the most that it can be, whatever the seeds' items share.
    """
    apart = [each.difference for each in pairs.values()]
    half = float(np.mean([(each.high - each.low) / 2 for each in pairs.values()]))
    items = _widest(float(np.mean(apart)), half, claim.bound, level)
    return with_p(
        ClaimResult(claim, pairs, (), metric, over_seeds(apart, claim.bound, level), items)
    )


def _widest(mean: float, half: float, bound: float, level: float) -> MeanDifference:
    """Return a mean difference by the half-width of its interval; untested without one."""
    from scipy.special import ndtr, ndtri

    if math.isnan(half) or not half:
        return MeanDifference(mean)
    t = (mean - bound) / half * float(ndtri(1 - level))
    return MeanDifference(mean, mean - half, mean + half, float(ndtr(-t)), float(ndtr(t)))


def with_p(found: ClaimResult) -> ClaimResult:
    """Return a claim with the p-values of its test, not adjusted."""
    return replace(found, above=found.tested.above, below=found.tested.below)


def pair_of(both: PairedScores, column: int, level: float) -> Pair:
    """Return two checkpoints of a seed, the worse one's column first."""
    worse, better = both.values.T[column : column + 2]
    ((low, high),) = intervals([both.mean(better - worse)], 1 - 2 * level)
    return Pair(both.mean(better).value - both.mean(worse).value, low, high)


def _verdict(found: ClaimResult, level: float) -> Verdict:
    if not found.n:
        return "not trained"
    if found.claim.kind == "estimate":
        return "estimated"
    if found.across:
        return "across devices"
    if found.above < level:
        return "shown"
    return "the contrary" if found.below < level else "not shown"


def count_verdicts(found: Sequence[ClaimResult]) -> str:
    """Return how many claims have which verdict: "3 shown, 1 not trained"."""
    number = Counter(each.verdict for each in found)
    order: tuple[Verdict, ...] = (
        "shown", "not shown", "the contrary", "across devices", "estimated", "not trained",
    )  # fmt: skip
    return ", ".join(f"{number[each]} {each}" for each in order if number[each])
