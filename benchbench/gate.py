"""The gate: may a checkpoint take another's place?

Each check holds the difference candidate − baseline of one metric, item by item on the same items,
against a margin, or a score against a floor. It *passes* where the difference is surely above
−margin (non-inferior), *fails* where it is surely below (worse by more than the margin), and is
*inconclusive* otherwise: "not significant" is not "no regression". All checks must pass, each at
its own α, for the gate to pass (an intersection–union test; Berger 1982): that needs no adjustment.
To fail, one is enough, and these claims are adjusted for their number (Holm).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from benchbench.errors import NotComparable, UsageError
from benchbench.reports.sidebyside import metric_of, side_by_side
from benchbench.stats import holm, needed
from benchbench.stats.margins import from_bound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchbench.reports.sidebyside import SideBySide
    from benchbench.types import Run, Ties

Verdict = Literal["pass", "fail", "inconclusive"]
ALPHA = 0.05
FEW_ITEMS = 400
"""Groups of fewer items are reported and not gated."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What is asked of one metric; shares, so that a point is 0.01."""

    task: str
    metric: str | None = None
    """None: the task's headline."""
    margin: float = 0.01
    """By how much the candidate may be worse."""
    floor: float | None = None
    """A score that the candidate must not be below, whatever the baseline has; then there is no
    margin."""
    by: str | None = None
    """A tag: each of its groups is held to the margin by itself."""
    least_items: int = FEW_ITEMS
    """With ``by``: groups of fewer items are reported, not gated."""
    alpha: float = ALPHA


@dataclass(frozen=True, slots=True)
class Check:
    """What became of a rule, or of one group of it."""

    rule: Rule
    name: str
    """``vg-relation@scenes-v1 macro``, with the group behind it."""
    baseline: float
    candidate: float
    bound: float
    """What the difference (or the score, for a floor) is held against."""
    p_pass: float
    p_fail: float
    """Adjusted for the number of checks."""
    verdict: Verdict
    n_items: int
    n_clusters: int
    items_needed: int
    """For the difference seen to be surely on its side of the bound in four of five tries; 0 where
    it is, or lies on the bound."""
    gated: bool = True
    """False: for information."""

    @property
    def difference(self) -> float:
        """candidate − baseline."""
        return self.candidate - self.baseline


@dataclass(frozen=True, slots=True)
class Gate:
    """All checks, and what they come to."""

    checks: tuple[Check, ...]

    @property
    def verdict(self) -> Verdict:
        """Fail where any check fails, pass where all pass."""
        said = {check.verdict for check in self.checks if check.gated}
        if "fail" in said:
            return "fail"
        return "pass" if said == {"pass"} else "inconclusive"


def gate(
    candidates: Sequence[Run],
    baselines: Sequence[Run],
    rules: Sequence[Rule],
    *,
    ties: Ties = "wrong",
) -> Gate:
    """Hold a candidate's runs against a baseline's.

    Args:
        candidates: one run a task.
        baselines: one run a task, of the same items.
        rules: what is asked; each names its task.
        ties: the rule, where a metric fixes none.

    Raises:
        UsageError: no rule, a rule without runs, a metric that is no mean, a margin below 0.
        NotComparable: the two are of other items, editions, precision or preprocessing.
    """
    if not rules:
        raise UsageError("A gate needs a rule: a task, a metric, a margin.")
    found = [
        check
        for rule in rules
        for check in _checked(
            rule, run_of(candidates, rule, "candidate"), run_of(baselines, rule, "baseline"), ties
        )
    ]
    return Gate(tuple(_judged(found)))


def run_of(runs: Sequence[Run], rule: Rule, who: str) -> Run:
    """The run of a rule's task.

    Raises:
        UsageError: there is none, or more than one.
    """
    of_task = [run for run in runs if run.task == rule.task]
    if len(of_task) != 1:
        there = ", ".join(sorted({run.task for run in runs})) or "none"
        raise UsageError(
            f"The {who} needs one run of {rule.task}, and has {len(of_task)}. Its tasks: {there}."
        )
    return of_task[0]


