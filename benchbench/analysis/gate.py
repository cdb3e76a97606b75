"""The gate: may a checkpoint take another's place?

Each check holds the difference candidate − baseline of one metric, item by item on the same items,
against a margin, or a score against a floor. It *passes* where the difference is surely above
−margin (non-inferior), *fails* where it is surely below (worse by more than the margin), and is
*inconclusive* otherwise: "not significant" is not "no regression", and below ten source images
nothing is sure. All checks must pass, each at
its own α, for the gate to pass (an intersection–union test; Berger 1982): that needs no adjustment.
To fail, one is enough, and these claims are adjusted for their number (Holm).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from benchbench.analysis.comparison import flips_in, group_changes
from benchbench.analysis.paired import differences, metric_of, no_such_tag, side_by_side
from benchbench.analysis.reliability import is_few
from benchbench.errors import NotComparable, UsageError
from benchbench.protocols import load_protocol
from benchbench.registry import load_task
from benchbench.stats import holm, needed
from benchbench.stats.margins import from_bound, loss_variance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchbench.analysis.comparison import Change, Flip
    from benchbench.analysis.paired import SideBySide
    from benchbench.stats.margins import Sided
    from benchbench.types import Metric, Run, Ties

Verdict = Literal["pass", "fail", "inconclusive"]
Inconclusive = Literal["pass", "warn", "fail"]
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
    """``vg-relation@scenes-v2 macro``, with the group behind it."""
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
    detectable: float
    """The minimum detectable difference: a candidate that is this much beyond the bound is found
    to fail in four of five tries, the number of checks allowed for."""
    gated: bool = True
    """False: for information."""
    flips: tuple[Flip, ...] = field(default=(), repr=False)
    """What the candidate gains and loses of what the metric judges; a is the baseline."""
    by: str | None = None
    """What ``groups`` are made by."""
    groups: tuple[Change, ...] = ()
    """The groups that lost more than they gained, the largest loss first; a is the baseline. Of a
    whole that does not pass; empty of others, and where there is one group alone."""

    @property
    def difference(self) -> float:
        """candidate − baseline."""
        return self.candidate - self.baseline

    @property
    def few(self) -> bool:
        """Whether it is inconclusive because the source images are too few for any test."""
        return is_few(self.n_clusters)

    @property
    def gained(self) -> int:
        """What the candidate has right and the baseline has not, or finds in a better place."""
        return sum(flip.gained for flip in self.flips)

    @property
    def lost(self) -> int:
        """The other way round."""
        return len(self.flips) - self.gained


@dataclass(frozen=True, slots=True)
class Gate:
    """All checks, and what they come to."""

    checks: tuple[Check, ...]
    pairs: tuple[tuple[Run, Run], ...] = field(repr=False)
    """Candidate and baseline of each task."""
    ties: Ties
    inconclusive: Inconclusive
    """What is made of too few items: all but fail let the candidate through."""

    @property
    def verdict(self) -> Verdict:
        """Fail where any check fails, pass where all pass."""
        said = {check.verdict for check in self.checks if check.gated}
        if "fail" in said:
            return "fail"
        return "pass" if said == {"pass"} else "inconclusive"

    @property
    def family(self) -> int:
        """How many checks are gated."""
        return sum(check.gated for check in self.checks)

    @property
    def items_needed(self) -> int:
        """How many items the undecided checks would take; 0 where no number of them is known."""
        wanted = [c.items_needed for c in self.checks if c.gated and c.verdict == "inconclusive"]
        return max(wanted) if wanted and all(wanted) else 0

    @property
    def few(self) -> bool:
        """Whether a check is undecided because its source images are too few for any test."""
        return any(check.gated and check.few for check in self.checks)

    @property
    def exit_code(self) -> int:
        """0 or 1."""
        return exit_code(self.verdict, self.inconclusive)

    def __str__(self) -> str:
        """The gate as a terminal shows it."""
        from benchbench.render.gate import terminal

        return terminal(self)


def exit_code(verdict: Verdict, inconclusive: Inconclusive) -> int:
    """What the command line leaves with: 1 where the candidate is not let through.

    >>> exit_code("fail", "pass"), exit_code("inconclusive", "fail"), exit_code("pass", "fail")
    (1, 1, 0)
    """
    return int(verdict == "fail" or (verdict == "inconclusive" and inconclusive == "fail"))


def gate(
    candidates: Sequence[Run],
    baselines: Sequence[Run],
    rules: Sequence[Rule],
    *,
    ties: Ties = "wrong",
    inconclusive: Inconclusive = "warn",
) -> Gate:
    """Hold a candidate's runs against a baseline's.

    Args:
        candidates: one run a task.
        baselines: one run a task, of the same items; of several, the one of the candidate's name.
        rules: what is asked; each names its task.
        ties: the rule, where a metric fixes none.
        inconclusive: what is made of too few items.

    Raises:
        UsageError: no rule, a rule without runs, a metric that is no mean, a margin below 0.
        NotComparable: the two are of other items, editions, precision or preprocessing.
    """
    if not rules:
        raise UsageError("A gate needs a rule: a task, a metric, a margin.")
    pairs = {rule.task: _pair(candidates, baselines, rule) for rule in rules}
    found = _judged([check for rule in rules for check in _checked(rule, *pairs[rule.task], ties)])
    checks = [_with_groups(check, *pairs[check.rule.task], ties) for check in found]
    return Gate(tuple(checks), tuple(pairs.values()), ties, inconclusive)


def _pair(candidates: Sequence[Run], baselines: Sequence[Run], rule: Rule) -> tuple[Run, Run]:
    candidate = run_of(candidates, rule, "candidate")
    return candidate, run_of(baselines, rule, "baseline", like=candidate)


def run_of(runs: Sequence[Run], rule: Rule, who: str, like: Run | None = None) -> Run:
    """The run of a rule's task.

    Args:
        runs: of any tasks.
        rule: which names the task.
        who: they are of, for the message.
        like: of several runs of the task, the one whose model has this one's name is meant.

    Raises:
        UsageError: there is none, or more than one.
    """
    of_task = [run for run in runs if run.task == rule.task]
    named = [run for run in of_task if like is not None and run.model.name == like.model.name]
    found = named if len(of_task) > 1 and named else of_task
    if len(found) != 1:
        there = ", ".join(sorted({run.task for run in runs})) or "none"
        several = ", ".join(sorted({f"{run.model.name} @{run.edition}" for run in of_task}))
        raise UsageError(
            f"The {who} needs one run of {rule.task}, and has {len(of_task)}"
            f"{f': {several}. Name one file' if several else f'. Its tasks: {there}'}."
        )
    return found[0]


def check_comparable(candidate: Run, baseline: Run) -> None:
    """Refuse what would gate a change of conditions instead of a change of checkpoint.

    Raises:
        NotComparable: precision or preprocessing differ.
    """
    _refuse(_unlike(candidate, baseline))


def _unlike(candidate: Run, baseline: Run) -> list[str]:
    """In what the models' conditions differ."""
    one, two = candidate.model, baseline.model
    return [
        f"{said}: {new} of the candidate, {old} of the baseline"
        for said, new, old in (
            ("precision", one.dtype, two.dtype),
            ("preprocessing", dict(one.preprocessing), dict(two.preprocessing)),
        )
        if new != old
    ]


