"""Published figures below a leaderboard, as text for a terminal and as markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.printable import sentence
from benchbench.render.text import escape_markdown, short, wrap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from benchbench.analysis.leaderboard import Leaderboard
    from benchbench.analysis.quoting import Quoted, QuotedRow

TITLE = "Quoted from print: not measured here, without intervals and places"
NOTHING = "No figure of this task and metric is in the files of published figures."
UNLIKE = " ≠"
"""Behind a figure that is not of the same thing as the board's numbers."""
MODEL = 40
"""Characters of a model's name."""
Table = tuple[list[str], list[list[str]]]
"""Heads and rows."""


def terminal(board: Leaderboard, quoted: Quoted) -> str:
    """Return the block for a terminal or a log."""
    from tabulate import tabulate

    tables = [
        tabulate(rows, heads, disable_numparse=True, colalign=_align(heads))
        for heads, rows in _tables(quoted)
    ]
    return "\n\n".join([TITLE, *map(str, tables), "\n".join(map(wrap, _notes(board, quoted)))])


def markdown(board: Leaderboard, quoted: Quoted) -> str:
    """Return the block as markdown."""
    from tabulate import tabulate

    tables = [
        tabulate(
            [[escape_markdown(text) for text in row] for row in rows],
            [escape_markdown(head) for head in heads],
            tablefmt="pipe", disable_numparse=True, colalign=_align(heads),
        )
        for heads, rows in _tables(quoted)
    ]  # fmt: skip
    listed = "\n".join(f"- {escape_markdown(note)}" for note in _notes(board, quoted))
    return "\n\n".join([f"### {TITLE}", *map(str, tables), listed]) + "\n"


FORMATS: Mapping[str, Callable[[Leaderboard, Quoted], str]] = {
    "terminal": terminal,
    "markdown": markdown,
}


def _align(heads: Sequence[str]) -> list[str]:
    return ["left", *["right"] * (len(heads) - 2), "left"]


def _tables(quoted: Quoted) -> Iterator[Table]:
    """Yield a table of the figures of all items, and one for each tag with figures of groups."""
    numbers = _sources(quoted)
    for by in dict.fromkeys(row.by for row in quoted.rows):
        rows = [row for row in quoted.rows if row.by == by]
        columns = list(dict.fromkeys(_column(row, i) for row in rows for i in range(_width(row))))
        columns = sorted(columns) if by else columns
        yield (
            ["model", *columns, "source"],
            [
                [short(row.model.title, MODEL), *_cells(row, columns), numbers[_line(row)]]
                for row in rows
            ],
        )


def _width(row: QuotedRow) -> int:
    return len(row.figures)


def _column(row: QuotedRow, i: int) -> str:
    figure = row.figures[i]
    return short(figure.group if row.by else f"{figure.metric} %", MODEL)


def _cells(row: QuotedRow, columns: Sequence[str]) -> list[str]:
    found = {_column(row, i): figure.printed for i, figure in enumerate(row.figures)}
    mark = UNLIKE * bool(row.differences)
    return [found[column] + mark if column in found else "" for column in columns]


def _line(row: QuotedRow) -> tuple[object, ...]:
    """Return what rows with one note have in common."""
    return row.source, row.where, row.figures[0].differs, row.figures[0].editions, row.differences


def _sources(quoted: Quoted) -> dict[tuple[object, ...], str]:
    """Return the number of each note: ``[1]``."""
    lines = dict.fromkeys(_line(row) for row in quoted.rows)
    return {line: f"[{number}]" for number, line in enumerate(lines, 1)}


def _notes(board: Leaderboard, quoted: Quoted) -> Iterator[str]:
    """Yield where each figure stands in print, and how it differs from the board."""
    if quoted.left_out:
        yield (
            f"{quoted.left_out:,} published figures are of photographs. They do not stand beside "
            f"the drawings of {board.edition}."
        )
        return
    if not quoted.rows:
        yield NOTHING
        return
    if any(row.differences for row in quoted.rows):
        yield "≠: not of the same thing as the numbers above; the source's line says why."
    done = set()
    for row in quoted.rows:
        if _line(row) not in done:
            done.add(_line(row))
            yield sentence(f"{_sources(quoted)[_line(row)]} {_place(row)}{_unlike(board, row)}")


def _place(row: QuotedRow) -> str:
    seen = f"; read in {row.source.seen}" if row.source.seen else ""
    return f"{row.source.title}: {row.where}{seen}. {row.source.address}"


def _unlike(board: Leaderboard, row: QuotedRow) -> str:
    """Return in words how a row's figures differ from the board."""
    figure = row.figures[0]
    metric = board.info.metric(figure.metric)
    words = {
        "metric": f"mean over {metric.meaning}",
        "edition": f"{' or '.join(figure.editions)}, not {board.edition}",
        "unknown edition": "the edition is not said",
        "definition": figure.differs,
    }
    return f" ≠: {'; '.join(words[each] for each in row.differences)}." if row.differences else ""
