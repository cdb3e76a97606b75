"""A trial of both calls on a CPU: stopped, carried, gone on with, and unpacked."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from benchbench.errors import UnknownName, UsageError
from benchbench.training.bundling import bundle
from benchbench.training.log import read_log
from benchbench.training.loop import BEST
from benchbench.training.packs import Recipe, make
from benchbench.training.state import STATE
from benchbench.variants import weights
from benchmarks import gpu_runs
from benchmarks.archives import PIECE, Run, carry, collect, finish, unpack
from benchmarks.family_gpu import Call, take_along
from benchmarks.members import STARTING, STARTS, Member

TOP = Path(__file__).parent.parent.parent


def command(work: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.family_gpu", "--dry-run", "--device", "cpu",
         "--work", str(work), "--processes", "1", "--at-once", "1", *more],
        cwd=TOP, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_trial_of_the_whole_way(tmp_path: Path) -> None:
    members = ("--members", "structclip@captioner", "--out", str(tmp_path / "out"))
    done = command(tmp_path / "work", "--max-minutes", "10", *members)
    assert done.returncode == 0, done.stderr
    assert "0/structclip@captioner: done, step 6 of 6, best mean" in done.stderr
    assert "captioner: 12,416 bytes an example" in done.stderr
    files = [path.name for path in (tmp_path / "out").iterdir()]
    assert files == [f"results.tar.{number}" for number in range(len(files))]
    assert command(tmp_path / "far", "--unpack", "--from", str(tmp_path / "out")).returncode == 0
    assert not (tmp_path / "far" / "packs").exists()
    for name in ("captioner", "structclip@captioner"):
        run = tmp_path / "far" / "0" / name
        assert sorted(path.name for path in run.iterdir()) == ["best.safetensors", "log.jsonl"]
        tensors, record = weights.read(run / BEST)
        assert record["plan"]["pool"] == 256
        assert record["variant"] == name.partition("@")[0]
        assert {each.dtype for each in tensors.values()} == {torch.float16}
        validations = [each["step"] for each in read_log(run) if "val_mean" in each]
        assert validations == [2, 4, 6]
    started = weights.read(tmp_path / "far" / "0" / "structclip@captioner" / BEST)[1]["plan"][
        "backbone"
    ]
    assert Path(started).parent.name == "captioner"
    bundle(tmp_path / "far" / "0" / "structclip@captioner", tmp_path / "bundled")
    card = (tmp_path / "bundled" / "structclip.md").read_text("utf-8")
    assert "96 of 256 examples, each shown once" in card
    assert " --pool 256" in card


@pytest.fixture(scope="module")
def packs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Examples and a small exam for the captioner."""
    folder = tmp_path_factory.mktemp("packs")
    make(folder / "plain-0", Recipe(count=64))
    gpu_runs._draw_set(call(packs=str(folder)), "structure")
    return folder


