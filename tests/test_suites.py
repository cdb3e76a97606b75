"""Suites: which tasks they are, who adds one, and what is left out where files are not there."""

from __future__ import annotations

import shutil
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

import benchbench as bb
from benchbench import registry, suites
from benchbench.editions import drawn_part
from benchbench.errors import ContractError, UnknownName, UsageError
from benchbench.evaluation import evaluate
from benchbench.registry import load_task
from tests.cli.test_cli import typed

ARO = ["coco-order", "flickr30k-order", "vg-attribution", "vg-relation"]


def test_a_suite_is_the_tasks_whose_cards_list_it() -> None:
    assert suites.suite_tasks("suite:aro") == ARO
    assert suites.suite_tasks("order") == ARO[:2]
    assert {"vsr", "vsr.zeroshot"} <= set(suites.suite_tasks("spatial"))
    assert suites.suite_tasks("all") == bb.task_names()
    for name in suites.suite_names():
        for task in suites.suite_tasks(name):
            assert name == "all" or name in load_task(task).info.suites
    assert not any("seed" in task for task in suites.suite_tasks("order"))


def test_a_task_of_two_suites_is_evaluated_once() -> None:
    assert suites.named(["suite:order", "suite:aro"]) == ARO
    assert suites.named(["vg-relation", "suite:aro"]).count("vg-relation") == 2


def test_unknown_suites_are_named() -> None:
    with pytest.raises(UnknownName, match=r"Unknown suite 'oder'\. Did you mean 'order'"):
        suites.named(["suite:oder"])
    with pytest.raises(UsageError, match="'suite:aro' is several tasks, and here one is needed"):
        load_task("suite:aro")


def test_a_settings_file_adds_suites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    own = Path("benchbench.toml")
    own.write_text('[suites]\nmine = ["winoground", "suite:order"]\norder = ["vg-relation"]\n')
    assert suites.suite_tasks("mine") == ["winoground", *ARO[:2], "vg-relation"]
    assert "mine" in suites.suite_names()
    own.write_text('[suites]\nmine = ["suite:yours"]\nyours = ["suite:mine"]\n')
    with pytest.raises(UsageError, match="Suites list each other: mine → yours → mine"):
        suites.suite_tasks("mine")
    own.write_text('[suites]\nmine = ["winogroud"]\n')
    with pytest.raises(UnknownName, match="Did you mean 'winoground'"):
        suites.suite_tasks("mine")
    own.write_text('[suites]\nmine = "winoground"\n')
    with pytest.raises(UsageError, match=r"suites\.mine should be a list of names"):
        suites.suite_names()


def test_an_entry_point_adds_a_suite(monkeypatch: pytest.MonkeyPatch) -> None:
    found: Any = ["winoground", "cola"]

    class Point(EntryPoint):
        def load(self) -> Any:
            return found

    point = Point("theirs", "nowhere:SUITE", suites.GROUP)
    monkeypatch.setattr(suites, "entry_points", lambda group: [point])
    assert suites.suite_tasks("suite:theirs") == found
    found = "winoground"
    with pytest.raises(ContractError, match="suite 'theirs' gives 'winoground', no list of names"):
        suites.suite_tasks("theirs")


@pytest.mark.usefixtures("undrawn")
def test_the_drawn_world_leaves_out_what_it_has_not(
    small_standard: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = suites.choose_tasks(["all"])
    assert {"undrawn", "cola", "bivlc"} <= set(chosen.left_out)
    drawn = [name for name in bb.task_names() if drawn_part(load_task(name).info)]
    assert list(chosen.names) == drawn
    with pytest.raises(UsageError, match=r"Nothing of suite:spatial can be"):
        suites.choose_tasks(["suite:spatial"])
    monkeypatch.setattr(suites, "task_names", lambda: ["undrawn", "winoground"])
    done = typed("eval", "--model", "blind:length", "--task", "all", "--out", tmp_path / "runs")
    assert done.exit_code == 0, done.output
    assert "left out  undrawn: no part of the drawn world" in done.stderr
    done = typed("eval", "--model", "blind:length", "--task", "undrawn", "--task", "winoground")
    assert done.exit_code == 2, "a task that is named itself is not left out"


def test_a_data_root_leaves_out_what_is_not_begun(suites_copy: Path) -> None:
    (suites_copy / "vsr" / "random" / "dev.jsonl").unlink()
    shutil.rmtree(suites_copy / "cola")
    chosen = suites.choose_tasks(["suite:compositional"], suites_copy)
    assert "valse" in chosen.names
    assert "vsr" in chosen.names, "half of its files are an error to be told"
    assert {"cola", "vg-relation"} <= set(chosen.left_out)
    assert "benchbench data where TASK" in chosen.left_out["cola"]


def test_a_broken_plugin_does_not_take_all_down(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {**registry._getters(registry.TASKS), "broken": lambda: 1 / 0}
    found = registry._getters
    monkeypatch.setattr(registry, "_getters", lambda g: there if g == registry.TASKS else found(g))
    chosen = suites.choose_tasks(["all"])
    assert "raises ZeroDivisionError" in chosen.left_out["broken"]
    assert suites.suite_tasks("aro") == ARO


@pytest.fixture
def suites_copy(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The small files of photographs, to be damaged."""
    return Path(shutil.copytree(request.getfixturevalue("suites"), tmp_path / "copied"))


def test_a_leaderboard_a_task(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    root = request.getfixturevalue("suites")
    for task in ("cola", "valse", "colorswap"):
        for model in ("blind:length", "blind:chance"):
            evaluate(model, task, data_root=root, out=tmp_path / "runs")
    board = typed("leaderboard", tmp_path / "runs", "--task", "suite:compositional")
    assert board.exit_code == 0, board.output
    heads = [line for line in board.stdout.splitlines() if "source images · protocol" in line]
    assert len(heads) == 3
    alone = typed("leaderboard", tmp_path / "runs", "--task", "cola")
    assert alone.stdout.strip() in board.stdout
    none = typed("leaderboard", tmp_path / "runs", "--task", "suite:spatial")
    assert none.exit_code == 2
    assert "No run is of spec, vsr" in none.stderr


def test_listed_they_tell_their_tasks() -> None:
    done = typed("list", "suites")
    assert done.exit_code == 0
    assert "suite:order" in done.stdout
    assert "coco-order, flickr30k-order" in done.stdout
    where = typed("data", "where", "suite:order")
    assert where.exit_code == 0
    assert where.stdout.count("the drawn world") == 2
