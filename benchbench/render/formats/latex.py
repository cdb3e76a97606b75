"""Leaderboards as one LaTeX table for a paper: a row a model, a column a task and edition.

The table needs ``\\usepackage{booktabs}``, and compiles with pdfLaTeX, XeLaTeX and LuaLaTeX. Bold
scores do not differ from the best of their column beyond chance; scores that share a superscript
do not differ from each other. What the numbers are, and all caveats of the runs, is in the caption.
One board with places and p-values, a column each, is ``leaderboard --format latex``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from benchbench.render.caveats import (
    digest_note,
    few_images,
    interval_text,
    rare_groups_note,
    setting_warnings,
)
from benchbench.render.exporting import ExportOptions, Format, boards_of, place_of, write_texts
from benchbench.render.latex import tex
from benchbench.render.leaderboard import (
    CORRECTIONS,
    NAME,
    facts,
    number,
    run_notes,
    title,
    warnings,
)
from benchbench.render.text import NONE, short

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from benchbench.analysis.leaderboard import Leaderboard, Place
    from benchbench.types import Run


def write(runs: Sequence[Run], options: ExportOptions) -> list[Path]:
    """Write the file; return its path."""
    return write_texts([(place_of(options), table(boards_of(runs, options)))])


def table(boards: Sequence[Leaderboard]) -> str:
    """Return the boards as one table, whose rows are in the order of the first board."""
    names = dict.fromkeys(place.run.model.name for board in boards for place in board.places)
    places = [{place.run.model.name: place for place in board.places} for board in boards]
    rows = []
    for name in names:
        found = [of.get(name) for of in places]
        shown = next(title(place) for place in found if place is not None)
        cells = [_score(board, place) for board, place in zip(boards, found, strict=True)]
        rows.append(f"{{}}{tex(shown)} & {' & '.join(cells)} \\\\")  # {}: a row may begin with [
    lines = [
        "% \\usepackage{booktabs}",
        "\\begin{table}",
        "\\centering",
        f"\\caption{{{tex(_caption(boards))}}}",
        f"\\begin{{tabular}}{{l{'r' * len(boards)}}}",
        "\\toprule",
        *(_head(each) for each in zip(*map(_heads, boards), strict=True)),
        "\\midrule",
        *rows,
        "\\bottomrule",
        "\\end{tabular}",
        "\\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _heads(board: Leaderboard) -> tuple[str, str, str]:
    unit = "" if board.is_rank else ", %"
    return board.info.name, board.edition, f"{board.metric.name}{unit}"


def _head(texts: Sequence[str]) -> str:
    return "".join(f" & \\multicolumn{{1}}{{c}}{{{tex(text)}}}" for text in texts) + " \\\\"


def _score(board: Leaderboard, place: Place | None) -> str:
    """Return a score with its interval and its marks; a dash where there is no run."""
    if place is None:
        return tex(NONE)
    estimate = place.estimate
    value = number(board, estimate.value)
    marked = f"\\textbf{{{value}}}" if place.tied and len(board.places) > 1 else value
    letters = f"\\textsuperscript{{{tex(place.letters)}}}" if place.letters else ""
    if math.isnan(estimate.low):
        return f"{marked}{letters}"
    bounds = f"[{number(board, estimate.low)}, {number(board, estimate.high)}]"
    shown = interval_text(bounds, estimate.low, board.rare_share)
    return f"{marked}{letters} {{\\scriptsize {shown}}}"


def _caption(boards: Sequence[Leaderboard]) -> str:
    return " ".join(_sentences(boards))


def _sentences(boards: Sequence[Leaderboard]) -> Iterator[str]:
    first = boards[0]
    alpha = f"{1 - first.level:.2g}"
    yield f"Scores with {100 * first.level:g} % intervals by clusters (source images)."
    if any(board.family for board in boards):
        yield (
            f"Bold: not distinguished from the best of its column (adjusted p ≥ {alpha}, "
            f"{CORRECTIONS[first.correction]}); scores that share a letter are not distinguished "
            "from each other."
        )
    if any(place.text_only for board in boards for place in board.places):
        yield "†: text-only."
    for board in boards:
        name = f"{board.info.name}@{board.edition}"
        yield f"{name}: {facts(board)}."
        yield from few_images(board.places[0].estimate.n_clusters)
        yield from rare_groups_note({name: board.rare_share}, ())
    found = dict.fromkeys(
        line
        for board in boards
        for line in (
            *warnings(board), *setting_warnings(board.setting_differences),
            *digest_note(place.run for place in board.places), *run_notes(board),
        )
    )  # fmt: skip
    yield from (short(line, 10 * NAME) for line in found)


FORMAT = Format(
    "LaTeX: one booktabs table, with intervals and marks of significance", "file", write
)
