"""The file of a sweep: text, markdown, JSON or CSV by its suffix."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

from benchbench.atomic import atomic_write, os_errors
from benchbench.errors import RunError, UsageError
from benchbench.files import name_problem
from benchbench.printable import printable
from benchbench.render.sensitivity import FORMATS

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.analysis.sensitivity import Sensitivity

SUFFIXES = {".txt": "terminal", ".md": "markdown", ".json": "json", ".csv": "csv"}
"""Suffix → format."""


def choose_format(kind: str | None, out: Path | None) -> str:
    """Return the format that was typed, or that of a file's suffix; otherwise the terminal's.

    Raises:
        UsageError: a file has another suffix than its format's, or none of them.
        RunError: it is a folder, or cannot be written there.
    """
    if out is None:
        return kind or "terminal"
    if out.suffix not in SUFFIXES or (kind is not None and SUFFIXES[out.suffix] != kind):
        wanted = [suffix for suffix, each in SUFFIXES.items() if kind in (None, each)]
        raise UsageError(
            f"A sweep is written as {' or '.join(wanted)}, not as '{out.name}'. Name such a file."
        )
    if problem := name_problem(out):
        raise UsageError(f"The sweep cannot be written to {out}: {problem}.")
    with os_errors(out):
        folder = out.parent
        while not folder.exists():
            folder = folder.parent
        if out.is_dir() or not folder.is_dir():
            where = f"{out} is a folder" if out.is_dir() else f"{folder} is not a folder"
            raise RunError(f"Cannot write {out}: {where}. Name a file in a folder.")
        tempfile.TemporaryFile(dir=folder).close()
    return SUFFIXES[out.suffix]


def write_sweep(found: Sensitivity, out: Path) -> None:
    """Write a sweep to a file in the format of its suffix, whole or not at all.

    Raises:
        RunError: it cannot be written.
    """
    text = FORMATS[SUFFIXES[out.suffix]](found).rstrip("\n")
    with atomic_write(out) as temporary:
        temporary.write_text(f"{printable(text)}\n", "utf-8")
