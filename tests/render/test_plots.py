"""Figures for papers: the numbers of the boards, the same bytes each time, fonts embedded."""

from __future__ import annotations

import re
import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from benchbench.analysis.leaderboard import leaderboard
from benchbench.analysis.overall import over_tasks
from benchbench.errors import UsageError
from tests.analysis.example_runs import changed, made
from tests.cli.test_cli import typed
from tests.test_ci import run_of

pytest.importorskip("matplotlib")

from benchbench.render import plots

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.types import Run

HOSTILE = ["$x_{$", "中文 💥", "<b>&\"'", "a\x1b[31m\nb", "\\frac{1}{0}", "n" * 300]


def several(names: str = "abcd") -> list[Run]:
    """Runs of models on two tasks of one edition."""
    return [
        changed(run_of(task, share), model=made(name, 0.5, sees=name != "d").model)
        for task, shift in (("vg-relation", 0.0), ("vg-attribution", 0.05))
        for name, share in zip(names, (0.75, 0.6, 0.62, 0.3), strict=True)
        for share in (share + shift,)
    ]


def boards(runs: list[Run]) -> list[Any]:
    tasks = dict.fromkeys(run.task for run in runs)
    return [leaderboard([run for run in runs if run.task == task]) for task in tasks]


@pytest.mark.parametrize("suffix", plots.SUFFIXES)
@pytest.mark.parametrize("kind", plots.KINDS)
def test_the_same_runs_give_the_same_bytes(kind: str, suffix: str, tmp_path: Path) -> None:
    runs = several()
    paths = [tmp_path / f"{number}{suffix}" for number in range(2)]
    for path in paths:
        assert plots.write_plot(runs, kind, path) == path
    one, two = (path.read_bytes() for path in paths)
    assert one == two
    assert not re.search(rb"CreationDate|<dc:date>|tIME", one)


def test_a_pdf_embeds_its_fonts_and_an_svg_has_no_script(tmp_path: Path) -> None:
    text = plots.write_plot(several(), "forest", tmp_path / "x.pdf").read_bytes()
    assert text.startswith(b"%PDF")
    assert b"/FontFile2" in text
    assert b"/Type3" not in text
    names = {bytes(each) for each in re.findall(rb"/BaseFont /([^\s/]+)", text)}
    assert names
    assert all(re.fullmatch(rb"[A-Z]{6}\+DejaVuSans", name) for name in names)
    svg = plots.write_plot(several(), "forest", tmp_path / "x.svg").read_text()
    assert "<script" not in svg
    assert "http://www.w3.org/2000/svg" in svg


def test_the_width_is_that_which_was_asked_for(tmp_path: Path) -> None:
    for width in (3.25, 6.5):
        path = plots.write_plot(several(), "forest", tmp_path / "x.png", width=width)
        pixels = struct.unpack(">I", path.read_bytes()[16:20])[0]
        assert pixels / 200 == pytest.approx(width, abs=0.35)


def test_a_forest_has_the_boards_numbers() -> None:
    found = boards(several())
    figure = plots.forest(found, 6.5)
    assert len(figure.axes) == 2
    for axes, board in zip(figure.axes, found, strict=True):
        points = [line.get_xydata()[0] for line in axes.lines if line.get_marker() == "o"]
        bars = [line.get_xydata() for line in axes.lines if line.get_linewidth() == 2]
        for row, (place, point, bar) in enumerate(zip(board.places, points, bars, strict=True)):
            e = place.estimate
            assert point == pytest.approx([100 * e.value, row])
            assert bar[:, 0] == pytest.approx([100 * e.low, 100 * e.high])
        names = [label.get_text() for label in axes.get_yticklabels()]
        assert names == [place.run.model.name for place in board.places]
        low, high = axes.get_ylim()
        assert low > high  # the best is at the top


def test_unreliable_intervals_are_dotted_and_explained() -> None:
    sound, rare = boards(several())
    for found, styles in (([sound, rare], "--"), ([sound, replace(rare, rare_share=0.5)], "-:")):
        figure = plots.forest(found, 6.5)
        for axes, style in zip(figure.axes, styles, strict=True):
            drawn = {line.get_linestyle() for line in axes.lines if line.get_linewidth() == 2}
            assert drawn == {style}
        assert ("Dotted: unreliable" in figure.get_supxlabel()) is (":" in styles)


