"""One worker's share of a plan: whole models, or parts of a model's inputs."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from benchbench.adapters.computation import Computation
from benchbench.data.image_facts import ImageFacts
from benchbench.devices import choose_device, cpu_workers, describe_environment, memory_errors
from benchbench.editions import resolve_edition
from benchbench.embedding import Origin, Share, SharedEncoder, default_batch_size, open_store
from benchbench.engines.completion import find_runs
from benchbench.engines.records import WorkRecord, record_folder, write_record
from benchbench.engines.shards import deal
from benchbench.errors import BenchbenchError, RunError, UsageError
from benchbench.evaluation import (
    answer_items,
    describe_settings,
    evaluate,
    fit_model,
    prepare_model,
)
from benchbench.failures import foreign_code
from benchbench.item_sets import choose_items
from benchbench.registry import MEMORY_ADVICE, load_task
from benchbench.runs import SUFFIX, check_writable, run_path, write_run
from benchbench.types import Learner

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchbench.engines.plans import Plan, PlannedCell
    from benchbench.engines.shards import Portion, Shard
    from benchbench.types import LoadExtras, Model, Progress, Run, Task


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a cell in a worker."""

    cell: PlannedCell
    run: Run | None = None
    """None where the worker encoded a part, or failed."""
    error: BenchbenchError | None = None
    part: Portion | None = None
    """The encoded part of the inputs, where other workers have the rest."""


def work(
    plan: Plan,
    shard: Shard,
    out: Path,
    *,
    device: str | None = None,
    progress: Progress | None = None,
    kept: dict[str, Model] | None = None,
) -> Iterator[Result]:
    """Run a worker's share of a plan: write runs, or store encodings for ``merge_runs``.

    Cells that have a sound run are left out. An error affects only its cell.

    Args:
        plan: the plan.
        shard: which worker this is, of how many.
        out: the folder of runs, which all workers share, as they share the store of encodings.
        device: as for ``evaluate``.
        progress: called as ``progress(what, done, total)``.
        kept: holds the model that was loaded last, for the next call of this process.

    Yields:
        A result for each cell of the share that had no run.

    Raises:
        UsageError: there is no such device.
        RunError: the folder cannot be written.
    """
    where = choose_device(device or "auto")
    check_folder(out)
    done, _ = find_runs(plan, out)
    record = WorkRecord(shard)
    for portion in deal(plan.costs, shard):
        cells = [c for c in plan.of_model(portion.model) if (c.model, c.task) not in done]
        worker = _Worker(plan, out, where, progress, record, {} if kept is None else kept)
        yield from _portion(worker, portion, cells)


@dataclass(frozen=True, slots=True)
class _Worker:
    plan: Plan
    out: Path
    device: str
    progress: Progress | None
    record: WorkRecord
    kept: dict[str, Model]

    def model(self, cell: PlannedCell) -> Model:
        """Return a cell's model: the one that is kept, or loaded in its place."""
        if cell.model not in self.kept:
            self.kept.clear()
            self.kept[cell.model] = load_planned(self.plan, cell, self.device, self.progress)
        return self.kept[cell.model]


def _portion(worker: _Worker, portion: Portion, cells: list[PlannedCell]) -> Iterator[Result]:
    """Yield the results of one model."""
    yield from (Result(cell, error=unready(cell)) for cell in cells if cell.problem)
    ready = [c for c in cells if not c.problem and (c.is_shareable or portion.part == 0)]
    for cell in ready:
        try:
            with memory_errors(MEMORY_ADVICE), foreign_code(f"{cell.model} on {cell.task}"):
                result = _result(worker, portion, cell, worker.model(cell))
        except BenchbenchError as error:
            result = Result(cell, error=error)
        yield result


def _result(worker: _Worker, portion: Portion, cell: PlannedCell, model: Model) -> Result:
    """Return a cell's run, or that its part is encoded."""
    if portion.parts > 1 and cell.is_shareable:
        _encode_part(worker, portion, cell, model)
        return Result(cell, part=portion)
    run = write_cell(worker.plan, cell, model, worker.out, progress=worker.progress)
    return Result(cell, run=run)


def check_folder(out: Path) -> None:
    """Check that runs can be written to a folder.

    Raises:
        RunError: they cannot.
    """
    if out.suffix == SUFFIX:
        raise RunError(f"{out} is the name of one run; a plan's runs go into a folder: --out runs")
    check_writable(out, "")


