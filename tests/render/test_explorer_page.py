"""The page of a report as it is written: what it shows without scripts, its counts, its units."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from benchbench.registry import load_task
from benchbench.render.explorer.images import ImageFiles
from benchbench.render.explorer.page import _image_remark
from benchbench.render.explorer.report import _unit, write_report
from benchbench.run_files import read_all_runs
from tests.render.example_reports import aro_root, read_data, runs_on
from tests.render.test_explorer import PUBLISHED, Page


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A report of one run, and one of three."""
    root = aro_root(tmp_path_factory.mktemp("files") / "aro")
    folder = tmp_path_factory.mktemp("reports")
    write_report(runs_on(root)[:1], folder / "one", ids_only=True)
    write_report(runs_on(root), folder / "three", ids_only=True)
    return folder / "one", folder / "three"


def page_of(report: Path) -> Page:
    return Page((report / "index.html").read_text("utf-8"))


def test_boards_and_models_are_visible_without_scripts(reports: tuple[Path, Path]) -> None:
    page = page_of(reports[1])
    sections = {a["data-view"]: a for tag, a in page.tags if tag == "section"}
    assert not any("hidden" in a for a in sections.values())
    needs = {view: "scripted" in (a.get("class") or "").split() for view, a in sections.items()}
    assert needs == {"board": False, "groups": True, "models": False, "items": True}


def test_what_does_nothing_without_scripts_is_marked(reports: tuple[Path, Path]) -> None:
    text = (reports[1] / "index.html").read_text("utf-8")
    board, models = (
        re.search(rf'<section data-task="0" data-view="{view}".*?</section>', text, re.S)
        for view in ("board", "models")
    )
    header = re.search("<header>.*?</header>", text, re.S)
    assert board and models and header
    assert "<button" not in board[0]
    for part in (header[0], models[0]):
        left = re.sub(
            r'<(nav|label|form|p)\b[^>]*class="[^"]*\bscripted\b.*?</\1>', "", part, flags=re.S
        )
        assert left != part
        assert not re.search("<(a|select|input|button|form|output)\\b|Marked:", left)
    style = (reports[1] / "explorer.css").read_text("utf-8")
    assert ":root:not(.scripts) .scripted { display: none; }" in style
    first = next(a["src"] for tag, a in page_of(reports[1]).tags if tag == "script")
    assert 'classList.add("scripts")' in (reports[1] / str(first)).read_text("utf-8")


def test_one_run_is_counted_as_one_and_compared_with_none(reports: tuple[Path, Path]) -> None:
    one, three = (page_of(report) for report in reports)
    assert "1 run. Written by" in one.text
    assert "3 runs. Written by" in three.text
    assert ("Scores by group" in one.text, "Scores by group" in three.text) == (True, False)
    for words in ("Differences", "Only rows that differ", "Marked:"):
        assert (words in one.text, words in three.text) == (False, True), words


def test_one_missing_image_is_one() -> None:
    texts = [_image_remark(ImageFiles(missing=n), "link") for n in (0, 1, 2000)]
    assert texts[0] == ""
    assert texts[1] == "1 image file is not at hand, or no browser shows it."
    assert texts[2].startswith("2,000 image files are")


@pytest.mark.parametrize(
    ("task", "metric", "by", "unit"),
    [
        ("coco-retrieval", "R@1", None, "queries"),
        ("vg-relation-detection", "mR@20", None, "items"),
        ("vg-relation-detection", "A@20", "predicate", "relations"),
        ("winoground", None, None, "items"),
    ],
)
def test_groups_are_counted_in_what_the_metric_scores(
    task: str, metric: str | None, by: str | None, unit: str, tmp_path: Path
) -> None:
    runs = read_all_runs([PUBLISHED / task / f"{name}.parquet" for name in ("clip", "negclip")])
    written = write_report(runs, tmp_path / "out", metric=metric, by=by, ids_only=True)
    groups = read_data(tmp_path / "out" / "data" / "0" / "groups.js")
    assert groups["unit"] == unit
    n = len(written.tasks[0].runs[0].outcomes)
    assert (max(groups["n_items"]) <= n) or unit != "items"
    assert "groups.unit" in (tmp_path / "out" / "explorer.js").read_text("utf-8")


def test_answers_that_count_together_are_counted_by_their_tag(
    reports: tuple[Path, Path], tmp_path: Path
) -> None:
    root = aro_root(tmp_path / "aro")
    (task,) = write_report(runs_on(root), tmp_path / "out", ids_only=True).tasks
    (joint, *_) = (m for m in load_task("whatsup").info.metrics if m.all_of == "pair")
    assert _unit(task) == "items"
    board = replace(task.board, metric=joint)
    assert _unit(replace(task, board=board)) == "values of pair"


def test_a_score_without_an_interval_is_drawn_as_a_dot(tmp_path: Path) -> None:
    root = aro_root(tmp_path / "aro", n=6)
    write_report(runs_on(root), tmp_path / "report", ids_only=True)
    text = (tmp_path / "report" / "index.html").read_text("utf-8")
    drawn = re.findall(
        r'<line class="range" x1="([\d.]+)" y1="10" x2="([\d.]+)" y2="10"/><circle cx="([\d.]+)"',
        text,
    )
    assert len(drawn) == 3
    assert all(low == high == at for low, high, at in drawn)