def test_a_heat_map_has_the_groups_numbers() -> None:
    (board, _) = found = boards(several())
    (axes,) = plots.heat_map([board], 6.5).axes
    shown = [text.get_text() for text in axes.texts]
    assert shown == [f"{100 * value:.0f}" for group in board.groups for value in group.scores]
    (axes,) = plots.heat_map(found, 6.5).axes
    by_name = [{p.run.model.name: p.estimate.value for p in b.places} for b in found]
    names = [label.get_text() for label in axes.get_xticklabels()]
    wanted = [f"{100 * of[name]:.0f}" for of in by_name for name in names]
    assert [text.get_text() for text in axes.texts] == wanted
    heads = [label.get_text() for label in axes.get_yticklabels()]
    assert heads == [f"{b.info.name}@{b.edition} · {b.metric.name}" for b in found]
    assert axes.figure.get_suptitle() == "Scores, %"


def test_a_critical_difference_diagram_has_the_mean_ranks() -> None:
    runs = several()
    found = boards(runs)
    tasks = {b.info.name: [p.run for p in b.places] for b in found}
    whole = over_tasks(tasks)
    (axes,) = plots.critical_difference(found, 6.5).axes
    dots = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"]
    assert dots == pytest.approx([each.mean_rank for each in whole.by_mean_rank])
    thick = [sorted(line.get_xdata()) for line in axes.lines if line.get_linewidth() == 3]
    (scale,) = [line.get_xdata() for line in axes.lines if line.get_marker() == "|"]
    assert scale[1] - scale[0] == pytest.approx(whole.critical_difference)
    assert whole.critical_difference > len(whole.standings) - 1
    assert scale[1] < axes.get_xlim()[1]
    assert "few tasks" in axes.get_title(loc="left").replace("\n", " ")
    order = whole.by_mean_rank
    for (low, high), (first, last) in zip(thick, whole.cliques, strict=True):
        assert low < order[first].mean_rank <= order[last].mean_rank < high
    assert f"critical difference {whole.critical_difference:.2f}" in [
        text.get_text() for text in axes.texts
    ]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("suffix", plots.SUFFIXES)
def test_hostile_names_are_drawn_as_text(suffix: str, tmp_path: Path) -> None:
    runs = [made(name, 0.3 + 0.1 * i) for i, name in enumerate(HOSTILE)]
    for kind in ("forest", "heatmap"):
        plots.write_plot(runs, kind, tmp_path / f"{kind}{suffix}")
    assert plots.shown("中") == "[U+4E2D]"
    assert plots.shown("é α † –") == "é α † –"


def test_what_gives_no_figure_is_refused(tmp_path: Path) -> None:
    one = [made("a", 0.5), made("b", 0.8)]
    for runs, kind, name, said in (
        (one, "forest", "x.jpg", "end it with .pdf or .png or .svg"),
        (one, "tree", "x.pdf", "There is no figure 'tree'"),
        (one, "cd", "x.pdf", "two models with runs of the same two tasks"),
        ([], "forest", "x.pdf", "No run was given"),
    ):
        with pytest.raises(UsageError, match=re.escape(said)):
            plots.write_plot(runs, kind, tmp_path / name)
    for how in ({"metric": "micro"}, {"ties": "right"}):
        with pytest.raises(UsageError, match="leave --metric and --ties out"):
            plots.write_plot(several(), "cd", tmp_path / "x.pdf", **how)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_the_command(tmp_path: Path) -> None:
    from benchbench.runs import write_run

    drawn = [changed(made(n, s), edition="scenes-v2") for n, s in (("a", 0.5), ("b", 0.8))]
    runs = [write_run(run, tmp_path / f"{run.model.name}.parquet") for run in drawn]
    done = typed("plot", *runs, "--out", tmp_path / "x.svg")
    assert done.stdout == f"wrote  {tmp_path / 'x.svg'}\n"
    assert "note  DRAWN: scenes-v2 shows drawings." in done.stderr
    assert typed("plot", *runs, "--out", tmp_path / "x").exit_code == 2
