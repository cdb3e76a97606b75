"""``plan``, ``work``, ``missing`` and ``merge``, as typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from benchbench.cli import main

if TYPE_CHECKING:
    from click.testing import Result


def typed(*words: object) -> Result:
    """Type a command."""
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def file(tmp_path: Path, shapes: Path) -> Path:
    """A plan of two models on one task, from files of names."""
    (tmp_path / "models.txt").write_text("# baselines\nblind:constant\n\nblind:length\n")
    place = tmp_path / "plan.parquet"
    done = typed(
        "plan", "--models-from", tmp_path / "models.txt", "--task", "vg-relation",
        "--data-root", shapes, "--out", place,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "next  benchbench work" in done.output
    assert "blind:length" in done.output
    return place


def test_a_plan_is_worked_off_shard_by_shard(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "runs"
    left = typed("missing", file, "--out", out)
    assert left.exit_code == 1
    assert "0 of 2 runs are there." in left.output
    assert "--array=0-1  (of 2)" in left.output
    assert f"next  benchbench work {file} --out {out} --shard 0/2, and so on\n" in left.output
    assert typed("work", file, "--shard", "1/2", "--out", out).exit_code == 0
    left = typed("missing", file, "--out", out)
    assert "--array=0  (of 2)" in left.output
    done = typed("work", file, "--shard", "0/2", "--out", out)
    assert "from the store" in done.output
    left = typed("missing", file, "--out", out)
    assert (left.exit_code, left.output) == (0, "2 of 2 runs are there.\n")


def test_what_is_left_to_merge_is_said(shapes: Path, tmp_path: Path) -> None:
    plan, out = tmp_path / "plan.parquet", tmp_path / "runs"
    words = ("--model", "blind:length", "--task", "vg-relation", "--data-root", shapes)
    assert typed("plan", *words, "--out", plan).exit_code == 0
    for shard in ("0/2", "1/2"):
        assert typed("work", plan, "--shard", shard, "--out", out).exit_code == 0
    left = typed("missing", plan, "--out", out)
    command = f"merge {plan} --out {out} --shards 2"
    assert f"next  benchbench {command}\n" in left.output
    assert typed(*command.split()).exit_code == 0
    assert typed("missing", plan, "--out", out).exit_code == 0


def test_a_launcher_decides_the_share(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    typed("work", file, "--out", tmp_path / "runs")
    assert len(list((tmp_path / "runs").rglob("*.parquet"))) == 1


def test_events_are_one_object_a_line(file: Path, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    for shard in ("0/4", "1/4", "2/4", "3/4"):
        done = typed(
            "work", file, "--shard", shard, "--out", tmp_path, "--log-json", log, "--quiet"
        )
        assert done.exit_code == 0
    merged = typed("merge", file, "--out", tmp_path, "--log-json", log)
    assert (merged.exit_code, "runs are in" in merged.output) == (0, True)
    events = [json.loads(line) for line in log.read_text().splitlines()]
    assert {event["event"] for event in events} == {"progress", "cell"}
    stages = [event for event in events if event["event"] == "progress"]
    assert {"loading", "images", "captions"} <= {event["stage"] for event in stages}
    assert all(0 <= event["done"] <= event["total"] for event in stages)
    cells = [event for event in events if event["event"] == "cell"]
    assert sorted(event.get("part", -1) for event in cells) == [-1, -1, 0, 0, 1, 1]
    merged = cells[-1]
    assert merged["from_store"] == merged["inputs"] > 0
    assert Path(merged["run"]).is_file()


def test_events_on_standard_error_leave_standard_output_alone(file: Path, tmp_path: Path) -> None:
    done = typed("work", file, "--out", tmp_path, "--log-json", "-", "--quiet")
    assert all(json.loads(line)["time"] for line in done.stderr.splitlines())
    assert "from the store" in done.stdout


def test_a_failed_cell_is_an_error_and_the_others_are_done(tmp_path: Path, shapes: Path) -> None:
    place = tmp_path / "plan.parquet"
    done = typed(
        "plan", "--model", "blind:constant", "--task", "vg-relation", "--task", "winoground",
        "--data-root", shapes, "--out", place,
    )  # fmt: skip
    assert done.exit_code == 1
    assert "not ready blind:constant on winoground" in done.output
    done = typed("work", place, "--out", tmp_path / "runs")
    assert done.exit_code == 2
    assert "Error: blind:constant on winoground: Not ready" in done.output
    assert ". Plan again once it is there." in done.output
    left = typed("missing", place, "--out", tmp_path / "runs")
    assert "1 of 2 runs are there." in left.output
    assert "not ready blind:constant on winoground" in left.output


def test_a_plan_of_nothing_that_is_ready_names_no_next_step(tmp_path: Path, shapes: Path) -> None:
    place = tmp_path / "my plan.parquet"
    words = ["--data-root", shapes, "--out", place]
    done = typed("plan", "--model", "openclip:none/x", "--task", "vg-relation", *words)
    assert (done.exit_code, "next  " in done.output) == (1, False)
    again = typed("work", place, "--out", tmp_path / "runs")
    assert "list models openclip. Plan again" in again.output
    done = typed("plan", "--model", "blind:chance", "--task", "vg-relation", *words)
    assert f"next  benchbench work '{place}'" in done.output


@pytest.mark.parametrize("rate", ["nan", "inf", "0"])
def test_a_rate_is_a_finite_number(rate: str, tmp_path: Path, shapes: Path) -> None:
    words = ["--model", "blind:chance", "--task", "vg-relation", "--data-root", shapes]
    done = typed("plan", *words, "--tflops", rate, "--out", tmp_path / "plan.parquet")
    assert (done.exit_code, "--tflops" in done.output) == (2, True)
    assert not list(tmp_path.glob("*.parquet"))


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--shard", "2/2"], "from 0"),
        (["--engine", "ray", "--gpus", "nan"], "finite"),
        (["--shard", "0/2", "--engine", "local"], "leave out"),
        (["--processes", "2"], "--processes is of"),
        (["--dry-run"], "are of --engine slurm"),
        (["--log-json", "."], "Cannot write"),
        (["--device", "abacus"], "abacus"),
        (["--out", "noise.txt"], "a file, but not a run"),
        (["--out", "noise.parquet"], "the name of one run"),
    ],
)
def test_wrong_options_are_one_error(
    file: Path, tmp_path: Path, words: list[str], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "noise.txt").write_text("noise")
    there = sorted(tmp_path.iterdir())
    done = typed("work", file, *words)
    assert done.exit_code == 2
    assert why in done.output
    assert "Traceback" not in done.output
    assert sorted(tmp_path.iterdir()) == there


@pytest.mark.parametrize("content", [None, "", "# nothing\n"])
def test_a_file_without_names_is_an_error(tmp_path: Path, content: str | None) -> None:
    names = tmp_path / "models.txt"
    if content is not None:
        names.write_text(content)
    done = typed("plan", "--models-from", names, "--task", "vg-relation", "--out", "p.parquet")
    assert done.exit_code == 2
    assert str(names) in done.output


def test_a_script_for_slurm_is_printed_and_nothing_is_submitted(file: Path, tmp_path: Path) -> None:
    done = typed(
        "work", file, "--engine", "slurm", "--at-once", "3", "--dry-run", "--out", tmp_path / "runs"
    )
    assert done.exit_code == 0
    assert "#SBATCH --array=0-1%3\n" in done.output
    assert not (tmp_path / "runs").exists()
