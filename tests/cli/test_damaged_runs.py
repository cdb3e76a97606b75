"""A run that was changed or damaged is one error of every command that reads it."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from benchbench.cli import main
from benchbench.errors import RunError
from benchbench.monitor import Monitor
from benchbench.render.publication import publish
from benchbench.runs import write_run
from tests.analysis.example_runs import EDITION, made

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONDITION = ("--fail-if", "vg-relation.macro < baseline - 5pp")


def flip_a_decision(path: Path) -> None:
    """Put another run's outcomes below a run's header."""
    run = made("other", 0.6)
    first, *others = run.outcomes
    other = write_run(
        replace(run, outcomes=(replace(first, scores=-first.scores), *others)),
        path.with_name("other.parquet"),
    )
    with pq.ParquetFile(path) as mine, pq.ParquetFile(other) as theirs:
        table = theirs.read().replace_schema_metadata(mine.schema_arrow.metadata)
    pq.write_table(table, path)
    other.unlink()


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.fixture(params=[flip_a_decision, truncate, empty])
def damage(request: pytest.FixtureRequest) -> Callable[[Path], None]:
    change: Callable[[Path], None] = request.param
    return change


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A good run and one to be damaged."""
    write_run(made("good", 0.6), tmp_path / "runs" / "good.parquet")
    write_run(made("bad", 0.6), tmp_path / "runs" / "bad.parquet")
    return tmp_path / "runs"


def test_every_command_refuses_it_in_a_line(folder: Path, damage: Callable[[Path], None]) -> None:
    good, bad, boards = folder / "good.parquet", folder / "bad.parquet", folder.parent / "boards"
    damage(bad)
    for typed in (
        ("show", "run", bad),
        ("compare", good, bad),
        ("compare", bad, good),
        ("leaderboard", folder),
        ("publish", bad, "--to", boards),
        ("gate", "--candidate", bad, "--baseline", good, *CONDITION),
        ("gate", "--candidate", good, "--baseline", bad, *CONDITION),
        ("gate", "--candidate", good, "--baseline", folder, *CONDITION),
        ("gate", "--candidate", "blind:chance", "--baseline", bad, "--early-stop", *CONDITION),
    ):
        done = CliRunner().invoke(main, [str(word) for word in typed])
        assert done.exit_code == 2, typed
        assert done.output.startswith("Error: ")
        assert done.output.count("\n") == 1
        assert "bad.parquet" in done.output
    assert not boards.exists()
    with pytest.raises(RunError, match=r"bad\.parquet"):
        Monitor("vg-relation", every=1, against=bad)


def test_a_damaged_published_run_is_refused(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    publish([made("good", 0.5), made("bad", 0.6)], tmp_path)
    bad = tmp_path / EDITION / "runs" / "vg-relation" / "bad.parquet"
    damage(bad)
    for more in ((), ("--check",)):
        done = CliRunner().invoke(main, ["publish", "--to", str(tmp_path), *more])
        assert done.exit_code == 2
        assert done.output.count("\n") == 1
        assert str(bad) in done.output


def test_a_damaged_run_of_a_repository_is_called_by_its_name_there(
    folder: Path, damage: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    damage(folder / "bad.parquet")
    monkeypatch.chdir(folder.parent)
    git = ("git", "-c", "user.name=t", "-c", "user.email=t@example.org")
    for words in (("init", "-q"), ("add", "runs"), ("commit", "-q", "-m", "runs")):
        subprocess.run([*git, *words], check=True)
    typed = ("gate", "--candidate", "runs/good.parquet", "--baseline", "git:HEAD:runs/bad.parquet")
    done = CliRunner().invoke(main, [*typed, *CONDITION])
    assert done.exit_code == 2
    assert done.output.startswith("Error: git:HEAD:runs/bad.parquet ")
