"""Rules of the regression gate, parsed from the command line and from settings files.

On the command line, a rule is the condition under which the gate fails::

    vg-relation.macro < baseline - 1.0pp @ 0.05     # margin: 1 percentage point
    vg-relation.macro by relation < baseline - 5pp  # each relation with 400 items or more
    coco-retrieval.R@1 < 30%                        # a floor

In ``benchbench.toml``, or as ``[[tool.benchbench.gate]]`` in ``pyproject.toml``::

    [[gate]]
    task = "vg-relation"
    metric = "macro"
    margin = 1.0        # percentage points
    alpha = 0.05
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from benchbench.editions import SCENES, choose_edition, resolve_edition
from benchbench.errors import NotComparable, UnknownName, UsageError
from benchbench.protocols.priors import DEBIASED
from benchbench.registry import load_task, task_names
from benchbench.scenes.edition import EDITION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchbench.types import Metric, Run

ALPHA = 0.05
FEW_ITEMS = 400
"""Groups with fewer items are reported, but cannot fail the gate."""
EXAMPLE = '"vg-relation.macro < baseline - 1.0pp @ 0.05"'
FLOOR_EXAMPLE = '"vg-relation.macro < 60%"'
CONDITION_PATTERN = re.compile(
    r"(?P<what>\S+)(\s+by\s+(?P<by>\S+))?\s*<\s*"
    r"(baseline(\s*-\s*(?P<margin>\d+(\.\d+)?)\s*pp)?|(?P<floor>\d+(\.\d+)?)\s*%)"
    r"(\s*@\s*(?P<alpha>0?\.\d+))?\s*"
)
POINTS = ("margin", "floor")
"""Fields that a user writes in percentage points and that a rule holds as fractions."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A bound on one metric of one task. Scores are fractions: a percentage point is 0.01."""

    task: str
    metric: str | None = None
    """None: the task's headline."""
    margin: float = 0.01
    """By how much the candidate may be worse than the baseline."""
    floor: float | None = None
    """The minimum score of the candidate; if set, the margin and the baseline are ignored."""
    by: str | None = None
    """A tag: the margin applies to each of its groups separately."""
    least_items: int = FEW_ITEMS
    """With ``by``: groups with fewer items are reported, but cannot fail the gate."""
    alpha: float = ALPHA


def check_rule(rule: Rule, metric: Metric) -> None:
    """Refuse bounds that no score could pass, or that no score could fail.

    Raises:
        UsageError: the margin or the floor is not between 0 and 1, or α is not between 0 and 0.5.
    """
    for what, share in (("margin", rule.margin), ("floor", rule.floor)):
        if share is not None and not 0 <= share <= 1:
            raise UsageError(
                f"{rule.task} {metric.name}: a {what} is from 0 to 100 points, not {100 * share:g}."
            )
    if not 0 < rule.alpha < 0.5:
        raise UsageError(f"{rule.task} {metric.name}: α is between 0 and 0.5, not {rule.alpha:g}.")


def parse_condition(text: str) -> Rule:
    """Parse the condition under which the gate fails.

    Raises:
        UsageError: the text has another form.
        UnknownName: there is no such task or metric.

    >>> rule = parse_condition("vg-relation.macro < baseline - 1.0pp @ 0.05")
    >>> rule.task, rule.metric, rule.margin, rule.alpha
    ('vg-relation', 'macro', 0.01, 0.05)
    """
    match = CONDITION_PATTERN.fullmatch(text.strip())
    if match is None:
        raise UsageError(
            f"Cannot read the condition '{text}'. Write when the gate is to fail, as {EXAMPLE}, or "
            f"for a floor {FLOOR_EXAMPLE}."
        )
    task, metric = _task_and_metric(match["what"])
    floor = match["floor"]
    return Rule(
        task=task,
        metric=metric,
        margin=float(match["margin"] or 0) / 100,
        floor=None if floor is None else float(floor) / 100,
        by=match["by"],
        alpha=float(match["alpha"] or ALPHA),
    )


