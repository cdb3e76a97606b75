"""The page's tables: claims by seed, learning, Structure-CLIP's parts, scores, budgets."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import TYPE_CHECKING

from benchmarks.curves import EXAMPLES, TARGET
from benchmarks.family_runs import PART_TASKS, TASKS
from benchmarks.members import BY_NAME, PARTS, START, STARTS, canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.claims import Claims
    from benchmarks.outcomes import Learning, Outcomes, RunOutcome
    from benchmarks.verdicts import ClaimResult, MeanDifference, Pair

ALIKE = (1_000_000, 3_000_000)
"""Examples of the cheapest member, whose arithmetic others are held to."""
NONE = "–"


@dataclass(frozen=True)
class Results:
    """Everything on the page: claims, their verdicts, and the record that both rest on."""

    claims: Claims
    found: Sequence[ClaimResult]
    record: Outcomes

    @property
    def seeds(self) -> list[int]:
        """Those of which anything is there."""
        return sorted({each.seed for each in self.record.runs if each.scores})

    def runs_of(self, member: str) -> list[RunOutcome]:
        """Return a member's runs on the device that most of its runs are of."""
        own = [each for each in self.record.runs if each.member == member and each.scores]
        places = {on: sum(each.on == on for each in own) for on in self.record.devices}
        first = max(places, key=lambda on: places[on], default="")
        return [each for each in own if each.on == first]

    def label(self, member: str, on: str) -> str:
        """Return a member's name, with its device where that is not the one of most runs."""
        return member if on in ("", self.record.usual) else f"{member} ({short(on)})"


def short(on: str) -> str:
    """Return a device and a precision in few words.

    >>> short("NVIDIA H200, bf16"), short("CPU (x86_64), fp32")
    ('H200 bf16', 'CPU fp32')
    """
    return (
        on.partition(" (")[0].removeprefix("NVIDIA ").partition(",")[0]
        + " "
        + on.rpartition(", ")[2]
    )


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


def without_empty(
    head: Sequence[str], rows: Sequence[Sequence[str]]
) -> tuple[list[str], list[list[str]]]:
    """Return a table's cells without the columns that have no value.

    >>> without_empty(["a", "b", "c"], [["x", "–", "1"], ["y", "–", "–"]])
    (['a', 'c'], [['x', '1'], ['y', '–']])
    """
    kept = [k for k in range(len(head)) if any(row[k] != NONE for row in rows)]
    return [head[k] for k in kept], [[row[k] for k in kept] for row in rows]


def table(head: Sequence[str], rows: Iterable[Sequence[str]], words: int = 1) -> list[str]:
    """Return a table as markdown; the first ``words`` columns are words, the others numbers."""
    under = ["---" if k < words else "---:" for k in range(len(head))]
    return [f"| {' | '.join(cells)} |" for cells in (head, under, *rows)]


def claims_table(found: Sequence[ClaimResult], results: Results) -> list[str]:
    """Return the claims with each seed's difference, both intervals, p and verdict."""
    seeds, percent = results.seeds, f"{100 * (1 - 2 * results.claims.level):g} %"
    head = [
        "better − worse", "on", "must exceed", *(f"seed {seed}" for seed in seeds), "mean",
        f"{percent} over seeds", f"{percent} over items", "p", "p is over", "adjusted p", "verdict",
    ]  # fmt: skip
    return table(head, [_claim_row(each, seeds, results.record.usual) for each in found], 2)


def _claim_row(found: ClaimResult, seeds: Sequence[int], usual: str) -> list[str]:
    claim = found.claim
    counts = found.n > 0 and not found.across
    tested = counts and claim.kind != "estimate" and not math.isnan(found.tested.low)
    adjusted = counts and claim.confirmatory
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
        _verdict_cell(found, usual),
    ]


def _verdict_cell(found: ClaimResult, usual: str) -> str:
    """Return the verdict, with the devices where they are not all the usual one."""
    said = devices(found, usual)
    if found.across:
        estimated = "estimated, " * (found.verdict == "estimated")
        return f"{estimated}across devices: {said}"
    return f"{found.verdict} ({said})" if said else found.verdict


def devices(found: ClaimResult, usual: str) -> str:
    """Return the devices that trained a claim's models: "CPU fp32 / H200 bf16"; empty where all are
    the usual one, or nothing was trained."""
    across = [each for each in found.pairs.values() if each.across]
    if across:
        return f"{short(across[0].better_on)} / {short(across[0].worse_on)}"
    own = dict.fromkeys(each.better_on or each.worse_on for each in found.pairs.values())
    return ", ".join(map(short, own)) if any(on not in ("", usual) for on in own) else ""


def _interval(over: MeanDifference) -> str:
    return between(over.low, over.high)


def _seed_cell(pair: Pair | None) -> str:
    if pair is None:
        return NONE
    around = "" if math.isnan(pair.low) else f" {between(pair.low, pair.high)}"
    return f"{points(pair.difference)}{around}"


def parts_table(results: Results) -> list[str]:
    """Return Structure-CLIP's ablation, by start: mean ± standard deviation over seeds."""
    rows = []
    for start in sorted(STARTS, key=lambda each: each != START):
        for part in PARTS:
            name = canonical(f"{part}@{start}")
            has = "knowledge" in _settings(part), "swap" in _settings(part)
            own = results.runs_of(name)
            nothing = NONE if own else "not trained"
            cells = [_over_seeds(own, task) or nothing for task in PART_TASKS]
            rows.append([start, *("yes" if each else NONE for each in has[::-1]), name, *cells])
    head = ["start", "semantic negatives", "knowledge encoder", "member", *PART_TASKS]
    return table(head, rows, 4)


