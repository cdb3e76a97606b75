"""Evaluation of several models on several tasks: each model is loaded once.

An error, also one of a model's own code, affects only its pair of model and task: the other pairs
are evaluated all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from benchbench.devices import choose_device, memory_errors
from benchbench.errors import BenchbenchError, Unsuited, UsageError
from benchbench.evaluation import check_settings, evaluate, prepare_model
from benchbench.failures import foreign_code
from benchbench.registry import MEMORY_ADVICE, family_of
from benchbench.suites import choose_tasks
from benchbench.types import LOAD_EXTRAS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchbench.types import Model, Progress, Run


@dataclass(frozen=True, slots=True)
class Cell:
    """The result of a model on a task: a run, or an error."""

    model: str
    task: str
    run: Run | None
    error: BenchbenchError | None
    """The error; None if there is a run."""
    left_out: bool = False
    """Whether that is not a failure: the task is a suite's, and not for models of this kind."""


def evaluate_grid(
    models: Sequence[str], tasks: Sequence[str], *, progress: Progress | None = None, **how: Any
) -> Iterator[Cell]:
    """Evaluate each model on each task, model by model.

    Args:
        models: specifications.
        tasks: names of tasks and of suites (``suite:aro``, ``all``); of a suite, those whose files
            exist (``suites.choose_tasks``).
        progress: called as ``progress(what, done, total)``.
        how: keyword arguments of ``evaluate``; ``out`` must be a folder.

    Yields:
        A cell for each pair. An error affects only its pair; a model that does not load has its
        error in all of its cells.

    Raises:
        UsageError: there is no model or task, a name occurs twice, or a setting is not valid.
        UnknownName: there is no such task, or no such family of models; before any evaluation.
    """
    names = choose_tasks(tasks, how.get("data_root"), how.get("edition")).names
    for what, given in (("model", models), ("task", names)):
        if not given:
            raise UsageError(f"Nothing is evaluated without a {what}.")
        if twice := sorted({each for each in given if list(given).count(each) > 1}):
            raise UsageError(f"Named twice: {what} {', '.join(twice)}.")
    for model in models:
        family_of(model)
    if str(how.get("out") or "").endswith(".parquet"):
        raise UsageError("Several runs go into a folder: --out runs.")
    check_settings(
        how.get("limit"), how.get("batch_size"), how.get("seed", 0),
        how.get("on_missing", "error"), how.get("precision"),
    )  # fmt: skip
    return _cells(models, names, frozenset(names) - frozenset(tasks), progress, how)


def _cells(
    models: Sequence[str],
    tasks: Sequence[str],
    of_suites: frozenset[str],
    progress: Progress | None,
    how: dict[str, Any],
) -> Iterator[Cell]:
    loading: Any = {name: how.pop(name) for name in LOAD_EXTRAS if name in how}
    device, precision = choose_device(how.pop("device", None) or "auto"), how.pop("precision", None)
    for name in models:
        model: Model | None = None
        failed: BenchbenchError | None = None
        try:
            with memory_errors(MEMORY_ADVICE), foreign_code(name):
                model = prepare_model(
                    name, device, precision, how.get("seed", 0), loading, progress
                )
        except BenchbenchError as error:
            failed = error
        for task in tasks:
            if model is None:
                yield Cell(name, task, None, failed)
                continue
            cell = _cell(name, model, task, progress, how)
            is_unsuited = isinstance(cell.error, Unsuited) and task in of_suites
            yield replace(cell, left_out=is_unsuited)


def _cell(
    name: str, model: Model, task: str, progress: Progress | None, how: dict[str, Any]
) -> Cell:
    try:
        with memory_errors(MEMORY_ADVICE), foreign_code(f"{name} on {task}"):
            return Cell(name, task, evaluate(model, task, progress=progress, **how), None)
    except BenchbenchError as error:
        return Cell(name, task, None, error)
