"""The regression gate: is a candidate checkpoint worse than a baseline by more than a margin?

Each check holds the difference candidate − baseline of one metric, item by item on the same items,
against a margin, or a score against a floor. It *passes* if the difference is above −margin
(non-inferior) beyond chance, *fails* if it is below (worse by more than the margin), and is
*inconclusive* otherwise: "not significant" is not "no regression", and below ten source images
every check is inconclusive. All checks must pass, each at its own α, for the gate to pass (an
intersection–union test; Berger 1982): that needs no adjustment. To fail, one is enough, and these
claims are adjusted for their number (Holm).

A gate pairs the two runs of a task once and reads each metric once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from benchbench.analysis import Result
from benchbench.analysis.comparison import group_changes
from benchbench.analysis.flips import flips_in
from benchbench.analysis.gate_rules import EXAMPLE, check_rule
from benchbench.analysis.paired import pair_runs, tags_of, unknown_tag_error
from benchbench.analysis.reliability import is_few
from benchbench.errors import NotComparable, UsageError
from benchbench.protocols import load_protocol
from benchbench.stats import holm, needed
from benchbench.stats.margins import loss_variance, one_sided_test

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchbench.analysis.common_items import CommonItems
    from benchbench.analysis.comparison import Change
    from benchbench.analysis.flips import Flip
    from benchbench.analysis.gate_rules import Rule
    from benchbench.analysis.paired import PairedScores, Pairing
    from benchbench.stats.margins import OneSidedTest
    from benchbench.types import Metric, Run, Ties

Verdict = Literal["pass", "fail", "inconclusive"]
Inconclusive = Literal["pass", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome of a rule, or of one group of it."""

    rule: Rule
    name: str
    """``vg-relation@scenes-v2 macro``, with the group behind it."""
    baseline: float
    candidate: float
    bound: float
    """The bound of the difference, or of the score if the rule is a floor."""
    p_pass: float
    p_fail: float
    """Adjusted for the number of checks."""
    verdict: Verdict
    n_items: int
    n_clusters: int
    items_needed: int
    """Items that show a difference of this size on its side of the bound in four of five tries; 0
    if these items do, or if it lies on the bound."""
    detectable: float
    """The minimum detectable difference: a candidate that is this much beyond the bound fails in
    four of five tries, with claims of failure adjusted."""
    gated: bool = True
    """Whether it counts for the verdict; otherwise it is for information."""
    flips: tuple[Flip, ...] = field(default=(), repr=False)
    """The items that the candidate gains and loses; a is the baseline."""
    by: str | None = None
    """The tag of ``groups``."""
    groups: tuple[Change, ...] = ()
    """The groups that lost more than they gained, the largest loss first; a is the baseline. Of a
    check of all items that does not pass; empty of others, and if there is a single group."""
    of_area: bool = False
    """Whether the metric is an area of all items together (AUROC): no item is right by itself."""

    @property
    def difference(self) -> float:
        """candidate − baseline."""
        return self.candidate - self.baseline

    @property
    def has_few_images(self) -> bool:
        """Whether it is inconclusive because the source images are too few for any test."""
        return is_few(self.n_clusters)

    @property
    def gained(self) -> int:
        """Items that only the candidate has right, or finds on a better rank."""
        return sum(flip.gained for flip in self.flips)

    @property
    def lost(self) -> int:
        """Items that only the baseline has right, or finds on a better rank."""
        return len(self.flips) - self.gained


@dataclass(frozen=True, slots=True)
class Gate(Result):
    """All checks, and the verdict that follows from them."""

    checks: tuple[Check, ...]
    pairs: tuple[tuple[Run, Run], ...] = field(repr=False)
    """Candidate and baseline of each task."""
    ties: Ties
    inconclusive: Inconclusive
    """What an inconclusive verdict counts as: with all but fail the exit code is 0."""
    common: Mapping[str, CommonItems] = field(default_factory=dict)
    """Task → the items that its runs share, where they are of two editions."""

    @property
    def verdict(self) -> Verdict:
        """Fail if any gated check fails, pass if all pass."""
        verdicts = {check.verdict for check in self.checks if check.gated}
        if "fail" in verdicts:
            return "fail"
        return "pass" if verdicts == {"pass"} else "inconclusive"

    @property
    def family(self) -> int:
        """The number of checks that are gated."""
        return sum(check.gated for check in self.checks)

    @property
    def items_needed(self) -> int:
        """Items that would decide the inconclusive checks; 0 if no number of them is known."""
        wanted = [c.items_needed for c in self.checks if c.gated and c.verdict == "inconclusive"]
        return max(wanted) if wanted and all(wanted) else 0

    @property
    def has_few_images(self) -> bool:
        """Whether a check is inconclusive because its source images are too few for any test."""
        return any(check.gated and check.has_few_images for check in self.checks)

    @property
    def exit_code(self) -> int:
        """0 or 1."""
        return exit_code(self.verdict, self.inconclusive)

    @property
    def losses(self) -> list[Check]:
        """The gated checks with groups that lost; of several with the same groups the first."""
        found = {(c.rule.task, c.by, c.groups): c for c in reversed(self.checks) if c.groups}
        return [check for check in self.checks if check.gated and check in found.values()]