def check_comparable(candidate: Run, baseline: Run) -> None:
    """Refuse what would gate a change of conditions instead of a change of checkpoint.

    Raises:
        NotComparable: precision or preprocessing differ.
    """
    differ = [
        f"{said}: {one} of the candidate, {other} of the baseline"
        for said, one, other in (
            ("precision", candidate.model.dtype, baseline.model.dtype),
            (
                "preprocessing",
                dict(candidate.model.preprocessing),
                dict(baseline.model.preprocessing),
            ),
        )
        if one != other
    ]
    if differ:
        raise NotComparable("These runs do not compare:\n  - " + "\n  - ".join(differ))


def _checked(rule: Rule, candidate: Run, baseline: Run, ties: Ties) -> list[Check]:
    """The check of a rule, or of each group of it; not judged yet."""
    if rule.margin < 0 or not 0 < rule.alpha < 1:
        raise UsageError(
            f"A margin is 0 or more and α between 0 and 1, not {rule.margin} and {rule.alpha}."
        )
    check_comparable(candidate, baseline)
    metric = metric_of(candidate, rule.metric)
    if metric.statistic != "mean":
        raise UsageError(f"{metric.name} is a median, and a gate holds means against a margin.")
    where = f"{candidate.task}@{candidate.edition} {metric.name}"
    if rule.by is None:
        both = side_by_side([baseline, candidate], metric, ties=ties)
        return [_check(rule, where, both)]
    grouped = replace(metric, by=rule.by, leave_out=frozenset(), at_least=1)
    both = side_by_side([baseline, candidate], grouped, ties=ties)
    labels = np.array(both.groups, dtype=str)
    checks = []
    for label in sorted(set(labels.tolist())):
        check = _check(rule, f"{where}, {rule.by} '{label}'", both.part(labels == label))
        checks.append(replace(check, gated=check.n_items >= rule.least_items))
    return checks


def _check(rule: Rule, name: str, both: SideBySide) -> Check:
    """One comparison with its raw p-values."""
    sign, (old, new) = both.sign, both.values.T
    scores = both.means()
    tested = scores[1] if rule.floor is not None else both.mean(new - old)
    bound = rule.floor if rule.floor is not None else -sign * rule.margin
    oriented = replace(tested, value=sign * tested.value, influence=sign * tested.influence)
    is_share = rule.floor is not None and sign > 0
    sided = from_bound(oriented, sign * bound, of_share=is_share)
    apart = oriented.value - sign * bound
    wanted = 0
    if abs(apart) > 1e-12 and sided.standard_error > 0:
        wanted = needed(apart, sided.standard_error, tested.n_items, alpha=2 * rule.alpha)
    return Check(
        rule=rule,
        name=name,
        baseline=scores[0].value,
        candidate=scores[1].value,
        bound=bound,
        p_pass=sided.above,
        p_fail=sided.below,
        verdict="inconclusive",
        n_items=tested.n_items,
        n_clusters=tested.n_clusters,
        items_needed=wanted,
    )


def _judged(checks: Sequence[Check]) -> list[Check]:
    """With their verdicts; claims of failure are adjusted for the number of gated checks."""
    gated = [check for check in checks if check.gated]
    adjusted = iter(holm([check.p_fail for check in gated]))
    found = []
    for check in checks:
        p_fail = next(adjusted) if check.gated else check.p_fail
        verdict: Verdict = "inconclusive"
        if p_fail <= check.rule.alpha:
            verdict = "fail"
        elif check.p_pass <= check.rule.alpha:
            verdict = "pass"
        settled = verdict != "inconclusive"
        wanted = 0 if settled else check.items_needed
        found.append(replace(check, p_fail=p_fail, verdict=verdict, items_needed=wanted))
    return found
