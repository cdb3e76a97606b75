"""The action, the workflow and the GitLab job, run step by step in bash as a runner would."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import xmlschema

from benchbench.render.publication import publish
from benchbench.runs import write_run
from tests.analysis.example_runs import changed, made
from tests.analysis.test_eligibility import sound
from tests.runner import TOP, Done, Runner, read, scripts

if TYPE_CHECKING:
    from benchbench.types import Run

CONDITION = "vg-relation.macro < baseline - 5pp"
GITHUB, GITLAB = "docs/ci/github-gate.yml", "docs/ci/gitlab-gate.yml"
SUBMISSION = "docs/ci/github-submission.yml"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    for name, share in (("base", 0.6), ("same", 0.6), ("worse", 0.4)):
        write_run(made(name, share), folder / f"{name}.parquet")
    write_run(changed(made("other", 0.6), edition="scenes-v2"), folder / "other.parquet")
    return folder


def used(tmp_path: Path, runs: Path, candidate: str, **more: str) -> Done:
    """The action on made-up runs; ``more`` are its inputs, with _ for -."""
    inputs = {"candidate": f"{candidate}.parquet", "baseline": "base.parquet", "fail-if": CONDITION}
    inputs |= {name.replace("_", "-"): value for name, value in more.items()}
    inputs.setdefault("version", "installed")
    runner = Runner(tmp_path, runs)
    return runner.action("action.yml", {"report": str(tmp_path / "gate"), **inputs})


def test_no_script_has_an_expression_in_it() -> None:
    for name in ("action.yml", GITHUB, SUBMISSION):
        found = scripts(read(name))
        assert found
        assert not [script for script in found if "${{" in script]


def test_every_input_reaches_the_gate_and_every_output_is_set() -> None:
    action = read("action.yml")
    text = (TOP / "action.yml").read_text()
    for name in action["inputs"]:
        assert f"${{{{ inputs.{name} " in text
    script = "\n".join(scripts(action))
    for each in action["outputs"].values():
        name = each["value"].rpartition(".")[2].strip(" }")
        assert f'"{name}=' in script


def test_a_pass(tmp_path: Path, runs: Path) -> None:
    done = used(tmp_path, runs, "same")
    assert done.code == 0, done.said
    assert done.outputs["verdict"] == "pass"
    assert done.outputs["exit-code"] == "0"
    assert done.summary.startswith("## Gate: PASS\n")
    schema = xmlschema.XMLSchema(Path(__file__).parent / "render" / "junit.xsd")
    schema.validate(done.outputs["junit"])
    for kind in ("json", "markdown"):
        assert Path(done.outputs[kind]).is_file()


def test_a_failure(tmp_path: Path, runs: Path) -> None:
    fail_if = f"# at most five points\n\n  {CONDITION}  \r\nvg-relation.micro < 1%"
    done = used(tmp_path, runs, "worse", fail_if=fail_if, inconclusive="fail")
    assert (done.code, done.outputs["verdict"], done.outputs["exit-code"]) == (1, "fail", "1")
    assert done.recorded.count(f"--fail-if={CONDITION}") == 1
    assert sum(line.startswith("--fail-if=") for line in done.recorded) == 2
    assert "gate  FAIL" in done.said
    assert "| FAIL | vg-relation macro |" in done.summary


def test_wrong_input_leaves_no_verdict_of_an_earlier_run(tmp_path: Path, runs: Path) -> None:
    (tmp_path / "gate").mkdir()
    (tmp_path / "gate" / "gate.json").write_text('{"verdict": "pass"}')
    done = used(tmp_path, runs, "same", fail_if="vg-relation.mac < baseline")
    assert (done.code, done.outputs["verdict"], done.outputs["junit"]) == (2, "error", "")
    assert "Did you mean 'macro'" in done.summary
    assert done.summary.startswith("## Gate: not run\n")


def test_runs_that_do_not_compare(tmp_path: Path, runs: Path) -> None:
    done = used(tmp_path, runs, "other")
    assert (done.code, done.outputs["verdict"]) == (3, "not-comparable")
    assert done.summary.startswith("## Gate: not comparable\n")


def test_inputs_are_data_and_never_code(tmp_path: Path, runs: Path) -> None:
    evil = "$(touch pwned) `touch pwned`; touch pwned # ' \" \\n * ${HOME}"
    inputs = dict.fromkeys(("candidate", "baseline", "fail-if", "edition", "device"), evil)
    runner = Runner(tmp_path, tmp_path / "work", ONLY_RECORD="1")
    done = runner.action(
        "action.yml",
        {**inputs, "version": "installed", "args": f"--activation\nquickgelu\n{evil}\n"},
    )
    assert done.code == 0, done.said
    for name in inputs:
        assert f"--{name}={evil}" in done.recorded
    index = done.recorded.index("--activation")
    assert done.recorded[index + 1 : index + 3] == ["quickgelu", evil]
    assert not list(tmp_path.rglob("pwned"))


def test_a_report_folder_that_cannot_be_is_wrong_input(tmp_path: Path, runs: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for report in (str(tmp_path / "file" / "gate"), "gate\nverdict=pass"):
        done = used(tmp_path, runs, "same", report=report)
        assert (done.code, done.outputs["verdict"]) == (2, "error")


@pytest.mark.parametrize(
    ("version", "asked"),
    [("", str(TOP)), ("0.3.1", "benchbench-vl==0.3.1"), ("1 --pre", None), ("$(id)", None)],
)
def test_what_is_installed(version: str, asked: str | None, tmp_path: Path) -> None:
    runner = Runner(tmp_path, tmp_path / "work", ONLY_RECORD="1")
    done = runner.action("action.yml", {"candidate": "x", "version": version})
    if asked is None:
        assert done.code == 2
        assert not done.recorded
    else:
        assert done.code == 0, done.said
        pip = done.recorded[: done.recorded.index("gate")]
        assert pip[:3] == ["-m", "pip", "install"]
        assert pip[-2:] == ["--", asked]


def git(where: Path, *arguments: str) -> str:
    who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    done = subprocess.run(
        ["git", *who, *arguments], cwd=where, capture_output=True, text=True, check=True
    )
    return done.stdout


def run_of(task: str, share: float) -> Run:
    """A made-up run of a bundled model on the drawn world."""
    run = changed(made("clip", share), edition="scenes-v2", task=task)
    tag = {"vg-relation": "relation", "vg-attribution": "attributes"}[task]
    outcomes = tuple(
        dataclasses.replace(o, tags={tag: o.tags["relation"]})
        for o in run.outcomes
    )  # fmt: skip
    return changed(run, outcomes=outcomes)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A clone of a repository with a published baseline of two tasks."""
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", "origin")
    git(tmp_path, "clone", "--quiet", "origin", "project")
    project = tmp_path / "project"
    git(project, "checkout", "--quiet", "-B", "main")
    tasks = ("vg-relation", "vg-attribution")
    publish([run_of(task, 0.6) for task in tasks], project / "leaderboards")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message", "A baseline")
    git(project, "push", "--quiet", "origin", "main")
    return project


