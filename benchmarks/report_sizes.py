"""Time and peak memory of reports on large runs: `python -m benchmarks.report_sizes`.

Synthetic runs of VG-Relation, written by the library's own writer; every command in a process of
its own, imports included. CPU seconds are user and system time of all threads: on a shared machine
they vary less than the clock. `--only NAME` measures one case.

On one core of a busy machine, CPU seconds and peak memory: two runs of 500,000 items 11 s and 792
MB; two of 200,000 items on 200 images 3.1 s and 393 MB; five of these 6.2 s and 704 MB; 60 models
1.9 s and 367 MB.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchbench.runs import write_run
from benchbench.types import Counts, MatchingOutcome, ModelManifest, Run

RELATIONS = 48


@dataclass(frozen=True, slots=True)
class Case:
    """A command on synthetic runs."""

    name: str
    runs: int
    items: int
    images: int
    command: tuple[str, ...]


CASES = (
    Case("compare, 100,000 images", 2, 500_000, 100_000, ("compare",)),
    Case("compare, 200 images", 2, 200_000, 200, ("compare",)),
    Case("compare by relation, 200 images", 2, 200_000, 200, ("compare", "--by", "relation")),
    Case("show, 200 images", 1, 200_000, 200, ("show", "run")),
    Case("leaderboard, 200 images", 5, 200_000, 200, ("leaderboard",)),
    Case("leaderboard of 60", 60, 1_000, 400, ("leaderboard",)),
)


def main() -> None:
    """Write the runs of each case, measure its command, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, help="a folder to write to; else a temporary one")
    parser.add_argument("--only", default="", help="cases whose names contain this")
    parser.add_argument("--keep", type=Path, help="a folder for the commands' outputs")
    options = parser.parse_args()
    with TemporaryDirectory(dir=options.work) as temporary:
        for case in CASES:
            if options.only not in case.name:
                continue
            work = options.work or Path(temporary)
            files = [_written(work, case, number) for number in range(case.runs)]
            name = options.keep / f"{case.name}.txt" if options.keep else None
            print(f"{case.name}: {measured([*case.command, *files], name)}", flush=True)


def _written(work: Path, case: Case, number: int) -> str:
    """Return the path of a run, written if it is not there."""
    path = work / f"{case.items}-{case.images}-{number}.parquet"
    if not path.exists():  # in another process: a command's peak begins with what its parent holds
        writer = get_context("spawn").Process(target=_write, args=(case, number, path))
        writer.start()
        writer.join()
    return str(path)


def _write(case: Case, number: int, path: Path) -> None:
    write_run(synthetic(number, case.items, case.images), path)


def synthetic(number: int, items: int, images: int) -> Run:
    """Return a run of VG-Relation: a model's luck beside what is hard for all.

    Args:
        number: the model's; each is a little better than the last.
        items: the number of items.
        images: the number of source images.
    """
    rng, own = np.random.default_rng(0), np.random.default_rng(number + 1)
    image = np.sort(rng.integers(0, images, items))
    relation = (RELATIONS * rng.uniform(size=items) ** 2).astype(int)
    hardness = rng.normal(size=items) + 0.5 * rng.normal(size=images)[image]
    margin = 0.4 + 0.01 * number + 0.7 * hardness + 0.7 * own.normal(size=items)
    scores = np.stack([margin, np.zeros(items)], axis=1).astype(np.float32)
    outcomes = tuple(
        MatchingOutcome(
            id=str(i),
            cluster=f"{image[i]}.jpg",
            tags={"relation": f"relation {relation[i]}"},
            target=(0,),
            scores=scores[i : i + 1],
            no_op=(False, False),
            content=f"{i:032x}",
        )
        for i in range(items)
    )
    manifest = ModelManifest(
        name=f"model {number}", architecture="made", weights="made", weights_sha256="0" * 64,
        trained=True, activation="gelu", preprocessing={"size": 64}, tokenizer="none",
        context_length=77, dtype="fp32", parameters=number + 1, similarity="cosine",
    )  # fmt: skip
    return Run(
        model=manifest, task="vg-relation", task_version=1, protocol="matching",
        edition="custom-made-00000000", data_sha256="0" * 64, settings={"limit": None, "seed": 0},
        environment={}, skipped=(), unreadable={}, created="2000-01-01T00:00:00+00:00",
        counts=Counts(items, items, 0, images, items, 2 * items, images, 0, 0), seconds=1.0,
        outcomes=outcomes,
    )  # fmt: skip


def measured(arguments: list[str], keep: Path | None = None) -> str:
    """Return the seconds, the CPU seconds and the peak memory of a command, in words."""
    command = [sys.executable, "-m", "benchbench", *arguments]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    text = process.stdout.read() if process.stdout else ""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    if process.returncode:
        raise SystemExit(f"{' '.join(command[:5])}: exit code {process.returncode}")
    if keep is not None:
        keep.parent.mkdir(parents=True, exist_ok=True)
        keep.write_text(text)
    cpu = used.ru_utime + used.ru_stime
    return f"{seconds:.1f} s, {cpu:.1f} CPU seconds, peak {used.ru_maxrss / 1024:,.0f} MB"


if __name__ == "__main__":
    main()
