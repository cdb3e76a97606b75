"""Atomic writing: files are written whole or not at all."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchbench.errors import RunError, UsageError
from benchbench.files import require_regular
from benchbench.leftovers import remove, remove_leftovers, temporary_path

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary file that replaces ``path`` on success and is removed otherwise.

    An existing file keeps its permissions, and a symbolic link its target, which is replaced. Files
    that killed processes left in the folder are removed.

    Raises:
        RunError: the folder cannot be created or written, or the disk is full; or ``path`` exists
            and is not a file: a device, which root could replace, a pipe, a folder.
    """
    with os_errors(path):
        place = Path(os.path.realpath(path))
        if place.exists():
            require_regular(place)
        place.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(place.parent)
        temporary = temporary_path(place)
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            yield temporary
            temporary.chmod(_mode(place))
            temporary.replace(place)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path, marker: str) -> Iterator[Path]:
    """Yield a temporary folder that replaces ``path`` on success and is removed otherwise.

    Args:
        path: the folder; it is new, empty, or one that was written this way.
        marker: the name of a file by which such a folder is recognised; the caller writes it.

    Raises:
        UsageError: ``path`` is a file, a link, or a folder of other files.
        RunError: the folder cannot be created or written, or the disk is full.
    """
    with os_errors(path):
        place = path.absolute()
        _check_replaceable(place, marker)
        place.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(place.parent)
        work = temporary_path(place)
        work.mkdir()
        try:
            yield work
            _replace_folder(place, work, marker)
        finally:
            remove(work)


def _check_replaceable(place: Path, marker: str) -> None:
    if place.is_symlink() or (place.exists() and not place.is_dir()):
        raise UsageError(f"{place} is not a folder. Name a new folder.")
    if place.is_dir() and any(place.iterdir()) and not (place / marker).is_file():
        raise UsageError(
            f"{place} holds other files (there is no {marker}), and is not replaced. Name a new "
            "folder."
        )


def _replace_folder(place: Path, work: Path, marker: str) -> None:
    """Rename the finished folder to its place; an earlier one is put back if that fails."""
    _check_replaceable(place, marker)
    if not place.exists():
        work.rename(place)
        return
    aside = temporary_path(place)
    place.rename(aside)
    try:
        work.rename(place)
    except OSError:
        aside.rename(place)
        raise
    remove(aside)


def _mode(place: Path) -> int:
    """Return the permissions of the existing file, or those of a new one."""
    if place.exists():
        return stat.S_IMODE(place.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


@contextmanager
def os_errors(path: Path) -> Iterator[None]:
    """Turn an OSError into a RunError of one line that names the file.

    Raises:
        RunError: for an OSError.
    """
    try:
        yield
    except OSError as error:
        raise RunError(f"Cannot write {path}: {error.strerror or error}.") from error
