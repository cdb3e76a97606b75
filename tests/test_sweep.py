"""Sweeps by the command line: rows against single evaluations, formats, files, wrong input."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest

from benchbench.analysis.scorecard import scorecard
from benchbench.evaluation import evaluate
from benchbench.run_files import read_all_runs
from benchbench.sweep import applied, sweep
from tests.cli.test_cli import typed

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = ("stop=added", "case=lower", "crop=off", "resize=bilinear", "precision=bf16")


def words(tiny: str, shapes: Path, out: Path, *more: str | Path) -> list[str | Path]:
    settings = [word for each in SETTINGS for word in ("--setting", each)]
    return ["sweep", "--model", tiny, "--task", "vg-relation", "--data-root", shapes, "--runs",
            out, *settings, *more]  # fmt: skip


def test_rows_are_those_of_single_evaluations(tiny: str, shapes: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    done = typed(*words(tiny, shapes, runs, "--format", "json"))
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    rows = {row["setting"]: row for row in found["scores"]}
    assert list(rows) == ["as it is", "stop=added", "crop=off", "resize=bilinear", "precision=bf16"]
    for setting, row in rows.items():
        name, _, value = setting.partition("=")
        how = {"precision": value} if name == "precision" else {}
        variation = "" if name in ("as it is", "precision") else setting
        run = evaluate(tiny, "vg-relation", data_root=shapes, variation=variation, **how)
        assert row["score"] == pytest.approx(scorecard(run).headline.estimate.value)
        assert (row["edition"], row["fingerprint"]) == (run.edition, run.model.fingerprint)
    assert found["models"][0]["left_out"] == {"case=lower": "it changes no item of vg-relation"}
    written = read_all_runs([runs])
    assert {(run.edition, run.model.fingerprint) for run in written} == {
        (row["edition"], row["fingerprint"]) for row in rows.values()
    }


def test_a_second_sweep_encodes_nothing(tiny: str, shapes: Path) -> None:
    for resumed in (False, True):
        found = sweep([tiny], "vg-relation", SETTINGS, data_root=shapes)
        runs = [run for _, run in applied(found)]
        assert all(run.resumed_inputs == run.inputs for run in runs) is resumed
    assert runs[-1].model.dtype == "bf16"
    assert len({run.edition for run in runs}) == 4, "precision is not another edition"


def test_every_format_has_every_row(tiny: str, shapes: Path, tmp_path: Path) -> None:
    texts = {}
    for kind in ("terminal", "markdown", "csv", "json"):
        done = typed(*words(tiny, shapes, tmp_path / "runs", "--model", "blind:chance",
                            "--format", kind))  # fmt: skip
        assert done.exit_code == 0, done.output
        texts[kind] = done.stdout
        assert "left out: case=lower: it changes no item" in done.stderr or kind != "csv"
    for text in texts.values():
        assert all(setting in text for setting in ("as it is", "stop=added", "precision=bf16"))
    rows = list(csv.DictReader(io.StringIO(texts["csv"])))
    assert [row["model"] for row in rows].count("blind:chance") == 3
    spread = {each["model"]: each["spread"] for each in json.loads(texts["json"])["models"]}
    for kind in ("terminal", "markdown"):
        flat = " ".join(texts[kind].split())
        assert f"tiny/untrained: spread {100 * spread[tiny]:.1f} points" in flat
        assert "Pairs of models: 1. They differ as the task is (p " in flat
        assert "resize=bilinear, precision=bf16 (blind:chance): the model reads no images" in flat


@pytest.mark.parametrize("suffix", ["txt", "md", "json", "csv"])
def test_a_files_suffix_decides_its_format(
    tiny: str, shapes: Path, tmp_path: Path, suffix: str
) -> None:
    out = tmp_path / f"sweep.{suffix}"
    done = typed(*words(tiny, shapes, tmp_path / "runs", "--out", out))
    assert done.exit_code == 0, done.output
    assert done.stdout.strip() == f"table  {out}"
    start = {"txt": "vg-relation@", "md": "## vg-relation@", "json": "{", "csv": "task,"}[suffix]
    assert out.read_text("utf-8").startswith(start)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--setting", "case=upper"), "'case=upper' is not a setting"),
        (("--setting", ""), "'' is not a setting"),
        (("--setting", "precision=int8"), "Precisions: fp32, fp16, bf16"),
        (("--out", "run.parquet"), "A sweep is written as .txt or .md or .json or .csv"),
        (("--out", "a.md", "--format", "csv"), "A sweep is written as .csv"),
        (("--metric", "nothing"), "has no metric 'nothing' that is a mean"),
        (("--model", "nobody:x"), "Unknown model 'nobody:x'"),
    ],
)
def test_wrong_input_is_one_line(
    tiny: str, shapes: Path, tmp_path: Path, more: tuple[str, ...], message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    done = typed(*words(tiny, shapes, tmp_path / "runs", *more))
    assert done.exit_code == 2
    assert message in done.stderr
    assert not (tmp_path / "runs").exists(), "refused before any evaluation"


def test_a_model_is_named_once(tiny: str, shapes: Path, tmp_path: Path) -> None:
    done = typed(*words(tiny, shapes, tmp_path / "runs", "--model", tiny))
    assert done.exit_code == 2
    assert f"Named twice: model {tiny}" in done.stderr


def test_on_a_cpu_other_precisions_are_tried_only_by_name(tiny: str, shapes: Path) -> None:
    found = sweep([tiny], "vg-relation", data_root=shapes, device="cpu", limit=8)
    assert "name it to try it" in found.models[0].left_out["precision=bf16"]
    assert "resize=bicubic-aliased" in found.settings