def _refuse(apart: list[str]) -> None:
    if apart:
        raise NotComparable(f"These runs do not compare: {'; '.join(apart)}.")


def check_rule(rule: Rule, metric: Metric) -> None:
    """Refuse bounds that nothing could be held against, or that nothing could miss.

    Raises:
        UsageError: a margin or a floor that is no share (places may be any number of them), or an
            α of a half or more.
    """
    most = math.inf if metric.reading == "rank" else 1.0
    for what, share in (("margin", rule.margin), ("floor", rule.floor)):
        if share is not None and not (0 <= share <= most and math.isfinite(share)):
            raise UsageError(
                f"{rule.task} {metric.name}: a {what} lies between 0 and 100 points, not at "
                f"{100 * share:g}."
            )
    if not 0 < rule.alpha < 0.5:
        raise UsageError(
            f"{rule.task} {metric.name}: α lies between 0 and 0.5, not at {rule.alpha:g}."
        )


def _checked(rule: Rule, candidate: Run, baseline: Run, ties: Ties) -> list[tuple[Check, Sided]]:
    """The check of a rule, or of each group of it, with its test; not judged yet."""
    _refuse(differences(baseline, candidate) + _unlike(candidate, baseline))
    metric = metric_of(candidate, rule.metric)
    check_rule(rule, metric)
    if metric.statistic != "mean":
        raise UsageError(f"{metric.name} is a median, and a gate holds means against a margin.")
    where = f"{candidate.task}@{candidate.edition} {metric.name}"
    if rule.by is None:
        both = side_by_side([baseline, candidate], metric, ties=ties)
        return [_check(rule, where, both)]
    if rule.by not in _tags(candidate):
        raise no_such_tag(candidate, rule.by)
    grouped = replace(metric, by=rule.by, leave_out=frozenset(), at_least=1)
    both = side_by_side([baseline, candidate], grouped, ties=ties)
    labels = np.array(both.groups, dtype=str)
    checks = []
    for label in sorted(set(labels.tolist())):
        check, test = _check(rule, f"{where}, {rule.by} '{label}'", both.part(labels == label))
        checks.append((replace(check, gated=check.n_items >= rule.least_items), test))
    return checks


