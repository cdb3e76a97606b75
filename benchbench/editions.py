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

from benchbench.data.records import file_sha256, first_there
from benchbench.errors import MissingData, UsageError
from benchbench.types import Edition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchbench.types import DataFile, TaskInfo

DATA_VARIABLE = "BENCHBENCH_DATA"


def find_root(data_root: str | Path | None) -> Path | None:
    """The folder that was named: the argument, else the variable BENCHBENCH_DATA, else None.

    Raises:
        UsageError: the name is empty or cannot be a folder's.
        MissingData: there is no such folder.
    """
    named = os.environ.get(DATA_VARIABLE) if data_root is None else data_root
    if named is None:
        return None
    if not isinstance(named, (str, Path)) or not str(named).strip():
        raise UsageError(f"The data root should name a folder; it is {named!r}.")
    try:
        root = Path(named).expanduser()
    except RuntimeError as error:
        raise UsageError(f"Cannot expand the data root {named}: {error}") from error
    if not root.is_dir():
        state = "is a file, not a folder" if root.exists() else "does not exist"
        raise MissingData(f"The data root {root} {state}.")
    return root


def state_of(file: DataFile, root: Path) -> tuple[bool, str]:
    """Whether a task's file or folder is under ``root`` as it should be, and what is there."""
    path = root / first_there(root, file.path, *file.instead)
    if not path.exists():
        return False, "missing"
    if file.path.endswith("/"):
        if not path.is_dir():
            return False, "a file where a folder should be"
        n = sum(1 for _ in path.iterdir())
        return n > 0, f"{n:,} entries" if n else "empty"
    if not path.is_file():
        return False, "a folder where a file should be"
    return True, f"{path.stat().st_size / 1e6:,.1f} MB"


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
    for file in info.files:
        there, state = state_of(file, root)
        if not there:
            raise MissingData(
                f"{root / file.path}: {state}. It should hold {file.what}, from {file.source}. "
                f"The whole layout: benchbench data where {info.name}"
            )
    digest = _annotations_sha256(root, info.files)
    return Edition(f"custom-{_slug(root)}-{digest[:8]}", root, digest)


def _annotations_sha256(root: Path, files: Sequence[DataFile]) -> str:
    paths = [first_there(root, file.path, *file.instead) for file in files]
    annotations = [path for path in paths if not path.endswith("/")]
    if len(annotations) == 1:
        return file_sha256(root / annotations[0])
    digest = hashlib.sha256()
    for path in sorted(annotations):
        digest.update(f"{path} {file_sha256(root / path)}\n".encode())
    return digest.hexdigest()


def _slug(root: Path) -> str:
    return re.sub(r"[^a-z0-9]+", "-", root.resolve().name.lower()).strip("-") or "data"
