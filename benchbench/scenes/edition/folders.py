"""A folder that is written whole or not at all.

It is made under another name beside its place and then renamed. Two processes that make the same
edition at once both succeed: whoever comes second finds the same bytes and throws its own away. An
edition that differs is moved aside before the new one takes its place, and moved back should that
fail. What a killed process leaves (``.NAME.*.unfinished``) goes when it is a day old.
"""

from __future__ import annotations

import filecmp
import os
import shutil
import time
import uuid
from collections import Counter
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.errors import UsageError
from benchbench.files import parse_json, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator

MANIFEST = "edition.json"
MADE_BY = "benchbench scenes"
"""What the manifest of an edition of ours says it was made by."""

_UNFINISHED = ".unfinished"
_KEPT_SECONDS = 24 * 3600
_ATTEMPTS = 50


def manifest(root: Path) -> dict[str, Any] | None:
    """What ``edition.json`` says of a folder; None where no edition of ours is there."""
    try:
        content = parse_json(read_text(root / MANIFEST))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) and content.get("made_by") == MADE_BY else None


def check_replaceable(root: Path) -> None:
    """Refuse a place that holds anything but nothing, an empty folder, or an edition of ours.

    Raises:
        UsageError: saying what is there.
    """
    if not root.exists():
        return
    if not root.is_dir():
        raise UsageError(f"{root} is a file; an edition is a folder. Name another place.")
    there = {path.name for path in root.iterdir()}
    if not there:
        return
    said = manifest(root)
    if said is None:
        raise UsageError(
            f"{root} holds {_some(there)} and is no edition of the drawn world: nothing is "
            "written over it. Name a new or an empty folder."
        )
    contents = said.get("contents")
    ours = {MANIFEST, *(contents if isinstance(contents, dict) else ())}
    if strange := there - ours:
        raise UsageError(
            f"{root} holds {_some(strange)} besides an edition of the drawn world, which would be "
            "lost. Move that elsewhere, or name another folder."
        )


def _some(names: set[str]) -> str:
    shown = sorted(names)[:3]
    return ", ".join(shown) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


@contextmanager
def whole(root: Path) -> Iterator[Path]:
    """A new folder to write in, which takes the place of ``root`` when the block ends well.

    Raises:
        UsageError: ``root`` holds what is not ours, or cannot be made.
    """
    root = root.resolve()
    check_replaceable(root)
    work = _beside(root)
    try:
        work.mkdir(parents=True)
        _remove_old(root)
        yield work
        _publish(work, root)
    except OSError as error:
        raise UsageError(f"Cannot write the edition {root}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _beside(root: Path) -> Path:
    return root.with_name(f".{root.name}.{uuid.uuid4().hex}{_UNFINISHED}")


def _publish(work: Path, root: Path) -> None:
    """Rename ``work`` to ``root``, however often somebody else is a moment earlier."""
    for _ in range(_ATTEMPTS):
        try:
            if root.is_dir() and not any(root.iterdir()):
                root.rmdir()
            work.rename(root)
        except OSError:
            if not root.exists():
                raise
        else:
            return
        if _same(work, root):
            return
        check_replaceable(root)
        if _replaced(work, root):
            return
    raise UsageError(f"{root} keeps changing: is another process writing there?")


def _replaced(work: Path, root: Path) -> bool:
    """Move the old edition aside, the new one in, and the old one back should that fail."""
    aside = _beside(root)
    try:
        root.rename(aside)
    except FileNotFoundError:
        return False
    try:
        work.rename(root)
    except BaseException as error:
        with suppress(OSError):
            aside.rename(root)
        if not isinstance(error, OSError) or not root.exists():
            raise
        return False
    finally:
        if root.exists():  # else the old edition could not be put back: better there than gone
            shutil.rmtree(aside, ignore_errors=True)
    return True


def _same(one: Path, other: Path) -> bool:
    """Whether two folders hold the same files, byte for byte."""
    names = files_in(one)
    if names != files_in(other):
        return False
    return all(filecmp.cmp(one / name, other / name, shallow=False) for name in names)


def files_in(folder: Path) -> list[str]:
    """Every file under a folder, by its path in it, in order."""
    found = (Path(top, name) for top, _, names in os.walk(folder) for name in names)
    return sorted(path.relative_to(folder).as_posix() for path in found)


def counted(folder: Path) -> dict[str, int]:
    """How many files are under each entry of a folder."""
    return dict(Counter(name.partition("/")[0] for name in files_in(folder)))


def _remove_old(root: Path) -> None:
    """Remove what killed processes left beside the place."""
    for path in root.parent.glob(f".{root.name}.*{_UNFINISHED}"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _KEPT_SECONDS:
                shutil.rmtree(path, ignore_errors=True)
