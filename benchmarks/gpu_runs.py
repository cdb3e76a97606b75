"""The stages of a call of ``family_gpu``: examples and validation sets, training, results."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from benchbench.devices import choose_device
from benchbench.errors import UnknownName, UsageError
from benchbench.training import Plan, train
from benchbench.training.columns import VIEW_COLUMNS, Assembly
from benchbench.training.log import read_log
from benchbench.training.loop import BEST
from benchbench.training.packs import Recipe, make
from benchbench.training.running import SMALL, build_for
from benchbench.training.validation.storage import load_or_draw
from benchbench.variants.catalogue import variant
from benchmarks.archives import Run, carry, collect, finish, unpack
from benchmarks.family_gpu import RESERVE, Call
from benchmarks.members import BEFORE, MEMBERS, Member, place, starts_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from multiprocessing.process import BaseProcess

    from benchbench.training.packs import Pack

OWN_MEMORY = 3 * 2**30
"""Bytes of a device that a process takes besides its columns: weights, activations, CUDA's own."""
FREE = 0.9
"""Share of the device's memory that is planned with."""
PATIENCE = 10.0
"""Seconds after the stop until a process that goes on is ended."""
LIVE_WORKERS = 3
"""Processes that prepare batches for a member whose examples cannot be packed."""
TINY: dict[str, Any] = {"steps": 6, "batch": 16, "validations": 3}
"""Settings of each member in a trial."""


