"""Quoted figures stand below a board, with their sources, and never among its places."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchbench.analysis.leaderboard import leaderboard
from benchbench.analysis.quoting import quote
from benchbench.data.published.figure import published_figures
from benchbench.render.quoting import TITLE, markdown, terminal
from benchbench.runs import write_run
from tests.analysis.example_runs import changed, made
from tests.analysis.test_parity import figure
from tests.cli.test_cli import typed

if TYPE_CHECKING:
    from benchbench.analysis.leaderboard import Leaderboard

BOARDS = Path(__file__).parent.parent.parent / "leaderboards"


def board(edition: str = "official") -> Leaderboard:
    return leaderboard([changed(made(name, 0.6), edition=edition) for name in "ab"])


def test_figures_of_the_same_thing_come_first_and_others_say_how_they_differ() -> None:
    figures = [
        figure("60.5", metric="mteb-micro", where="Table 3"),
        figure("59"),
        figure("58.5", editions=("official-2020-01-01",), where="Table 2"),
        figure("57", differs="whole images", where="Table 4"),
        figure("12", metric="micro"),  # Table 1 has the board's own metric
    ]
    rows = quote(board(), figures).rows
    assert [[each.printed for each in row.figures] for row in rows] == [
        ["59"], ["60.5"], ["58.5"], ["57"],
    ]  # fmt: skip
    assert [row.differences for row in rows] == [
        (), ("metric",), ("edition",), ("definition",),
    ]  # fmt: skip
    text = terminal(board(), quote(board(), figures))
    assert text.startswith(TITLE)
    assert "59   " in text
    assert "58.5 ≠" in text
    assert "≠: official-2020-01-01, not official." in " ".join(text.split())
    assert "≠: mean over items." in " ".join(text.split())
    assert "whole images" in text


def test_groups_stand_in_a_table_of_their_own() -> None:
    figures = [
        figure("70", by="relation", group="on"), figure("71", by="relation", group="riding"),
    ]  # fmt: skip
    text = markdown(board(), quote(board(), figures))
    (row,) = [line for line in text.splitlines() if "| 70" in line.replace("|   ", "| ")]
    assert "71" in row
    assert "| [1]" in row


def test_drawings_have_no_figures_beside_them() -> None:
    drawn = board("scenes-v2")
    quoted = quote(drawn, published_figures())
    assert not quoted.rows
    text = terminal(drawn, quoted)
    assert "published figures are of photographs" in text
    assert "No figure" in terminal(board(), quote(board(), []))


def test_hostile_text_is_shown_and_not_obeyed() -> None:
    odd = figure("59", where="Table \x1b[31m1 | <b>")
    for text in (
        terminal(board(), quote(board(), [odd])),
        markdown(board(), quote(board(), [odd])),
    ):
        assert "\x1b" not in text
    assert "<b>" not in markdown(board(), quote(board(), [odd]))


def test_the_command(tmp_path: Path) -> None:
    runs = BOARDS / "official-2023-06-23" / "runs" / "sugarcrepe"
    bare, done = typed("leaderboard", runs), typed("leaderboard", runs, "--quoted")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(bare.stdout)
    quoted = done.stdout.removeprefix(bare.stdout)
    assert TITLE in quoted
    assert "76.46" in quoted
    assert "74.40 ≠" in quoted
    shown = typed("leaderboard", runs, "--quoted", "--format", "markdown")
    assert f"### {TITLE}" in shown.stdout
    refused = typed("leaderboard", runs, "--quoted", "--format", "csv")
    assert refused.exit_code == 2
    assert "shown as terminal or markdown, not as csv" in refused.stderr
    own = tmp_path / "own.toml"
    own.write_text(
        'title = "T"\nshort = "S"\naddress = "A"\n[[table]]\ntask = "sugarcrepe"\nwhere = "W"\n'
        'columns = ["sugarcrepe-paper"]\n[table.rows]\nnegclip = ["80.1"]\n'
    )
    alone = typed("leaderboard", runs, "--quoted-file", own).stdout.removeprefix(bare.stdout)
    assert "80.1 ≠" in alone
    assert "76.46" not in alone


def test_parity_of_a_run_on_the_command_line(tmp_path: Path) -> None:
    path = write_run(made("a", 0.6), tmp_path / "a.parquet")
    done = typed("show", "run", path, "--parity", "--as", "negclip")
    assert done.exit_code == 0, done.output
    assert "What published harnesses would print" in done.stdout
    assert "In print: NegCLIP (ViT-B/32)" in done.stdout
    refused = typed("show", "run", path, "--as", "negclip")
    assert refused.exit_code == 2
    assert "are of --parity" in refused.stderr
    unknown = typed("show", "run", path, "--parity", "--as", "nobody")
    assert unknown.exit_code == 2
    assert unknown.stderr.count("\n") == 1


@pytest.mark.parametrize("kind", ["html", "latex", "json"])
def test_other_forms_are_refused(kind: str) -> None:
    runs = BOARDS / "official-2023-06-23" / "runs" / "sugarcrepe"
    assert typed("leaderboard", runs, "--quoted", "--format", kind).exit_code == 2
