"""Editions: which set of official-format files a task reads, and the name of its numbers.

================================  ==================================================================
``scenes-v2``                     the drawn world of standard counts and size, drawn when needed, or
                                  written by ``benchbench scenes export``: its annotations and
                                  pixels have the digests that the package stores
``official``                      every annotation file has the digest that the task stores for it
``custom-<folder>-<digest8>``     any other files, so that their numbers are never mistaken for
                                  those of another edition
================================  ==================================================================

The first of these that is given decides: a data root that was passed; an edition that was passed;
the variable BENCHBENCH_EDITION; the variable BENCHBENCH_DATA; a settings file (``settings.py``).
Otherwise it is the drawn world.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchbench.data.records import file_sha256, first_existing
from benchbench.errors import MissingData, UnknownName, UsageError
from benchbench.files import exists, expanded, is_folder, require_regular, resolved
from benchbench.settings import OWN_FILE, read_settings
from benchbench.types import Edition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchbench.types import DataFile, Progress, TaskInfo

EDITION_VARIABLE = "BENCHBENCH_EDITION"
DATA_VARIABLE = "BENCHBENCH_DATA"
SCENES, OFFICIAL = "scenes", "official"
LONGEST = 150
"""The largest number of characters of a folder's name in an edition's, which is part of the name of
a run's folder."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The choice of files to read, before any file is checked."""

    edition: str | None
    """``scenes``, ``official``, or None: the files that ``root`` holds."""
    root: Path | None
    """The data root; None for the drawn world, and for official files without a data root."""


def choose(data_root: str | Path | None = None, edition: str | None = None) -> Choice:
    """Return the edition and data root from arguments, variables or settings file.

    Raises:
        UnknownName: there is no such edition.
        UsageError: a folder's name is not valid; or both a folder and the drawn world are named; or
            the settings cannot be read.
        MissingData: there is no such folder.
    """
    asked = _edition(edition, "")
    if data_root is not None:
        if asked == SCENES:
            raise UsageError(
                f"The edition {edition} is drawn, and reads no --data-root: leave out one of them."
            )
        return Choice(asked, _folder(data_root, ""))
    asked = asked or _edition(os.environ.get(EDITION_VARIABLE), EDITION_VARIABLE)
    if asked == SCENES:
        return Choice(SCENES, None)
    if (named := os.environ.get(DATA_VARIABLE)) is not None:
        return Choice(asked, _folder(named, DATA_VARIABLE))
    settings = read_settings()
    asked = asked or _edition(settings.edition, settings.origin("edition"))
    if asked == SCENES or (asked is None and settings.data_root is None):
        return Choice(SCENES, None)
    root = settings.data_root
    return Choice(asked, None if root is None else _folder(root, settings.origin("data_root")))


def _edition(name: str | None, origin: str) -> str | None:
    """Return ``scenes`` or ``official``; the drawn world's full name means ``scenes``.

    Raises:
        UnknownName: there is no such edition.
    """
    if name is None or name in (SCENES, OFFICIAL):
        return name
    from benchbench.scenes.edition import EDITION

    if name == EDITION:
        return SCENES
    where = f"It comes from {origin}. " if origin else ""
    hint = f"{where}There are {SCENES} and {OFFICIAL}; other files: --data-root DIR"
    raise UnknownName("edition", str(name), (SCENES, EDITION, OFFICIAL), hint)


def _folder(named: str | Path, origin: str) -> Path:
    """Return a data root that exists. ``origin`` is its variable or key, where it was not passed.

    Raises:
        UsageError: the value does not name a folder.
        MissingData: there is no such folder.
    """
    where = f" ({origin})" if origin else ""
    if not isinstance(named, (str, Path)) or not str(named).strip():
        raise UsageError(f"The data root{where} should name a folder; it is {named!r}.")
    root = expanded(named)
    if not is_folder(root):
        state = "is a file, not a folder" if exists(root) else "does not exist"
        raise MissingData(f"The data root {root}{where} {state}.")
    return root


def state_of(file: DataFile, root: Path) -> tuple[bool, str]:
    """Return whether a task's file or folder under ``root`` is valid, and its state in words."""
    path = root / first_existing(root, file.path, *file.instead)
    if not exists(path):
        return False, "missing"
    if file.path.endswith("/"):
        if not path.is_dir():
            return False, "a file where a folder should be"
        n = sum(sum(1 for _ in each.iterdir()) if each.is_dir() else 1 for each in path.iterdir())
        return n > 0, f"{n:,} entries" if n else "empty"
    try:
        require_regular(path)
    except IsADirectoryError:
        return False, "a folder where a file should be"
    except OSError as error:
        return False, f"no file that can be read: {error.strerror}"
    return True, f"{path.stat().st_size / 1e6:,.1f} MB"


