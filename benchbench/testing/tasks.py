"""Checks of the task contract: a task's information and its items."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from benchbench.editions import KINDS, is_official
from benchbench.errors import ContractError
from benchbench.failures import task_items
from benchbench.item_sets import unsound
from benchbench.protocols import load_protocol
from benchbench.types import Question, StreamingTask, Task, TaskInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MAX_PROBLEMS = 20
"""The number of problems after which no further item is looked at."""


def check_task(task: object, root: Path) -> None:
    """Check a task against the contract on the files under ``root``.

    Raises:
        ContractError: the task breaks it; the message lists all problems.
        DataError: the files are missing or malformed, as the task itself reports.
        ModelError: the task's own code raises.
    """
    if not isinstance(task, Task):
        raise ContractError(f"{task!r} lacks 'info' or 'items': it is not a task.")
    problems = list(_info_problems(task.info))
    items = list(task_items(task, root))
    problems += _item_problems(task.info, items)
    if list(task_items(task, root)) != items:
        problems.append("items() gives other items the second time")
    if isinstance(task, StreamingTask) and list(task.stream(root)) != items:
        problems.append("stream() gives other items than items()")
    if problems:
        raise ContractError(f"The task '{task.info.name}' breaks the contract:", problems)


def _info_problems(info: TaskInfo) -> Iterator[str]:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)?", info.name):
        yield f"the name '{info.name}' is not in lower case with hyphens (a variant after a dot)"
    names = [metric.name for metric in info.metrics]
    kinds = [kind.name for kind in KINDS]
    for kind in kinds:
        headline = info.headlines.get(kind, info.headline)
        shown = [m.name for m in info.metrics if not m.kinds or kind in m.kinds]
        if headline not in shown:
            yield f"the headline '{headline}' is not among the metrics {shown} ({kind})"
    for kind in sorted({*info.headlines, *(k for m in info.metrics for k in m.kinds)} - {*kinds}):
        yield f"there is no kind of edition '{kind}': there are {', '.join(kinds)}"
    known = load_protocol(info.protocol).judgements
    yield from _tag_problems(info)
    for metric in info.metrics:
        if metric.judgement not in known:
            yield (
                f"metric '{metric.name}' judges by '{metric.judgement}', which the protocol "
                f"{info.protocol} does not: it has {', '.join(sorted(known))}"
            )
        if metric.statistic == "median" and metric.by:
            yield f"metric '{metric.name}' is a median over groups, which nothing computes"
    if len(set(names)) < len(names):
        yield f"metric names repeat: {names}"
    for file in info.files:
        if file.path.startswith("/") or ".." in file.path.split("/"):
            yield f"the file '{file.path}' is not inside the data root"
    annotations = {file.path for file in info.files if not file.path.endswith("/")}
    for edition, digests in info.official.items():
        if not is_official(edition):
            yield f"the official edition '{edition}' should be named official or official-DATE"
        if set(digests) != annotations:
            yield f"digests of {edition} are of {sorted(digests)}, files are {sorted(annotations)}"
    every = {path: each for digests in info.official.values() for path, each in digests.items()}
    for path, digest in every.items():
        if not re.fullmatch(r"[0-9a-f]{64}", digest):
            yield f"the official digest of '{path}' is not a SHA-256 in lower-case hex"


def _tag_problems(info: TaskInfo) -> Iterator[str]:
    """Yield the tags that metrics group or filter by, and that the task does not declare."""
    declared = _declared_tags(info)
    for metric in info.metrics:
        used = {metric.by} if metric.by else set()
        for tag in sorted((used | {tag for tag, _ in metric.only}) - declared):
            yield (
                f"metric '{metric.name}' uses the tag '{tag}', which the task does not declare: "
                f"its tags are {', '.join(sorted(declared)) or 'none'}"
            )


def _declared_tags(info: TaskInfo) -> set[str]:
    """Return the tags that a task declares, and those that its protocol knows."""
    protocol = load_protocol(info.protocol)
    return {*info.tags, *info.optional_tags, *protocol.event_tags, *protocol.item_tags}


def _item_problems(info: TaskInfo, items: Sequence[Question]) -> list[str]:
    if not items:
        return ["there are no items"]
    if unheld := [wrong for item in items if (wrong := unsound(item))]:
        return [*unheld[:MAX_PROBLEMS], "(and perhaps more)"]
    problems = []
    ids = [item.id for item in items]
    if len(set(ids)) < len(ids):
        problems.append("item ids repeat")
    protocol = load_protocol(info.protocol)
    undeclared = {tag for item in items for tag in item.tags} - _declared_tags(info)
    for tag in sorted(undeclared):
        problems.append(
            f"items have the tag '{tag}', which the task does not declare: add it to tags, or to "
            "optional_tags"
        )
    tags = set(info.tags) - protocol.event_tags
    for tag in info.optional_tags:
        having = sum(tag in item.tags for item in items)
        if 0 < having < len(items):
            problems.append(f"{having} of {len(items)} items have the tag '{tag}': all, or none")
    for item in items:
        found = [f"item {item.id}: {p}" for p in _one_item_problems(item, tags)]
        found += [f"item {item.id}: {p}" for p in protocol.problems(item)]
        problems += found
        if len(problems) > MAX_PROBLEMS:
            return [*problems, "(and perhaps more)"]
    return problems


def _one_item_problems(item: Question, tags: set[str]) -> Iterator[str]:
    if not item.cluster:
        yield "has no cluster: name its source image"
    if missing := tags - set(item.tags):
        yield f"lacks the tags {sorted(missing)} that the task declares"
    for ref in item.images:
        if ref.box and (ref.box[2] <= ref.box[0] or ref.box[3] <= ref.box[1]):
            yield f"has the empty crop {ref.box}"
