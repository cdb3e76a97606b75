"""Workers of a plan as a job array of Slurm: one job for each shard, then one that merges.

Everything that needs a network or a licence happened when the plan was written: nodes are often
offline. Before anything is submitted, the plan's data are compared with what is there.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchbench.editions import resolve_edition
from benchbench.engines.completion import check_completion
from benchbench.engines.records import record_folder
from benchbench.engines.shards import MAX_SHARDS, holders
from benchbench.errors import MissingData, UsageError
from benchbench.registry import load_task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchbench.engines.plans import Plan

SBATCH = "sbatch"
RESERVED = ("array", "output", "dependency", "parsable")
"""Options of sbatch that the script sets itself."""


@dataclass(frozen=True, slots=True)
class Scripts:
    """The scripts of a plan's jobs."""

    work: str
    """The array's."""
    merge: str
    """The script of the job that follows it; empty if every model is one worker's."""


def write_scripts(
    plan: Plan,
    plan_file: Path,
    out: Path,
    *,
    count: int,
    most: int | None = None,
    options: Sequence[str] = (),
) -> Scripts:
    """Return the scripts for the shards that have something left to do.

    Args:
        plan: the plan.
        plan_file: its file, on a file system that the nodes share.
        out: the folder of runs, likewise.
        count: the number of shards.
        most: how many jobs may run at a time.
        options: further options of sbatch, without the leading dashes: ``gres=gpu:1``.

    Raises:
        UsageError: nothing is left to do; or an option, or a path, is not valid.
    """
    if count > MAX_SHARDS:
        raise UsageError(f"There are at most {MAX_SHARDS:,} shards, not {count:,}.")
    state = check_completion(plan, out, count)
    if not state.left:
        raise UsageError(f"All runs of {plan_file} are in {out}: there is nothing to submit.")
    array = state.array
    if not array:
        typed = shlex.join(["benchbench", "merge", str(plan_file), "--out", str(out)])
        raise UsageError(f"Everything is encoded. Type: {typed} --shards {count}")
    head = [f"#SBATCH --{each}" for each in map(_checked, options)]
    log = _pattern(record_folder(plan, out).absolute())
    limit = f"%{most}" if most else ""
    place = ["--out", str(out.absolute())]
    plan_name = str(plan_file.absolute())
    work = _script(
        [f"#SBATCH --array={array}{limit}", f'#SBATCH --output="{log}/%A_%a.log"', *head],
        ["work", plan_name, *place, "--shard"],
        f' "$SLURM_ARRAY_TASK_ID/{count}"',
    )
    if all(len(numbers) == 1 for numbers in holders(plan.costs, count).values()):
        return Scripts(work, "")
    merge = _script(
        [f'#SBATCH --output="{log}/%j-merge.log"', *head],
        ["merge", plan_name, *place, "--shards", str(count)],
    )
    return Scripts(work, merge)


def _script(head: Sequence[str], arguments: Sequence[str], end: str = "") -> str:
    command = shlex.join([sys.executable, "-m", "benchbench", *arguments])
    here = shlex.quote(str(Path.cwd()))
    begin = ["#!/bin/sh", "#SBATCH --job-name=benchbench", *head]
    return "\n".join([*begin, f"cd {here} || exit 2", f"exec {command}{end}", ""])


def _checked(option: str) -> str:
    """Return an option of sbatch.

    Raises:
        UsageError: it is none, or the script sets it itself.
    """
    found = re.fullmatch(r"(?:--)?([a-z][a-z-]*)(=[\x20-\x7e]+)?", option)
    if not found or found[1] in RESERVED:
        raise UsageError(
            f"--sbatch {option!r} is not an option of sbatch that can be added here. Type it as "
            "--sbatch gres=gpu:1"
        )
    return f"{found[1]}{found[2] or ''}"


def _pattern(folder: Path) -> str:
    """Return a folder as a part of sbatch's names of log files.

    Raises:
        UsageError: it holds a character that no script can name.
    """
    if wrong := set(str(folder)) & set('"\\\n\r\0'):
        raise UsageError(f"{folder}: Slurm cannot write logs there ({sorted(wrong)[0]!r} in it).")
    return str(folder).replace("%", "%%")


def check_ready(plan: Plan) -> None:
    """Check on the submitting machine that the plan's data and weights are there.

    Raises:
        UsageError: they were not when it was planned.
        MissingData: they are no longer, or they are others.
    """
    if lacking := [cell for cell in plan.cells if cell.problem]:
        raise UsageError(
            f"{len(lacking):,} of {len(plan.cells):,} are not ready, the first {lacking[0].model} "
            f"on {lacking[0].task}: {lacking[0].problem} Plan again once everything is there."
        )
    settings = plan.settings
    for task, digest in {cell.task: cell.annotations_sha256 for cell in plan.cells}.items():
        edition = resolve_edition(load_task(task).info, settings.data_root, settings.edition)
        if edition.annotations_sha256 != digest:
            raise MissingData(
                f"The annotations of {task} in {edition.root} are not those of the plan. Plan "
                "again, or restore them."
            )


def submit(scripts: Scripts, folder: Path) -> list[str]:
    """Submit the array, and the merge that follows it; return the numbers of the jobs.

    Args:
        scripts: those that ``write_scripts`` wrote.
        folder: gets the logs.

    Raises:
        UsageError: there is no sbatch, or it refuses a job.
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    first = _sbatch(scripts.work)
    if not scripts.merge:
        return [first]
    return [first, _sbatch(scripts.merge, f"--dependency=afterany:{first}")]


def _sbatch(script: str, *options: str) -> str:
    """Return the number of the job that sbatch starts with a script."""
    try:
        done = subprocess.run(  # noqa: S603 - a list, and no shell
            [SBATCH, "--parsable", *options],
            input=script,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise UsageError(
            f"There is no {SBATCH} here ({error.strerror}). Submit on a machine of the cluster, or "
            "print the script: --dry-run"
        ) from error
    found = re.match(r"(\d+)(;.*)?$", done.stdout.strip())
    if done.returncode or not found:
        why = " ".join((done.stderr or done.stdout).split()) or f"exit code {done.returncode}"
        raise UsageError(f"{SBATCH} refuses the job: {why}.")
    return found[1]
