"""Text formatting shared by all reports: names cut, paragraphs, markdown, CSV, numbers."""

from __future__ import annotations

import csv
import io
import math
import re
import textwrap
from typing import TYPE_CHECKING

from benchbench.printable import csv_cell, one_line, shorten

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WIDTH = 96
"""Characters of a paragraph's line."""
CELL = 40
"""Characters of a table's cell."""
PARTS: Mapping[str, str] = {"retrieval": "queries", "relations": "relations"}
"""Protocol → what a metric judges, where that is parts of an item."""
NONE = "–"
"""In the place of a number that is NaN."""
ABOVE_BLIND = (
    "above blind: the score minus that of the best text-only model in the edition's packaged audit "
    "(docs/audits), or minus chance if that is higher."
)
"""The note of tables with that column."""


def short(text: str, most: int) -> str:
    """Return text on one line, printable, and cut in its middle if it is longer than ``most``.

    >>> short("a\\nb", 9), short("abcdefghij", 5)
    ('a\\\\nb', 'ab…ij')
    """
    return shorten(one_line(text), most)


def labels(names: Sequence[str], most: int) -> list[str]:
    """Return names cut at their beginning or, where they are then alike, in the middle; otherwise
    numbered.

    >>> labels(["a/best.pt", "b/best.pt"], 8), labels(["abcdef", "abcxef"], 5)
    (['a/be….pt', 'b/be….pt'], ['…cdef', '…cxef'])
    """
    middles = [short(name, most) for name in names]
    ends = [short(name, len(name) + 1) for name in names]
    ends = [end if len(end) <= most else "…" + end[1 - most :] for end in ends]
    for found in (ends, middles):
        if len(set(found)) == len(set(names)):
            return found
    return [f"{i} {short(name, most - 4)}" for i, name in enumerate(names, 1)]


def escape_markdown(text: str) -> str:
    """Return text that markdown shows as it is, in a table too.

    >>> print(escape_markdown("a|b <c> [1, 2] [d](e)"))
    a\\|b &lt;c> [1, 2] [d\\](e)
    """
    text = re.sub(
        r"([\\`*|~$]|\](?=[(\[]))", r"\\\1", text.replace("&", "&amp;").replace("<", "&lt;")
    )
    return re.sub(r"(?<!\w)_|_(?!\w)", r"\\_", text)


def cell(text: str) -> str:
    """Return text from data files for a table: printable, and cut at its end to a cell's width."""
    line = one_line(text)
    return line if len(line) <= CELL else line[: CELL - 1] + "…"


def wrap(text: str) -> str:
    """Return a paragraph of ``WIDTH`` characters, its further lines indented."""
    return textwrap.fill(text, WIDTH, subsequent_indent="  ", break_on_hyphens=False)


def percent(share: float, scale: float = 100) -> str:
    """Return a share in percent with one decimal, a dash for NaN; of ranks, ``scale`` is 1."""
    return NONE if math.isnan(share) else f"{scale * share:.1f}"


def difference_text(share: float) -> str:
    """Return a difference of shares in points, with its sign; a dash for NaN.

    >>> difference_text(0.123), difference_text(-0.05), difference_text(float("nan"))
    ('+12.3', '−5.0', '–')
    >>> difference_text(-0.0001)
    '0.0'
    """
    if math.isnan(share):
        return NONE
    text = f"{100 * share:+.1f}".replace("-", "−")
    return "0.0" if text[1:] == "0.0" else text


def p_text(p_value: float) -> str:
    """Return a p-value in two digits.

    >>> p_text(0.0312), p_text(0.0000099), p_text(float("nan"))
    ('0.031', '<0.0001', '–')
    """
    if math.isnan(p_value):
        return NONE
    return f"{p_value:.2g}" if p_value >= 0.0001 else "<0.0001"


def place_text(best: int, worst: int) -> str:
    """Return a range of places: ``1``, or ``2–4``."""
    return f"{best}" if best == worst else f"{best}–{worst}"


def json_number(value: float) -> float | None:
    """Return a number for JSON, which has no NaN."""
    return None if math.isnan(value) else value


def csv_table(rows: Sequence[Mapping[str, object]]) -> str:
    """Return rows with the same names as CSV, whose texts a spreadsheet does not compute.

    >>> print(csv_table([{"model": "=1+1", "score": 0.5}]), end="")
    model,score
    '=1+1,0.5
    """
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {name: csv_cell(value) if isinstance(value, str) else value for name, value in row.items()}
        for row in rows
    )
    return out.getvalue()
