"""Events for machines: one JSON object a line, on standard error or appended to a file."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from benchbench.errors import UsageError
from benchbench.files import exists, expand_path, name_problem, require_regular

if TYPE_CHECKING:
    from typing_extensions import Self

    from benchbench.errors import BenchbenchError
    from benchbench.types import Run

STANDARD_ERROR = "-"


class EventLog:
    """A stream of events; each line is written and flushed whole."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    @classmethod
    def open(cls, where: str) -> Self:
        """Open a file to append to; ``-`` is standard error.

        Raises:
            UsageError: no file can be written there.
        """
        if where == STANDARD_ERROR:
            return cls(sys.stderr)
        place = expand_path(where)
        try:
            if problem := name_problem(place):
                raise UsageError(f"{where} cannot be the name of a log: {problem}.")
            if exists(place):
                require_regular(place)
            return cls(Path(place).open("a", encoding="utf-8"))
        except OSError as error:
            raise UsageError(f"Cannot write {where}: {error.strerror or error}.") from error

    def write(self, event: str, **content: Any) -> None:
        """Write an event with its time, in UTC."""
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        line = json.dumps({"time": now, "event": event, **content}, ensure_ascii=True)
        self._stream.write(f"{line}\n")
        self._stream.flush()

    def close(self) -> None:
        """Close the file."""
        if self._stream is not sys.stderr:
            self._stream.close()


def cell_event(
    model: str, task: str, result: Run | BenchbenchError | None, out: str | Path
) -> dict[str, Any]:
    """Return what became of a model on a task: the run in a folder or file, or the error."""
    from benchbench.runs import run_path
    from benchbench.types import Run

    found: dict[str, Any] = {"model": model, "task": task}
    if not isinstance(result, Run):
        return {**found, "error": str(result)}
    counts = {"inputs": result.inputs, "from_store": result.resumed_inputs}
    return {
        **found, "run": str(run_path(result, out)), "items": result.counts.items, **counts,
        "seconds": result.seconds,
    }  # fmt: skip
