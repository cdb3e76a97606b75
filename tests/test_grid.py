"""Several models on several tasks: the runs that each pair alone gives, and what failed beside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import benchbench as bb
from benchbench import evaluation, grid, suites
from benchbench.errors import ModelError, UnknownName, UsageError
from tests.cli.test_cli import typed

TASKS = ("vg-relation", "vg-attribution")


def test_each_run_is_what_the_pair_alone_gives(
    tiny: str, drawn_edition: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[str] = []
    load = evaluation.prepare_model

    def counted(model: Any, *how: Any) -> Any:
        loads.append(model)
        return load(model, *how)

    monkeypatch.setattr(grid, "prepare_model", counted)
    cells = list(bb.evaluate_grid([tiny, "blind:length"], TASKS, data_root=drawn_edition, seed=3))
    assert [(c.model, c.task) for c in cells] == [
        (m, t) for m in (tiny, "blind:length") for t in TASKS
    ]
    assert loads == [tiny, "blind:length"]
    for cell in cells:
        alone = bb.evaluate(cell.model, cell.task, data_root=drawn_edition, seed=3)
        assert cell.run is not None
        assert cell.run.settings == alone.settings
        assert cell.run.model == alone.model
        for one, other in zip(cell.run.outcomes, alone.outcomes, strict=True):
            np.testing.assert_array_equal(one.scores, other.scores)


def test_a_failure_is_its_pairs_alone(drawn_edition: Path, tmp_path: Path) -> None:
    (tmp_path / "none.pt").write_bytes(b"no weights")
    models = [str(tmp_path / "none.pt"), "blind:constant"]
    cells = list(bb.evaluate_grid(models, [*TASKS, "winoground"], data_root=drawn_edition))
    errors = [type(cell.error).__name__ for cell in cells]
    assert errors == ["ModelError"] * 3 + ["NoneType", "NoneType", "MissingData"]
    assert isinstance(cells[0].error, ModelError)


def test_a_models_own_crash_is_its_pairs_alone(drawn_edition: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "def broken():\n    raise ZeroDivisionError('in my own code')\n"
    )
    mine = f"python:{tmp_path / 'mine.py'}:broken"
    asked = ["--model", mine, "--model", "blind:constant", "--task", "vg-relation"]
    done = typed("eval", *asked, "--data-root", str(drawn_edition), "--out", str(tmp_path / "runs"))
    assert done.exit_code == 2
    assert "in my own code" in done.stderr
    assert done.stdout.startswith("vg-relation@")
    assert "Failed: 1." in done.stderr


@pytest.mark.parametrize("where", ["prepare_model", "evaluate"])
def test_an_exception_that_is_not_ours_is_told(
    where: str, drawn_edition: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = getattr(grid, where)

    def failing(model: Any, *more: Any, **how: Any) -> Any:
        if "constant" in str(getattr(model, "manifest", model)):
            raise ZeroDivisionError("by nothing")
        return whole(model, *more, **how)

    monkeypatch.setattr(grid, where, failing)
    models = ["blind:constant", "blind:length"]
    first, second = bb.evaluate_grid(models, TASKS[:1], data_root=drawn_edition)
    assert (type(first.error), first.run) == (ModelError, None)
    assert "raises ZeroDivisionError: by nothing" in str(first.error)
    assert second.run is not None
    asked = ["--model", models[0], "--model", models[1], "--task", TASKS[0]]
    done = typed("eval", *asked, "--data-root", str(drawn_edition), "--out", str(tmp_path))
    assert done.exit_code == 2
    assert "Traceback" not in done.stderr
    assert "ZeroDivisionError: by nothing" in done.stderr
    done = typed("eval", *asked, "--data-root", str(drawn_edition), "--verbose")
    assert "Traceback" in done.stderr


def test_nothing_is_evaluated_where_a_name_is_wrong(tiny: str) -> None:
    with pytest.raises(UnknownName, match="vg-relation"):
        bb.evaluate_grid([tiny], ["vg-relatoin"])
    with pytest.raises(UnknownName, match="openclp"):
        bb.evaluate_grid(["openclp:tiny"], TASKS)
    with pytest.raises(UsageError, match="twice: task vg-relation"):
        bb.evaluate_grid([tiny], ["vg-relation", "all"])
    with pytest.raises(UsageError, match="without a model"):
        bb.evaluate_grid([], TASKS)
    with pytest.raises(UsageError, match="into a folder"):
        bb.evaluate_grid([tiny], TASKS, out="run.parquet")
    with pytest.raises(UsageError, match="limit"):
        bb.evaluate_grid([tiny], TASKS, limit=0)
    assert suites.named(["all"]) == bb.task_names()


def test_typed_it_prints_a_line_a_run(drawn_edition: Path, tmp_path: Path) -> None:
    asked = ["--model", "blind:length", "--model", "blind:constant", "--task", "vg-relation"]
    where = ["--data-root", str(drawn_edition), "--out", str(tmp_path / "runs")]
    done = typed("eval", *asked, *where)
    assert done.exit_code == 0, done.output
    lines = [line for line in done.stdout.splitlines() if line.startswith("vg-relation@")]
    assert [line.split()[1:3] for line in lines] == [
        ["blind:length", "aro-paper"], ["blind:constant", "aro-paper"],
    ]  # fmt: skip
    board = typed("leaderboard", *(tmp_path / "runs").glob("vg-relation@*"))
    assert board.exit_code == 0, board.output
    done = typed("eval", *asked, "--task", "winoground", *where, "--quiet")
    assert done.exit_code == 2
    assert all(Path(line).is_file() for line in done.stdout.splitlines())
    assert len(done.stdout.splitlines()) == 2
    assert done.stderr.count("winoground  blind:") == 2
    assert "Failed: 2." in done.stderr
    done = typed("eval", *asked[:4], "--task", "winoground", *where)
    assert (done.exit_code, done.stdout) == (2, "")
    assert typed("eval", *asked[:2], "--task", "all", "--by", "relation", *where).exit_code == 2
