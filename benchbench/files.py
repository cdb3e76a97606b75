"""Files and paths that come from outside: opened only where opening cannot wait, parsed in bounds.

A named pipe waits for a writer that may never come, a device may have no end. Every reader of a
user's file calls ``require_regular`` first, or reads by ``read_text``.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path
from typing import Any

from benchbench.errors import UsageError

KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
LONGEST_NAME = 255
"""Bytes of a file's name that file systems bear."""
MOST_BYTES = 200
"""Of a name that is written to; file systems take 255, and unfinished files add to it."""
DEEPEST = 50
"""Levels of a header or a configuration; what is deeper breaks whatever walks through it."""


def require_regular(path: Path) -> None:
    """Raise where a path leads to no regular file, as opening it would where it is not there.

    Raises:
        OSError: it does not exist, may not be looked at, is a folder, or is what opening could
            wait for: a pipe, a socket, a device; or no file can have its name.
    """
    try:
        mode = path.stat().st_mode
    except ValueError as error:  # a NUL character; a name that this machine cannot encode
        raise OSError(errno.EINVAL, "no file can have this name", str(path)) from error
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        what = KINDS.get(stat.S_IFMT(mode), "no regular file")
        raise OSError(errno.EINVAL, f"it is {what}, not a file", str(path))


def exists(path: Path) -> bool:
    """Return whether something is there; False too for what no file can be called."""
    try:
        return path.exists()
    except OSError:  # a name too long, a loop of links
        return False


def is_folder(path: Path) -> bool:
    """Return whether a folder is there; False too for what no folder can be called."""
    return exists(path) and path.is_dir()


def require_regular_entries(folder: Path) -> None:
    """Raise where a folder, which a library reads, holds what opening could wait for.

    Raises:
        OSError: as ``require_regular``.
    """
    for entry in sorted(folder.iterdir()):
        if not entry.is_dir() and entry.exists():
            require_regular(entry)


def read_text(path: Path, encoding: str = "utf-8") -> str:
    """Return the text of a regular file.

    Raises:
        OSError: as ``require_regular``; or it cannot be read.
        UnicodeDecodeError: a ``ValueError``: it is not in this encoding.
    """
    require_regular(path)
    return path.read_text(encoding)


def parse_json(text: str | bytes, deepest: int | None = DEEPEST) -> Any:
    """Parse JSON from outside.

    Args:
        text: the JSON.
        deepest: levels of nesting that are allowed; None for as many as the parser bears.

    Raises:
        ValueError: it is no JSON, or nested too deeply.
    """
    try:
        content = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if deepest is not None and _is_deeper(content, deepest):
        raise ValueError(f"it is nested deeper than {deepest} levels")
    return content


def _is_deeper(content: Any, deepest: int) -> bool:
    """Return whether lists and objects lie inside each other in more levels than that."""
    level = [content]
    for _ in range(deepest):
        level = [inner for each in level for inner in _inside(each)]
    return bool(level)


def _inside(content: Any) -> list[Any]:
    values = content.values() if isinstance(content, dict) else content
    if not isinstance(content, (dict, list)):
        return []
    return [value for value in values if isinstance(value, (dict, list))]


def name_problem(path: Path) -> str:
    """Return why no file can be written by a name; an empty string where one can."""
    longest = _longest(path)
    if "\0" in str(path):
        return "it holds a NUL character"
    return f"a part of it has {longest:,} bytes, over {MOST_BYTES}" if longest > MOST_BYTES else ""


def expanded(path: str | Path) -> Path:
    """Return a path with the home folder in the place of ``~`` or ``~user``.

    Raises:
        UsageError: there is no such user, or no home folder; or a name in it is longer than any.
    """
    longest = _longest(Path(path))
    if longest > LONGEST_NAME:
        raise UsageError(
            f"{path} leads to no file: a name in it has {longest:,} bytes, over {LONGEST_NAME}."
        )
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise UsageError(
            f"Cannot expand {path}: no home folder is known for {Path(path).parts[0]}. Type the "
            "whole path."
        ) from error


def resolved(path: Path) -> Path:
    """Return a path without links and "..".

    Raises:
        UsageError: links that lead in a circle; Python 3.13 leaves those as they are.
    """
    try:
        return path.resolve()
    except (OSError, RuntimeError) as error:
        raise UsageError(f"{path} leads nowhere: its links form a circle.") from error


def _longest(path: Path) -> int:
    """Return the bytes of the longest name in a path."""
    names = (part.encode("utf-8", "surrogateescape") for part in path.parts)
    return max(map(len, names), default=0)