def _settings(variant: str) -> set[str]:
    """Return the first words of a variant's settings."""
    from benchbench.variants.catalogue import variant as described

    return {name.partition("_")[0] for name in described(variant).settings}


def _over_seeds(runs: Sequence[RunOutcome], task: str) -> str:
    """Return mean ± standard deviation (seeds); empty without a value."""
    values = [each.scores[task] for each in runs if task in each.scores]
    if not values:
        return ""
    mean = f"{fmean(values):.1f}"
    return f"{mean} ± {stdev(values):.1f} ({len(values)})" if len(values) > 1 else mean


def scores_table(results: Results) -> list[str]:
    """Return the headline of every member, seed and task."""
    rows = [
        [results.label(name, run.on), f"{run.seed}", *(_score(run, task) for task in TASKS)]
        for name in BY_NAME
        for run in results.record.runs
        if run.member == name and any(task in run.scores for task in TASKS)
    ]
    return table(["member", "seed", *TASKS], rows, 1)


def _score(run: RunOutcome, task: str) -> str:
    return f"{run.scores[task]:.1f}" if task in run.scores else NONE


def budget_table(results: Results) -> list[str]:
    """Return how long each member was trained, and its start."""
    of: dict[tuple[str, ...], list[int]] = {}
    for each in results.record.runs:
        if each.steps:
            said = (
                each.member, each.start, f"{each.steps:,}", f"{each.batch:,}",
                f"{each.examples:,}", f"{each.mflops:,.0f}", each.on,
            )  # fmt: skip
            of.setdefault(said, []).append(each.seed)
    rows = [[*said, ", ".join(map(str, seeds))] for said, seeds in of.items()]
    head = ["member", "start", "steps", "batch", "examples", "MFLOPs an example", "on", "seeds"]
    return table(head, rows, 2)


def learning_tables(results: Results) -> list[str]:
    """Return a table for each metric: by examples, to a level, and by arithmetic."""
    lines: list[str] = []
    for mark in dict.fromkeys(each.metric for each in results.record.learning):
        lines += ["", f"### {mark}", "", *_learning_table(results, mark)]
    return lines


def equal_table(results: Results) -> list[str]:
    """Return metrics of the claims' pairs at equal examples and at equal arithmetic, means over
    seeds."""
    pairs = dict.fromkeys((each.better, each.worse) for each in results.claims.confirmatory)
    rows = [
        [f"`{better}` − `{worse}`", each.metric, f"{len(each.seeds)}",
         _signed(each.examples), _signed(each.flops)]
        for better, worse in pairs
        for each in results.record.equal
        if (each.better, each.worse) == (better, worse)
    ]  # fmt: skip
    return table(["better − worse", "mark", "seeds", "equal examples", "equal FLOPs"], rows, 2)


def _signed(number: float) -> str:
    return NONE if math.isnan(number) else f"{number:+.1f}".replace("-", "−")


def _learning_table(results: Results, mark: str) -> list[str]:
    there = [each for each in results.record.learning if each.metric == mark]
    flops = {(run.member, run.on): 1e6 * run.mflops for run in results.record.runs if run.steps}
    cheapest = min(flops[each.member, each.on] for each in there)
    head = [
        "member", "seeds", *(f"at {_million(n)}" for n in EXAMPLES), f"examples to {TARGET:g} %",
        *(f"at {_flops(n * cheapest)}" for n in ALIKE),
    ]  # fmt: skip
    rows = []
    for member, on in dict.fromkeys((each.member, each.on) for each in there):
        own = [each for each in there if (each.member, each.on) == (member, on)]
        rows.append([
            results.label(member, on), f"{sum(len(each.seeds) for each in own)}",
            *(_at(own, n) for n in EXAMPLES), _reached(own),
            *(_at(own, n * cheapest / flops[member, on]) for n in ALIKE),
        ])  # fmt: skip
    return table(*without_empty(head, rows))


def _million(examples: float) -> str:
    return f"{examples / 1e6:.2g} M"


def _flops(number: float) -> str:
    """Return a number of operations in words: "630 TFLOPs"."""
    return f"{number / 1e12:,.0f} TFLOPs" if number < 1e15 else f"{number / 1e15:.2g} PFLOPs"


def _at(own: Sequence[Learning], examples: float) -> str:
    """Return the mean over seeds that have validations before and after."""
    total = sum(len(each.seeds) * each.curve.at(examples) for each in own)
    value = total / sum(len(each.seeds) for each in own)
    return NONE if math.isnan(value) else f"{value:.1f}"


def _reached(own: Sequence[Learning]) -> str:
    """Return the geometric mean over the seeds that reach the level, and their number where not all
    do."""
    seeds = sum(len(each.seeds) for each in own)
    found = [each.reached_by for each in own]
    reached = sum(number for _, number in found)
    if not reached:
        return "not reached"
    mean = math.exp(sum(number * math.log(examples) for examples, number in found if number)
                    / reached)  # fmt: skip
    few = f" ({reached} of {seeds} seeds)" if reached < seeds else ""
    return f"{_million(mean)}{few}"
