"""The page's tables: claims by seed, learning, Structure-CLIP's parts, scores, budgets."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import TYPE_CHECKING

from benchmarks.curves import EXAMPLES, TARGET
from benchmarks.family_runs import PART_TASKS, TASKS
from benchmarks.members import MEMBERS, PARTS, START, STARTS, canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchbench.types import Run
    from benchmarks.claims import Claims
    from benchmarks.curves import Curve, RunCurves
    from benchmarks.family_runs import Score
    from benchmarks.verdicts import ClaimResult, MeanDifference, Pair

ALIKE = (1_000_000, 3_000_000)
"""Examples of the cheapest member, whose arithmetic others are held to."""
NONE = "–"


@dataclass(frozen=True)
class Results:
    """Everything on the page."""

    claims: Claims
    found: Sequence[ClaimResult]
    runs: Mapping[tuple[int, str, str], Run]
    """By seed, model and task."""
    scores: Mapping[tuple[int, str, str], Score]
    """The headlines of the same runs."""
    curves: Sequence[RunCurves]
    notes: Sequence[str] = ()

    @property
    def seeds(self) -> list[int]:
        """Those of which anything is there."""
        return sorted({seed for seed, *_ in self.scores})

    @property
    def members(self) -> list[str]:
        """Those of which anything is there, as the table of members lists them."""
        there = {name for _, name, _ in self.scores}
        return [each.name for each in MEMBERS if each.name in there]


def points(share: float, signed: bool = True) -> str:
    """Return a share in points, with a typographic minus.

    >>> points(-0.0123), points(0.5, signed=False), points(float("nan"))
    ('−1.2', '50.0', '–')
    """
    if math.isnan(share):
        return NONE
    return f"{100 * share:{'+' if signed else ''}.1f}".replace("-", "−")


def between(low: float, high: float) -> str:
    """Return an interval in points."""
    return NONE if math.isnan(low) else f"[{points(low)}, {points(high)}]"


def p_value(p: float) -> str:
    """Return a p-value for a table.

    >>> p_value(0.0312), p_value(0.00001)
    ('0.031', '<0.0001')
    """
    return "<0.0001" if p < 0.0001 else f"{p:.2g}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], words: int = 1) -> list[str]:
    """Return a table as markdown; the first ``words`` columns are words, the others numbers."""
    under = ["---" if k < words else "---:" for k in range(len(head))]
    return [f"| {' | '.join(cells)} |" for cells in (head, under, *rows)]


def claims_table(found: Sequence[ClaimResult], seeds: Sequence[int], level: float) -> list[str]:
    """Return the claims with each seed's difference, both intervals, p and verdict."""
    percent = f"{100 * (1 - 2 * level):g} %"
    head = [
        "better − worse", "on", "must exceed", *(f"seed {seed}" for seed in seeds), "mean",
        f"{percent} over seeds", f"{percent} over items", "p", "p is over", "adjusted p", "verdict",
    ]  # fmt: skip
    return table(head, [_claim_row(each, seeds) for each in found], 2)


def _claim_row(found: ClaimResult, seeds: Sequence[int]) -> list[str]:
    claim = found.claim
    tested = found.n > 0 and claim.kind != "estimate"
    adjusted = claim.confirmatory and found.n > 0
    return [
        f"`{claim.better}` − `{claim.worse}`",
        claim.task_and_metric,
        NONE if claim.kind == "estimate" else f"{100 * claim.bound:g}".replace("-", "−"),
        *(_seed_cell(found.pairs.get(seed)) for seed in seeds),
        points(found.items.mean),
        _interval(found.seeds),
        _interval(found.items),
        p_value(found.tested.above) if tested else NONE,
        found.basis if tested else NONE,
        p_value(found.above) if adjusted else NONE,
        found.verdict,
    ]


def _interval(over: MeanDifference) -> str:
    return between(over.low, over.high)


def _seed_cell(pair: Pair | None) -> str:
    if pair is None:
        return NONE
    return f"{points(pair.difference)} {between(pair.low, pair.high)}"


def parts_table(results: Results) -> list[str]:
    """Return Structure-CLIP's ablation, by start: mean ± standard deviation over seeds."""
    rows = []
    for start in sorted(STARTS, key=lambda each: each != START):
        for part in PARTS:
            name = canonical(f"{part}@{start}")
            has = "knowledge" in _settings(part), "swap" in _settings(part)
            nothing = NONE if name in results.members else "not trained"
            cells = [_over_seeds(_scores(results, name, task)) or nothing for task in PART_TASKS]
            rows.append([start, *("yes" if each else NONE for each in has[::-1]), name, *cells])
    head = ["start", "semantic negatives", "knowledge encoder", "member", *PART_TASKS]
    return table(head, rows, 4)


def _settings(variant: str) -> set[str]:
    """Return the first words of a variant's settings."""
    from benchbench.variants.catalogue import variant as described

    return {name.partition("_")[0] for name in described(variant).settings}


def _scores(results: Results, name: str, task: str) -> list[float]:
    """Return a member's headlines by seed."""
    return [
        score.value
        for (_, model, of), score in sorted(results.scores.items())
        if (model, of) == (name, task)
    ]


