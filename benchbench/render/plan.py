"""A plan of evaluations, and what is left of it, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tabulate import tabulate

from benchbench.printable import one_line
from benchbench.render.text import CELL, short

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchbench.engines.completion import Completion
    from benchbench.engines.plans import Plan, PlannedCell

HEAD = ("model", "task", "edition", "items", "images", "crops", "captions", "pairs", "GFLOP", "GB")


def plan_text(plan: Plan, teraflops: float | None = None) -> str:
    """Return a row for each model on each task, and what the tasks share.

    Args:
        plan: the plan.
        teraflops: operations that a device sustains a second, in units of 10¹²; adds a line with
            the time that the towers take on it.
    """
    rows = [_row(cell) for cell in plan.cells]
    table = tabulate(rows, HEAD, disable_numparse=True, colalign=("left",) * 3 + ("right",) * 7)
    return "\n".join([table, "", *_sums(plan, teraflops)])


def _row(cell: PlannedCell) -> tuple[str, ...]:
    names = (short(one_line(cell.model), CELL), cell.task)
    if cell.problem:
        return (*names, "not ready", *[""] * 7)
    counts = (cell.items, cell.images, cell.crops, cell.captions, cell.pairs)
    flops = f"{cell.flops / 1e9:,.1f}" if cell.flops else "?"
    memory = f"{cell.memory / 1e9:.1f}" if cell.memory else "?"
    return (*names, cell.edition, *(f"{n:,}" if n else "" for n in counts), flops, memory)


def _sums(plan: Plan, teraflops: float | None) -> Iterator[str]:
    ready = [cell for cell in plan.cells if not cell.problem]
    per_task = {(cell.task, cell.pairs > 0): cell for cell in ready}.values()
    for kind in ("crops", "captions", "pairs"):
        total = sum(getattr(cell, kind) for cell in per_task)
        if total:
            distinct = plan.shared[kind]
            yield (
                f"{kind:8}  {total:,} in all tasks, {distinct:,} distinct: "
                f"{100 * (1 - distinct / total):.0f} % shared between tasks"
            )
    flops = sum(cell.flops for cell in ready)
    if flops:
        yield f"estimated {flops / 1e9:,.1f} GFLOP before sharing, by torch's count of one input"
    if flops and teraflops:
        hours = flops / (teraflops * 1e12) / 3600
        rate = f"{teraflops:g} TFLOP/s"
        time = f"{hours:,.2f}" if hours >= 0.01 else "under 0.01"
        yield f"at least  {time} h on one device at {rate}, decoding not counted"
    for name, why in plan.left_out.items():
        yield one_line(f"left out  {name}: {why}")
    for cell in plan.cells:
        if cell.problem:
            yield one_line(f"not ready {cell.model} on {cell.task}: {cell.problem}")


def completion_text(state: Completion) -> str:
    """Return what is left of a plan, and what to run."""
    total = len(state.done) + len(state.left)
    lines = [f"{len(state.done):,} of {total:,} runs are there."]
    for path, why in state.unsound.items():
        lines.append(one_line(f"unsound   {path}: {why}"))
    merging = {(cell.model, cell.task) for cell in state.to_merge}
    for cell in state.left:
        ready = "merge" if (cell.model, cell.task) in merging else "missing"
        what = "not ready" if cell.problem else ready
        lines.append(one_line(f"{what:9} {cell.model} on {cell.task}"))
    if state.shards:
        lines.append(f"shards    --array={state.array}  (of {state.count})")
    return "\n".join(lines)
