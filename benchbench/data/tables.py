"""Read tables that others wrote: CSV files by columns, and JSON lines by objects."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from benchbench.data.records import read_utf8
from benchbench.errors import MalformedData
from benchbench.files import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


def csv_rows(path: Path, columns: Sequence[str] = ()) -> Iterator[dict[str, str]]:
    """Read the rows of a CSV file with a header.

    Args:
        path: the path of the file, in UTF-8; empty lines are left out.
        columns: the names that the header must have.

    Raises:
        MissingData: the file does not exist.
        MalformedData: it cannot be read; lacks a column, or has one twice; a row has too few or too
            many cells.
    """
    # Lines end at CR and LF alone: U+2028 and the like are text.
    reader = csv.reader(io.StringIO(read_utf8(path, "a table"), newline=""), strict=True)
    try:
        header = next(reader, [])
        twice = sorted({name for name in header if name and header.count(name) > 1})
        if twice:
            raise MalformedData(
                f"{path} has the column {', '.join(twice)} twice. Remove or rename one of them."
            )
        if lacking := [name for name in columns if name not in header]:
            raise MalformedData(
                f"{path} has no column {', '.join(lacking)}. Its columns: {', '.join(header)}."
            )
        for row in filter(None, reader):
            if len(row) != len(header):
                raise MalformedData(
                    f"{path}, line {reader.line_num}, has {len(row)} cells, and the header "
                    f"{len(header)}. Is the file whole?"
                )
            yield dict(zip(header, row, strict=True))
    except csv.Error as error:
        raise MalformedData(f"{path}, line {reader.line_num}: {error}. Is it whole?") from error


def json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Read the objects of a JSON-lines file, with their line numbers from 1.

    Args:
        path: the path of the file, in UTF-8; empty lines are left out.

    Raises:
        MissingData: the file does not exist.
        MalformedData: it cannot be read; a line is not JSON, or not an object.
    """
    for number, line in enumerate(read_utf8(path).split("\n"), 1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            record = parse_json(line, deepest=None)
        except ValueError as error:
            raise MalformedData(f"{where}, is not valid JSON ({error}). Is it whole?") from error
        if not isinstance(record, dict):
            raise MalformedData(f"{where}, should be an object.")
        yield number, record