def evaluated(tmp_path: Path, share: float) -> str:
    """A folder of what an evaluation will find."""
    for task in ("vg-relation", "vg-attribution"):
        write_run(run_of(task, share), tmp_path / "made" / f"{task}.parquet")
    return str(tmp_path / "made")


def test_the_workflow_gates_keeps_and_publishes(tmp_path: Path, project: Path) -> None:
    workflow = read(GITHUB)
    env = {**workflow["env"], "MADE": evaluated(tmp_path, 0.7), "GITHUB_SHA": "0" * 40}
    gate = Runner(tmp_path / "gate", project, **env)
    done = gate.steps(workflow["jobs"]["gate"]["steps"], {})
    assert done.code == 0, done.said
    assert done.said.count("gate  PASS") == 1
    kept = {path.name for path in gate.artifact.rglob("*") if path.is_file()}
    assert kept == {
        "vg-relation.parquet",
        "vg-attribution.parquet",
        "gate.xml",
        "gate.json",
        "gate.md",
    }
    before = git(project, "rev-parse", "origin/main")
    git(tmp_path, "clone", "--quiet", "origin", "fresh")
    board = Runner(tmp_path / "board", tmp_path / "fresh", **env)
    board.artifact = gate.artifact
    done = board.steps(workflow["jobs"]["leaderboard"]["steps"], {})
    assert done.code == 0, done.said
    git(project, "fetch", "--quiet", "origin")
    assert git(project, "rev-parse", "origin/main") != before
    changed_files = git(project, "diff", "--name-only", before.strip(), "origin/main").split()
    assert "leaderboards/scenes-v2/runs/vg-relation/clip.parquet" in changed_files
    assert all(name.startswith("leaderboards/") for name in changed_files)


def test_the_workflow_stops_a_worse_model_and_keeps_why(tmp_path: Path, project: Path) -> None:
    workflow = read(GITHUB)
    env = {**workflow["env"], "MADE": evaluated(tmp_path, 0.3)}
    gate = Runner(tmp_path / "gate", project, **env)
    done = gate.steps(workflow["jobs"]["gate"]["steps"], {})
    assert done.code == 1, done.said
    assert (gate.artifact / "gate" / "gate.xml").is_file()
    assert workflow["jobs"]["leaderboard"]["needs"] == "gate"


def test_the_gitlab_job(tmp_path: Path, project: Path) -> None:
    job = read(GITLAB)["gate"]
    lines = ["set -eo pipefail", *job["before_script"], *job["script"]]
    for share, code in ((0.7, 0), (0.3, 1)):
        env = {**job["variables"], "CI_DEFAULT_BRANCH": "main"}
        runner = Runner(tmp_path / "lab", project, **env, MADE=evaluated(tmp_path, share))
        left, said = runner.bash("\n".join(lines), "bash", project, {})
        assert left == code, said
        schema = xmlschema.XMLSchema(Path(__file__).parent / "render" / "junit.xsd")
        schema.validate(project / job["artifacts"]["reports"]["junit"])


def test_the_check_of_submissions(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=main", "board")
    board = tmp_path / "board"
    publish([sound("first", 0.5)], board / "leaderboards")
    git(board, "add", ".")
    git(board, "commit", "--quiet", "--message", "A board")
    publish([sound()], board / "leaderboards")
    git(board, "add", ".")
    git(board, "commit", "--quiet", "--message", "A submission")
    workflow = read(SUBMISSION)
    known = {"github.event.pull_request.base.sha": git(board, "rev-parse", "HEAD~1").strip()}
    known["runner.temp"] = str(tmp_path)
    env = {**workflow["env"], "RUNNER_TEMP": str(tmp_path)}
    steps = workflow["jobs"]["check"]["steps"]
    done = Runner(tmp_path / "one", board, **env).steps(steps, known)
    assert done.code == 0, done.said
    assert "submission  ACCEPTED (new runs: 1)" in done.summary
    page = board / "leaderboards" / "scenes-v2" / "vg-relation.md"
    page.write_text(page.read_text() + "The best of all.\n")
    git(board, "commit", "--quiet", "--all", "--message", "Praise")
    done = Runner(tmp_path / "two", board, **env).steps(steps, known)
    assert done.code == 1
    assert "vg-relation.md is not what its runs say" in done.summary
    assert "submission  REFUSED" in done.said
