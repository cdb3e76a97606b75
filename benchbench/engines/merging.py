"""Runs from what several workers encoded, equal to the bit to those of one process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.devices import choose_device, memory_errors
from benchbench.editions import resolve_edition
from benchbench.embedding import Share
from benchbench.engines.completion import check_completion, encoded_by
from benchbench.engines.records import read_records, record_folder
from benchbench.engines.shards import Shard, array_expression, holders
from benchbench.engines.working import (
    Result,
    check_folder,
    load_planned,
    unready,
    write_cell,
)
from benchbench.errors import BenchbenchError, NotStored, UsageError
from benchbench.failures import foreign_code
from benchbench.registry import MEMORY_ADVICE, load_task

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from benchbench.embedding import Origin
    from benchbench.engines.plans import Plan, PlannedCell
    from benchbench.types import Model, Progress, Run


def merge_runs(
    plan: Plan,
    out: Path,
    *,
    count: int | None = None,
    encode_missing: bool = False,
    only: Sequence[PlannedCell] | None = None,
    device: str | None = None,
    progress: Progress | None = None,
) -> Iterator[Result]:
    """Write the runs of all cells that have none, from stored encodings.

    Args:
        plan: the plan.
        out: the folder of runs and of the workers' records.
        count: the number of workers; by default as recorded.
        encode_missing: whether inputs without stored encodings are encoded here.
        only: the cells to write; by default all.
        device: as for ``evaluate``.
        progress: called as ``progress(what, done, total)``.

    Yields:
        A result for each cell that had no run. An error affects only its cell.

    Raises:
        UsageError: there is no such device, or a worker's record cannot be read.
        RunError: the folder cannot be written.
    """
    where = choose_device(device or "auto")
    check_folder(out)
    state = check_completion(plan, out, count)
    held = holders(plan.costs, state.count)
    origins = encoded_by(read_records(record_folder(plan, out)), state.count)
    loaded: tuple[str, Model] | None = None
    for cell in [cell for cell in state.left if only is None or cell in only]:
        try:
            if cell.problem:
                raise unready(cell)
            shards = [Shard(number, state.count) for number in held[cell.model]]
            origin = None if encode_missing else _origin_of(cell, shards, origins)
            with memory_errors(MEMORY_ADVICE), foreign_code(f"{cell.model} on {cell.task}"):
                if loaded is None or loaded[0] != cell.model:
                    loaded = cell.model, load_planned(plan, cell, where, progress)
                run = _merged(plan, cell, loaded[1], out, origin, shards, progress)
            result = Result(cell, run=run)
        except BenchbenchError as error:
            result = Result(cell, error=error)
        yield result


def _merged(
    plan: Plan,
    cell: PlannedCell,
    model: Model,
    out: Path,
    origin: Origin | None,
    shards: Sequence[Shard],
    progress: Progress | None,
) -> Run:
    try:
        return write_cell(plan, cell, model, out, origin=origin, progress=progress)
    except NotStored as error:
        settings = plan.settings
        root = resolve_edition(load_task(cell.task).info, settings.data_root, settings.edition).root
        shard = shards[Share(0, len(shards), root).part_of(error.lacking)]
        raise UsageError(
            f"{error} It is of a shard that should run again: --shard {shard}. Or encode it here: "
            "--encode-missing"
        ) from error


def _origin_of(
    cell: PlannedCell,
    shards: Sequence[Shard],
    origins: Mapping[tuple[int, str, str], Origin],
) -> Origin:
    """Return the machine that encoded all parts of a cell.

    Raises:
        UsageError: a worker has not finished its part, or they ran on several kinds of machines.
    """
    if len(shards) == 1 or not cell.is_shareable:
        raise UsageError(
            f"There is no run, and shard {shards[0]} alone writes it: run that again, or evaluate "
            "here: --encode-missing"
        )
    found = [origins.get((shard.number, cell.model, cell.task)) for shard in shards]
    there = [origin for origin in found if origin is not None]
    if len(there) < len(found):
        lacking = [s.number for s, origin in zip(shards, found, strict=True) if origin is None]
        raise UsageError(
            f"Shards that have not finished, of {shards[0].count}: {array_expression(lacking)}. "
            "Run them, name the number of shards that ran (--shards), or encode what is missing "
            "here: --encode-missing"
        )
    names = sorted({name for origin in there for name in origin.described})
    if differing := [n for n in names if len({str(o.described.get(n)) for o in there}) > 1]:
        kinds = sorted({_kind(origin, differing) for origin in there})
        raise UsageError(
            f"The inputs were encoded on machines of several kinds, or by several versions "
            f"({'; '.join(kinds)}), whose numbers differ in the last bits. Run all shards on one "
            "kind, with the same packages."
        )
    return there[0]


def _kind(origin: Origin, names: Sequence[str]) -> str:
    """Return what distinguishes a machine; the code of benchbench is known by a digest."""
    shown = {"code": "code of benchbench"}
    return ", ".join(f"{shown.get(n, n)} {str(origin.described.get(n))[:32]}" for n in names)
