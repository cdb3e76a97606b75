"""The log of a run: one JSON record a line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from benchbench.errors import MalformedData
from benchbench.files import parse_json, read_text

if TYPE_CHECKING:
    from pathlib import Path

LOG = "log.jsonl"


class Log:
    """``log.jsonl`` in a run's folder."""

    def __init__(self, folder: Path, step: int) -> None:
        """Go on after ``step``: what a killed run wrote beyond its last state is dropped."""
        self.path = folder / LOG
        folder.mkdir(parents=True, exist_ok=True)
        kept = [record for record in read_log(folder) if record["step"] <= step]
        partial = self.path.with_suffix(".partial")
        partial.write_text("".join(map(_line, kept)), "utf-8")
        partial.replace(self.path)

    def write(self, step: int, **values: Any) -> None:
        """Add a record."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(_line({"step": step, **values}))


def read_log(folder: Path) -> list[dict[str, Any]]:
    """Return all records of a run, without a last line that a kill cut short.

    Raises:
        MalformedData: some other line is not a record.
    """
    path = folder / LOG
    lines = _text(path).splitlines() if path.exists() else []
    records = []
    for number, line in enumerate(lines):
        try:
            record = parse_json(line)
        except ValueError:
            record = None
        if isinstance(record, dict) and isinstance(record.get("step"), int):
            records.append(record)
        elif number < len(lines) - 1:
            raise MalformedData(f"{path}, line {number + 1}, is not a record of a step.")
    return records


def _text(path: Path) -> str:
    try:
        return read_text(path)
    except (OSError, ValueError) as error:
        raise MalformedData(f"{path} cannot be read as a log: {error}.") from error


def _line(record: dict[str, Any]) -> str:
    return json.dumps(record, sort_keys=True) + "\n"
