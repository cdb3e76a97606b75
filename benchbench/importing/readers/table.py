"""Reader of plain tables of results, CSV or Parquet: a row an item.

Columns are named by ``--field NAME=COLUMN``: ``right``, or ``score_true`` and ``score_false``;
what identifies the item, ``id`` or ``image``, ``caption`` and ``foil``; and ``model``, where a file
holds several. A column of that very name needs no option.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchbench.data.tables import csv_rows
from benchbench.errors import MalformedData, MissingData, UsageError
from benchbench.files import read_parquet
from benchbench.importing.answers import Answer, Source
from benchbench.importing.fields import answer_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

PARQUET = (".parquet", ".pq")


class TableReader:
    """A reader of tables of results."""

    title = "a table of decisions or scores (CSV, Parquet); columns by --field"
    task = ""
    source = Source()
    files: Mapping[str, str] = {}

    def paths(self, path: Path) -> list[Path]:
        """Return the file itself."""
        return [path]

    def read(self, path: Path, fields: Mapping[str, str]) -> Iterator[Answer]:
        """Read a table."""
        rows = _parquet(path) if path.suffix in PARQUET else csv_rows(path)
        for number, row in enumerate(rows, 1):
            if number == 1 and (lacking := [c for c in fields.values() if c not in row]):
                raise UsageError(
                    f"{path} has no column {', '.join(lacking)}. Its columns: {', '.join(row)}."
                )
            yield answer_of(row, f"{path}, row {number}", fields)


def _parquet(path: Path) -> Iterator[dict[str, Any]]:
    """Read the rows of a Parquet file."""
    try:
        table = read_parquet(path)
        names = table.column_names
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise MalformedData(
                f"{path} has the column {', '.join(twice)} twice. Remove or rename one of them."
            )
        rows: list[dict[str, Any]] = table.to_pylist()
    except FileNotFoundError:
        raise MissingData(f"File not found: {path}") from None
    except (OSError, ValueError, OverflowError) as error:
        why = " ".join(str(error).split())
        raise MalformedData(f"{path} is not a readable Parquet file: {why}") from error
    yield from rows


READER = TableReader()
