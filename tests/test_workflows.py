"""The repository's own workflows, forms and hooks: what they promise, and their steps in bash."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchbench.doctor import PYTHONS
from benchbench.render.publication import publish
from benchbench.runs import write_run
from tests.runner import TOP, Runner, read, scripts
from tests.test_ci import git, run_of
from tools.release import section

WORKFLOWS = sorted(path.relative_to(TOP) for path in (TOP / ".github" / "workflows").glob("*.yml"))
WRITES = {("docs", "publish"): {"pages", "id-token"}, ("release", "publish"): {"id-token"}}
"""Workflow and job → what it may write; all others read."""
TARGETS = set(re.findall(r"^([\w-]+):", (TOP / "Makefile").read_text("utf-8"), flags=re.M))


def uses(tree: Any) -> list[str]:
    """Every ``uses`` below."""
    if isinstance(tree, dict):
        here = [tree["uses"]] if isinstance(tree.get("uses"), str) else []
        return here + [each for value in tree.values() for each in uses(value)]
    return [each for value in tree for each in uses(value)] if isinstance(tree, list) else []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_do_no_more_than_it_must(path: Path) -> None:
    workflow = read(str(path))
    assert workflow["permissions"] == {"contents": "read"}
    assert "pull_request_target" not in workflow[True]  # YAML 1.1 reads "on" as true
    for name, job in workflow["jobs"].items():
        writes = {k for k, v in job.get("permissions", {}).items() if v == "write"}
        assert writes == WRITES.get((path.stem, name), set())
        assert job["timeout-minutes"] <= 90
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout"):
                assert step["with"]["persist-credentials"] is False
    assert not [script for script in scripts(workflow) if "${{" in script]
    for each in uses(workflow):
        assert each == "./" or re.fullmatch(
            r"[\w.-]+/[\w./-]+@(v\d+|release/v\d+|[0-9a-f]{40})", each
        )


def recorded(path: str, job: str, tmp_path: Path, **known: str) -> list[str]:
    """What a job's steps type."""
    runner = Runner(tmp_path / "home", tmp_path / "work", ONLY_RECORD="1", **known)
    for folder in ("dist", "site", ".venv/bin"):
        (runner.workspace / folder).mkdir(parents=True)
    (runner.workspace / ".venv" / "bin" / "python").symlink_to(tmp_path / "home" / "bin" / "python")
    steps = read(f".github/workflows/{path}.yml")["jobs"][job]["steps"]
    done = runner.steps(steps, {"github.event_name": "push"})
    assert done.code == 0, done.said
    return done.recorded


@pytest.mark.parametrize(
    ("workflow", "job", "targets"),
    [
        ("test", "lint", ["lint"]),
        ("test", "test", ["test"]),
        ("weekly", "newest", ["test-latest"]),
        ("weekly", "oldest", ["test-oldest", "PYTHON=python3.10"]),
    ],
)
def test_jobs_make_what_the_makefile_has(
    workflow: str, job: str, targets: list[str], tmp_path: Path
) -> None:
    assert recorded(workflow, job, tmp_path) == [f"make {target}" for target in targets]
    assert {target for target in targets if "=" not in target} <= TARGETS


def test_every_supported_python_is_tested() -> None:
    listed = read(".github/workflows/test.yml")["jobs"]["test"]["strategy"]["matrix"]["python"]
    oldest, newest = (int(each.partition(".")[2]) for each in PYTHONS)
    assert listed == [f"3.{minor}" for minor in range(oldest, newest + 1)]


def test_the_site_is_built_and_its_pages_are_run() -> None:
    job = read(".github/workflows/docs.yml")["jobs"]["build"]
    assert scripts(job) == ["make docs", ".venv/bin/python -m pytest tests/test_pages.py"]
    assert "docs" in TARGETS


