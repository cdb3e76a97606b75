"""What is left of a plan: cells without a sound run, and the workers that would write them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchbench.adapters.computation import own_code
from benchbench.engines.records import read_records, record_folder
from benchbench.engines.shards import array_expression, holders
from benchbench.errors import RunError
from benchbench.runs import SUFFIX, read_header

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchbench.embedding import Origin
    from benchbench.engines.plans import Plan, PlannedCell
    from benchbench.engines.records import WorkRecord


@dataclass(frozen=True, slots=True)
class Completion:
    """The state of a plan."""

    done: Mapping[tuple[str, str], Path]
    """Model and task → the run's file."""
    left: Sequence[PlannedCell]
    """Cells without a run."""
    unsound: Mapping[Path, str]
    """Run files that cannot be used, and the reason."""
    shards: Sequence[int]
    """The numbers of the workers that have not finished what is left."""
    to_merge: Sequence[PlannedCell]
    """Cells whose inputs are all encoded, by several workers."""
    count: int
    """The number of workers."""

    @property
    def array(self) -> str:
        """Return the workers to start again, as ``sbatch --array`` takes them."""
        return array_expression(self.shards)


def find_runs(plan: Plan, out: Path) -> tuple[dict[tuple[str, str], Path], dict[Path, str]]:
    """Return each finished cell's run file, and the files that are unsound, with the reason."""
    there: dict[tuple[str, str], list[tuple[Path, Mapping[str, Any]]]] = {}
    unsound: dict[Path, str] = {}
    for place in sorted({(cell.task, cell.edition) for cell in plan.cells if not cell.problem}):
        for path in sorted((out / f"{place[0]}@{place[1]}").glob(f"*{SUFFIX}")):
            try:
                there.setdefault(place, []).append((path, read_header(path)))
            except RunError as error:
                unsound[path] = str(error)
    done = {}
    for cell in plan.cells:
        for path, header in there.get((cell.task, cell.edition), ()):
            if not cell.problem and _is_of(header, cell, plan):
                done[cell.model, cell.task] = path
    return done, unsound


def _is_of(header: Mapping[str, Any], cell: PlannedCell, plan: Plan) -> bool:
    """Return whether a run's header is that of a cell: its checkpoint, data and settings."""
    wanted, settings = plan.settings, header["settings"]
    sizes = {wanted.batch_size} if wanted.batch_size else {settings.get("batch_size")}
    return bool(
        header["fingerprint"] == cell.fingerprint
        and (header["task"], header.get("edition")) == (cell.task, cell.edition)
        and header.get("task_version") == cell.task_version
        and settings.get("seed") == wanted.seed
        and settings.get("limit") == wanted.limit
        and settings.get("on_missing") == wanted.on_missing
        and settings.get("batch_size") in sizes
        and not settings.get("without_images")
        and not settings.get("proposals_sha256")
    )


def check_completion(plan: Plan, out: Path, count: int | None = None) -> Completion:
    """Return what is left of a plan.

    Args:
        plan: the plan.
        out: the folder of runs.
        count: the number of workers; by default the largest that a record names, otherwise one for
            each model.

    Raises:
        UsageError: a worker's record cannot be read.
    """
    done, unsound = find_runs(plan, out)
    left = [cell for cell in plan.cells if (cell.model, cell.task) not in done]
    records = read_records(record_folder(plan, out))
    count = count or max((record.shard.count for record in records), default=len(plan.models))
    held = holders(plan.costs, count)
    origins = {
        part: origin
        for part, origin in encoded_by(records, count).items()
        if origin.described.get("code") == own_code()  # encodings by other code cannot be merged
    }
    shards: set[int] = set()
    to_merge = []
    for cell in left:
        lacking = _lacking(cell, held[cell.model], origins)
        shards |= set(lacking)
        if not cell.problem and not lacking:
            to_merge.append(cell)
    return Completion(done, left, unsound, sorted(shards), to_merge, count)


def encoded_by(records: Sequence[WorkRecord], count: int) -> dict[tuple[int, str, str], Origin]:
    """Return worker, model and task → the machine, of all parts that ``count`` workers encoded."""
    return {
        (record.shard.number, model, task): origin
        for record in records
        if record.shard.count == count
        for model, tasks in record.encoded.items()
        for task, origin in tasks.items()
    }


def _lacking(
    cell: PlannedCell, numbers: Sequence[int], origins: Mapping[tuple[int, str, str], Origin]
) -> list[int]:
    """Return the workers that have something left to do for a cell without a run."""
    if cell.problem:
        return []
    if len(numbers) == 1 or not cell.is_shareable:
        return [numbers[0]]
    return [n for n in numbers if (n, cell.model, cell.task) not in origins]
