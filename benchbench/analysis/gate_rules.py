"""What a gate is asked for, as typed and as written in a settings file.

On the command line, the condition under which it fails::

    vg-relation.macro < baseline - 1.0pp @ 0.05     # a margin of a point, α = 0.05
    vg-relation.macro by relation < baseline - 5pp  # every relation with 400 items by itself
    coco-retrieval.R@1 < 30%                        # a floor

In ``benchbench.toml``, or as ``[[tool.benchbench.gate]]`` in ``pyproject.toml``::

    [[gate]]
    task = "vg-relation"
    metric = "macro"
    margin = 1.0        # points
    alpha = 0.05
"""

from __future__ import annotations

import re
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from benchbench.analysis.gate import ALPHA, Rule
from benchbench.errors import UnknownName, UsageError
from benchbench.registry import load_task, task_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EXAMPLE = '"vg-relation.macro < baseline - 1.0pp @ 0.05"'
CONDITION = re.compile(
    r"(?P<what>\S+)(\s+by\s+(?P<by>\S+))?\s*<\s*"
    r"(baseline(\s*-\s*(?P<margin>\d+(\.\d+)?)\s*pp)?|(?P<floor>\d+(\.\d+)?)\s*%)"
    r"(\s*@\s*(?P<alpha>0?\.\d+))?\s*"
)
POINTS = ("margin", "floor")
"""Given in points, kept as shares."""


def parse_condition(text: str) -> Rule:
    """A rule from the condition under which it fails.

    Raises:
        UsageError: not of that form.
        UnknownName: no such task or metric.

    >>> rule = parse_condition("vg-relation.macro < baseline - 1.0pp @ 0.05")
    >>> rule.task, rule.metric, rule.margin, rule.alpha
    ('vg-relation', 'macro', 0.01, 0.05)
    """
    match = CONDITION.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"Cannot read the condition '{text}'. Write it as {EXAMPLE}.")
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
    """``task.metric``, where both may hold dots: the longest task that there is."""
    parts = what.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        task = ".".join(parts[:cut])
        if task.partition(".")[0] in task_names() and _loads(task):
            return task, check_metric(task, ".".join(parts[cut:]))
    hint = f"Write task.metric, as in {EXAMPLE}. List tasks: benchbench list tasks"
    raise UnknownName("task and metric", what, [f"{name}.macro" for name in task_names()], hint)


def _loads(task: str) -> bool:
    """Whether there is such a task; a variant may not be one."""
    try:
        load_task(task)
    except UnknownName:
        return False
    return True


def check_metric(task: str, metric: str) -> str:
    """A metric's name, if the task has it.

    Raises:
        UnknownName: it has not.
    """
    there = [each.name for each in load_task(task).info.metrics]
    if metric not in there:
        raise UnknownName(f"metric of {task}", metric, there, f"There are: {', '.join(there)}.")
    return metric


def rules_of(tables: Sequence[Mapping[str, Any]], origin: str) -> list[Rule]:
    """Rules from the tables of a settings file.

    Args:
        tables: each with ``task`` and any other of ``Rule``'s fields.
        origin: the file, for messages.

    Raises:
        UsageError: an unknown key, a value of the wrong kind, a margin beside a floor.
    """
    return [_rule_of(table, f"{origin}, [[gate]] {n}") for n, table in enumerate(tables, 1)]


LARGEST = 2**31
"""Of whole numbers: what is larger was not meant, and a float may not hold it."""
_KINDS: Mapping[str, tuple[type, ...]] = {
    "task": (str,), "metric": (str,), "by": (str,), "margin": (int, float), "floor": (int, float),
    "alpha": (float,), "least_items": (int,),
}  # fmt: skip


def _rule_of(table: Mapping[str, Any], where: str) -> Rule:
    known = [field.name for field in fields(Rule)]
    for key, value in table.items():
        if key not in known:
            raise UnknownName("key", key, known, f"({where}.) There are: {', '.join(known)}.")
        too_large = isinstance(value, int) and abs(value) > LARGEST
        if not isinstance(value, _KINDS[key]) or isinstance(value, bool) or too_large:
            kinds = " or ".join(kind.__name__ for kind in _KINDS[key])
            raise UsageError(f"{where}: {key} should be {kinds}, not {value!r}.")
    if "task" not in table:
        raise UsageError(f"{where} names no task.")
    if "metric" in table:
        check_metric(table["task"], table["metric"])
    if "margin" in table and "floor" in table:
        raise UsageError(f"{where} has a margin and a floor. Write two tables.")
    values = dict(table)
    for key in POINTS:
        if key in values:
            values[key] = values[key] / 100
    return Rule(**values)