def drawn_part(info: TaskInfo) -> str | None:
    """Return the part of the drawn world that has a task's files; None where none has."""
    from benchbench.scenes.edition import part_with

    return part_with([file.path for file in info.files])


def resolve_edition(
    info: TaskInfo,
    data_root: str | Path | None = None,
    edition: str | None = None,
    progress: Progress | None = None,
) -> Edition:
    """Find and name the files of a task; draw them where they are the drawn world's.

    Args:
        info: the task.
        data_root: a folder with its files.
        edition: ``scenes`` or ``official``.
        progress: called during drawing.

    Raises:
        UsageError: the choice is not possible: see ``choose``; or the drawn world has no such
            files, or the files are not known to be the official ones, or the cache cannot be
            written.
        MissingData: the folder does not exist, or lacks a file; the message names the file, and
            where it is published.
    """
    choice = choose(data_root, edition)
    if choice.edition == SCENES:
        return _drawn(info, progress)
    if choice.root is None:
        raise UsageError(
            f"The official files of {info.name} are nowhere named: pass --data-root DIR, or set "
            f"{DATA_VARIABLE}, or data_root in {OWN_FILE}. {_layout(info)}"
        )
    for file in info.files:
        there, state = state_of(file, choice.root)
        if not there:
            raise MissingData(
                f"{choice.root / file.path}: {state}. It should hold {file.what}, from "
                f"{file.source}. The whole layout: benchbench data where {info.name}"
            )
    found = _named(info, choice.root)
    if choice.edition == OFFICIAL and found.name != OFFICIAL:
        raise UsageError(_not_official(info, found))
    return found


def _layout(info: TaskInfo) -> str:
    return f"What belongs there: benchbench data where {info.name}"


def _drawn(info: TaskInfo, progress: Progress | None) -> Edition:
    from benchbench.scenes.edition import ensure_drawn

    part = drawn_part(info)
    if part is None:
        raise UsageError(
            f"{info.name} is no part of the drawn world: pass --data-root DIR. {_layout(info)}"
        )
    return _named(info, ensure_drawn(part, progress))


def _named(info: TaskInfo, root: Path) -> Edition:
    """Return the edition that a folder with a task's files is."""
    from benchbench.scenes.edition import EDITION, standard_digests

    paths = _annotations(info, root)
    if drawn := standard_digests(root, paths):
        return Edition(EDITION, root, _joined(drawn))
    found = {path: file_sha256(root / path) for path in paths}
    digest = _joined(found)
    if found and found == dict(info.official):
        return Edition(OFFICIAL, root, digest)
    return Edition(f"custom-{_slug(root)}-{digest[:8]}", root, digest)


def _annotations(info: TaskInfo, root: Path) -> list[str]:
    """Return the annotation files, by their names in this folder."""
    names = (first_existing(root, file.path, *file.instead) for file in info.files)
    return sorted(name for name in names if not name.endswith("/"))


def _joined(digests: Mapping[str, str]) -> str:
    """Return one digest for some files; for a single file, its own."""
    if len(digests) == 1:
        return next(iter(digests.values()))
    lines = "".join(f"{path} {digests[path]}\n" for path in sorted(digests))
    return hashlib.sha256(lines.encode()).hexdigest()


def _not_official(info: TaskInfo, found: Edition) -> str:
    """Return the error message for files that are not the official ones."""
    instead = f"Without --edition official they are read as {found.name}."
    if not info.official:
        return (
            f"This version has no digest of the official files of {info.name}, so that it cannot "
            f"recognise them. {instead}"
        )
    wrong = [
        f"{path} has {digest[:12]}…, not {info.official.get(path, 'one that is known')[:12]}…"
        for path in _annotations(info, found.root)
        if (digest := file_sha256(found.root / path)) != info.official.get(path)
    ]
    return (
        f"The files of {info.name} in {found.root} are not the official ones (SHA-256: "
        f"{'; '.join(wrong)}). {instead}"
    )


def _slug(root: Path) -> str:
    return re.sub(r"[^a-z0-9]+", "-", resolved(root).name.lower()).strip("-")[:LONGEST] or "data"