def test_a_release_checks_the_tag_before_it_builds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = read(".github/workflows/release.yml")["jobs"]["build"]
    for tag, code in (("v9.9.9", 1), ("v0.2.0", 0)):
        runner = Runner(tmp_path / tag, checkout(tmp_path / f"at {tag}"), GITHUB_REF_NAME=tag)
        (runner.workspace / "dist").mkdir()
        done = runner.steps(job["steps"], {})
        assert done.code == code, done.said
        assert done.recorded == ["make dist"][: 1 - code]
    assert "is not v0.2.0, the version in benchbench/version.py" not in done.said
    assert read(".github/workflows/release.yml")["jobs"]["publish"]["needs"] == "build"


def checkout(folder: Path) -> Path:
    """A repository of version 0.2.0 with the tool that checks it."""
    for name in ("tools", "benchbench"):
        (folder / name).mkdir(parents=True)
    (folder / "tools" / "release.py").write_bytes((TOP / "tools" / "release.py").read_bytes())
    (folder / "benchbench" / "version.py").write_text('VERSION = "0.2.0"\n')
    (folder / "CHANGELOG.md").write_text("# Changelog\n\n## 0.2.0 (2030-01-31)\n\n- New.\n")
    return folder


@pytest.mark.parametrize(
    ("changelog", "problem"),
    [
        ("## Unreleased\n\n- New.\n", "says nothing under '## 1.0"),
        ("## 1.0 (2030-01-31)\n\n## 0.9 (2029-01-31)\n\n- Old.\n", "says nothing under"),
        ("## 1.0\n\n- New.\n", "says nothing under"),
    ],
)
def test_a_release_without_a_changelog_is_refused(changelog: str, problem: str) -> None:
    with pytest.raises(SystemExit, match=problem):
        section("v1.0", "1.0", changelog)
    with pytest.raises(SystemExit, match=r"The tag v1\.1 is not v1\.0"):
        section("v1.1", "1.0", changelog)


@pytest.mark.parametrize(("share", "code"), [(0.6, 0), (0.3, 1)])
def test_the_repositorys_own_gate(share: float, code: int, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", "origin")
    git(tmp_path, "clone", "--quiet", "origin", "project")
    project, tasks = tmp_path / "project", ("vg-relation", "vg-attribution")
    git(project, "checkout", "--quiet", "-B", "main")
    publish([run_of(task, 0.6) for task in tasks], project / "leaderboards")
    for arguments in (("add", "."), ("commit", "--quiet", "--message", "A baseline")):
        git(project, *arguments)
    git(project, "push", "--quiet", "origin", "main")
    for task in tasks:
        write_run(run_of(task, share), tmp_path / "made" / f"{task}.parquet")
    workflow = read(".github/workflows/gate.yml")
    runner = Runner(tmp_path / "gate", project, **workflow["env"], MADE=str(tmp_path / "made"))
    done = runner.steps(workflow["jobs"]["gate"]["steps"], {})
    assert done.code == code, done.said
    kept = {path.name for path in runner.artifact.rglob("gate.json")}
    assert kept == {"gate.json"}
    assert len([*runner.artifact.rglob("*.parquet")]) == 4


def test_hooks_are_the_tools_of_make_lint() -> None:
    rule = re.search(r"^lint:.*\n((?:\t.*\n)+)", (TOP / "Makefile").read_text("utf-8"), flags=re.M)
    assert rule is not None
    lint = [line.strip().replace("$(BIN)", ".venv/bin") for line in rule[1].splitlines()]
    hooks = read(".pre-commit-config.yaml")["repos"][0]["hooks"]
    assert [hook["entry"] for hook in hooks] == lint


FORMS = sorted((TOP / ".github" / "ISSUE_TEMPLATE").glob("[!c]*.yml"))
KINDS = {"checkboxes", "dropdown", "input", "markdown", "textarea"}


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_an_issue_form_can_be_shown(path: Path) -> None:
    form = yaml.safe_load(path.read_text("utf-8"))
    assert {"name", "description", "body"} <= set(form)
    assert {part["type"] for part in form["body"]} <= KINDS
    ids = [part["id"] for part in form["body"]]
    assert len(ids) == len(set(ids))
    assert all(part["attributes"]["label"] for part in form["body"])