def exit_code(verdict: Verdict, inconclusive: Inconclusive) -> int:
    """Return the exit code of a verdict: 1 if the candidate is refused.

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
    common_items: bool = False,
) -> Gate:
    """Hold a candidate's runs against a baseline's.

    Args:
        candidates: one run per task.
        baselines: one run per task, of the same items; of several, the one of the candidate's name.
        rules: each names its task.
        ties: the rule, where a metric fixes none.
        inconclusive: what an inconclusive verdict counts as.
        common_items: whether runs of two editions are held against each other on the items of
            equal content.

    Raises:
        UsageError: no rule, a rule without runs, a metric that is not a mean, a margin below 0.
        NotComparable: the two are of other items, editions, precision or preprocessing.
    """
    if not rules:
        raise UsageError(f"A gate needs a rule, and has none. Write one as {EXAMPLE}.")
    pairs = {rule.task: _pair(candidates, baselines, rule) for rule in rules}
    pairings: dict[str, Pairing] = {}
    tested: list[tuple[Check, OneSidedTest]] = []
    for rule in rules:
        if rule.task not in pairings:
            candidate, baseline = pairs[rule.task]
            apart = _condition_differences(candidate, baseline)
            both = [baseline, candidate]
            pairings[rule.task] = pair_runs(both, apart=apart, common_items=common_items)
        tested += _checks_of(rule, pairings[rule.task], ties)
    known: dict[PairedScores, tuple[Change, ...]] = {}
    checks = [
        _add_groups(check, pairings[check.rule.task], ties, known) for check in _decide(tested)
    ]
    common = {task: found.common for task, found in pairings.items() if found.common}
    return Gate(tuple(checks), tuple(pairs.values()), ties, inconclusive, common)


def _pair(candidates: Sequence[Run], baselines: Sequence[Run], rule: Rule) -> tuple[Run, Run]:
    candidate = select_run(candidates, rule, "candidate")
    return candidate, select_run(baselines, rule, "baseline", like=candidate)


def select_run(runs: Sequence[Run], rule: Rule, side: str, like: Run | None = None) -> Run:
    """Return the run of a rule's task.

    Args:
        runs: runs of any tasks.
        rule: a rule, which names the task.
        side: candidate or baseline, for the message.
        like: a run whose model's name decides between several runs of the task.

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
            f"The {side} needs one run of {rule.task}, and has {len(of_task)}"
            f"{f': {several}. Name one file' if several else f'. Its tasks: {there}'}."
        )
    return found[0]


def check_comparable(candidate: Run, baseline: Run) -> None:
    """Refuse a pair whose models run under other conditions.

    Raises:
        NotComparable: precision or preprocessing differ.
    """
    if apart := _condition_differences(candidate, baseline):
        raise NotComparable(f"These runs do not compare: {'; '.join(apart)}.")


def _condition_differences(candidate: Run, baseline: Run) -> list[str]:
    """Return the conditions in which the two models differ."""
    one, two = candidate.model, baseline.model
    return [
        f"{what}: {new} of the candidate, {old} of the baseline"
        for what, new, old in (
            ("precision", one.dtype, two.dtype),
            ("preprocessing", dict(one.preprocessing), dict(two.preprocessing)),
        )
        if new != old
    ]


