"""Which set of official-format files a task reads, and by what name its numbers go.

An edition that is not known to be the official one is called ``custom-<folder>-<digest8>``, so that
numbers from other files can never be taken for published ones. (No digest of the official files
is known to this version, so that every edition is a custom one.)
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from benchbench.data.records import file_sha256
from benchbench.errors import MissingData, UsageError
from benchbench.types import Edition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchbench.types import DataFile, TaskInfo

DATA_VARIABLE = "BENCHBENCH_DATA"


def find_root(data_root: str | Path | None) -> Path | None:
    """The folder that was named: the argument, else the variable BENCHBENCH_DATA, else None."""
    named = data_root or os.environ.get(DATA_VARIABLE)
    return Path(named).expanduser() if named else None


def missing_files(info: TaskInfo, root: Path) -> list[DataFile]:
    """Which of a task's files and folders are not under ``root``."""
    return [file for file in info.files if not is_there(file, root)]


def is_there(file: DataFile, root: Path) -> bool:
    """Whether a file, or a folder with something in it, is under ``root``."""
    path = root / file.path
    if file.path.endswith("/"):
        return path.is_dir() and any(path.iterdir())
    return path.is_file()


def resolve_edition(info: TaskInfo, data_root: str | Path | None = None) -> Edition:
    """Find and name the files of a task.

    Raises:
        UsageError: no folder was named.
        MissingData: the folder lacks a file; the message says which, and where it is published.
    """
    root = find_root(data_root)
    if root is None:
        raise UsageError(
            f"{info.name} needs data: pass --data-root DIR or set {DATA_VARIABLE}. "
            f"What belongs there: benchbench data where {info.name}"
        )
    if not root.is_dir():
        raise MissingData(f"The data root {root} is no folder.")
    if missing := missing_files(info, root):
        what = "; ".join(f"{file.path} ({file.what}; {file.source})" for file in missing)
        raise MissingData(
            f"{root} lacks {what}. See the whole layout: benchbench data where {info.name}"
        )
    digest = _annotations_sha256(root, info.files)
    return Edition(f"custom-{_slug(root)}-{digest[:8]}", root, digest)


def _annotations_sha256(root: Path, files: Sequence[DataFile]) -> str:
    annotations = [file.path for file in files if not file.path.endswith("/")]
    if len(annotations) == 1:
        return file_sha256(root / annotations[0])
    digest = hashlib.sha256()
    for path in sorted(annotations):
        digest.update(f"{path} {file_sha256(root / path)}\n".encode())
    return digest.hexdigest()


def _slug(root: Path) -> str:
    return re.sub(r"[^a-z0-9]+", "-", root.resolve().name.lower()).strip("-") or "data"