def _check(rule: Rule, name: str, both: SideBySide) -> tuple[Check, Sided]:
    """One comparison with its raw p-values, and the test behind them."""
    sign, (old, new) = both.sign, both.values.T
    scores = both.means()
    tested = scores[1] if rule.floor is not None else both.mean(new - old)
    bound = rule.floor if rule.floor is not None else -sign * rule.margin
    oriented = replace(tested, value=sign * tested.value, influence=sign * tested.influence)
    per_loss = loss_variance(both.numbered(), absent=both.absent) if sign > 0 else 0.0
    is_share = rule.floor is not None and sign > 0
    sided = from_bound(oriented, sign * bound, per_loss=per_loss, of_share=is_share)
    # The same model would not differ on any other items either.
    same = rule.floor is None and _is_same(both)
    above = from_bound(oriented, sign * bound).above if same else sided.above
    check = Check(
        rule=rule,
        name=name,
        baseline=scores[0].value,
        candidate=scores[1].value,
        bound=bound,
        p_pass=above,
        p_fail=sided.below,
        verdict="inconclusive",
        n_items=tested.n_items,
        n_clusters=tested.n_clusters,
        items_needed=0,
        detectable=float("nan"),
        flips=flips_in(both),
    )
    return check, sided


def _is_same(both: SideBySide) -> bool:
    """Whether the candidate is the baseline's own model, and answered as it did.

    The same weights with another activation, say, are another model; a file's name is no matter.
    """
    old, new = both.values.T
    one, other = (replace(run.model, name="", weights="") for run in both.runs)
    return one == other and np.array_equal(old, new)


def _judged(found: Sequence[tuple[Check, Sided]]) -> list[Check]:
    """With their verdicts; claims of failure are adjusted for the number of gated checks."""
    gated = [check for check, _ in found if check.gated]
    adjusted = iter(holm([check.p_fail for check in gated]))
    judged = []
    for check, test in found:
        p_fail = next(adjusted) if check.gated else check.p_fail
        verdict: Verdict = "inconclusive"
        if p_fail <= check.rule.alpha:
            verdict = "fail"
        elif check.p_pass <= check.rule.alpha:
            verdict = "pass"
        family = len(gated) if check.gated else 1
        wanted = _wanted(check, test, family) if verdict == "inconclusive" else 0
        least = test.detectable(alpha=check.rule.alpha / family)
        judged.append(
            replace(check, p_fail=p_fail, verdict=verdict, items_needed=wanted, detectable=least)
        )
    return judged


def _wanted(check: Check, test: Sided, family: int) -> int:
    """How many items would find the difference seen on its side; failures are of a family."""
    fails = test.apart < 0
    error = test.standard_error if fails else test.error_at_bound
    if abs(test.apart) <= 1e-12 or not error > 0:
        return 0
    alpha = check.rule.alpha / family if fails else check.rule.alpha
    return needed(test.apart, error, check.n_items, alpha=2 * alpha)


def _with_groups(check: Check, candidate: Run, baseline: Run, ties: Ties) -> Check:
    """With the groups that suffered, where a whole does not pass and has groups."""
    if check.verdict == "pass" or check.rule.by is not None:
        return check
    metric = metric_of(candidate, check.rule.metric)
    by = _groups_of(metric, candidate)
    if by is None:
        return check
    sliced = side_by_side([baseline, candidate], replace(metric, by=by), ties=ties)
    if len(set(sliced.groups)) < 2:
        return check
    found = [change for change in group_changes(sliced, level=None) if change.lost > change.gained]
    found.sort(key=lambda change: (change.gained - change.lost, change.name))
    return replace(check, by=by, groups=tuple(found))


def _tags(run: Run) -> frozenset[str]:
    return load_protocol(run.protocol).event_tags.union(*(o.tags for o in run.outcomes))


def _groups_of(metric: Metric, run: Run) -> str | None:
    """What a metric is grouped by, or its task's headline, or the first of the task's tags."""
    info = load_task(run.task).info
    _, headline = info.shown(drawn=run.drawn)
    there = _tags(run)
    asked = [metric.by, headline.by, *info.tags]
    return next((by for by in asked if by is not None and by in there), None)
