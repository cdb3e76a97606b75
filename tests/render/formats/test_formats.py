"""Tables for papers and spreadsheets: numbers of the leaderboard, and names that do no harm."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchbench.analysis.leaderboard import leaderboard
from benchbench.render.exporting import ExportOptions, export_runs
from benchbench.render.formats.latex import table
from benchbench.render.leaderboard import as_csv, rows
from benchbench.types.runs import UNVERIFIED
from tests.analysis.example_runs import changed, made

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.types import Run

HOSTILE = [
    "[x] & \\input{/etc/passwd} % $x$ #1 _a_ ~ ^ {",
    "=cmd|'/C calc'!A0",
    "<script>alert(1)</script> `a` | **b** [c](d)",
    "a--b ``q'' \"r\" ,, \x1b[31m \u202e 中文 é",
    "}\n\\end{table}\\write18{id}",
]
PREAMBLE = "\\documentclass{article}\n\\usepackage{booktabs}\n\\begin{document}\n"


def hostile_runs() -> list[Run]:
    return [made(name, 0.4 + 0.1 * i) for i, name in enumerate(HOSTILE)]


def written(runs: list[Run], to: str, out: Path) -> str:
    (path,) = export_runs(runs, to, ExportOptions(str(out)))
    assert path == out
    return out.read_text("utf-8")


def cells(text: str) -> list[list[str]]:
    """The cells of a LaTeX table's body, split where LaTeX splits them."""
    body = text.partition("\\midrule\n")[2].partition("\\bottomrule")[0]
    assert body.count(" \\\\\n") == body.count("\n")
    return [re.split(r"(?<!\\)&", row) for row in body.split(" \\\\\n")[:-1]]


def check_structure(text: str) -> None:
    """Braces and environments close, and every sign that LaTeX obeys is one of ours."""
    depth = 0
    for sign in re.findall(r"\\.|[{}]", text):
        depth += {"{": 1, "}": -1}.get(sign, 0)
        assert depth >= 0
    assert depth == 0
    ours = """begin end centering caption toprule midrule bottomrule multicolumn textbf scriptsize
        textsuperscript dagger cdot geq leq textbackslash textasciitilde textasciicircum symbol
        textasciigrave usepackage alpha ldots""".split()
    assert set(re.findall(r"\\([A-Za-z]+)", text)) <= set(ours)
    assert re.findall(r"\\(?:begin|end)\{(\w+)\}", text) == ["table", "tabular", "tabular", "table"]
    bare = re.sub(r"\\[&%$#_{}]", "", text.partition("\n")[2])
    assert not re.search(r"[%#~_^]", bare)
    assert bare.count("$") % 2 == 0
    assert "\n\n" not in text


def test_latex_says_what_the_boards_say() -> None:
    one = leaderboard([made("a", 0.5), made("b", 0.8), made("c", 0.79)])
    two = leaderboard([changed(made(n, s), edition="scenes-v2") for n, s in (("b", 0.3), ("d", 1))])
    text = table([one, two])
    check_structure(text)
    found = cells(text)
    assert [row[0].strip() for row in found] == [f"{{}}{name}" for name in "bcad"]
    for board, column in ((one, 1), (two, 2)):
        by_name = {row[0].strip().removeprefix("{}"): row[column] for row in found}
        for place in board.places:
            cell, e = by_name.pop(place.run.model.name), place.estimate
            bold = f"\\textbf{{{100 * e.value:.1f}}}"
            assert (bold in cell) is place.tied
            assert f"{100 * e.value:.1f}" in cell
            assert f"[{100 * e.low:.1f}, {100 * e.high:.1f}]" in cell
            assert f"\\textsuperscript{{{place.letters}}}" in cell
        assert {text.strip() for text in by_name.values()} == {"--"}
    caption = next(line for line in text.splitlines() if line.startswith("\\caption"))
    for needed in (
        "vg-relation@scenes-v2",
        "95 \\% intervals",
        "ties wrong",
        "DRAWN",
        "p $\\geq$ 0.05",
    ):
        assert needed in caption


def test_tables_say_how_far_to_trust_them() -> None:
    runs = [
        changed(made(name, share), edition="scenes-v2", environment={"benchbench": "1.2.3"})
        for name, share in (("a", 0.5), ("b", 0.8))
    ]
    board = leaderboard(runs)
    heavy = replace(board, rare_share=0.9)
    text = table([board, heavy])
    assert text.count("] ?}") == 2
    assert "? unreliable: groups in under 10 clusters carry up to 90 \\% of the weight" in text
    served = [replace(run.model, settings={"note": "served elsewhere"}) for run in runs]
    noted = [changed(run, model=model) for run, model in zip(runs, served, strict=True)]
    assert "NOTE: served elsewhere" in table([leaderboard(noted)])
    other = changed(runs[1], settings={"precision": "bf16", UNVERIFIED: "0" * 64})
    unlike = leaderboard([runs[0], other])
    assert "UNLIKE: precision differs" in table([unlike])
    assert "Unverified digest" in table([unlike])
    assert as_csv(unlike).count("UNLIKE: precision differs") == 2
    found = list(csv.DictReader(as_csv(heavy).splitlines()))
    assert {row["benchbench"] for row in found} == {"1.2.3"}
    assert {row["unreliable_interval"] for row in found} == {"True"}
    assert all(row["caveats"].startswith("DRAWN: ") for row in found)


def test_hostile_names_stay_names_in_latex(tmp_path: Path) -> None:
    text = written(hostile_runs(), "latex", tmp_path / "t.tex")
    check_structure(text)
    assert all(len(row) == 2 for row in cells(text))
    assert text.isascii() or re.fullmatch("[À-ÿ]*", re.sub("[\x00-\x7f]", "", text))
    if shutil.which("pdflatex"):
        (tmp_path / "doc.tex").write_text(PREAMBLE + "\\input{t.tex}\n\\end{document}\n")
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "doc.tex"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout.decode(errors="replace")[-800:]


def test_csv_has_every_row_and_no_formula(tmp_path: Path) -> None:
    runs = hostile_runs()
    text = written(runs, "csv", tmp_path / "t.csv")
    found = list(csv.DictReader(text.splitlines()))
    assert len(found) == len(runs) == len(text.splitlines()) - 1
    for row, expected in zip(found, rows(leaderboard(runs)), strict=True):
        assert float(row["score"]) == expected["score"]
        assert (row["edition"], row["ties"]) == (expected["edition"], expected["ties"])
        assert not row["model"].startswith(("=", "+", "-", "@"))


def test_markdown_has_a_heading_a_board_and_no_markup_of_names(tmp_path: Path) -> None:
    runs = hostile_runs() + [changed(run, edition="scenes-v2") for run in hostile_runs()]
    text = written(runs, "markdown", tmp_path / "t.md")
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## vg-relation@custom-made-00000000 · aro-paper",
        "## vg-relation@scenes-v2 · aro-paper",
    ]
    assert "<script" not in text
    assert "](d)" not in text.replace("\\](d)", "")
    assert "\x1b" not in text
    assert "\u202e" not in text


@pytest.mark.parametrize("to", ["hugging-face", "mteb", "every-eval-ever"])
def test_hostile_names_write_no_file_elsewhere(to: str, tmp_path: Path) -> None:
    runs = [*hostile_runs(), made("../../up", 0.3), made("/abs/olute", 0.4)]
    inside = tmp_path / "deep" / "out"
    for path in export_runs(runs, to, ExportOptions(str(inside))):
        if not isinstance(path, str):
            assert path.resolve().is_relative_to(inside)
            assert not re.search("[\x1b\u202e]", path.read_text("utf-8"))
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["out"]
