"""The events of ``eval --log-json``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from benchbench.cli import main
from benchbench.runs import read_run


def typed(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments])


def events(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_one_run_from_its_start_to_its_end(tiny: str, shapes: Path, tmp_path: Path) -> None:
    log, out = tmp_path / "log.jsonl", tmp_path / "run.parquet"
    asked = ("--task", "vg-relation", "--data-root", shapes, "--out", out, "--log-json", log)
    done = typed("eval", "--model", tiny, *asked)
    assert done.exit_code == 0
    first, *stages, cell, last = events(log)
    assert (first["event"], first["models"], first["tasks"]) == ("start", [tiny], ["vg-relation"])
    assert {each["event"] for each in stages} == {"progress"}
    assert {each["stage"] for each in stages} >= {"loading", "images", "captions"}
    run = read_run(out)
    assert (cell["event"], cell["run"], cell["items"]) == ("cell", str(out), 72)
    assert (cell["inputs"], cell["from_store"]) == (run.inputs, 0)
    assert (last["event"], last["exit_code"]) == ("end", 0)
    assert typed("eval", "--model", tiny, *asked).exit_code == 0
    again = [each for each in events(log) if each["event"] == "cell"]
    assert again[1]["from_store"] == again[1]["inputs"] == run.inputs


def test_several_runs_have_a_cell_each_and_the_time_left(shapes: Path, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    done = typed(
        "eval", "--model", "blind:chance", "--model", "blind:constant", "--task", "vg-relation",
        "--task", "winoground", "--data-root", shapes, "--out", tmp_path / "runs",
        "--log-json", log,
    )  # fmt: skip
    assert done.exit_code == 2
    told = events(log)
    cells = [each for each in told if each["event"] == "cell"]
    assert [("run" in each, "error" in each) for each in cells] == [
        (True, False),
        (False, True),
    ] * 2
    runs = [each for each in told if each["event"] == "runs"]
    assert [(each["done"], each["total"]) for each in runs] == [(n, 4) for n in (1, 2, 3, 4)]
    assert "runs: 3 of 4, about" in done.stderr
    assert (told[-1]["event"], told[-1]["exit_code"]) == ("end", 2)


def test_an_error_is_the_last_event(shapes: Path, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    done = typed(
        "eval", "--model", "openclip:ViT-B-32/none", "--task", "vg-relation", "--data-root", shapes,
        "--out", tmp_path, "--log-json", log,
    )  # fmt: skip
    last = events(log)[-1]
    assert (done.exit_code, last["event"]) == (2, "error")
    assert last["error"].startswith("Unknown tag of ViT-B-32")


def test_a_log_that_cannot_be_written_is_one_error(shapes: Path, tmp_path: Path) -> None:
    done = typed(
        "eval", "--model", "blind:chance", "--task", "vg-relation", "--data-root", shapes,
        "--out", tmp_path / "runs", "--log-json", tmp_path,
    )  # fmt: skip
    assert (done.exit_code, "Cannot write" in done.output) == (2, True)
    assert not (tmp_path / "runs").exists()
