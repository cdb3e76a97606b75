"""Work off one plan by every engine that is there, and compare the runs with one process's.

    python -m benchmarks.plan_engines

Three models on four tasks of a small drawn world, each engine with a store of encodings of its own
that begins empty: processes of this machine, a Slurm of one node with daemons of its own (as root,
where ``slurmctld``, ``slurmd`` and ``munged`` are installed), and simulated nodes of Ray. Printed
are the seconds of each, starts of models included, and whether its runs equal those of a single
process to the bit. Engines that are not installed are named; exit code 1 if a run differs.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from tabulate import tabulate

from benchbench.cache import CACHE_VARIABLE
from benchbench.engines.completion import check_completion
from benchbench.engines.local import run_local
from benchbench.engines.merging import merge_runs
from benchbench.engines.plans import Plan, write_plan
from benchbench.engines.ray import run_ray
from benchbench.engines.records import record_folder
from benchbench.engines.slurm import submit, write_scripts
from benchmarks.plan_kills import contents, plan_of, undisturbed
from tests.engines.slurm_cluster import cluster, lacking, wait_for_jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True, slots=True)
class Job:
    """A plan, its file, the folder of its runs, and the number of its shards."""

    plan: Plan
    file: Path
    out: Path
    shards: int


def locally(job: Job) -> None:
    """Run a process for each shard."""
    run_local(job.file, job.out, ["cpu"] * job.shards, say=lambda _: None, options=["--quiet"])


def by_slurm(job: Job) -> None:
    """Run a job array on a cluster of this machine alone."""
    with cluster() as variables:
        os.environ.update(variables)
        scripts = write_scripts(job.plan, job.file, job.out, count=job.shards)
        submit(scripts, record_folder(job.plan, job.out))
        wait_for_jobs(variables)


def by_ray(job: Job) -> None:
    """Run actors on two simulated nodes of one CPU each."""
    os.environ["RAY_AUTH_MODE"] = "disabled"
    from ray.cluster_utils import Cluster

    nodes: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    try:
        nodes.add_node(num_cpus=1)
        nodes.add_node(num_cpus=1)
        run_ray(
            job.file, job.out, range(job.shards), job.shards, address=nodes.address,
            report=lambda _: None,
        )  # fmt: skip
    finally:
        nodes.shutdown()


ENGINES: dict[str, tuple[Callable[[Job], None], str]] = {
    "local": (locally, ""),
    "slurm": (by_slurm, lacking()),
    "ray": (by_ray, "" if find_spec("ray") else "not installed"),
}


@contextmanager
def cache(folder: Path) -> Iterator[None]:
    """Let a folder be the cache, here and in the processes that are started."""
    before = os.environ.get(CACHE_VARIABLE)
    os.environ[CACHE_VARIABLE] = str(folder)
    try:
        yield
    finally:
        os.environ.pop(CACHE_VARIABLE)
        if before is not None:
            os.environ[CACHE_VARIABLE] = before


@click.command()
@click.option("--shards", default=5, show_default=True, help="More than models: they are shared.")
def main(shards: int) -> None:
    """Run the engines; print a table."""
    rows, wrong = [], 0
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        plan = plan_of(top)
        begin = time.perf_counter()
        expected = undisturbed(plan, top / "alone")
        rows.append(("one process", f"{time.perf_counter() - begin:.1f}", len(expected), "–"))
        file = write_plan(plan, top / "plan.parquet")
        for engine, (run, why_not) in ENGINES.items():
            if why_not:
                rows.append((engine, "–", 0, why_not))
                continue
            job = Job(plan, file, top / engine / "runs", shards)
            with cache(top / engine / "cache"):
                begin = time.perf_counter()
                run(job)
                if check_completion(plan, job.out, shards).to_merge:
                    failed = [each.error for each in merge_runs(plan, job.out) if each.error]
                    assert not failed, failed
                seconds = time.perf_counter() - begin
            there = contents(plan, job.out)
            wrong += there != expected
            equal = "equal to the bit" if there == expected else "DIFFERENT"
            rows.append((engine, f"{seconds:.1f}", len(there), equal))
    click.echo(tabulate(rows, ("engine", "seconds", "runs", "against one process")))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