def test_a_stopped_run_goes_on_elsewhere(
    packs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bit for bit as if it had not been stopped, on columns as they lie on any device."""
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    member = Member("captioner", steps=4, batch=16, validations=2)
    task = gpu_runs.Task(member, 0, str(packs / "plain-0"), 0)
    shared: dict[str, Any] = {"packs": str(packs), "device": "cpu:0", "pool": 64}
    whole, first, second = (call(work=str(tmp_path / name), **shared) for name in "abc")
    gpu_runs._train_one(whole, task)
    assert task.run(whole.work).finished
    gpu_runs._train_one(replace(first, stop_at=0.0), task)
    assert task.run(first.work).stopped
    assert carry([task.run(first.work)], tmp_path / "out", {}) == []
    unpack(tmp_path / "out", Path(second.work))
    assert read_log(task.run(second.work).folder)[-1]["step"] == 2
    gpu_runs._train_one(second, task)
    assert task.run(second.work).finished
    one, other = (weights.read(task.run(each.work).folder / BEST) for each in (whole, second))
    assert all(torch.equal(one[0][name], other[0][name]) for name in one[0])
    assert one[1]["validation"] == other[1]["validation"]
    gpu_runs._report(second, [task])


def run_of(folder: Path, name: str, state: bool, size: int = 64) -> Run:
    """A run that was trained, or is half-way."""
    folder = folder / name
    weights.write(folder / BEST, {"clip.a": torch.linspace(0, 1, size)}, {"plan": {}})
    (folder / "log.jsonl").write_text('{"step": 1}\n')
    if state:
        weights.write(folder / STATE, {"model.clip.a": torch.ones(3 * size)}, {})
    else:
        finish(folder)
    return Run(name, folder)


def test_finished_runs_come_first_and_states_come_whole(tmp_path: Path) -> None:
    there = [
        run_of(tmp_path / "a", "0/stopped", state=True, size=30_000),
        run_of(tmp_path / "a", "0/large", state=True, size=300_000),
        run_of(tmp_path / "a", "0/clip", state=False),
        Run("0/never", tmp_path / "a" / "0" / "never"),
    ]
    lost = carry(there, tmp_path / "out", {"seeds": [0]}, most=800_000)
    assert len(lost) == 1
    assert lost[0].startswith("0/large is lost, it begins anew")
    said = unpack(tmp_path / "out", tmp_path / "b")
    assert said["runs"] == {"0/clip": False, "0/stopped": True}
    assert said["seeds"] == [0]
    back = [Run(each.name, tmp_path / "b" / each.name) for each in there]
    assert [each.stopped for each in back] == [True, False, False, False]
    assert [each.finished for each in back] == [False, False, True, False]
    for name in (BEST, STATE, "log.jsonl"):
        one, other = (each.folder / name for each in (there[0], back[0]))
        assert one.read_bytes() == other.read_bytes()


def test_what_came_finished_is_not_carried_again(tmp_path: Path) -> None:
    for number, states in enumerate([(False, True), (False, False)]):
        names = (f"{number}/a", f"{number}/b")
        runs = [run_of(tmp_path / "a", *each) for each in zip(names, states, strict=True)]
        carry(runs, tmp_path / f"out{number}", {})
    came = gpu_runs._unpack_earlier([tmp_path / "out0", tmp_path / "out1"], tmp_path / "b")
    assert came == {"0/a", "1/a", "1/b"}
    assert Run("0/b", tmp_path / "b" / "0" / "b").stopped


def test_runs_that_are_done_are_left_alone(tmp_path: Path) -> None:
    carry([run_of(tmp_path / "a", "0/clip", state=True)], tmp_path / "out", {})
    mine = run_of(tmp_path / "b", "0/clip", state=False)
    unpack(tmp_path / "out", tmp_path / "b")
    assert mine.finished


def test_what_was_collected_is_not_collected_again(tmp_path: Path) -> None:
    work = tmp_path / "work"
    for name, state in (("0/base", False), ("0/clip", False), ("1/clip", True)):
        run_of(work, name, state=state)
    assert collect(work, tmp_path / "out", ["base"]) == ["0/clip", "0/base"]
    finish(work / "1" / "clip")
    run_of(work, "2/large", state=False, size=300_000)
    assert collect(work, tmp_path / "out", most=200_000) == ["1/clip"]
    assert unpack(tmp_path / "out", tmp_path / "b")["runs"] == {"1/clip": False}
    assert collect(work, tmp_path / "out") == ["2/large"]
    assert collect(work, tmp_path / "out") == []


def test_what_is_not_finished_yet(tmp_path: Path) -> None:
    """A run writes its first checkpoint before its first state: neither is its last word."""
    run = run_of(tmp_path, "0/clip", state=True)
    (run.folder / STATE).unlink()
    assert not run.finished
    assert not run.stopped


def test_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert PIECE == 16 * 2**20
    monkeypatch.setattr("benchmarks.archives.PIECE", 20_000)
    carry([run_of(tmp_path / "a", "0/clip", state=True, size=9000)], tmp_path / "out", {})
    pieces = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert len(pieces) > 5
    assert unpack(tmp_path / "out", tmp_path / "b")["lost"] == []
    assert Run("", tmp_path / "b" / "0" / "clip").stopped
    (tmp_path / "out" / "results.tar.3").unlink()
    with pytest.raises(UsageError, match="are missing"):
        unpack(tmp_path / "out", tmp_path / "c")
    with pytest.raises(UsageError, match=r"holds no results\.tar\.0"):
        unpack(tmp_path / "a", tmp_path / "c")
    (tmp_path / "out" / "results.tar.0").write_bytes(b"no archive")
    for path in (tmp_path / "out").glob("results.tar.[1-9]*"):
        path.unlink()
    with pytest.raises(UsageError, match="no whole archive"):
        unpack(tmp_path / "out", tmp_path / "c")


def call(**changed: Any) -> Call:
    given: dict[str, Any] = {
        "work": "nowhere", "packs": "nowhere/packs", "device": "cpu", "precision": "fp32",
        "pool": 256, "processes": 1, "at_once": 2, "stop_at": float("inf"), "small": True,
    }  # fmt: skip
    return Call(**{**given, **changed})


def test_starts_come_before_what_needs_them(tmp_path: Path) -> None:
    start = gpu_runs.Task(STARTING[0].scaled(0.1), 0, "pack", 10)
    others = [gpu_runs.Task(Member(name), 0, "pack", 10) for name in ("clip", "negclip", "x")]
    here, pace = call(work=str(tmp_path)), gpu_runs._Pace()
    assert gpu_runs._startable(here, [start, *others], [], pace) == [start]
    run_of(tmp_path, "0/captioner-locked", state=True)
    assert gpu_runs._startable(here, others, [], pace) == []
    finish(tmp_path / "0" / "captioner-locked")
    assert gpu_runs._startable(here, others, [], pace) == others[:2]
    assert gpu_runs._startable(here, others, others[2:], pace) == others[:1]


def test_members_that_would_be_late_wait_for_the_next_call(tmp_path: Path) -> None:
    import time

    run_of(tmp_path, "0/captioner-locked", state=False)
    others = [gpu_runs.Task(Member(name, steps=100, batch=10), 0, "", 0) for name in ("a", "b")]
    here, pace = call(work=str(tmp_path), stop_at=time.monotonic() + 50), gpu_runs._Pace()
    pace.finished(others[0], 100.0)
    assert pace.seconds(others[1]) == pytest.approx(100.0)
    assert gpu_runs._startable(here, others, [], pace) == others[:1]
    assert gpu_runs._startable(here, others[1:], others[:1], pace) == []
    over = call(work=str(tmp_path), stop_at=time.monotonic() - 1)
    assert gpu_runs._startable(over, others, [], pace) == []


def test_whatever_can_be_trained_is() -> None:
    chosen = gpu_runs._select_members("", 0.5, small=False)
    names = [each.name for each in chosen]
    assert names[: len(STARTING)] == [each.name for each in STARTING]
    assert {"clip", "clip@random", "relclip", "scenarioclip:shared"} <= set(names)
    assert all(each.known and each.start in STARTS for each in chosen)
    assert [each.steps for each in chosen if each.name == "clip"] == [595]
    assert gpu_runs._select_members("clip", 1, small=True)[0].name == "base"
    with pytest.raises(UnknownName, match="There are: clip"):
        gpu_runs._select_members("structclip:plain", 1, small=False)
    assert gpu_runs._pack_of(Member("relclip")) is None
    assert gpu_runs._pack_of(Member("clip@random")) == "plain-0"
    assert gpu_runs._pack_of(Member("scenarioclip")) == "plain-50"
    assert gpu_runs._pack_of(Member("negclip:published")) == "twins-0"


def test_wheels_are_taken_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wheels").mkdir()
    with zipfile.ZipFile(tmp_path / "wheels" / "carried-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("carried_along.py", "ANSWER = 42\n")
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setenv("PYTHONPATH", "before")
    take_along(tmp_path / "wheels", tmp_path / "site")
    import os
    from importlib import import_module

    assert import_module("carried_along").ANSWER == 42
    assert os.environ["PYTHONPATH"] == os.pathsep.join([str(tmp_path / "site"), "before"])
