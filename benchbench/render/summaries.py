"""Markdown reports of limited length for GitHub: sections that fit, and a notice of what is cut.

GitHub takes 1,024 KiB as the summary of a step and 65,536 characters as a comment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchbench.errors import RunError
from benchbench.files import require_regular
from benchbench.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

COMMENT = 60_000
"""Bytes of a comment."""
SUMMARY = 900_000
"""Bytes of a step's summary, with everything that the step has written before."""
MIN_FREE = 8_000
"""Bytes that must be free before a summary begins."""
NOTICE = 600
"""Bytes that are kept for the notice of what is cut."""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with a paragraph or the head of a table, and rows that may be cut."""

    title: str
    """For the notice if the section is cut; not shown."""
    head: str
    rows: Sequence[str] = ()


def limit_length(sections: Sequence[Section], most: int = COMMENT) -> str:
    """Return sections below each other in at most ``most`` bytes.

    The first that does not fit is cut between its rows; later ones are left out while they do not
    fit. A notice at the end names what is cut.

    >>> long = Section("groups", "| a |", [f"| {n} |" for n in range(1000)])
    >>> print(limit_length([Section("top", "Fine."), long], 640))
    Fine.
    <BLANKLINE>
    | a |
    | 0 |
    | 1 |
    | 2 |
    | 3 |
    <BLANKLINE>
    Cut for length: 996 of 1,000 rows of groups.
    <BLANKLINE>
    """
    left, parts, missing = most - NOTICE, [], []
    for section in sections:
        lines, size = [section.head], _bytes(section.head) + 1
        if size > left:
            missing.append(section.title)
            continue
        for row in section.rows:
            size += _bytes(row)
            if size > left:
                break
            lines.append(row)
        shown = len(lines) - 1
        if section.rows and not shown:
            missing.append(section.title)
            continue
        if shown < len(section.rows):
            cut = len(section.rows) - shown
            missing.append(f"{cut:,} of {len(section.rows):,} rows of {section.title}")
        parts.append("\n".join(lines))
        left -= sum(map(_bytes, lines)) + 1
    if missing:
        parts.append(_notice(missing))
    return "\n\n".join(parts) + "\n"


def _notice(missing: Sequence[str]) -> str:
    """Return the notice of what is cut, in fewer than ``NOTICE`` bytes."""
    line = f"Cut for length: {', '.join(missing)}."
    return line if _bytes(line) < NOTICE else f"Cut for length: {len(missing):,} sections."


def _bytes(text: str) -> int:
    return len(text.encode()) + 1


def add_to_summary(path: Path, sections: Sequence[Section]) -> bool:
    """Append sections to a step's summary.

    Args:
        path: the file that the runner names in ``GITHUB_STEP_SUMMARY``.
        sections: the most important first.

    Returns:
        False if the file is so full that nothing was added.

    Raises:
        RunError: the file cannot be written.
    """
    try:
        if path.exists():
            require_regular(path)
        there = path.stat().st_size if path.exists() else 0
        if SUMMARY - there < MIN_FREE:
            return False
        with path.open("a", encoding="utf-8") as file:
            file.write(printable(limit_length(sections, SUMMARY - there)) + "\n")
    except OSError as error:
        raise RunError(f"Cannot write the step's summary {path}: {error.strerror}.") from error
    return True
