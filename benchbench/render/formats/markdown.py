"""Leaderboards as one markdown file: a table a task and edition, with its notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.render.exporting import ExportOptions, Format, boards_of, place_of, write_texts
from benchbench.render.leaderboard import FORMATS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchbench.types import Run


def write(runs: Sequence[Run], options: ExportOptions) -> list[Path]:
    """Write the file; return its path."""
    tables = [FORMATS["markdown"](board).rstrip() for board in boards_of(runs, options)]
    return write_texts([(place_of(options), "\n\n".join(tables) + "\n")])


FORMAT = Format("markdown: a table of each task, with its notes", "file", write)