def _task_and_metric(what: str) -> tuple[str, str]:
    """Split ``task.metric`` after the longest task name; both parts may contain dots."""
    parts = what.split(".")
    if parts[0] in task_names() and _exists(what):
        there = ", ".join(each.name for each in load_task(what).info.metrics)
        raise UsageError(
            f"The condition names the task {what}, but no metric. Write {what}.METRIC; there are: "
            f"{there}."
        )
    for cut in range(len(parts) - 1, 0, -1):
        task = ".".join(parts[:cut])
        if task.partition(".")[0] in task_names() and _exists(task):
            return task, check_metric(task, ".".join(parts[cut:]))
    hint = f"Write task.metric, as in {EXAMPLE}. List tasks: benchbench list tasks"
    raise UnknownName("task and metric", what, [f"{name}.macro" for name in task_names()], hint)


def _exists(task: str) -> bool:
    """Return whether there is such a task, or such a variant of one."""
    try:
        load_task(task)
    except UnknownName:
        return False
    return True


def check_metric(task: str, metric: str) -> str:
    """Return a metric's name, if the task has it.

    Raises:
        UnknownName: it does not.
    """
    info = load_task(task).info
    there = [each.name for each in info.metrics]
    there += [DEBIASED] if info.protocol == "matching" else []
    if metric not in there:
        raise UnknownName(f"metric of {task}", metric, there, f"There are: {', '.join(there)}.")
    return metric


def parse_rules(tables: Sequence[Mapping[str, Any]], origin: str) -> list[Rule]:
    """Return the rules in the tables of a settings file.

    Args:
        tables: each with ``task`` and any other of ``Rule``'s fields.
        origin: the file, for messages.

    Raises:
        UnknownName: there is no such key, task or metric.
        UsageError: a value has the wrong type, the task is missing, or a table has both a margin
            and a floor.
    """
    return [_rule_of(table, f"{origin}, [[gate]] {n}") for n, table in enumerate(tables, 1)]


def check_editions(
    rules: Sequence[Rule],
    baselines: Sequence[Run],
    data_root: str | Path | None,
    edition: str | None,
) -> None:
    """Refuse to evaluate a candidate on other files than the baseline's.

    Raises:
        NotComparable: a baseline is of another edition than the one that is chosen.
    """
    for task in dict.fromkeys(rule.task for rule in rules):
        there = {run.edition for run in baselines if run.task == task}
        if choose_edition(data_root, edition).edition == SCENES:
            here = EDITION
        else:
            info = load_task(task).info
            here = resolve_edition(info, data_root, edition, with_images=False).name
        if there and here not in there:
            raise NotComparable(
                f"The baseline's {task} is of {', '.join(sorted(there))}, and the candidate would "
                f"be evaluated on {here}. Name the baseline's files: --data-root DIR, or --edition."
            )


MAX_INTEGER = 2**31
"""Largest integer allowed in a table: a larger one is a typing error, and may overflow a float."""
_TYPES: Mapping[str, tuple[type, ...]] = {
    "task": (str,), "metric": (str,), "by": (str,), "margin": (int, float), "floor": (int, float),
    "alpha": (float,), "least_items": (int,),
}  # fmt: skip

_TYPE_NAMES: Mapping[tuple[type, ...], str] = {
    (str,): "a text", (int, float): "a number", (float,): "a fraction, as 0.05",
    (int,): "a whole number",
}  # fmt: skip
_OF_THE_GATE = ("baseline", "inconclusive", "fail_if")
"""Keys that stand once for all conditions."""


def _rule_of(table: Mapping[str, Any], where: str) -> Rule:
    known = [field.name for field in fields(Rule)]
    for key, value in table.items():
        if key not in known:
            hint = f"({where}.) There are: {', '.join(known)}."
            if key in _OF_THE_GATE:
                hint += f" {key} stands in [gate], beside which conditions are [[gate.checks]]."
            raise UnknownName("key", key, known, hint)
        too_large = isinstance(value, int) and abs(value) > MAX_INTEGER
        if not isinstance(value, _TYPES[key]) or isinstance(value, bool) or too_large:
            raise UsageError(f"{where}: {key} should be {_TYPE_NAMES[_TYPES[key]]}, not {value!r}.")
    if "task" not in table:
        raise UsageError(f'{where} names no task. Add one: task = "vg-relation"')
    if "metric" in table:
        check_metric(table["task"], table["metric"])
    if "margin" in table and "floor" in table:
        raise UsageError(f"{where} has a margin and a floor. Write two tables.")
    values = dict(table)
    for key in POINTS:
        if key in values:
            values[key] = values[key] / 100
    return Rule(**values)
