"""A submission is a branch with runs and pages; its check refuses everything else."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchbench.errors import RunError, UsageError
from benchbench.render.publication import publish
from benchbench.runs import write_run
from benchbench.submission import check_submission, submit
from tests.analysis.test_eligibility import of_model, sound
from tests.cli.test_cli import typed

if TYPE_CHECKING:
    from benchbench.types import Run

RUN = "boards/scenes-v2/runs/vg-relation/mine.parquet"


def git(where: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=where, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of a leaderboard's repository with one published model."""
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "x")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "x@example.org")
    root = tmp_path / "checkout"
    publish([sound("first", 0.5)], root / "boards")
    (root / "boards" / "scenes-v2" / "notes.md").write_text("Written by hand.")
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message", "A board")
    return root


def submitted(root: Path, *runs: Run) -> str:
    """Check out the branch of a submission."""
    branch = submit(list(runs) or [sound()], root / "boards").branch
    git(root, "checkout", "--quiet", branch)
    return branch


def problems(root: Path) -> tuple[str, ...]:
    return check_submission(root / "boards", base="main").problems


def commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "More")


def test_a_submission_is_a_branch_that_its_check_accepts(root: Path) -> None:
    (root / "boards" / "draft").write_text("work in progress")
    before = git(root, "status", "--porcelain"), git(root, "rev-parse", "HEAD")
    made = submit([sound()], root / "boards")
    assert (git(root, "status", "--porcelain"), git(root, "rev-parse", "HEAD")) == before
    assert git(root, "worktree", "list").count("\n") == 0
    assert made.root == root.resolve()
    changed = git(root, "diff", "--name-only", f"main..{made.branch}").splitlines()
    assert sorted(made.files) == sorted(changed)
    assert RUN in changed
    assert "boards/scenes-v2/vg-relation.md" in changed
    assert all(name.startswith("boards/") for name in changed)
    (root / "boards" / "draft").unlink()
    git(root, "checkout", "--quiet", made.branch)
    found = check_submission(root / "boards", base="main")
    assert found.problems == ()
    assert [run.model.name for run in found.runs] == ["mine"]


def test_refused_runs_leave_no_branch(root: Path) -> None:
    bad = [
        sound(edition="custom-x-00000000"),
        of_model(sound(), trained=False),
        of_model(sound("first", 0.5), name="renamed"),
        sound(settings={"imported": {"reader": "x"}}),
    ]
    for run in bad:
        with pytest.raises(UsageError, match=r"Leave out what is refused"):
            submit([sound("good"), run], root / "boards")
    with pytest.raises(UsageError, match="do not compare"):
        submit([sound(data_sha256="1" * 64)], root / "boards")
    with pytest.raises(RunError, match="nowhere"):
        submit([sound()], root / "boards", base="nowhere")
    with pytest.raises(UsageError, match="--base should name"):
        submit([sound()], root / "boards", base="--force")
    with pytest.raises(UsageError, match="holds no published runs"):
        submit([sound()], root)
    assert git(root, "branch", "--list") == "* main"
    assert git(root, "status", "--porcelain") == ""
    assert git(root, "worktree", "list").count("\n") == 0


def test_imported_runs_are_marked_where_they_are_accepted(root: Path) -> None:
    imported = {"decisions_only": False, "source": {"name": "A paper"}}
    run = sound(settings={"imported": imported})
    branch = submit([run], root / "boards", allow_imported=True).branch
    assert "IMPORTED" in git(root, "show", f"{branch}:boards/scenes-v2/vg-relation.md")
    git(root, "checkout", "--quiet", branch)
    assert any("it was imported" in each for each in problems(root))
    assert not check_submission(root / "boards", base="main", allow_imported=True).problems


def test_nobody_who_commits_is_an_error_that_says_what_to_type(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.delenv(f"GIT_{name}_NAME")
        monkeypatch.delenv(f"GIT_{name}_EMAIL")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "none"))
    git(root, "config", "user.useConfigOnly", "true")
    with pytest.raises(UsageError, match=r"git config user\.name"):
        submit([sound()], root / "boards")
    assert git(root, "branch", "--list") == "* main"


def test_a_branch_is_made_once(root: Path) -> None:
    submit([sound()], root / "boards")
    with pytest.raises(UsageError, match="is there already"):
        submit([sound()], root / "boards")


def forged_page(root: Path) -> str:
    page = root / "boards" / "scenes-v2" / "vg-relation.md"
    page.write_text(page.read_text().replace("| mine", "| thine"))
    return "boards/scenes-v2/vg-relation.md is not what its runs say"


