"""Workers of a plan as processes of this machine: one for each GPU, or some on its CPUs."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING

from benchbench.devices import cpu_workers
from benchbench.engines.shards import RANK, WORLD_SIZE, Shard

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

THREADS = "OMP_NUM_THREADS"


@dataclass(frozen=True, slots=True)
class Ended:
    """A worker that has ended."""

    shard: Shard
    code: int
    """Its exit code; negative: the number of the signal that ended it."""


def places(count: int | None, device: str) -> list[str]:
    """Return the device of each worker: all GPUs in turn, or the CPU.

    Args:
        count: the number of workers; by default one for each GPU, or for each CPU. Where it is
            larger than the number of GPUs, workers share them.
        device: ``auto``, or the device of all.
    """
    import torch

    gpus = [f"cuda:{i}" for i in range(torch.cuda.device_count())] if device == "auto" else []
    there = gpus or ["cpu" if device == "auto" else device]
    n = count or (len(gpus) if gpus else cpu_workers() if there == ["cpu"] else 1)
    return [there[i % len(there)] for i in range(n)]


def run_local(
    plan: Path,
    out: Path,
    devices: Sequence[str],
    *,
    say: Callable[[str], None],
    numbers: Sequence[int] | None = None,
    options: Sequence[str] = (),
) -> list[Ended]:
    """Run a worker for each shard, on its device, until all have ended.

    If this process is interrupted, the workers are terminated.

    Args:
        plan: the plan's file.
        out: the folder of runs.
        devices: a device for each shard, from ``places``.
        say: called with each line that a worker prints, under the worker's number.
        numbers: the shards to run; by default all. None may be left, where runs are to be merged.
        options: further options of ``benchbench work``.
    """
    chosen = range(len(devices)) if numbers is None else numbers
    shards = [Shard(number, len(devices)) for number in chosen]
    environment = _environment(len(shards) if set(devices) == {"cpu"} else 1)
    running: list[subprocess.Popen[str]] = []
    readers = []
    try:
        for shard in shards:
            command = [
                sys.executable, "-m", "benchbench", "work", str(plan.absolute()), "--shard",
                str(shard), "--out", str(out.absolute()), "--device", devices[shard.number],
                *options,
            ]  # fmt: skip  # absolute: a name may begin with a dash
            process = subprocess.Popen(  # noqa: S603 - a list, and no shell
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                errors="replace",
                env=environment,
            )
            running.append(process)
            readers.append(Thread(target=_forward, args=(process, shard, say), daemon=True))
            readers[-1].start()
        codes = [process.wait() for process in running]
    finally:
        for process in running:
            if process.poll() is None:
                process.terminate()
                process.wait()
        for reader in readers:  # a thread that prints while Python shuts down aborts the process
            reader.join()
    return [Ended(shard, code) for shard, code in zip(shards, codes, strict=True)]


def _forward(process: subprocess.Popen[str], shard: Shard, say: Callable[[str], None]) -> None:
    assert process.stdout is not None
    with process.stdout as lines:
        for line in lines:
            say(f"[{shard}] {line.rstrip()}")


def _environment(processes: int) -> dict[str, str]:
    """Return the workers' variables: the CPUs divided among them, and no launcher's numbers."""
    threads = str(max(1, cpu_workers() // max(1, processes)))
    inherited = {k: v for k, v in os.environ.items() if k not in (RANK, WORLD_SIZE)}
    return {THREADS: threads, **inherited} if processes > 1 else inherited
