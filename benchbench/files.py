"""Files and paths from outside: opened only where opening cannot block, parsed within bounds.

A named pipe waits for a writer that may never come, a device may have no end. Every reader of a
user's file calls ``require_regular`` first, or reads by ``read_text`` or ``read_parquet``.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
MAX_NAME_BYTES = 255
"""The largest number of bytes of a file's name on common file systems."""
MAX_WRITTEN_NAME_BYTES = 200
"""The largest number of bytes of a name to write to; file systems allow 255, and the names of
unfinished files are longer."""
MAX_DEPTH = 50
"""The largest number of levels of a header or a configuration; deeper nesting breaks recursive
readers."""


def require_regular(path: Path) -> None:
    """Raise an OSError if a path is not a regular file, as ``open`` does for a missing one.

    Raises:
        OSError: it does not exist, is not accessible, is a folder, or is a file that opening could
            wait for: a pipe, a socket, a device; or no file can have its name.
    """
    try:
        mode = path.stat().st_mode
    except ValueError as error:  # a NUL character; a name that this machine cannot encode
        raise OSError(errno.EINVAL, "no file can have this name", str(path)) from error
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        what = KINDS.get(stat.S_IFMT(mode), "not a regular file")
        raise OSError(errno.EINVAL, f"it is {what}, not a file", str(path))


def exists(path: Path) -> bool:
    """Return whether a path exists; False too for names that no file can have."""
    try:
        return path.exists()
    except OSError:  # a name too long, a loop of links
        return False


def is_folder(path: Path) -> bool:
    """Return whether a folder exists; False too for names that no folder can have."""
    return exists(path) and path.is_dir()


def require_regular_entries(folder: Path) -> None:
    """Raise an OSError if a folder for a library has an entry that opening could wait for.

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


def read_parquet(path: Path) -> pa.Table:
    """Return the table of a Parquet file, with validated buffers.

    Arrow's own threads are not used. One of them could drop the last reference to the file's bytes
    while the interpreter shuts down, which aborts a process that has done its work
    (https://github.com/apache/arrow/issues/34314).

    Raises:
        OSError: as ``require_regular``; or it cannot be read.
        ValueError: the file is damaged, or not Parquet.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    require_regular(path)
    try:
        # A ParquetFile, not read_table: the latter reads key=value folders into columns.
        with path.open("rb") as source, pq.ParquetFile(source, pre_buffer=False) as file:
            table = file.read(use_threads=False)
        table.validate(full=True)
    except (pa.ArrowException, OverflowError, MemoryError) as error:
        raise ValueError(str(error)) from error
    return table


def parse_json(text: str | bytes, deepest: int | None = MAX_DEPTH, *, unique: bool = False) -> Any:
    """Parse JSON from outside.

    Args:
        text: the JSON.
        deepest: the levels of nesting that are allowed; None for as many as the parser supports.
        unique: whether a key that an object has twice is an error; otherwise its last value counts.

    Raises:
        ValueError: it is not JSON, nested too deeply, or has a key twice.
    """
    try:
        content = json.loads(text, object_pairs_hook=_with_unique_keys if unique else None)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if deepest is not None and _is_deeper(content, deepest):
        raise ValueError(f"it is nested deeper than {deepest} levels")
    return content


def _with_unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of these keys and values.

    Raises:
        ValueError: a key is there twice.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        counted = Counter(key for key, _ in pairs)
        raise ValueError(f"the key '{counted.most_common(1)[0][0]:.40}' is there twice")
    return found


def _is_deeper(content: Any, deepest: int) -> bool:
    """Return whether lists and objects are nested in more levels than ``deepest``."""
    level = [content]
    for _ in range(deepest):
        level = [inner for each in level for inner in _children(each)]
    return bool(level)


def _children(content: Any) -> list[Any]:
    values = content.values() if isinstance(content, dict) else content
    if not isinstance(content, (dict, list)):
        return []
    return [value for value in values if isinstance(value, (dict, list))]


def name_problem(path: Path) -> str:
    """Return why a file cannot be written under a name; an empty string if it can."""
    longest = _longest_name(path)
    if "\0" in str(path):
        return "it holds a NUL character"
    return (
        f"a part of it has {longest:,} bytes, over {MAX_WRITTEN_NAME_BYTES}"
        if longest > MAX_WRITTEN_NAME_BYTES
        else ""
    )


def expand_path(path: str | Path) -> Path:
    """Return a path with the home folder in place of ``~`` or ``~user``.

    Raises:
        UsageError: there is no such user, or no home folder; or a name in the path is too long.
    """
    longest = _longest_name(Path(path))
    if longest > MAX_NAME_BYTES:
        raise UsageError(
            f"{path} leads to no file: a name in it has {longest:,} bytes, over {MAX_NAME_BYTES}."
        )
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise UsageError(
            f"Cannot expand {path}: no home folder is known for {Path(path).parts[0]}. Type the "
            "whole path."
        ) from error


def name_below(path: Path, root: Path) -> str:
    """Return a path from a folder, with forward slashes; as it is, where it is not below it.

    >>> name_below(Path("data/images/1.jpg"), Path("data")), name_below(Path("a"), Path("b"))
    ('images/1.jpg', 'a')
    """
    whole, start = path.as_posix(), _start_of(root)
    if whole.startswith(start):  # pathlib's own way takes ten times as long
        return whole[len(start) :]
    return "." if path == root else whole


@lru_cache(maxsize=16)
def _start_of(root: Path) -> str:
    """Return what the paths below a folder begin with."""
    return (root / "x").as_posix()[:-1]


def resolve_path(path: Path) -> Path:
    """Return a path without links and "..".

    Raises:
        UsageError: the links form a circle; Python 3.13 leaves such links unresolved.
    """
    try:
        return path.resolve()
    except (OSError, RuntimeError) as error:
        raise UsageError(f"{path} leads nowhere: its links form a circle.") from error


def _longest_name(path: Path) -> int:
    """Return the length of the longest name in a path, in bytes."""
    names = (part.encode("utf-8", "surrogateescape") for part in path.parts)
    return max(map(len, names), default=0)
