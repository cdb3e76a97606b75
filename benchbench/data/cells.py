"""CSV files whose cells are checked as fields are, and cells that hold a Python list of strings."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from benchbench.data.records import Record
from benchbench.data.tables import csv_rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def read_table(path: Path, columns: Sequence[str]) -> list[Record]:
    """Read the rows of a CSV file as records of strings, numbered from 0.

    Args:
        path: of the file.
        columns: the names that the header must have.

    Raises:
        MissingData: the file does not exist.
        MalformedData: it cannot be read, or lacks a column.
    """
    return [Record(path, i, row) for i, row in enumerate(csv_rows(path, columns))]


def number(record: Record, name: str) -> int:
    """Return a cell that is a whole number.

    Raises:
        MalformedData: it is none.
    """
    text = record.text(name).strip()
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not value.is_integer() or abs(value) > 2**53:
        raise record.wrong(name, f"should be a whole number, not '{text[:40]}'")
    return int(value)


def strings(record: Record, name: str) -> tuple[str, ...]:
    """Return a cell that holds a Python list of strings, none empty: ``['a', 'b']``.

    Raises:
        MalformedData: it holds something else, or nothing.
    """
    text = record.text(name)
    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        found = None
    if not isinstance(found, list | tuple) or not found:
        raise record.wrong(name, f"should be a list of strings, not '{text[:40]}'")
    return tuple(record.checked_text(name, each) for each in found)
