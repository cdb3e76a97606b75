"""Put the runs at hand into the record of outcomes, and keep what is on record of all others.

A run at hand takes the place of the one on record of its member, seed, device and precision. For
each claim and seed one pair of runs counts:

1. two that were trained on the same device in the same precision before two that were not;
2. among those, the device on which most seeds have both models, so that seeds differ in nothing
   else; of equally many, the one that most of the family was trained on;
3. among those, runs at hand before what is on record.

Where one of two runs is lost, the bundled checkpoint of seed 0 stands in for it; where there is
none, the headline on record, which leaves a difference without an interval over items.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from itertools import product
from statistics import fmean
from typing import TYPE_CHECKING, Any

from benchbench.analysis.paired import paired_scores
from benchbench.training.loop import BEST
from benchbench.variants import weights
from benchmarks.curves import read_run_curves, trained_on
from benchmarks.family_runs import evaluate_bundled, evaluate_runs
from benchmarks.members import BY_NAME, SHIPPED, STARTING, place
from benchmarks.outcomes import (
    Bridge,
    EqualBudget,
    Learning,
    Outcomes,
    RunOutcome,
    TaskOutcome,
    claim_outcome,
    claim_result,
    in_order,
    merged,
)
from benchmarks.verdicts import Pair, measure_claim, measure_pairs, pair_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from benchbench.types import Run
    from benchmarks.claims import Claim, Claims
    from benchmarks.curves import RunCurves
    from benchmarks.family_runs import Key, Score, Stored, Work
    from benchmarks.outcomes import ClaimOutcome
    from benchmarks.verdicts import ClaimResult


@dataclass(frozen=True, slots=True)
class AtHand:
    """Runs that can be read, and where their models were trained."""

    work: Work
    runs: Stored
    scores: Mapping[Key, Score]
    on: Mapping[tuple[int, str], str]
    """By seed and member."""
    bundled: Mapping[str, Path]
    """Member → the checkpoint that stands in for its seed 0."""
    bundled_on: Mapping[str, str]
    examples: Mapping[tuple[int, str], int] = field(default_factory=dict)
    """By seed and member: how many each was shown."""
    bundled_examples: Mapping[str, int] = field(default_factory=dict)

    def sources(self, seed: int, name: str, task: str) -> Iterator[Source]:
        """Yield where a model's run of a task can come from."""
        if (seed, name, task) in self.runs:
            yield Source(self.on.get((seed, name), ""), stand_in=False)
        if seed == 0 and name in self.bundled:
            yield Source(self.bundled_on[name], stand_in=True)

    def run(self, source: Source, seed: int, name: str, task: str) -> Run:
        """Read a run, or evaluate the bundled checkpoint."""
        if source.stand_in:
            return evaluate_bundled(self.work, name, task, self.bundled[name])
        return self.runs[seed, name, task]


@dataclass(frozen=True, slots=True)
class Source:
    """A run that can be had."""

    on: str
    stand_in: bool
    """Whether it is of the bundled checkpoint."""


def take_in(record: Outcomes, work: Work, claims: Claims, bundled: Path) -> tuple[Outcomes, AtHand]:
    """Evaluate the runs at hand, and return the record with them, and the runs.

    Args:
        record: what is known.
        work: the runs at hand.
        claims: whose claims are measured anew where their runs are at hand.
        bundled: the folder of bundled checkpoints, which stand in for lost runs.
    """
    hand = _at_hand(work, claims, bundled)
    curves = [
        read_run_curves(
            each.name, seed, place(work.folder(seed), each.name), BEST, work.out / "flops.json"
        )
        for each in (*STARTING, *work.members)
        for seed in work.trained_seeds(each.name)
        if each.known
    ]
    runs = merged(record.runs, _run_outcomes(hand, curves), lambda r: (r.member, r.seed, r.on))
    grown = replace(
        record,
        tasks=merged(record.tasks, _task_outcomes(hand), lambda each: each.task),
        runs=runs,
        learning=with_curves(record.learning, curves),
        equal=with_budgets(record.equal, curves, claims),
        bridges=merged(
            record.bridges, list(bridges_of(hand, claims.level)),
            lambda each: (each.member, each.seed, each.task, each.on, each.other),
        ),
    )  # fmt: skip
    there = {each.claim: each for each in record.claims}
    measured = [
        update_claim(claim, there.get(claim.name), grown, hand, claims.level)
        for claim in claims.claims
    ]
    return in_order(replace(grown, claims=tuple(filter(None, measured))), claims), hand


