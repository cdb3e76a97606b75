"""Errors of foreign code: one error in one line, and the whole trace in a file.

A plugin's model may raise anything while it loads or computes: ``SystemExit``, which would end the
program with success, ``StopIteration``, which generators swallow. All of it becomes a
``ModelError`` that says what was raised and where in that code.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import tempfile
import traceback
from collections.abc import Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.cache import cache_folder
from benchbench.devices import is_memory_error
from benchbench.errors import BenchbenchError, ModelError
from benchbench.printable import shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import FrameType

    from benchbench.types import Task

LOGS = "logs"
"""The folder of traces, in the cache folder."""
MAX_TRACES = 20
"""The number of traces that are kept; older ones are removed."""
MAX_MESSAGE = 300
"""The largest number of characters of a foreign message in a ModelError."""
INSTALLED = ("site-packages", "dist-packages")
STANDARD = sysconfig.get_path("stdlib")


@contextmanager
def foreign_code(what: str) -> Iterator[None]:
    """Turn exceptions of a model's own code inside the block into a ModelError.

    Interruptions, a BenchbenchError and memory errors are not changed.

    Args:
        what: the name of the code that runs, for the message.

    Raises:
        ModelError: the code raises; the line names the file with the trace.
    """
    try:
        yield
    except (BenchbenchError, KeyboardInterrupt):
        raise
    except BaseException as error:
        if is_memory_error(error):
            raise
        raise foreign_error(what, error) from error


def task_items(task: Task, root: Path) -> Sequence[Any]:
    """Return a task's items, read by its own code; those of one that yields are read into a list.

    Raises:
        DataError: a file is missing or malformed.
        ModelError: the task's code raises anything else; the line names the file with the trace.
    """
    with foreign_code(f"The task {task.info.name}"):
        found: Iterable[Any] = task.items(root)
        return found if isinstance(found, Sequence) else list(found)


def foreign_error(what: str, error: BaseException) -> ModelError:
    """Return the ModelError that replaces another error, whose trace is written to a file."""
    log = _write_trace(what, error)
    where = f" The trace is in {log}." if log else ""
    return ModelError(f"{what} raises {describe_error(error)}.{where}")


def describe_error(error: BaseException) -> str:
    """Return an error and its place in one line: ``ValueError: no weights (mine.py, line 3)``.

    The place is the last frame in the package whose code was called first outside benchbench: not
    deep in torch, but the line that called torch.
    """
    error = _unwrap(error)
    try:
        message = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 - its own __str__ may raise anything
        message = "(its message cannot be shown)"
    frame = _place(error)
    place = f" ({frame[0]}, line {frame[1]})" if frame else ""
    short = shorten(message.rstrip("."), MAX_MESSAGE)
    return f"{type(error).__name__}{': ' * bool(message)}{short}{place}"


def trace_of(error: BenchbenchError | None) -> str:
    """Return the trace of the cause of a BenchbenchError; empty if it has none."""
    cause = error.__cause__ if error else None
    return "" if cause is None else _format_trace(cause)


def _unwrap(error: BaseException) -> BaseException:
    """Return the StopIteration that Python wraps in a RuntimeError if a generator raises it."""
    inner = error.__cause__
    hidden = isinstance(error, RuntimeError) and isinstance(inner, StopIteration)
    return inner if hidden and inner is not None else error


def _place(error: BaseException) -> tuple[str, int] | None:
    """Return file and line in the code that raised the error; a SyntaxError tells them itself."""
    if isinstance(error, SyntaxError):
        return None
    frames = list(traceback.walk_tb(error.__traceback__))
    origins = [_origin(frame) for frame, _ in frames]
    first = next((origin for origin in origins if origin), None)
    own = [each for each, origin in zip(frames, origins, strict=True) if origin == first]
    if not own:
        return None
    frame, line = own[-1]
    return frame.f_code.co_filename, line


def _origin(frame: FrameType) -> str | None:
    """Return the owner of a frame's code: a package, or the user; None for benchbench's own."""
    file, module = frame.f_code.co_filename, str(frame.f_globals.get("__name__"))
    if module.partition(".")[0] == "benchbench" or file.startswith("<"):
        return None
    parts = Path(file).parts
    for folder in INSTALLED:
        if folder in parts:
            return parts[parts.index(folder) + 1]
    return None if file.startswith(STANDARD) else "the user's"


def _write_trace(what: str, error: BaseException) -> Path | None:
    """Write the trace to a file of its own; None if that fails: the error matters more."""
    try:
        folder = cache_folder() / LOGS
        folder.mkdir(parents=True, exist_ok=True)
        now = datetime.now(timezone.utc)
        handle, name = tempfile.mkstemp(".txt", f"{now:%Y%m%d-%H%M%S}-", folder)
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{now.isoformat()}\n{what}\n{sys.version}\n\n{_format_trace(error)}")
        for old in sorted(folder.glob("*.txt"))[:-MAX_TRACES]:
            old.unlink(missing_ok=True)
        return Path(name)
    except Exception:  # noqa: BLE001 - no cache folder, a full disk
        return None


def _format_trace(error: BaseException) -> str:
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message; its type if the message is empty.

    Where that line ends with a colon, the next one is part of it.
    """
    lines = (str(error).strip() or type(error).__name__).splitlines()
    announced = lines[0].endswith(":") and len(lines) > 1
    return " ".join(line.strip() for line in lines[: 1 + announced]).rstrip(".:")