def unready(cell: PlannedCell) -> UsageError:
    """Return the error of a cell whose data or weights were missing when it was planned."""
    why = cell.problem.rstrip(".")
    return UsageError(f"Not ready when it was planned: {why}. Plan again once it is there.")


def load_planned(
    plan: Plan, cell: PlannedCell, device: str, progress: Progress | None = None
) -> Model:
    """Return a cell's model.

    Raises:
        ModelError: it cannot be loaded.
    """
    extras = cast("LoadExtras", dict(plan.settings.extras))
    settings = plan.settings
    return prepare_model(cell.model, device, settings.precision, settings.seed, extras, progress)


def check_planned(plan: Plan, cell: PlannedCell, model: Model, task: Task) -> None:
    """Check that a model and a task's files are those of the plan.

    Raises:
        UsageError: they are others.
    """
    settings = plan.settings
    edition = resolve_edition(task.info, settings.data_root, settings.edition)
    if not isinstance(model, Learner):
        _same(cell, "checkpoint", Computation.of(model).manifest.fingerprint, cell.fingerprint)
    _same(cell, "edition", edition.name, cell.edition)
    _same(cell, "annotations", edition.annotations_sha256, cell.annotations_sha256)
    _same(cell, "version of the task", str(task.info.version), str(cell.task_version))


def _same(cell: PlannedCell, what: str, found: str, planned: str) -> None:
    if found != planned:
        raise UsageError(
            f"{cell.model} on {cell.task}: the {what} is {found[:16]} here, and {planned[:16]} in "
            "the plan. Plan again, or use the files of the plan."
        )


def write_cell(
    plan: Plan,
    cell: PlannedCell,
    model: Model,
    out: Path,
    *,
    origin: Origin | None = None,
    progress: Progress | None = None,
) -> Run:
    """Evaluate a loaded model on a task of the plan, and write the run.

    Raises:
        BenchbenchError: as ``evaluate``; or the model or the files are not those of the plan.
    """
    task, settings = load_task(cell.task), plan.settings
    check_writable(out, cell.task)
    check_planned(plan, cell, model, task)
    run = evaluate(
        model,
        task,
        data_root=settings.data_root,
        edition=settings.edition,
        batch_size=settings.batch_size,
        seed=settings.seed,
        limit=settings.limit,
        on_missing=settings.on_missing,
        progress=progress,
        origin=origin,
    )
    _same(cell, "checkpoint", run.model.fingerprint, cell.fingerprint)
    write_run(run, run_path(run, out))
    return run


def _encode_part(worker: _Worker, portion: Portion, cell: PlannedCell, model: Model) -> None:
    """Store the encodings of a part of a cell's inputs, and note that it is done."""
    plan, task = worker.plan, load_task(cell.task)
    settings = plan.settings
    check_planned(plan, cell, model, task)
    facts = ImageFacts.default()
    there = choose_items(
        task,
        data_root=settings.data_root,
        edition=settings.edition,
        limit=settings.limit,
        seed=settings.seed,
        on_missing=settings.on_missing,
        progress=worker.progress,
        facts=facts,
    )
    model = fit_model(model, task, there.edition.root)
    size = settings.batch_size or default_batch_size(model.device)
    environment = describe_environment(model.device)
    described = describe_settings(model, size, settings.seed, settings.limit, settings.on_missing)
    computation = Computation.of(model)
    with closing(open_store(True, computation, environment, described, facts=facts)) as stored:
        if stored.store is None:
            raise UsageError(
                f"{cell.model} has no store of encodings here, through which workers share a "
                "model. Start no more workers than there are models."
            )
        encoder = SharedEncoder(
            model,
            Share(portion.part, portion.parts, there.edition.root),
            batch_size=size,
            workers=cpu_workers(),
            on_missing=settings.on_missing,
            progress=worker.progress,
            stored=stored,
        )
        answer_items(there, model, encoder, size)
        if stored.store.health.broken:
            raise RunError("The encodings could not be stored. Free the disk, and run again.")
    origin = Origin(dict(stored.described), environment, model.device, size)
    worker.record.encoded.setdefault(cell.model, {})[cell.task] = origin
    write_record(worker.record, record_folder(plan, worker.out))
