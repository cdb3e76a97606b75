"""Kill the workers of a plan at random moments, and compare its runs with undisturbed ones.

    python -m benchmarks.plan_kills --kills 20 --processes 4

Three models on four tasks of a small drawn world. The local engine with all of its workers is
killed (SIGKILL) at a random moment and started again, until it was killed so often; where a plan is
finished sooner, it begins anew. Of every finished plan three statements must hold: its runs equal
those of one undisturbed process to the bit; no input was encoded twice but those in flight when a
worker was killed; no temporary file is left.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import click

from benchbench.cache import CACHE_VARIABLE
from benchbench.embedding import Store
from benchbench.embedding.records import list_files
from benchbench.engines.completion import find_runs
from benchbench.engines.planning import make_plan
from benchbench.engines.plans import Plan, PlanSettings, write_plan
from benchbench.engines.shards import Shard
from benchbench.engines.working import work
from benchbench.runs import outcome_table, read_run
from benchbench.scenes.edition import export

MODELS = ("clip", "negclip", "structclip")
TASKS = ("vg-relation", "vg-attribution", "coco-order", "coco-retrieval")
IN_FLIGHT = 128
"""The largest number of inputs of a batch, which a killed worker may lose."""


@dataclass(frozen=True, slots=True)
class Place:
    """The folders of one attempt, with a plan's file."""

    folder: Path
    plan: Plan

    @property
    def out(self) -> Path:
        """Return the folder of runs."""
        return self.folder / "runs"

    @property
    def cache(self) -> Path:
        """Return the cache folder."""
        return self.folder / "cache"

    def start(self, processes: int) -> subprocess.Popen[bytes]:
        """Start the local engine in a session of its own, so that all of it can be killed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / "plan.parquet"
        if not file.exists():
            write_plan(self.plan, file)
        command = [
            sys.executable, "-m", "benchbench", "work", str(file), "--engine", "local",
            "--processes", str(processes), "--device", "cpu", "--out", str(self.out), "--quiet",
        ]  # fmt: skip
        return subprocess.Popen(
            command,
            env={**os.environ, CACHE_VARIABLE: str(self.cache)},
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def kill(engine: subprocess.Popen[bytes]) -> None:
    """Kill an engine and its workers."""
    os.killpg(engine.pid, signal.SIGKILL)
    engine.wait()


def killed(
    engine: subprocess.Popen[bytes], place: Place, dice: random.Random, longest: float
) -> bool:
    """Kill an engine at a random moment; return False if it had ended by then.

    One kill in four may fall into the start; the others come after something was encoded.
    """
    if dice.random() < 0.75:
        begin = size_of(place)
        while engine.poll() is None and size_of(place) == begin:
            time.sleep(0.05)
    try:
        engine.wait(dice.uniform(0, longest))
    except subprocess.TimeoutExpired:
        kill(engine)
        return True
    return False


def size_of(place: Place) -> int:
    """Return the bytes of all files that workers wrote."""
    total = 0
    for path in [*place.cache.rglob("*"), *place.out.rglob("*")]:
        with suppress(FileNotFoundError):
            total += path.stat().st_size if path.is_file() else 0
    return total


def contents(plan: Plan, out: Path) -> dict[tuple[str, str], object]:
    """Return everything that is to be equal of each finished cell's run."""
    done, unsound = find_runs(plan, out)
    if unsound:
        raise SystemExit(f"Unsound runs: {unsound}")
    found: dict[tuple[str, str], object] = {}
    for cell, path in done.items():
        run = read_run(path)
        found[cell] = (outcome_table(run).to_pydict(), run.data_sha256, run.counts, path.name)
    return found


def problems(place: Place, expected: dict[tuple[str, str], object], kills: int) -> list[str]:
    """Return how a finished plan differs from an undisturbed one."""
    found = []
    there = contents(place.plan, place.out)
    if there != expected:
        wrong = [cell for cell in expected if there.get(cell) != expected[cell]]
        found.append(f"other runs, or none: {wrong}")
    left = [
        path
        for path in place.folder.rglob("*")
        if path.is_file() and path.suffix not in (".parquet", ".json", ".records", ".log")
    ]
    if left:
        found.append(f"files left: {left}")
    twice = repeated(place.cache)
    if twice > kills * IN_FLIGHT:
        found.append(f"{twice} inputs encoded twice after {kills} kills")
    return found


def repeated(cache: Path) -> int:
    """Return how many records of a store repeat a key."""
    total = 0
    for space in Store(cache / "encodings", 10**12).spaces():
        keys = [bytes(k) for file in list_files(space.folder) for k in file.mapped()["key"]]
        total += len(keys) - len(set(keys))
    return total


def undisturbed(plan: Plan, folder: Path) -> dict[tuple[str, str], object]:
    """Return the runs of one process."""
    before = os.environ.get(CACHE_VARIABLE)
    os.environ[CACHE_VARIABLE] = str(folder / "cache")
    try:
        failed = [str(r.error) for r in work(plan, Shard(0, 1), folder / "runs") if r.error]
    finally:
        os.environ.pop(CACHE_VARIABLE)
        if before is not None:
            os.environ[CACHE_VARIABLE] = before
    if failed:
        raise SystemExit(f"The plan fails without kills: {failed}")
    return contents(plan, folder / "runs")


def plan_of(folder: Path, models: tuple[str, ...] = MODELS, tasks: tuple[str, ...] = TASKS) -> Plan:
    """Draw the small world, and plan the models on the tasks."""
    root = export(
        folder / "drawn", parts=("vg-relation", "vg-attribution", "karpathy"), images=40, size=96
    )
    return make_plan(models, tasks, PlanSettings(data_root=str(root)))


@click.command()
@click.option("--kills", default=20, show_default=True)
@click.option("--processes", default=4, show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--longest", default=8.0, show_default=True, help="Seconds until a kill, at most.")
def main(kills: int, processes: int, seed: int, longest: float) -> None:
    """Kill and restart; print what was found; exit code 1 if a statement does not hold."""
    dice = random.Random(seed)
    found: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        plan = plan_of(top)
        expected = undisturbed(plan, top / "alone")
        attempt, here, finished = 0, 0, 0
        place = Place(top / "attempt0", plan)
        left = kills
        while left or here:
            engine = place.start(processes)
            begin = time.monotonic()
            if left and killed(engine, place, dice, longest):
                left, here = left - 1, here + 1
                there = len(find_runs(plan, place.out)[0])
                seconds = time.monotonic() - begin
                click.echo(f"killed after {seconds:4.1f} s: {size_of(place):,} bytes, {there} runs")
                continue
            engine.wait()
            twice = repeated(place.cache)
            wrong = problems(place, expected, here * processes)
            found += wrong
            finished += 1
            click.echo(f"finished after {here} kills; encoded twice: {twice}; {wrong or 'equal'}")
            shutil.rmtree(place.folder)
            attempt, here = attempt + 1, 0
            place = Place(top / f"attempt{attempt}", plan)
    click.echo(f"{kills} kills, {finished} plans finished, {len(found)} problems")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