@dataclass(frozen=True, slots=True)
class Task:
    """A member of a seed, and what it takes."""

    member: Member
    seed: int
    pack: str
    """The folder of its examples; "" where they are made beside training."""
    bytes: int
    """On the device, for its columns."""

    def run(self, work: str) -> Run:
        """Return its run."""
        name = str(place(Path(f"{self.seed}"), self.member.name))
        return Run(name, Path(work) / name)

    def start(self, work: str) -> Path | None:
        """Return the checkpoint that it starts from; None where weights are random."""
        name = self.member.backbone
        return place(Path(work) / f"{self.seed}", name) / BEST if name else None

    def plan(self, call: Call) -> Plan:
        """Return its plan."""
        member, start = self.member, self.start(call.work)
        return Plan(
            variant=member.variant, backbone=SMALL if start is None else str(start),
            seed=self.seed, steps=member.steps, batch=member.batch, rate=member.rate,
            precision=cast("Any", call.precision), pool=call.pool if self.pack else 0,
            validate_every=max(1, member.steps // member.validations),
        )  # fmt: skip


def work_through(started: float, given: Mapping[str, Any]) -> None:
    """Run the command.

    Args:
        started: when the call began, by ``time.monotonic``.
        given: the command's options.

    Raises:
        BenchbenchError: whatever the user can put right.
    """
    came = _unpack_earlier(given["carried"], Path(given["work"]))
    if given["unpack"]:
        return
    if given["collect"] and given["out"] is None:
        raise UsageError("Results need a folder: --out DIR.")
    if given["collect"]:
        starts = [place(Path(), each).name for each in BEFORE]
        names = collect(Path(given["work"]), given["out"], starts)
        _say(f"collected: {', '.join(names) or 'nothing new'}")
        return
    call, seeds = _call(started, given), [int(each) for each in given["seeds"].split(",")]
    chosen = _select_members(given["members"], given["scale"], call.small)
    if not call.small:
        chosen = [each.in_batches(given["batch_size"], given["rate"]) for each in chosen]
    tasks = _tasks(call, seeds, chosen)
    failed = _train_all(call, [task for task in tasks if not task.run(call.work).finished])
    if given["out"] is not None:
        said = {"seeds": seeds, "pool": call.pool, "device": call.device, "failed": failed}
        runs = [task.run(call.work) for task in tasks]
        for line in carry([run for run in runs if run.name not in came], given["out"], said):
            _say(line)
    _report(call, tasks)
    if failed:
        raise click.ClickException(f"Training failed: {', '.join(failed)}; what it said is above.")


def _unpack_earlier(folders: Sequence[Path], work: Path) -> set[str]:
    """Unpack results of earlier calls; return the finished runs among them.

    There is room for new results alone: those stay where they are.
    """
    finished: set[str] = set()
    for folder in folders:
        said = unpack(folder, work)
        finished |= {name for name, stopped in said["runs"].items() if not stopped}
        for line in said["lost"]:
            _say(f"not in {folder}: {line}")
    return finished


def _call(started: float, given: Mapping[str, Any]) -> Call:
    small, work = given["dry_run"], given["work"]
    seconds = 60 * given["minutes"]
    return Call(
        work=work, packs=given["packs"] or f"{work}/packs",
        # "cpu:0" is treated as any device: columns lie on it whole, and shapes are fixed.
        device="cpu:0" if small and given["device"] == "cpu" else choose_device(given["device"]),
        precision=given["precision"] if given["device"] != "cpu" else "fp32",
        pool=256 if small else given["pool"],
        processes=given["processes"] or len(os.sched_getaffinity(0)), at_once=given["at_once"],
        stop_at=started + seconds - min(RESERVE, seconds / 4), small=small,
    )  # fmt: skip


def _select_members(names: str, scale: float, small: bool) -> list[Member]:
    """Return starts and members by name, starts first.

    Raises:
        UnknownName: one that the table does not hold.
    """
    there = {each.name: each for each in MEMBERS if each.known}
    wanted = names.split(",") if names else list(there)
    for name in wanted:
        if name not in there:
            raise UnknownName("member", name, there, f"There are: {', '.join(there)}.")
    chosen = [there[name] for name in wanted]
    both = [*starts_of(chosen), *chosen]
    return [replace(each, **TINY) if small else each.scaled(scale) for each in both]


def _tasks(call: Call, seeds: Sequence[int], members: Sequence[Member]) -> list[Task]:
    """Make the examples and the validation sets; return what is to be trained, in this order."""
    sets = [(call, name) for name in _sets(members)]
    drawing = [] if call.small else _start_processes(_draw_set, sets)
    for _, kind in sets if call.small else ():
        _draw_set(call, kind)
    recipes: dict[str, Recipe] = {}
    for member in members:
        if (name := _pack_of(member)) is not None:
            recipes[name] = _with_views(recipes.get(name), member, call.pool)
    packs = {name: _make_pack(call, name, recipe) for name, recipe in recipes.items()}
    for process in drawing:
        process.join()
        if process.exitcode:
            raise UsageError("A validation set could not be drawn; the reason is above.")
    tasks = []
    for seed in seeds:
        for member in members:
            name = _pack_of(member)
            where = "" if name is None else f"{call.packs}/{name}"
            each = 0 if name is None else _bytes_each(packs[name], member)
            if seed < member.seeds:
                tasks.append(Task(member, seed, where, each * call.pool))
            if seed == seeds[0]:
                _say(f"{member.name}: {each:,} bytes an example on the device")
    return tasks


def _sets(members: Sequence[Member]) -> list[str]:
    return sorted({variant(each.variant).validation for each in members})


def _pack_of(member: Member) -> str | None:
    """Return the name of the pack that holds a member's examples; None where none can."""
    described = variant(member.variant)
    if not set(described.views) <= set(VIEW_COLUMNS) or tuple(described.splits) != ("train",):
        return None
    twins = "twins" if described.twins else "plain"
    return f"{twins}-{described.dense_percent}"


def _with_views(recipe: Recipe | None, member: Member, count: int) -> Recipe:
    """Return a recipe that has a member's views, too."""
    described = variant(member.variant)
    before = recipe or Recipe(0, 64, count, twins=described.twins,
                              dense_percent=described.dense_percent)  # fmt: skip
    build = build_for(described, Plan(member.variant))
    views = tuple(sorted({*before.views, *described.views}))
    turns = before.turns or build.reader.turned_percent > 0
    return replace(before, size=build.size, views=views, turns=turns)


def _make_pack(call: Call, name: str, recipe: Recipe) -> Pack:
    """Make a pack, and say how it goes."""
    begun = last = time.monotonic()

    def progress(there: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last > 10 or there == total:
            last = now
            _say(f"pack {name}: {there:,} of {total:,}, {there / (now - begun):,.0f} a second")

    return make(Path(call.packs) / name, recipe, processes=call.processes, progress=progress)


def _bytes_each(pack: Pack, member: Member) -> int:
    """Return at most how much of a device an example takes."""
    described = variant(member.variant)
    build = build_for(described, Plan(member.variant))
    return pack.bytes_each(Assembly(described, build.reader, build.preprocessing).names())


def _draw_set(call: Call, name: str) -> None:
    """Draw a validation set, in a process of its own."""
    build = build_for(variant("clip"), Plan("clip"))
    load_or_draw(Path(call.packs) / "validation", name, build, **call.scenes())


def _start_processes(work: Any, each: Sequence[tuple[Any, ...]]) -> list[BaseProcess]:
    """Start a process for each tuple of arguments."""
    context = get_context("spawn")
    processes = [context.Process(target=work, args=arguments) for arguments in each]
    for process in processes:
        process.start()
    return [*processes]


def _train_all(call: Call, waiting: list[Task]) -> list[str]:
    """Train side by side what there is time and room for. Returns what failed."""
    running: dict[BaseProcess, Task] = {}
    failed: list[str] = []
    begun: dict[str, float] = {}
    ended: set[BaseProcess] = set()
    pace = _Pace()
    while waiting or running:
        now = time.monotonic()
        for process, task in [*running.items()]:
            if now > call.stop_at + PATIENCE and process.is_alive():
                process.terminate()
                ended.add(process)
            if not process.is_alive():
                process.join()
                del running[process]
                name = task.run(call.work).name
                if not process.exitcode:
                    pace.finished(task, now - begun[name])
                elif process not in ended:
                    failed.append(name)
        for task in _startable(call, waiting, [*running.values()], pace):
            waiting.remove(task)
            begun[task.run(call.work).name] = now
            running[_start_processes(_train_one, [(call, task)])[0]] = task
        waiting = [task for task in waiting if running or not _cannot_start(call, task)]
        time.sleep(0.2)
    return failed


class _Pace:
    """Examples a second of members that have trained so far."""

    def __init__(self) -> None:
        self._rates: list[float] = []

    def finished(self, task: Task, seconds: float) -> None:
        """Record how long a member took."""
        self._rates.append(task.member.steps * task.member.batch / max(seconds, 1e-3))

    def seconds(self, task: Task) -> float:
        """Return how long a member would take at the slowest rate seen; 0 where none was."""
        if not self._rates:
            return 0.0
        return task.member.steps * task.member.batch / min(self._rates)


def _startable(
    call: Call, waiting: Sequence[Task], running: Sequence[Task], pace: _Pace
) -> list[Task]:
    """Return the tasks to begin now: starts before what needs them, in their order.

    One that would not be done in time is begun only where nothing else is: the states of several
    stopped runs are too large to be carried.
    """
    room = _room(call, running)
    found: list[Task] = []
    left = call.stop_at - time.monotonic()
    for task in waiting:
        start = task.start(call.work)
        ready = start is None or Run("", start.parent).finished
        late = pace.seconds(task) > left
        crowded = len(running) + len(found) >= call.at_once
        if not ready or crowded or (late and (running or found)) or left <= 0:
            continue
        if task.bytes + OWN_MEMORY > room and (running or found):
            continue
        room -= task.bytes + OWN_MEMORY
        found.append(task)
    return found


def _room(call: Call, running: Sequence[Task]) -> float:
    """Return the bytes of the device's memory that no process has planned for."""
    if not call.device.startswith("cuda"):
        return float("inf")
    import torch

    total = torch.cuda.get_device_properties(call.device).total_memory
    return FREE * total - sum(task.bytes + OWN_MEMORY for task in running)


def _cannot_start(call: Call, task: Task) -> bool:
    """Return whether what a task waits for will not come, nothing being trained any more."""
    start = task.start(call.work)
    missing = start is not None and not Run("", start.parent).finished
    if missing:
        _say(f"{task.run(call.work).name} is not begun: its start is not there")
    return missing or time.monotonic() >= call.stop_at


def _train_one(call: Call, task: Task) -> None:
    """Train a member until it is done or time is up, in a process of its own."""
    import torch

    torch.set_num_threads(1)
    plan, run = task.plan(call), task.run(call.work)
    train(
        plan,
        run.folder,
        device=call.device,
        workers=LIVE_WORKERS if call.device.startswith("cuda") and not task.pack else 0,
        minutes=max(call.stop_at - time.monotonic(), 0) / 60,
        pack=Path(task.pack) if task.pack else None,
        validation=Path(call.packs) / "validation",
    )
    if read_log(run.folder)[-1]["step"] >= plan.steps:
        finish(run.folder)


def _report(call: Call, tasks: Sequence[Task]) -> None:
    """Print what became of every member."""
    for task in tasks:
        run = task.run(call.work)
        log = read_log(run.folder)
        step = log[-1]["step"] if log else 0
        marks = [record["val_mean"] for record in log if "val_mean" in record]
        state = "done" if run.finished else "stopped" if run.stopped else "not begun"
        best = f", best mean {max(marks):.1f}" if marks else ""
        rates = [record["per_second"] for record in log if "per_second" in record]
        rate = f", {rates[-1]:,.0f} examples a second" if rates else ""
        notes = [record["note"] for record in log if "note" in record]
        note = f"; {notes[-1]}" if notes else ""
        _say(f"{run.name}: {state}, step {step:,} of {task.member.steps:,}{best}{rate}{note}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