def _at_hand(work: Work, claims: Claims, bundled: Path) -> AtHand:
    runs, scores = evaluate_runs(work, claims)
    members = {(seed, name) for seed, name, _ in runs if name in BY_NAME}
    records = {
        (seed, name): weights.read(work.best(seed, BY_NAME[name].weights))[1]
        for seed, name in members
    }
    there = {name: bundled / f"{name}{weights.SUFFIX}" for name in SHIPPED}
    there = {name: path for name, path in there.items() if path.is_file()}
    shipped = {name: weights.read(path)[1] for name, path in there.items()}
    return AtHand(
        work, runs, scores,
        {key: trained_on(record) for key, record in records.items()},
        there,
        {name: trained_on(record) for name, record in shipped.items()},
        {key: _examples(record) for key, record in records.items()},
        {name: _examples(record) for name, record in shipped.items()},
    )  # fmt: skip


def _examples(record: Mapping[str, Any]) -> int:
    return int(record["plan"]["steps"] * record["plan"]["batch"])


def _run_outcomes(hand: AtHand, curves: Sequence[RunCurves]) -> list[RunOutcome]:
    trained = {(each.member, each.seed): each for each in curves}
    keys = dict.fromkeys((*trained, *((name, seed) for seed, name in hand.on)))
    found = []
    for name, seed in keys:
        scores = {
            task: round(100 * score.value, 4)
            for (s, model, task), score in hand.scores.items()
            if (s, model) == (seed, name)
        }
        each = trained.get((name, seed))
        if each is None:
            found.append(RunOutcome(name, seed, hand.on[seed, name], scores=scores))
        else:
            found.append(RunOutcome(
                name, seed, each.device, each.start, each.steps, each.batch, each.pool,
                round(each.flops / 1e6, 3), scores=scores,
            ))  # fmt: skip
    return found


def _task_outcomes(hand: AtHand) -> list[TaskOutcome]:
    """Return the tasks' headlines and numbers of test items."""
    return [
        TaskOutcome(task, score.edition, score.metric, score.items, score.images)
        for (_, _, task), score in hand.scores.items()
    ]


def with_curves(old: Sequence[Learning], curves: Sequence[RunCurves]) -> tuple[Learning, ...]:
    """Return curves on record with those at hand.

    A mean over seeds stays until all of its seeds are at hand.
    """
    seeds: dict[tuple[str, str], set[int]] = {}
    for each in curves:
        if each.curves:
            seeds.setdefault((each.member, each.device), set()).add(each.seed)
    kept = [each for each in old
            if not set(each.seeds) <= seeds.get((each.member, each.on), set())]  # fmt: skip
    held = {(each.member, each.on, seed) for each in kept for seed in each.seeds}
    new = [
        Learning(
            each.member, each.device, (each.seed,), metric,
            tuple(zip(curve.examples, (round(x, 4) for x in curve.percents), strict=True)),
        )
        for each in curves
        if (each.member, each.device, each.seed) not in held
        for metric, curve in each.curves.items()
    ]  # fmt: skip
    return (*kept, *new)


def with_budgets(
    old: Sequence[EqualBudget], curves: Sequence[RunCurves], claims: Claims
) -> tuple[EqualBudget, ...]:
    """Return comparisons at equal budgets on record with those at hand that have as many seeds."""
    of = {(each.member, each.seed): each for each in curves}
    new = []
    for better, worse in dict.fromkeys((c.better, c.worse) for c in claims.confirmatory):
        both = [
            (of[better, seed], of[worse, seed])
            for seed in sorted({seed for _, seed in of})
            if {(better, seed), (worse, seed)} <= set(of)
            and of[better, seed].device == of[worse, seed].device
        ]
        for metric in [m for m in both[0][0].curves if m in both[0][1].curves] if both else []:
            sides = [_apart(one, other, metric) for one, other in both]
            examples, flops = (round(fmean(side), 4) for side in zip(*sides, strict=True))
            seeds = tuple(one.seed for one, _ in both)
            new.append(
                EqualBudget(better, worse, both[0][0].device, seeds, metric, examples, flops)
            )
    best = {(each.better, each.worse, each.metric): each for each in old}
    for each in new:
        key = each.better, each.worse, each.metric
        if key not in best or set(best[key].seeds) <= set(each.seeds):
            best[key] = each
    return tuple(best.values())


