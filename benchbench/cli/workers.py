"""What ``benchbench work`` and ``merge`` print, and the engines that they start."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import click

from benchbench.cli.output import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from benchbench.cli.progress import ProgressBar
    from benchbench.engines.plans import Plan
    from benchbench.engines.working import Result


def work_locally(
    plan: Plan, file: Path, out: Path, processes: int | None, device: str, quiet: bool
) -> int:
    """Run all workers here, then merge; return the exit code."""
    from benchbench.engines.completion import check_completion
    from benchbench.engines.local import places, run_local

    devices = places(processes, device)
    shards = check_completion(plan, out, len(devices)).shards
    words = ["--quiet"] if quiet else []
    for each in run_local(
        file,
        out,
        devices,
        say=lambda line: say(line, err=True),
        numbers=shards,
        options=words,
    ):
        if each.code < 0:
            say(f"Shard {each.shard} was ended by signal {-each.code}.", err=True)
    return _finish(plan, file, out, len(devices), devices[0], quiet)


def work_on_ray(
    plan: Plan,
    file: Path,
    out: Path,
    count: int,
    address: str | None,
    gpus: float | None,
    device: str,
    quiet: bool,
) -> int:
    """Run all shards on a Ray cluster, then merge; return the exit code."""
    from benchbench.engines.completion import check_completion
    from benchbench.engines.ray import Report, run_ray

    def report(each: Report) -> None:
        for line in each.lines:
            say(f"[{each.shard}] {line}", err=True)
        if each.lost:
            say(f"[{each.shard}] lost: {each.lost}", err=True)

    shards = check_completion(plan, out, count).shards
    if shards:
        run_ray(file, out, shards, count, address=address, gpus=gpus, report=report)
    return _finish(plan, file, out, count, device, quiet)


def _finish(plan: Plan, file: Path, out: Path, count: int, device: str, quiet: bool) -> int:
    """Merge where workers shared a model; say what is left, and return the exit code."""
    from benchbench.engines.completion import check_completion
    from benchbench.engines.merging import merge_runs

    state = check_completion(plan, out, count)
    if state.to_merge:
        with progress_of(quiet, None) as bar:
            results = merge_runs(
                plan, out, count=count, device=device, progress=bar, only=state.to_merge
            )
            report_results(results, bar, out)
        state = check_completion(plan, out, count)
    say(f"{len(state.done):,} of {len(plan.cells):,} runs are in {out}.")
    if state.left:
        seen = f"benchbench missing {shlex.quote(str(file))}"
        say(f"Run the same command again for the rest, or see: {seen}", err=True)
    return 2 if state.left else 0


def submit_jobs(
    plan: Plan,
    file: Path,
    out: Path,
    count: int,
    most: int | None,
    sbatch: Sequence[str],
    dry_run: bool,
) -> int:
    """Submit a job for each shard that has something left to do, or print the scripts."""
    from benchbench.engines.records import record_folder
    from benchbench.engines.slurm import check_ready, submit, write_scripts

    check_ready(plan)
    scripts = write_scripts(plan, file, out, count=count, most=most, options=sbatch)
    if dry_run:
        click.echo(scripts.work + (f"\n{scripts.merge}" if scripts.merge else ""), nl=False)
        return 0
    jobs = submit(scripts, record_folder(plan, out))
    for name, job in zip(("work", "merge"), jobs, strict=False):
        say(f"{name:5} job {job}")
    places = f"{shlex.quote(str(file))} --out {shlex.quote(str(out))}"
    say(f"next  benchbench missing {places} --shards {count}")
    return 0


def progress_of(quiet: bool, log_json: str | None) -> ProgressBar:
    """Return the bar of a worker, which also writes a log if there is one.

    Raises:
        UsageError: the log cannot be written.
    """
    from benchbench.cli.events import EventLog
    from benchbench.cli.progress import ProgressBar

    return ProgressBar(silent=quiet, log=EventLog.open(log_json) if log_json else None)


def report_results(results: Iterable[Result], bar: ProgressBar, out: Path) -> int:
    """Print a line for each result as it comes; return exit code 2 if some failed, otherwise 0.

    Raises:
        BenchbenchError: a single one failed.
    """
    from benchbench.errors import BenchbenchError
    from benchbench.printable import sentence
    from benchbench.runs import run_path

    errors = []
    for each in results:
        bar.close()
        if bar.log:
            bar.log.write("cell", **_event(each, out))
        name = f"{each.cell.task}  {sentence(each.cell.model)}"
        if each.error is not None:
            errors.append(f"{each.cell.model} on {each.cell.task}: {each.error}")
        elif each.run is not None:
            share = 100 * each.run.resumed_inputs / max(1, each.run.inputs)
            say(f"{name}  {share:.0f} % from the store  {run_path(each.run, out)}")
        elif each.part is not None:
            say(f"{name}  part {each.part.part + 1} of {each.part.parts} encoded")
    if len(errors) == 1:
        raise BenchbenchError(errors[0])
    for error in errors:
        say(f"failed  {error}", err=True)
    if errors:
        say(f"Error: {len(errors):,} failed; the reasons are above.", err=True)
    return 2 if errors else 0


def _event(result: Result, out: Path) -> dict[str, Any]:
    """Return a result as an event of the log."""
    from benchbench.cli.events import cell_event

    cell = result.cell
    if result.part is not None:
        parts = {"part": result.part.part, "parts": result.part.parts}
        return {"model": cell.model, "task": cell.task, **parts}
    return cell_event(cell.model, cell.task, result.run or result.error, out)
