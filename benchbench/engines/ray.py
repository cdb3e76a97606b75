"""Workers of a plan as actors of a Ray cluster; a lost actor costs its shard, which is run again.

An actor keeps the model that it loaded for its next shard. Ray itself places actors and notices
lost ones; nothing here schedules across machines.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.cache import CACHE_VARIABLE, cache_folder
from benchbench.engines.plans import read_plan
from benchbench.engines.shards import Shard
from benchbench.engines.working import work
from benchbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchbench.engines.plans import Plan
    from benchbench.types import Model

TRIES = 3
"""How often a shard is run whose actor is lost."""


SMALLEST = 0.05
"""The smallest share of a GPU that an actor gets."""


def gpu_memory() -> int:
    """Return the bytes of this process's first GPU; 0 where it has none."""
    import torch

    if not torch.cuda.is_available():
        return 0
    return int(torch.cuda.get_device_properties(0).total_memory)


def share_of_gpu(plan: Plan, there: int) -> float:
    """Return the share of a GPU that holds any model of a plan, in steps of ``SMALLEST``.

    Args:
        plan: the plan, with its estimates of memory.
        there: the bytes of a GPU; 0 if unknown.

    Returns:
        1.0 where an estimate is missing, or is larger than the GPU.
    """
    ready = [cell.memory for cell in plan.cells if not cell.problem]
    if not there or not ready or not all(ready):
        return 1.0
    steps = math.ceil(max(ready) / there / SMALLEST)
    return min(1.0, round(steps * SMALLEST, 2))


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a shard."""

    shard: Shard
    lines: Sequence[str] = ()
    """A line for each cell."""
    failed: int = 0
    """The number of cells with an error."""
    lost: str = ""
    """Why no actor finished it; empty if one did."""


class Worker:
    """An actor: runs shards one after the other."""

    def __init__(self, plan: str, out: str, cache: str) -> None:
        os.environ[CACHE_VARIABLE] = cache
        self._plan = read_plan(plan)
        self._out = Path(out)
        self._kept: dict[str, Model] = {}

    def run(self, number: int, count: int) -> tuple[list[str], int]:
        """Run a shard; return a line for each cell, and the number of errors."""
        import torch

        device = "cuda:0" if torch.cuda.is_available() else "cpu"
        lines, failed = [], 0
        for each in work(
            self._plan, Shard(number, count), self._out, device=device, kept=self._kept
        ):
            failed += each.error is not None
            state = f"Error: {each.error}" if each.error else "part" if each.part else "run"
            lines.append(f"{each.cell.task}  {each.cell.model}  {state}")
        return lines, failed


@dataclass(slots=True)
class _Queue:
    """The shards to run, and how often each was tried."""

    waiting: list[int]
    count: int
    tries: dict[int, int] = field(default_factory=dict)

    def next(self) -> int | None:
        """Return the next shard; None where none is left."""
        if not self.waiting:
            return None
        number = self.waiting.pop(0)
        self.tries[number] = self.tries.get(number, 0) + 1
        return number

    def give_back(self, number: int) -> bool:
        """Put a shard back; return whether it is to be tried again."""
        again = self.tries[number] < TRIES
        if again:
            self.waiting.append(number)
        return again


def run_ray(
    plan_file: Path,
    out: Path,
    numbers: Sequence[int],
    count: int,
    *,
    address: str | None,
    report: Callable[[Report], None],
    actors: int | None = None,
    gpus: float | None = None,
    gpu_bytes: Callable[[], int] = gpu_memory,
) -> list[Report]:
    """Run shards on a cluster.

    Args:
        plan_file: the plan's file, on a file system that all nodes share.
        out: the folder of runs, likewise.
        numbers: the shards.
        count: the number of all shards.
        address: the cluster's address; None starts one on this machine.
        report: called with each shard's report.
        actors: the number of actors; by default one for each GPU of the cluster, or each CPU.
        gpus: the share of a GPU that an actor gets, at most 1: it uses a single one. 0.5 puts two
            actors on each. By default what the plan's largest model takes of a GPU's memory, by
            ``share_of_gpu``.
        gpu_bytes: what an actor calls to know its GPU's memory.

    Raises:
        UsageError: the number of actors or their share is not valid, Ray is not installed, there is
            no such cluster, or a share of a GPU is named and it has none.
    """
    _check_actors(actors, gpus)
    ray = _connect(address)
    try:
        resources = ray.cluster_resources()
        share, most = 0.0, int(resources.get("CPU", 1))
        if n_gpus := int(resources.get("GPU", 0)):
            probe = ray.remote(num_cpus=0, num_gpus=SMALLEST)(gpu_bytes)
            share = gpus or share_of_gpu(read_plan(plan_file), ray.get(probe.remote()))
            most = n_gpus * int(1 / share + 1e-9)
        elif gpus is not None:
            raise UsageError(
                f"The cluster has no GPU, so that no actor gets a share of {gpus:g} of one. "
                "Leave the share out: actors then run on CPUs."
            )
        place = (str(plan_file.absolute()), str(out.absolute()), str(cache_folder().absolute()))
        kind = ray.remote(num_cpus=1, num_gpus=share, max_restarts=0)(Worker)
        queue = _Queue(list(numbers), count)
        return _drain(ray, queue, lambda: kind.remote(*place), actors or most, report)
    finally:
        ray.shutdown()


def _check_actors(actors: int | None, gpus: float | None) -> None:
    """Check what would start no actor.

    Raises:
        UsageError: there would be none, or one that gets no GPU or more than one.
    """
    if actors is not None and actors < 1:
        raise UsageError(f"The number of actors should be at least 1, not {actors}.")
    if gpus is not None and not 0 < gpus <= 1:
        raise UsageError(
            f"An actor uses one GPU: its share should be above 0 and at most 1, not {gpus}. For an "
            "actor on each GPU of the cluster, name 1."
        )


def _connect(address: str | None) -> Any:
    """Return Ray, connected.

    Raises:
        UsageError: it is not installed, or there is no such cluster.
    """
    try:
        import ray
    except ImportError as error:
        what = "is not installed" if error.name == "ray" else f"cannot be imported ({error})"
        raise UsageError(f"Ray {what}: pip install 'benchbench-vl[ray]'") from error
    try:
        ray.init(address=address, ignore_reinit_error=True, log_to_driver=False)
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        why = " ".join(str(error).split())
        raise UsageError(
            f"There is no Ray cluster at {address or 'this machine'}: {why}"
        ) from error
    return ray


def _drain(
    ray: Any,
    queue: _Queue,
    start: Callable[[], Any],
    actors: int,
    report: Callable[[Report], None],
) -> list[Report]:
    """Hand shards to actors until none is left; replace lost actors."""
    running: dict[Any, tuple[Any, int]] = {}
    reports: list[Report] = []

    def hand(actor: Any) -> None:
        number = queue.next()
        if number is not None:
            actor = actor or start()
            running[actor.run.remote(number, queue.count)] = (actor, number)

    for _ in range(min(actors, len(queue.waiting))):
        hand(None)
    while running:
        (done,), _ = ray.wait(list(running), num_returns=1)
        actor, number = running.pop(done)
        shard = Shard(number, queue.count)
        try:
            lines, failed = ray.get(done)
            reports.append(Report(shard, lines, failed))
        except ray.exceptions.RayError as error:
            ray.kill(actor)
            actor = None
            if not queue.give_back(number):
                reports.append(Report(shard, lost=f"{type(error).__name__}"))
        if reports and reports[-1].shard == shard:
            report(reports[-1])
        hand(actor)
    return reports