def _apart(better: RunCurves, worse: RunCurves, metric: str) -> tuple[float, float]:
    """Return how far two runs are apart after as many examples, and after as many operations."""
    one, other = better.curves[metric], worse.curves[metric]
    ends = one.examples[-1], other.examples[-1]
    last = min(ends)
    budget = min(ends[0] * better.flops, ends[1] * worse.flops)
    spent = (min(end, budget / each.flops) for end, each in zip(ends, (better, worse), strict=True))
    return one.at(last) - other.at(last), one.at(next(spent)) - other.at(next(spent))


def bridges_of(hand: AtHand, level: float) -> Iterator[Bridge]:
    """Yield the differences of members at hand from their bundled trainings on other devices.

    A training on another number of examples is none to compare with.
    """
    for seed, name, task in hand.scores:
        other = hand.bundled_on.get(name, "")
        on = hand.on.get((seed, name), "")
        alike = hand.examples.get((seed, name)) == hand.bundled_examples.get(name)
        if seed == 0 and other and on != other and alike:
            sources = Source(other, stand_in=True), Source(on, stand_in=False)
            both = paired_scores([hand.run(each, seed, name, task) for each in sources])
            pair = pair_of(both, 0, level)
            points = (round(100 * x, 4) for x in (pair.difference, pair.low, pair.high))
            yield Bridge(name, seed, task, both.metric.name, on, other, *points)


def update_claim(
    claim: Claim, old: ClaimOutcome | None, record: Outcomes, hand: AtHand, level: float
) -> ClaimOutcome | None:
    """Return a claim as it is measured now; None of one with no pair of runs."""
    known = dict(claim_result(claim, old, record).pairs)
    devices = _devices(claim, record)
    chosen: dict[int, tuple[Source, Source]] = {}
    headlines: dict[int, Pair] = {}
    for seed in sorted({seed for seed, *_ in hand.runs}):
        rank = _rank_of_pair(known.get(seed), devices)
        best = _best_sources(claim, seed, devices, hand)
        if best and (seed not in known or _is_preferred(best, known[seed], devices)):
            chosen[seed] = best
            rank = _rank(best[0].on, best[1].on, devices)
        pair = _headline_pair(claim, seed, record, hand, devices)
        if pair and _rank_of_pair(pair, devices) < rank:
            headlines[seed] = pair
            chosen.pop(seed, None)
    known = {seed: pair for seed, pair in known.items() if seed not in {*chosen, *headlines}}
    if not chosen and not headlines:
        return old
    fresh = _measure_chosen(claim, chosen, hand, level) if chosen else None
    pairs = known | headlines | (dict(fresh.pairs) if fresh else {})
    if not all(each.across for each in pairs.values()):
        pairs = {seed: each for seed, each in pairs.items() if not each.across}
    if old is not None and pairs == claim_result(claim, old, record).pairs:
        return old
    if fresh and set(pairs) == set(fresh.pairs):
        return claim_outcome(fresh)
    if fresh and set(pairs) < set(fresh.pairs):
        fewer = {seed: both for seed, both in chosen.items() if seed in pairs}
        return claim_outcome(_measure_chosen(claim, fewer, hand, level))
    metric = claim.metric or next(t.metric for t in record.tasks if t.task == claim.task)
    told = claim_outcome(measure_pairs(claim, dict(sorted(pairs.items())), metric, level))
    kept = old is not None and old.rounded and bool(known)
    return replace(told, rounded=kept or _are_rounded(claim, headlines, record))