def forged_run(root: Path) -> str:
    write_run(sound("first", 0.1), root / "boards/scenes-v2/runs/vg-relation/first.parquet")
    return "first.parquet changes a published run"


def removed_run(root: Path) -> str:
    (root / "boards/scenes-v2/runs/vg-relation/first.parquet").unlink()
    return "first.parquet changes a published run"


def removed_notes(root: Path) -> str:
    (root / "boards/scenes-v2/notes.md").unlink()
    return "boards/scenes-v2/notes.md is removed"


def code(root: Path) -> str:
    (root / "setup.py").write_text("import os")
    return "setup.py is outside boards"


def misplaced(root: Path) -> str:
    shutil.move(root / RUN, root / "boards/scenes-v2/runs/vg-relation/other.parquet")
    return "other.parquet is not where its run belongs"


def damaged(root: Path) -> str:
    content = bytearray((root / RUN).read_bytes())
    content[len(content) // 2] ^= 255
    (root / RUN).write_bytes(content)
    return "mine.parquet"


def twin(root: Path) -> str:
    again = sound()
    again = replace(again, model=replace(again.model, name="twin"))
    write_run(again, root / "boards/scenes-v2/runs/vg-relation/twin.parquet")
    return "twin on vg-relation@scenes-v2: this model is there as mine"


def nested(root: Path) -> str:
    """A run that no board reads, beside an edition whose name ends like its own."""
    place = "boards/x-scenes-v2/runs/vg-relation/mine.parquet"
    (root / place).parent.mkdir(parents=True)
    shutil.move(root / RUN, root / place)
    return f"{place} is not where its run belongs"


def written_page(root: Path) -> str:
    (root / "boards/scenes-v2/vg-relation.html").write_text("<script>alert(1)</script>")
    return "boards/scenes-v2/vg-relation.html is neither a run nor a page of runs"


def page_of_no_edition(root: Path) -> str:
    (root / "boards" / "other").mkdir()
    shutil.copy(root / "boards/scenes-v2/README.md", root / "boards/other/README.md")
    return "boards/other/README.md is neither a run nor a page of runs"


def link(root: Path) -> str:
    (root / "boards/scenes-v2/vg-relation").symlink_to("/nowhere")
    return "boards/scenes-v2/vg-relation is a link"


@pytest.mark.parametrize(
    "forge",
    [forged_page, forged_run, removed_run, removed_notes, code, misplaced, damaged, twin, nested,
     written_page, page_of_no_edition, link],
)  # fmt: skip
def test_a_branch_with_anything_else_is_refused(forge: object, root: Path) -> None:
    submitted(root)
    said = forge(root)  # type: ignore[operator]
    assert any("is not committed" in each for each in problems(root)) or forge is code
    commit(root)
    found = problems(root)
    assert any(said in each for each in found), found


def test_a_branch_without_runs_is_refused(root: Path) -> None:
    assert problems(root) == ("no run is added",)


def test_the_command(root: Path, tmp_path: Path) -> None:
    path = write_run(sound(), tmp_path / "mine.parquet")
    done = typed("submit", path, "--board", root / "boards")
    assert done.exit_code == 0, done.stderr
    *changed, branch, last = done.stdout.splitlines()
    assert f"changed  {RUN}" in changed
    name = branch.split()[1]
    assert last.startswith(f"next  git -C {root} push origin {name}, ")
    git(root, "checkout", "--quiet", name)
    checked = typed("submit", "--check", "--board", root / "boards", "--base", "main")
    assert checked.exit_code == 0
    assert "new  vg-relation@scenes-v2  mine  aro-paper" in checked.stdout
    assert checked.stdout.endswith("submission  ACCEPTED (new runs: 1)\n")
    forged_page(root)
    commit(root)
    checked = typed("submit", "--check", "--board", root / "boards", "--base", "main")
    assert checked.exit_code == 1
    assert "refused  boards/scenes-v2/vg-relation.md is not what its runs say" in checked.stdout
    wrong: list[tuple[list[str | Path], str]] = [
        (["--board", root / "boards"], "No run was given"),
        ([path, "--check", "--board", root / "boards"], "leave RUNS out"),
        (["--check", "--board", root / "boards"], "no commit or branch 'origin/main'"),
        ([path, "--board", tmp_path / "none"], "is not a folder"),
        ([path, "--board", tmp_path], f"{tmp_path} is not in a git repository: clone"),
    ]
    for words, said in wrong:
        refused = typed("submit", *words)
        assert (refused.exit_code, said in refused.stderr) == (2, True), refused.stderr
