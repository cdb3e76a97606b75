"""Leaderboards as one CSV file: a row a model, task and edition, for a spreadsheet or a script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.render.exporting import ExportOptions, Format, boards_of, place_of, write_texts
from benchbench.render.leaderboard import as_csv

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchbench.types import Run


def write(runs: Sequence[Run], options: ExportOptions) -> list[Path]:
    """Write the file; return its path."""
    return write_texts([(place_of(options), as_csv(*boards_of(runs, options)))])


FORMAT = Format("CSV: a row of each model and task, with interval and place", "file", write)
