"""``benchbench gate`` as typed."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from benchbench.cli import main
from benchbench.runs import write_run
from tests.reports.made import changed, made

if TYPE_CHECKING:
    from pathlib import Path

CONDITION = "vg-relation.macro < baseline - 5pp"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("runs")
    there = {
        "base": made("base", 0.6, n=1200),
        "same": made("same", 0.6, n=1200),
        "worse": made("worse", 0.4, n=1200),
        "few": made("few", 0.6, n=60),
        "few base": made("base", 0.6, n=60),
        "other": changed(made("other", 0.6, n=1200), edition="scenes-v1"),
    }
    return {name: str(write_run(run, folder / f"{name}.parquet")) for name, run in there.items()}


def typed(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["gate", *arguments])


def gated(runs: dict[str, str], candidate: str, baseline: str = "base", *more: str) -> Result:
    return typed(
        "--candidate", runs[candidate], "--baseline", runs[baseline], "--fail-if", CONDITION, *more
    )


def test_the_exit_code_and_the_last_line_agree(runs: dict[str, str]) -> None:
    passed, failed, apart = gated(runs, "same"), gated(runs, "worse"), gated(runs, "other")
    assert (passed.exit_code, passed.output.splitlines()[-1]) == (0, "gate  PASS")
    assert (failed.exit_code, failed.output.splitlines()[-1]) == (1, "gate  FAIL")
    assert apart.exit_code == 3
    assert "edition: custom-made-00000000 of base, scenes-v1 of other" in apart.output
    assert typed("--candidate", runs["same"], "--baseline", runs["base"]).exit_code == 2


def test_too_few_items_are_what_one_makes_of_them(runs: dict[str, str]) -> None:
    small = ["--fail-if", "vg-relation.micro < baseline - 0.1pp"]
    for choice, code in (("warn", 0), ("pass", 0), ("fail", 1)):
        done = gated(runs, "few", "few base", "--inconclusive", choice, *small)
        assert done.exit_code == code
        assert f"--inconclusive {choice}" in done.output.splitlines()[-1]
        assert "items would decide" in " ".join(done.output.split())


def test_reports_are_written(runs: dict[str, str], tmp_path: Path) -> None:
    names = [str(tmp_path / f"gate{suffix}") for suffix in (".xml", ".md", ".json")]
    done = gated(runs, "worse", "base", *(part for name in names for part in ("--report", name)))
    assert done.exit_code == 1
    suite = ElementTree.parse(names[0]).getroot()
    assert (suite.tag, suite.get("failures")) == ("testsuites", "1")
    assert suite.find("./testsuite/testcase/failure") is not None
    assert "## Gate: FAIL" in (tmp_path / "gate.md").read_text()
    assert json.loads((tmp_path / "gate.json").read_text())["verdict"] == "fail"
    wrong = gated(runs, "worse", "base", "--report", str(tmp_path / "gate.txt"))
    assert wrong.exit_code == 2


def test_the_baseline_may_be_in_a_repositorys_history(
    runs: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*arguments: str) -> None:
        who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
        subprocess.run(["git", *who, *arguments], check=True, capture_output=True, cwd=tmp_path)

    git("init", "-q")
    write_run(made("base", 0.6, n=1200), tmp_path / "kept" / "run.parquet")
    git("add", ".")
    git("commit", "-qm", "a run")
    (tmp_path / "kept" / "run.parquet").unlink()
    monkeypatch.chdir(tmp_path)
    for where in ("git:HEAD:kept", "git:HEAD:kept/run.parquet"):
        done = typed("--candidate", runs["same"], "--baseline", where, "--fail-if", CONDITION)
        assert done.exit_code == 0, done.output
    for where, said in (
        ("git:HEAD:none", "no runs"), ("git:nope:kept", "git:nope:kept: "), ("git:HEAD", "REF:PATH")
    ):  # fmt: skip
        done = typed("--candidate", runs["same"], "--baseline", where, "--fail-if", CONDITION)
        assert done.exit_code == 2
        assert said in done.output


def test_rules_may_stand_in_a_settings_file(
    runs: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "benchbench.toml").write_text('[[gate]]\ntask = "vg-relation"\nmargin = 5.0\n')
    monkeypatch.chdir(tmp_path)
    assert typed("--candidate", runs["same"], "--baseline", runs["base"]).exit_code == 0
    assert typed("--candidate", runs["worse"], "--baseline", runs["base"]).exit_code == 1
    (tmp_path / "benchbench.toml").write_text("gate = 3\n")
    assert typed("--candidate", runs["same"], "--baseline", runs["base"]).exit_code == 2


def test_a_model_is_evaluated_first(shapes: Path, tmp_path: Path) -> None:
    run = CliRunner().invoke
    out = str(tmp_path / "base.parquet")
    where = ["--data-root", str(shapes)]
    task = ["--model", "blind:chance", "--task", "vg-relation"]
    assert run(main, ["eval", *task, *where, "--out", out]).exit_code == 0
    done = typed("--candidate", "blind:chance", "--baseline", out, "--fail-if", CONDITION, *where)
    assert done.exit_code == 0, done.output
    assert "PASS" in done.output


def test_it_may_stop_early(shapes: Path, runs: dict[str, str], tmp_path: Path) -> None:
    run, out, where = CliRunner().invoke, str(tmp_path / "b.parquet"), ["--data-root", str(shapes)]
    task = ["--model", "blind:chance", "--task", "vg-relation"]
    assert run(main, ["eval", *task, *where, "--out", out]).exit_code == 0
    gate = ["--baseline", out, "--early-stop", *where, "--fail-if"]
    done = typed("--candidate", "blind:constant", *gate, "vg-relation.micro < baseline - 5pp")
    assert done.exit_code == 1, done.output
    assert "at any time" in done.output
    assert done.output.splitlines()[-1] == "gate  FAIL"
    macro = typed("--candidate", "blind:constant", *gate, "vg-relation.macro < baseline - 5pp")
    assert macro.exit_code == 2
    assert "cannot stop early" in macro.output
    stored = typed("--candidate", runs["same"], *gate, "vg-relation.micro < baseline - 5pp")
    assert stored.exit_code == 2
