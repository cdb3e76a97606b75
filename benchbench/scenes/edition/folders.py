"""Write a folder whole or not at all.

The folder is made under another name beside its place and then renamed. Two processes that make the
same edition at once both succeed: the second finds the same bytes and deletes its own folder. An
edition that differs is moved aside before the new one takes its place, and is moved back if that
fails. The next process that makes the same edition uses the files that an interrupted or killed
process left (``leftovers``). A process that makes another edition removes them.
"""

from __future__ import annotations

import filecmp
import os
from collections import Counter
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.errors import UsageError
from benchbench.files import parse_json, read_text, resolve_path
from benchbench.leftovers import find_leftovers, release, remove, temporary_path
from benchbench.scenes.edition.pieces import Pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

MANIFEST = "edition.json"
MADE_BY = "benchbench scenes"
"""The value of ``made_by`` in the manifest of an edition of ours."""

IDENTITY = "identity"
"""The file in an unfinished edition with the identity of that edition."""

_ATTEMPTS = 50


def manifest(root: Path) -> dict[str, Any] | None:
    """Return the content of a folder's ``edition.json``; None where there is no edition of ours."""
    try:
        content = parse_json(read_text(root / MANIFEST))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) and content.get("made_by") == MADE_BY else None


def check_replaceable(root: Path) -> None:
    """Raise an error unless a place is free: absent, an empty folder, or an edition of ours.

    Raises:
        UsageError: the place holds other files, which the message names.
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
            f"{root} holds {_some(there)} and is not an edition of the drawn world: nothing is "
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
def replace_whole(root: Path, identity: str) -> Iterator[Pieces]:
    """Yield a folder to make an edition in, which replaces ``root`` after a success.

    The folder has the pieces that an interrupted drawing of the same identity left. It is removed
    after a failure, and kept when the process is interrupted.

    Args:
        root: the edition's place.
        identity: a digest of everything that decides the edition's bytes.

    Raises:
        UsageError: ``root`` holds files that are not ours, or cannot be made.
    """
    root = resolve_path(root)
    check_replaceable(root)
    try:
        pieces = _taken_up(root, identity) or _begun(root, identity)
        try:
            yield pieces
            _publish(pieces.edition, root)
        except Exception:
            remove(pieces.work)
            raise
        except BaseException:
            release(pieces.work, root)
            raise
        remove(pieces.work)
    except OSError as error:
        raise UsageError(f"Cannot write the edition {root}: {error.strerror or error}") from error


def _begun(root: Path, identity: str) -> Pieces:
    pieces = Pieces(temporary_path(root))
    for folder in (pieces.edition, pieces.notes):
        folder.mkdir(parents=True)
    (pieces.work / IDENTITY).write_text(identity, "utf-8")
    return pieces


def _taken_up(root: Path, identity: str) -> Pieces | None:
    """Return the unfinished folder that a dead process left of the same edition.

    All other leftovers are removed.
    """
    taken = None
    for left in find_leftovers(root):
        pieces = Pieces(temporary_path(root))
        with suppress(OSError):  # another process has renamed it already
            left.rename(pieces.work)
            if taken is None and _identity(pieces) == identity:
                taken = pieces
            else:
                remove(pieces.work)
    return taken


def _identity(pieces: Pieces) -> str | None:
    try:
        return (pieces.work / IDENTITY).read_text("utf-8")
    except (OSError, ValueError):  # an edition moved aside, or an earlier version's
        return None


def clear(root: Path) -> None:
    """Remove the leftovers of dead processes beside an edition."""
    for left in find_leftovers(resolve_path(root)):
        remove(left)


def _publish(work: Path, root: Path) -> None:
    """Rename ``work`` to ``root``, and retry when another process writes there first."""
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
    """Move the old edition aside and the new one in, and move the old one back if that fails."""
    aside = temporary_path(root)
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
        if root.exists():  # otherwise the old edition could not be moved back: keep it
            remove(aside)
    return True


def _same(one: Path, other: Path) -> bool:
    """Return whether two folders hold the same files, byte for byte."""
    names = files_in(one)
    if names != files_in(other):
        return False
    try:
        return all(filecmp.cmp(one / name, other / name, shallow=False) for name in names)
    except FileNotFoundError:  # another process replaced the folder meanwhile
        return False


def files_in(folder: Path) -> list[str]:
    """Return the path of every file under a folder, relative to the folder, sorted."""
    found = (Path(top, name) for top, _, names in os.walk(folder) for name in names)
    return sorted(path.relative_to(folder).as_posix() for path in found)


def count_files(folder: Path) -> dict[str, int]:
    """Return the number of files under each entry of a folder."""
    return dict(Counter(name.partition("/")[0] for name in files_in(folder)))
