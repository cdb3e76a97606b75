"""Names for unfinished files and folders, and the removal of those that dead processes left.

An unfinished ``r.parquet`` is ``.r.parquet.HOST-PID-RANDOM.unfinished`` beside it. HOST is a digest
of the machine, its boot and its process namespace, so that a process id is looked up only if it
is valid. A file of a dead process of this host is removed at once; one of another host, which may
share the folder, when it has not changed for six hours; one of a living process never, unless the
process has released it: then PID is 0.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import stat
import time
import uuid
from contextlib import suppress
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

SUFFIX = ".unfinished"
OLD_SECONDS = 6 * 3600
"""Files unchanged for this long are removed if their process cannot be looked up."""
MAX_NAME_BYTES = 150
"""The largest number of bytes of a name that are kept: the file system's limit is 255."""
_OWNER = r"(?P<host>[0-9a-f]{12})-(?P<pid>\d+)-[0-9a-f]{12}" + re.escape(SUFFIX)
_NAME = re.compile(r"\..*\." + _OWNER)
_EARLIER = re.compile(r"\..+\.parquet\.[a-z0-9_]{8}")
"""Names that versions before 1 wrote runs as, with the permissions of a temporary file."""
_EARLIER_FOLDER = re.compile(r"\..+\.[0-9a-f]{32}" + re.escape(SUFFIX))
"""Names of folders that those versions drew editions in."""
_NO_OWNER = 0


def temporary_path(path: Path) -> Path:
    """Return a new name beside ``path`` for a file that this process will rename to it.

    >>> temporary_path(Path("runs/r.parquet")).name.startswith(".r.parquet.")
    True
    """
    return _owned_path(path, os.getpid())


def _owned_path(path: Path, pid: int) -> Path:
    return path.with_name(f"{_prefix(path)}{_host()}-{pid}-{uuid.uuid4().hex[:12]}{SUFFIX}")


def _prefix(path: Path) -> str:
    kept = path.name.encode("utf-8", "surrogateescape")[:MAX_NAME_BYTES].decode("utf-8", "ignore")
    return f".{kept}."


def release(place: Path, path: Path) -> None:
    """Rename this process's unfinished ``path``, so that another process may continue it."""
    with suppress(OSError):
        place.rename(_owned_path(path, _NO_OWNER))


def find_leftovers(path: Path) -> list[Path]:
    """Return unfinished versions of ``path`` that no living process can own, newest first."""
    found = []
    with suppress(OSError):
        for each in list(os.scandir(path.parent)):
            if _is_version_of(each.name, path):
                with suppress(OSError):
                    if _is_dead(place := Path(each.path)):
                        found.append((each.stat().st_mtime, place))
    return [place for _, place in sorted(found, reverse=True)]


def _is_version_of(name: str, path: Path) -> bool:
    rest = name.removeprefix(_prefix(path))
    return rest != name and bool(
        re.fullmatch(_OWNER, rest) or _EARLIER_FOLDER.fullmatch(f".x.{rest}")
    )


def remove_leftovers(folder: Path, pattern: str = ".*") -> list[Path]:
    """Remove unfinished files and folders in ``folder`` that no living process can own.

    Only names that ``temporary_path`` makes are considered (and those of runs by earlier versions).
    Files that cannot be removed, or no longer exist, are left alone.

    Args:
        folder: the folder; it may be missing.
        pattern: for names, as of ``fnmatch``: ``.images.*``.

    Returns:
        The removed paths.
    """
    removed = []
    with suppress(OSError):
        for path in [Path(each.path) for each in os.scandir(folder) if fnmatch(each.name, pattern)]:
            with suppress(OSError):
                if _is_dead(path):
                    _remove(path)
                    removed.append(path)
    return removed


def remove(path: Path) -> None:
    """Remove an unfinished file or folder; if that fails, leave it."""
    with suppress(OSError):
        _remove(path)


def _is_dead(path: Path) -> bool:
    """Return whether the writer of an unfinished file is dead, or the file old enough."""
    if found := _NAME.fullmatch(path.name):
        if int(found["pid"]) == _NO_OWNER:
            return True
        if found["host"] == _host() and os.name == "posix":
            return not _is_alive(int(found["pid"]))
        return _idle_seconds(path) > OLD_SECONDS
    if _EARLIER_FOLDER.fullmatch(path.name):
        return _idle_seconds(path) > OLD_SECONDS
    if not _EARLIER.fullmatch(path.name):
        return False
    mode = path.lstat().st_mode
    is_temporary = stat.S_ISREG(mode) and stat.S_IMODE(mode) == 0o600
    return is_temporary and _idle_seconds(path) > OLD_SECONDS


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)  # signal 0 only checks that the process exists
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _idle_seconds(path: Path) -> float:
    """Return how many seconds a file, or anything in a folder, has not changed."""
    there = [path, *path.rglob("*")] if path.is_dir() and not path.is_symlink() else [path]
    return time.time() - max(each.lstat().st_mtime for each in there)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


@cache
def _host() -> str:
    """Return a digest of the machine, its boot, and the namespace of its process ids."""
    known = [platform.node()]
    try:
        known.append(Path("/proc/sys/kernel/random/boot_id").read_text("ascii"))
        known.append(str(Path("/proc/self/ns/pid").readlink()))
    except OSError:
        known.append(str(uuid.getnode()))
    return hashlib.sha256("\n".join(known).encode()).hexdigest()[:12]