def _checks_of(rule: Rule, pairing: Pairing, ties: Ties) -> list[tuple[Check, OneSidedTest]]:
    """Return the check of a rule, or of each group of it, with its test and without a verdict."""
    candidate = pairing.runs[1]
    metric = pairing.metric(rule.metric)
    check_rule(rule, metric)
    if metric.statistic != "mean" or metric.reading == "rank":
        kind = "a median" if metric.statistic != "mean" else "a mean rank"
        raise UsageError(
            f"{metric.name} is {kind}, and a gate holds rates against a margin in points. Name "
            f"another metric of {rule.task}."
        )
    where = f"{candidate.task}@{candidate.edition} {metric.name}"
    if rule.by is None:
        return [_check(rule, where, pairing.scores(metric, ties=ties))]
    if rule.by not in tags_of(candidate):
        raise unknown_tag_error(candidate, rule.by)
    grouped = replace(metric, by=rule.by, leave_out=frozenset(), at_least=1)
    both = pairing.scores(grouped, ties=ties)
    labels = np.array(both.groups, dtype=str)
    checks = []
    for label in sorted(set(labels.tolist())):
        check, test = _check(rule, f"{where}, {rule.by} '{label}'", both.part(labels == label))
        checks.append((replace(check, gated=check.n_items >= rule.least_items), test))
    return checks


def _check(rule: Rule, name: str, both: PairedScores) -> tuple[Check, OneSidedTest]:
    """Return one comparison with its raw p-values, and the test behind them."""
    (old, new), scores = both.values.T, both.means
    tested = scores[1] if rule.floor is not None else both.mean(new - old)
    bound = rule.floor if rule.floor is not None else -rule.margin
    per_loss = loss_variance(both.group_number, absent=both.absent)
    sided = one_sided_test(tested, bound, per_loss=per_loss, of_share=rule.floor is not None)
    # The same model would not differ on any other items either.
    same = rule.floor is None and _is_same_model(both)
    above = one_sided_test(tested, bound).above if same else sided.above
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
        of_area=both.metric.judgement in load_protocol(both.runs[0].protocol).pooled,
    )
    return check, sided


def _is_same_model(both: PairedScores) -> bool:
    """Return whether the candidate is the baseline's own model, with the same answers.

    The same weights with another activation, say, are another model; the name of a file is not
    compared.
    """
    old, new = both.values.T
    one, other = (replace(run.model, name="", weights="") for run in both.runs)
    return one == other and np.array_equal(old, new)


def _decide(found: Sequence[tuple[Check, OneSidedTest]]) -> list[Check]:
    """Return the checks with their verdicts; claims of failure are adjusted for their number."""
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
        wanted = _items_needed(check, test, family) if verdict == "inconclusive" else 0
        least = test.detectable(alpha=check.rule.alpha / family)
        judged.append(
            replace(check, p_fail=p_fail, verdict=verdict, items_needed=wanted, detectable=least)
        )
    return judged


def _items_needed(check: Check, test: OneSidedTest, family: int) -> int:
    """Return the number of items that would show the difference on its side of the bound.

    Args:
        check: the check, without a verdict.
        test: the test behind it.
        family: the number of gated checks, for which claims of failure are adjusted.
    """
    fails = test.apart < 0
    error = test.standard_error if fails else test.error_at_bound
    if abs(test.apart) <= 1e-12 or not error > 0:
        return 0
    alpha = check.rule.alpha / family if fails else check.rule.alpha
    return needed(test.apart, error, check.n_items, alpha=2 * alpha)


def _add_groups(
    check: Check, pairing: Pairing, ties: Ties, known: dict[PairedScores, tuple[Change, ...]]
) -> Check:
    """Return a check of all items that does not pass with the groups that lost.

    Args:
        check: the check, with its verdict.
        pairing: the pairing of its task's runs.
        ties: the rule, where the metric fixes none.
        known: the groups that earlier checks have; these are added.
    """
    if check.verdict == "pass" or check.rule.by is not None:
        return check
    metric = pairing.metric(check.rule.metric)
    by = _grouping(metric, pairing)
    if by is None:
        return check
    sliced = pairing.scores(replace(metric, by=by), ties=ties)
    if len(set(sliced.groups)) < 2:
        return check
    if sliced not in known:
        changes = group_changes(sliced, level=None)
        found = [change for change in changes if change.lost > change.gained]
        found.sort(key=lambda change: (change.gained - change.lost, change.name))
        known[sliced] = tuple(found)
    return replace(check, by=by, groups=known[sliced])


def _grouping(metric: Metric, pairing: Pairing) -> str | None:
    """Return the tag that groups a metric, or its task's headline, or the first of the task's."""
    there = tags_of(pairing.runs[1])
    tags = [metric.by, pairing.metric().by, *pairing.info.tags]
    return next((by for by in tags if by is not None and by in there), None)