def _over_seeds(values: Sequence[float]) -> str:
    """Return mean ± standard deviation (seeds); empty without a value."""
    if not values:
        return ""
    mean = points(fmean(values), signed=False)
    return f"{mean} ± {100 * stdev(values):.1f} ({len(values)})" if len(values) > 1 else mean


def scores_table(results: Results) -> list[str]:
    """Return the headline of every member, seed and task."""
    rows = [
        [name, f"{seed}", *(_score(results, seed, name, task) for task in TASKS)]
        for name in results.members
        for seed in results.seeds
        if any((seed, name, task) in results.scores for task in TASKS)
    ]
    return table(["member", "seed", *TASKS], rows, 1)


def _score(results: Results, seed: int, name: str, task: str) -> str:
    score = results.scores.get((seed, name, task))
    return NONE if score is None else points(score.value, signed=False)


def budget_table(results: Results) -> list[str]:
    """Return how long each member was trained, and its start."""
    of: dict[tuple[str, ...], list[int]] = {}
    for each in results.curves:
        said = (
            each.member, each.start, f"{each.steps:,}", f"{each.batch:,}",
            f"{each.steps * each.batch:,}", f"{each.flops / 1e6:,.0f}", each.device,
        )  # fmt: skip
        of.setdefault(said, []).append(each.seed)
    rows = [[*said, ", ".join(map(str, seeds))] for said, seeds in of.items()]
    head = ["member", "start", "steps", "batch", "examples", "MFLOPs an example", "on", "seeds"]
    return table(head, rows, 2)


def learning_tables(results: Results) -> list[str]:
    """Return a table for each metric: by examples, to a level, and by arithmetic."""
    marks = dict.fromkeys(mark for each in results.curves for mark in each.curves)
    lines: list[str] = []
    for mark in marks:
        runs = [each for each in results.curves if mark in each.curves]
        lines += ["", f"### {mark}", "", *_learning_table(runs, mark)]
    return lines


def equal_table(results: Results) -> list[str]:
    """Return metrics of the claims' pairs at equal examples and at equal arithmetic, means over
    seeds."""
    of = {(each.member, each.seed): each for each in results.curves}
    pairs = dict.fromkeys((each.better, each.worse) for each in results.claims.confirmatory)
    rows = []
    for better, worse in pairs:
        both = [
            (of[better, seed], of[worse, seed])
            for seed in sorted({seed for _, seed in of})
            if {(better, seed), (worse, seed)} <= set(of)
        ]
        marks = [mark for mark in both[0][0].curves if mark in both[0][1].curves] if both else []
        for mark in marks:
            apart = [_apart(one, other, mark) for one, other in both]
            cells = [_signed(fmean(side)) for side in zip(*apart, strict=True)]
            rows.append([f"`{better}` − `{worse}`", mark, f"{len(both)}", *cells])
    return table(["better − worse", "mark", "seeds", "equal examples", "equal FLOPs"], rows, 2)


def _apart(better: RunCurves, worse: RunCurves, mark: str) -> tuple[float, float]:
    """Return how far two runs are apart after as many examples, and after as many operations."""
    one, other = better.curves[mark], worse.curves[mark]
    ends = one.examples[-1], other.examples[-1]
    last = min(ends)
    budget = min(ends[0] * better.flops, ends[1] * worse.flops)
    spent = (min(end, budget / each.flops) for end, each in zip(ends, (better, worse), strict=True))
    return one.at(last) - other.at(last), one.at(next(spent)) - other.at(next(spent))


def _signed(number: float) -> str:
    return NONE if math.isnan(number) else f"{number:+.1f}".replace("-", "−")


def _learning_table(runs: Sequence[RunCurves], mark: str) -> list[str]:
    members = dict.fromkeys(each.member for each in runs)
    cheapest = min(each.flops for each in runs)
    head = [
        "member", "seeds", *(f"at {_million(n)}" for n in EXAMPLES), f"examples to {TARGET:g} %",
        *(f"at {_flops(n * cheapest)}" for n in ALIKE),
    ]  # fmt: skip
    rows = []
    for member in members:
        own = [each for each in runs if each.member == member]
        curves, flops = [each.curves[mark] for each in own], own[0].flops
        rows.append([
            member, f"{len(own)}", *(_at(curves, n) for n in EXAMPLES), _reached(curves),
            *(_at(curves, n * cheapest / flops) for n in ALIKE),
        ])  # fmt: skip
    return table(head, rows)


def _million(examples: float) -> str:
    return f"{examples / 1e6:.2g} M"


def _flops(number: float) -> str:
    """Return a number of operations in words: "630 TFLOPs"."""
    return f"{number / 1e12:,.0f} TFLOPs" if number < 1e15 else f"{number / 1e15:.2g} PFLOPs"


def _at(curves: Sequence[Curve], examples: float) -> str:
    """Return the mean over seeds that have validations before and after."""
    value = fmean(each.at(examples) for each in curves)
    return NONE if math.isnan(value) else f"{value:.1f}"


def _reached(curves: Sequence[Curve]) -> str:
    """Return the geometric mean over the seeds that reach the level, and their number where not all
    do."""
    found = [each.examples_to() for each in curves]
    reached = [each for each in found if not math.isnan(each)]
    if not reached:
        return "not reached"
    mean = math.exp(fmean(map(math.log, reached)))
    few = f" ({len(reached)} of {len(found)} seeds)" if len(reached) < len(found) else ""
    return f"{_million(mean)}{few}"
