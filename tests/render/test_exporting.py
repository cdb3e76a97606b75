"""Export: one interface for all formats; wrong use is an error in a line, and writes nothing."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import pytest
import yaml

import benchbench as bb
from benchbench.errors import UsageError
from benchbench.render.exporting import (
    ExportOptions,
    export_runs,
    format_names,
    load_format,
    scalars,
)
from tests.analysis.example_runs import changed, made
from tests.cli.test_cli import typed

if TYPE_CHECKING:
    from pathlib import Path

FILES = ["csv", "latex", "markdown"]
TRACKERS = ["mlflow", "tensorboard", "wandb"]


def test_formats_are_the_modules_of_their_folder() -> None:
    names = format_names()
    assert names == sorted([*FILES, *TRACKERS, "every-eval-ever", "hugging-face", "mteb"])
    listed = typed("list", "formats").stdout
    for name in names:
        assert load_format(name).title in listed


@pytest.mark.parametrize("name", sorted({*FILES, "every-eval-ever", "hugging-face", "mteb"}))
def test_what_is_written_is_said_and_there(name: str, tmp_path: Path) -> None:
    runs = [str(bb.write_run(made(m, a), tmp_path / m)) for m, a in (("a", 0.5), ("b", 0.8))]
    done = typed("export", *runs, "--to", name, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.stderr
    said = [line.removeprefix("wrote  ") for line in done.stdout.splitlines() if "wrote" in line]
    there = sorted(str(path) for path in [tmp_path / "out", *(tmp_path / "out").rglob("*")])
    assert said
    assert set(said) <= set(there)
    again = typed("export", *runs, "--to", name, "--out", tmp_path / "out")
    assert again.stdout == done.stdout


def test_formats_name_what_a_number_measures(suites: Path, tmp_path: Path) -> None:
    tasks = ("valse.decisions", "eccv-caption")
    runs = [bb.evaluate("blind:chance", task, data_root=suites) for task in tasks]
    export_runs(runs, "hugging-face", ExportOptions(str(tmp_path / "hub")))
    export_runs(runs, "every-eval-ever", ExportOptions(str(tmp_path / "ever")))
    (index,) = (tmp_path / "hub").rglob("model-index.yaml")
    (model,) = yaml.safe_load(index.read_text())["model-index"]
    ours = {r["dataset"]["config"]: {m["name"]: m["type"] for m in r["metrics"]}
            for r in model["results"]}  # fmt: skip
    assert ours["valse.decisions"]["auroc"] == "auroc"
    assert ours["eccv-caption"]["mAP@R"] == "map@r"
    assert set(ours["eccv-caption"].values()) == {"map@r", "r-precision", "accuracy"}
    for path in (tmp_path / "ever").rglob("*.json"):
        for each in json.loads(path.read_text())["evaluation_results"]:
            config, task = each["metric_config"], each["source_data"]["dataset_name"]
            assert config["metric_kind"] == ours[task][config["metric_name"]]
            method = each["score_details"]["uncertainty"].get("confidence_interval", {})
            assert "auto" not in method.get("method", "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--to", "latx"], "Did you mean 'latex'?"),
        (["--to", "latex", "--step", "3"], "--step means nothing to latex"),
        (["--to", "mteb", "--hub-dataset", "a/b"], "--hub-dataset means nothing to mteb"),
        (["--to", "csv", "--out", "http://x/y"], "--out should be a path"),
        (["--to", "csv", "--out", " "], "--out should be a path"),
        (["--to", "csv", "--out", "-"], "nothing is written to standard output"),
        (["--to", "hugging-face", "--hub-dataset", "x"], "should be ORG/NAME"),
        (["--developer", ""], "should not be empty"),
    ],
)
def test_wrong_use_is_an_error_that_says_what_to_type(
    words: list[str], said: str, tmp_path: Path
) -> None:
    run = str(bb.write_run(made("a", 0.5), tmp_path / "run.parquet"))
    words = words if "--out" in words else [*words, "--out", str(tmp_path / "out")]
    done = typed("export", run, *words)
    assert done.exit_code == 2
    assert said in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.parquet"]


def test_a_model_twice_is_refused(tmp_path: Path) -> None:
    options = ExportOptions(str(tmp_path / "out"))
    with pytest.raises(UsageError, match="a is there 2 times on vg-relation@custom-made"):
        export_runs([made("a", 0.5), made("a", 0.6)], "csv", options)
    alike = [made("a b", 0.5), made("a-b", 0.6)]
    for name in ("hugging-face", "mteb", "tensorboard"):
        with pytest.raises(UsageError, match="Two models have the name"):
            export_runs(alike, name, options)
    assert not list(tmp_path.iterdir())


def test_numbers_of_trackers_are_those_of_the_scorecard() -> None:
    run = changed(made("a", 0.5), edition="scenes-v2")
    card = bb.scorecard(run)
    found = scalars(card)
    for row in card.metrics:
        ends = (row.estimate.value, row.estimate.low, row.estimate.high)
        for end, value in zip(("", ".low", ".high"), ends, strict=True):
            if not math.isnan(value):
                assert found.pop(f"vg-relation@scenes-v2/{row.name}{end}") == value
    assert not found


@pytest.mark.parametrize("name", TRACKERS)
def test_a_tracker_that_is_not_installed_says_how(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, name, None)
    with pytest.raises(UsageError, match=rf"pip install 'benchbench-vl\[{name}\]'"):
        export_runs([made("a", 0.5)], name, ExportOptions(str(tmp_path / "out")))
    assert not list(tmp_path.rglob("*.*"))
