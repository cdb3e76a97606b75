"""The page of all tasks is what their cards say, and lists enough of them."""

from __future__ import annotations

import re
from pathlib import Path

from benchbench.registry import load_task, task_names
from benchbench.render.task_pages import COMMAND
from benchbench.suites import cards_of, suite_names
from tests.cli.test_cli import typed

PAGE = Path(__file__).parent.parent.parent / "docs" / "tasks.md"


def test_the_page_is_as_its_cards_say() -> None:
    done = typed("list", "tasks", "--markdown")
    assert done.exit_code == 0
    assert done.stdout == PAGE.read_text("utf-8"), f"stale: {COMMAND}"


def test_every_task_has_a_row_and_a_section() -> None:
    text = PAGE.read_text("utf-8")
    names = task_names()
    assert re.findall(r"^\| \[`(.+?)`\]", text, flags=re.M) == names
    assert [line for line in re.findall(r"^## (.+)", text, flags=re.M) if line != "Suites"] == names
    for name in names:
        assert all(f"`{card.name}`" in text for card in cards_of(load_task(name)))
    assert all(f"`suite:{name}`" in text for name in suite_names())
    assert len(task_names()) >= 20


def test_listed_a_task_has_its_size_and_licence() -> None:
    done = typed("list", "tasks")
    (line,) = [each for each in done.stdout.splitlines() if each.startswith("sugarcrepe-pp")]
    assert line.split()[-3:] == ["CC", "BY", "4.0"]
    assert "4,757 items" in line
