"""``benchbench gate`` as typed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from benchbench.cli import main
from benchbench.runs import write_run
from tests.analysis.example_runs import changed, made

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
    names = ("kept/run.parquet", "más/läufe\n2.parquet")
    for name in names:
        write_run(made("base", 0.6, n=1200), tmp_path / name)
    git("add", ".")
    git("commit", "-qm", "a run")
    for name in names:
        (tmp_path / name).unlink()
    monkeypatch.chdir(tmp_path)
    for where in ("git:HEAD:kept", "git:HEAD:kept/run.parquet", "git:HEAD:más"):
        done = typed("--candidate", runs["same"], "--baseline", where, "--fail-if", CONDITION)
        assert done.exit_code == 0, done.output
    for where, said in (
        ("git:HEAD:none", "no runs"), ("git:nope:kept", "git:nope:kept: "), ("git:HEAD", "REF:PATH")
    ):  # fmt: skip
        done = typed("--candidate", runs["same"], "--baseline", where, "--fail-if", CONDITION)
        assert done.exit_code == 2
        assert said in done.output


@pytest.mark.parametrize(
    ("file", "prefix"), [("benchbench.toml", ""), ("pyproject.toml", "tool.benchbench.")]
)
def test_rules_may_stand_in_a_settings_file(
    file: str, prefix: str, runs: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, both = tmp_path / file, ("--baseline", runs["base"])
    monkeypatch.chdir(tmp_path)
    settings.write_text(f'[[{prefix}gate]]\ntask = "vg-relation"\nmargin = 5.0\n')
    assert typed("--candidate", runs["same"], *both).exit_code == 0
    assert typed("--candidate", runs["worse"], *both).exit_code == 1
    if not prefix:
        settings.write_text("gate = 3\n")
        assert typed("--candidate", runs["same"], *both).exit_code == 2
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "base.parquet").write_bytes(Path(runs["few base"]).read_bytes())
    settings.write_text(
        f'[{prefix}gate]\nbaseline = "kept"\ninconclusive = "fail"\n'
        'fail_if = ["vg-relation.micro < baseline - 0.1pp"]\n'
        f'[[{prefix}gate.checks]]\ntask = "vg-relation"\nfloor = 1\n'
    )
    deeper = tmp_path / "deeper"
    deeper.mkdir()
    monkeypatch.chdir(deeper)
    done = typed("--candidate", runs["few"])
    assert (done.exit_code, done.output.count("margin 0.1;")) == (1, 1), done.output
    assert "floor of 1.0" in done.output
    assert done.output.splitlines()[-1].endswith("--inconclusive fail: fails.")
    assert typed("--candidate", runs["few"], "--inconclusive", "warn").exit_code == 0
    settings.write_text(settings.read_text().replace('"fail"', '"perhaps"'))
    wrong = typed("--candidate", runs["few"])
    assert wrong.exit_code == 2
    assert "gate.inconclusive is pass, warn, fail, not 'perhaps'" in wrong.output


def test_a_baseline_of_several_models_is_the_one_of_the_candidates_name(
    runs: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "published"
    for name in ("base", "worse"):
        write_run(made(name, {"base": 0.6, "worse": 0.4}[name], n=1200), folder / f"{name}.parquet")
    where = ("--baseline", str(folder), "--fail-if", CONDITION)
    done = typed("--candidate", runs["worse"], *where)
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[1].startswith("baseline   worse (")
    other = typed("--candidate", runs["same"], *where)
    assert other.exit_code == 2
    assert "has 2: base @custom-made-00000000, worse @" in other.output
    assert typed("--candidate", runs["same"], "--fail-if", CONDITION).exit_code == 2


def test_the_steps_summary_says_what_the_terminal_says(
    runs: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    heads = {"same": "PASS", "worse": "FAIL", "other": "not comparable"}
    for name, code in (("same", 0), ("worse", 1), ("other", 3)):
        summary.write_text("before\n")
        assert gated(runs, name).exit_code == code
        assert summary.read_text().startswith(f"before\n## Gate: {heads[name]}\n")
    assert "edition: custom-made-00000000 of base" in summary.read_text()
    summary.write_text("x" * 1_000_000)
    full = gated(runs, "same")
    assert full.exit_code == 0
    assert "summary is full" in full.output
    assert summary.stat().st_size == 1_000_000


def test_no_verdict_is_printed_where_its_report_cannot_be_written(
    runs: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    done = gated(runs, "same", "base", "--report", str(tmp_path / "file" / "gate.xml"))
    assert done.exit_code == 2
    assert "gate  PASS" not in done.output
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "file" / "summary.md"))
    done = gated(runs, "same")  # a summary is no report that anybody asked for
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "gate  PASS")
    assert "Warning: Cannot write the step's summary" in done.output


def test_a_model_is_evaluated_first(shapes: Path, tmp_path: Path) -> None:
    run = CliRunner().invoke
    out = str(tmp_path / "base.parquet")
    where = ["--data-root", str(shapes)]
    task = ["--model", "blind:chance", "--task", "vg-relation"]
    assert run(main, ["eval", *task, *where, "--out", out]).exit_code == 0
    done = typed("--candidate", "blind:chance", "--baseline", out, "--fail-if", CONDITION, *where)
    assert done.exit_code == 0, done.output
    assert "PASS" in done.output


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "is out of memory"),
        (KeyError("no more of it"), "The gate raises KeyError: 'no more of it'"),
        (SystemExit(0), "The gate raises SystemExit: 0"),
    ],
)
def test_a_crash_is_no_verdict(
    error: BaseException,
    said: str,
    shapes: Path,
    runs: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("benchbench.evaluation.evaluate", crash)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    done = typed(
        "--candidate", "blind:chance", "--baseline", runs["base"], "--fail-if", CONDITION,
        "--data-root", str(shapes), "--common-items",
    )  # fmt: skip
    assert done.exit_code == 2
    assert done.stderr.startswith("Error: ") and said in done.stderr
    assert "## Gate: not run" in (tmp_path / "summary.md").read_text()


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
