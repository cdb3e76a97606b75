"""The local engine: devices, killed workers, and what a second run does."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from click.testing import CliRunner

from benchbench.cli import main
from benchbench.engines.completion import check_completion
from benchbench.engines.local import places, run_local
from benchbench.engines.planning import make_plan
from benchbench.engines.plans import PlanSettings, write_plan
from benchmarks.plan_kills import Place, kill, plan_of, problems, size_of, undisturbed

if TYPE_CHECKING:
    from benchbench.engines.plans import Plan


@pytest.mark.parametrize(
    ("gpus", "count", "device", "expected"),
    [
        (0, 3, "auto", ["cpu"] * 3),
        (2, None, "auto", ["cuda:0", "cuda:1"]),
        (2, 3, "auto", ["cuda:0", "cuda:1", "cuda:0"]),
        (2, 2, "cpu", ["cpu", "cpu"]),
        (2, None, "cuda:1", ["cuda:1"]),
    ],
)
def test_workers_take_the_gpus_in_turn(
    monkeypatch: pytest.MonkeyPatch, gpus: int, count: int | None, device: str, expected: list[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    assert places(count, device) == expected


def test_without_a_gpu_there_is_a_worker_for_each_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert places(None, "auto") == ["cpu"] * min(16, len(os.sched_getaffinity(0)))


@pytest.fixture
def plan(shapes: Path) -> Plan:
    settings = PlanSettings(data_root=str(shapes))
    return make_plan(["blind:constant", "blind:length"], ["vg-relation"], settings)


def test_a_worker_that_fails_has_its_exit_code_and_its_lines(plan: Plan, tmp_path: Path) -> None:
    said = list[str]()
    file = write_plan(plan, tmp_path / "p.parquet")
    (ended,) = run_local(file, tmp_path / "none.parquet", ["cpu"], say=said.append)
    assert ended.code == 2
    assert any(line.startswith("[0/1] Error: ") for line in said)


def test_the_command_runs_what_is_left_alone(plan: Plan, tmp_path: Path) -> None:
    words = ["work", str(write_plan(plan, tmp_path / "p.parquet")), "--engine", "local"]
    words += ["--processes", "2", "--device", "cpu", "--out", str(tmp_path / "runs")]
    first = CliRunner().invoke(main, words)
    assert (first.exit_code, "2 of 2 runs are in" in first.output) == (0, True), first.output
    next((tmp_path / "runs").rglob("blind-length*.parquet")).unlink()
    (left,) = check_completion(plan, tmp_path / "runs", 2).shards
    second = CliRunner().invoke(main, words)
    assert second.exit_code == 0
    assert f"[{left}/2] " in second.output
    assert f"[{1 - left}/2] " not in second.output
    third = CliRunner().invoke(main, words)
    assert (third.exit_code, "2 of 2 runs are in" in third.output) == (0, True), third.output


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="POSIX alone")
def test_killed_workers_change_no_run_and_leave_no_file(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, ("clip", "structclip"), ("vg-relation", "vg-attribution"))
    expected = undisturbed(plan, tmp_path / "alone")
    place, kills = Place(tmp_path / "killed", plan), 0
    while kills < 2:
        engine, begin = place.start(3), size_of(place)
        while engine.poll() is None and size_of(place) == begin:  # something is encoded
            time.sleep(0.02)
        if engine.poll() is not None:
            break
        kill(engine)
        kills += 1
    assert kills > 0
    assert place.start(3).wait() == 0
    assert problems(place, expected, 3 * kills) == []