def _are_rounded(claim: Claim, headlines: Mapping[int, Pair], record: Outcomes) -> bool:
    """Return whether any headline of these pairs is on record to a tenth of a point only."""
    return any(
        each.rounded
        and each.member in (claim.better, claim.worse)
        and each.seed in headlines
        and each.on in (headlines[each.seed].better_on, headlines[each.seed].worse_on)
        for each in record.runs
    )


def _best_sources(
    claim: Claim, seed: int, devices: Sequence[str], hand: AtHand
) -> tuple[Source, Source] | None:
    """Return the runs to compare of a seed; at least one of them is at hand."""
    sides = (hand.sources(seed, name, claim.task) for name in (claim.better, claim.worse))
    both = [(one, other) for one, other in product(*sides) if not (one.stand_in and other.stand_in)]
    return min(both, default=None, key=lambda each: (
        *_rank(each[0].on, each[1].on, devices), each[0].stand_in, each[1].stand_in,
    ))  # fmt: skip


def _devices(claim: Claim, record: Outcomes) -> list[str]:
    """Return devices, the one first on which most seeds of a claim have both models."""
    there: dict[str, dict[int, set[str]]] = {claim.better: {}, claim.worse: {}}
    for each in record.runs:
        if each.member in there and claim.task in each.scores:
            there[each.member].setdefault(each.seed, set()).add(each.on)
    trained = [there[name] for name in there if name in BY_NAME]  # baselines have no device

    def seeds(on: str) -> int:
        return len(set.intersection(*({s for s in side if on in side[s]} for side in trained)))

    return sorted(record.devices, key=lambda on: -seeds(on))


def _rank(better_on: str, worse_on: str, devices: Sequence[str]) -> tuple[bool, int]:
    """Return the order of preference of two devices: alike first, then as they are listed."""
    on, across = better_on or worse_on, bool(better_on and worse_on) and better_on != worse_on
    return across, devices.index(on) if on in devices else len(devices)


def _rank_of_pair(pair: Pair | None, devices: Sequence[str]) -> tuple[bool, int]:
    """Return the order of preference of a pair; last where there is none."""
    if pair is None:
        return True, len(devices) + 1
    return _rank(pair.better_on, pair.worse_on, devices)


def _is_preferred(best: tuple[Source, Source], pair: Pair, devices: Sequence[str]) -> bool:
    """Return whether runs that can be had take the place of a pair on record."""
    one = _rank(best[0].on, best[1].on, devices)
    other = _rank_of_pair(pair, devices)
    stands = best[0].stand_in or best[1].stand_in
    return one < other or (one == other and (not stands or math.isnan(pair.low)))


def _measure_chosen(
    claim: Claim, chosen: Mapping[int, tuple[Source, Source]], hand: AtHand, level: float
) -> ClaimResult:
    """Return a claim measured by the items of the chosen runs."""
    names = claim.better, claim.worse
    runs = {
        (seed, name, claim.task): hand.run(source, seed, name, claim.task)
        for seed, both in chosen.items()
        for name, source in zip(names, both, strict=True)
    }
    found = measure_claim(claim, runs, level)
    pairs = {
        seed: replace(pair, better_on=chosen[seed][0].on, worse_on=chosen[seed][1].on)
        for seed, pair in found.pairs.items()
    }
    return replace(found, pairs=pairs)


def _headline_pair(
    claim: Claim, seed: int, record: Outcomes, hand: AtHand, devices: Sequence[str]
) -> Pair | None:
    """Return a run at hand against a headline on record, without an interval; None if there is
    neither, or the claim is not of the headline."""
    there = [
        [each for each in record.runs
         if (each.member, each.seed) == (name, seed) and claim.task in each.scores]
        for name in (claim.better, claim.worse)
    ]  # fmt: skip
    if claim.metric is not None or not all(there):
        return None
    one, other = min(product(*there), key=lambda each: _rank(each[0].on, each[1].on, devices))
    if not any(hand.on.get((seed, each.member)) == each.on for each in (one, other)):
        return None
    apart = (one.scores[claim.task] - other.scores[claim.task]) / 100
    return Pair(apart, math.nan, math.nan, one.on, other.on)
