"""Suites: several tasks under one name, typed ``suite:NAME`` wherever tasks are named.

A task is in the suites that its card lists (``TaskInfo.suites``), variants included. Further suites
come from a settings file and from entry points; they may extend a suite of these::

    [suites]                               # in benchbench.toml; [tool.benchbench.suites] elsewhere
    mine = ["vg-relation", "suite:spatial"]

    [project.entry-points."benchbench.suites"]
    theirs = "their_package:SUITE"         # a list of names

``all`` and ``suite:all`` are every task, in its first variant.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from benchbench.editions import SCENES, choose_edition, drawn_part
from benchbench.errors import BenchbenchError, ContractError, UnknownName, UsageError
from benchbench.failures import describe_error
from benchbench.files import exists
from benchbench.registry import load_task, task_names
from benchbench.settings import read_settings
from benchbench.types import VariantTask

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from benchbench.editions import EditionChoice
    from benchbench.types import Task, TaskInfo

GROUP = "benchbench.suites"
"""The group of entry points."""
PREFIX, ALL = "suite:", "all"
ABOUT = {
    "all": "every task",
    "aro": "relations, attributes and order of words (ARO)",
    "compositional": "captions or images that differ in few words or objects",
    "negation": "captions with a negation",
    "order": "captions in another order of words",
    "questions": "questions to generative models",
    "retrieval": "images and captions that search each other",
    "spatial": "where things are",
}
"""Suite → what its tasks are about."""


@dataclass(frozen=True, slots=True)
class Tasks:
    """The tasks that a user has named, with suites replaced by their tasks."""

    names: tuple[str, ...]
    left_out: Mapping[str, str]
    """Task of a suite → why it is not evaluated; tasks that were named themselves never are."""


def is_suite(name: str) -> bool:
    """Return whether a name stands for several tasks.

    >>> is_suite("all"), is_suite("suite:aro"), is_suite("winoground")
    (True, True, False)
    """
    return name == ALL or name.startswith(PREFIX)


def suite_names() -> list[str]:
    """Return the names of all suites, without ``suite:``."""
    return sorted({*ABOUT, *_from_cards(), *_from_settings(), *_from_plugins()})


def suite_tasks(name: str) -> list[str]:
    """Return the names of a suite's tasks.

    Args:
        name: with or without ``suite:``.

    Raises:
        UnknownName: there is no such suite, or a task that it lists does not exist.
        UsageError: suites list each other in a circle.
        ContractError: a plugin's object is no list of names.
    """
    return list(dict.fromkeys(_tasks(name.removeprefix(PREFIX), ())))


def _tasks(name: str, above: tuple[str, ...]) -> Iterator[str]:
    if name in above:
        raise UsageError(f"Suites list each other: {' → '.join((*above, name))}.")
    if name == ALL:
        yield from task_names()
        return
    if name not in suite_names():
        hint = "List them: benchbench list suites"
        raise UnknownName("suite", name, suite_names(), hint)
    yield from _from_cards().get(name, ())
    for each in (*_from_settings().get(name, ()), *_from_plugins().get(name, ())):
        if is_suite(each):
            yield from _tasks(each.removeprefix(PREFIX), (*above, name))
        else:
            load_task(each)
            yield each


def _from_cards() -> Mapping[str, tuple[str, ...]]:
    """Return suite → the tasks whose cards list it, in the order of their names."""
    found: dict[str, list[str]] = {}
    for info in _cards():
        for suite in info.suites:
            found.setdefault(suite, []).append(info.name)
    return {suite: tuple(names) for suite, names in found.items()}


def _cards() -> Iterator[TaskInfo]:
    """Yield the cards of all tasks and variants; a plugin that breaks has none."""
    for name in task_names():
        try:
            cards = cards_of(load_task(name))
        except ContractError:
            continue
        yield from cards


def cards_of(task: Task) -> list[TaskInfo]:
    """Return the cards of a task and of its variants."""
    variants = task.variants.values() if isinstance(task, VariantTask) else ()
    return [task.info, *(variant.info for variant in variants)]


def _from_settings() -> Mapping[str, Sequence[str]]:
    return read_settings().suites


def _from_plugins() -> Mapping[str, Sequence[str]]:
    """Return the suites of entry points.

    Raises:
        ContractError: a plugin breaks, or its object is no list of names.
    """
    return {point.name: _plugin(point.name) for point in entry_points(group=GROUP)}


def _plugin(name: str) -> tuple[str, ...]:
    (point,) = (each for each in entry_points(group=GROUP) if each.name == name)
    try:
        found = point.load()
    except (Exception, SystemExit) as error:
        raise ContractError(
            f"The plugin for suite '{name}' breaks: it raises {describe_error(error)}."
        ) from error
    if isinstance(found, str) or not all(isinstance(each, str) for each in found):
        raise ContractError(f"The plugin for suite '{name}' gives {found!r}, no list of names.")
    return tuple(found)


def named(tasks: Iterable[str]) -> list[str]:
    """Return the names of tasks, with suites replaced by their tasks.

    A task of several of these suites is there once; one that is also named itself is there twice.
    """
    names: list[str] = []
    of_suites: set[str] = set()
    for task in tasks:
        if not is_suite(task):
            names.append(task)
            continue
        new = [each for each in suite_tasks(task) if each not in of_suites]
        of_suites.update(new)
        names += new
    return names


def choose_tasks(
    tasks: Sequence[str], data_root: str | Path | None = None, edition: str | None = None
) -> Tasks:
    """Return the tasks to evaluate: those that were named, and those of suites whose files exist.

    A suite's task is left out where the drawn world is read and does not have its files, or where
    the data root has none of them; where it has some, the missing ones are an error later.

    Args:
        tasks: names of tasks and suites.
        data_root: a folder with the tasks' files.
        edition: ``scenes`` or ``official``.

    Raises:
        UnknownName: there is no such suite or task.
        UsageError: the choice of files is not valid, or nothing is left.
    """
    alone = {task for task in tasks if not is_suite(task)}
    for task in alone:
        load_task(task)
    names = named(tasks)
    choice = choose_edition(data_root, edition) if set(names) - alone else None
    left_out = {}
    for name in names:
        if choice is not None and name not in alone and (why := _lack(name, choice)):
            left_out[name] = why
    kept = tuple(name for name in names if name not in left_out)
    if left_out and not kept:
        first = next(iter(left_out))
        raise UsageError(
            f"Nothing of {', '.join(tasks)} can be evaluated: {first}: {left_out[first]}."
        )
    return Tasks(kept, left_out)


def _lack(name: str, choice: EditionChoice) -> str:
    """Return why a suite's task cannot be evaluated on these files; "" where it can."""
    try:
        info = load_task(name).info
    except BenchbenchError as error:
        return str(error)
    if choice.edition == SCENES:
        return "" if drawn_part(info) else "no part of the drawn world (files: --data-root DIR)"
    if choice.root is None:
        return ""
    paths = [path for file in info.files for path in (file.path, *file.instead)]
    annotations = [path for path in paths if not path.endswith("/")] or paths
    if any(exists(choice.root / path) for path in annotations):
        return ""
    return f"none of its files in {choice.root} (benchbench data where TASK)"
