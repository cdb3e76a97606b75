"""Archives of images from outside, unpacked into one flat folder, or refused as a whole.

Every name is checked before anything is written: no absolute path, no "..", no link, no device, no
two names that differ by case alone, no more files and bytes than the data set declares, no member
that unpacks to a hundred times its size. Folders inside an archive are ignored: an image is written
under its own name. The folder gets its name when all of it is there.
"""

from __future__ import annotations

import fnmatch
import lzma
import shutil
import stat
import tarfile
import unicodedata
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING

from benchbench.atomic import os_errors
from benchbench.errors import MalformedData
from benchbench.files import require_regular
from benchbench.leftovers import remove_leftovers, temporary_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from benchbench.datasets.manifest import Folder
    from benchbench.types import Progress

SLACK = 1_000
"""Entries besides images that an archive may have: folders, licences, a system's own files."""
RATIO, SMALL = 100, 1_000_000
"""The largest factor by which a member may grow, once it has this many bytes."""
BLOCK = 1 << 20
PADDING = 1 << 20
"""The most bytes that may follow the last member of a tar file."""
BROKEN = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, OSError, EOFError,
    NotImplementedError, RuntimeError,
)  # fmt: skip
"""Errors of archives that are damaged, or of a kind that cannot be read."""


@dataclass(frozen=True, slots=True)
class Member:
    """An entry of an archive."""

    name: str
    size: int
    """Bytes when unpacked, as the archive states it."""
    packed: int
    """Bytes in the archive; ``size`` where they are not known."""
    kind: str
    """``file``, ``folder``, or what it is instead."""
    open: Callable[[], IO[bytes] | None]

    @property
    def key(self) -> str:
        """Return its own name, as file systems that ignore case compare it."""
        return unicodedata.normalize("NFC", PurePosixPath(self.name).name).casefold()


def unpack(
    folder: Folder, archives: Sequence[Path], target: Path, progress: Progress | None = None
) -> int:
    """Unpack the images of archives into a folder that does not exist yet; return their number.

    Args:
        folder: the declared names, numbers and sizes.
        archives: zip or tar files.
        target: the folder.
        progress: called as ``progress("unpacking", done, total)``.

    Raises:
        MalformedData: an archive is damaged or hostile, or lacks images; nothing is left of it.
        RunError: the folder cannot be written.
    """
    with os_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(target.parent, f".{target.name}.*")
        temporary = temporary_path(target)
        temporary.mkdir()
        try:
            n = _unpack(folder, archives, temporary, progress)
            temporary.replace(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return n


def _unpack(folder: Folder, archives: Sequence[Path], to: Path, progress: Progress | None) -> int:
    taken: dict[str, str] = {}
    left = folder.unpacked
    for path in archives:
        with _opened(path) as members:
            chosen = _chosen(path, members, folder, taken)
            for done, member in enumerate(chosen):
                left -= _write(path, member, to / PurePosixPath(member.name).name, left)
                if progress:
                    progress("unpacking", done + 1, len(chosen))
    if len(taken) < folder.images:
        raise MalformedData(
            f"{', '.join(path.name for path in archives)} should have {folder.images:,} images "
            f"named {folder.like}; {len(taken):,} are there."
        )
    return len(taken)


def _chosen(
    path: Path, members: Iterable[Member], folder: Folder, taken: dict[str, str]
) -> list[Member]:
    """Return the members that are images, and note their names; all members are checked.

    Raises:
        MalformedData: a member is refused, or there are more than declared.
    """
    chosen, size = [], 0
    for number, member in enumerate(members):
        if number >= folder.at_most + SLACK:
            raise _refused(path, f"has over {number:,} entries; {folder.at_most:,} are declared")
        if problem := _problem(member):
            raise _refused(path, f"has the entry '{member.name:.80}', which {problem}")
        size += member.size
        if size > folder.unpacked:
            raise _refused(path, f"unpacks to over {folder.unpacked:,} bytes")
        if member.kind != "file" or _is_aside(member.name, folder.like):
            continue
        if other := taken.get(member.key):
            raise _refused(path, f"has '{other:.80}' and '{member.name:.80}', one file by name")
        taken[member.key] = member.name
        chosen.append(member)
        if len(taken) > folder.at_most:
            raise _refused(path, f"has more than the {folder.at_most:,} images that are declared")
    return chosen


def _refused(path: Path, why: str) -> MalformedData:
    return MalformedData(f"The archive {path} is refused: it {why}.")


def _problem(member: Member) -> str | None:
    """Return why a member is refused; None where it is not."""
    name = PurePosixPath(member.name)
    if name.is_absolute() or "\\" in member.name or member.name[1:2] == ":":
        return "is not a relative path"
    if ".." in name.parts or "\0" in member.name or (member.kind == "file" and not name.name):
        return "leads out of the folder"
    if member.kind not in ("file", "folder"):
        return f"is {member.kind}"
    if member.size > SMALL and member.size > RATIO * max(1, member.packed):
        return f"unpacks to over {RATIO} times its size"
    return None


def _is_aside(name: str, like: str) -> bool:
    """Return whether a file is not an image of the data set: a licence, a system's own file."""
    parts = PurePosixPath(name).parts
    return "__MACOSX" in parts or not fnmatch.fnmatchcase(parts[-1], like)


def _write(path: Path, member: Member, place: Path, most: int) -> int:
    """Write a member; return its bytes.

    Raises:
        MalformedData: it cannot be read, or has more bytes than stated.
    """
    size = 0
    try:
        source = member.open()
        if source is None:
            raise _refused(path, f"has no content for '{member.name:.80}'")
        with source, _written(place) as out:
            while block := source.read(BLOCK):
                size += len(block)
                if size > min(member.size, most):
                    raise _refused(path, f"has more in '{member.name:.80}' than it states")
                with os_errors(place):
                    out.write(block)
    except BROKEN as error:
        raise MalformedData(f"The archive {path} is damaged at '{member.name:.80}'.") from error
    if size != member.size:
        raise MalformedData(f"The archive {path} is cut off at '{member.name:.80}'.")
    return size


@contextmanager
def _written(place: Path) -> Iterator[IO[bytes]]:
    """Open a new file; only errors of writing it become a RunError."""
    with os_errors(place):
        out = place.open("xb")
    try:
        yield out
    finally:
        with os_errors(place):
            out.close()


@contextmanager
def _opened(path: Path) -> Iterator[Iterable[Member]]:
    """Open a zip or tar file.

    Raises:
        MalformedData: it is neither, or damaged.
    """
    try:
        require_regular(path)
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as file:
                yield _of_zip(file)
        else:
            with tarfile.open(path) as tar:
                yield _of_tar(tar)
                _read_to_the_end(path, tar)
    except FileNotFoundError:
        raise MalformedData(f"The archive {path} does not exist.") from None
    except BROKEN as error:
        raise MalformedData(
            f"{path} is not a zip or tar file, or it is damaged ({error})."
        ) from error


def _read_to_the_end(path: Path, tar: tarfile.TarFile) -> None:
    """Read what follows a tar's last member: gzip and others have their checksum there.

    Raises:
        MalformedData: it is too much to be padding.
    """
    if tar.fileobj is not None and len(tar.fileobj.read(PADDING + 1)) > PADDING:
        raise _refused(path, f"has over {PADDING:,} bytes behind its last member")


def _of_zip(file: zipfile.ZipFile) -> Iterator[Member]:
    for info in file.infolist():
        mode = info.external_attr >> 16
        kind = "folder" if info.is_dir() else "file"
        if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
            kind = "a link" if stat.S_ISLNK(mode) else "a device or pipe"
        elif info.flag_bits & 1:
            kind = "encrypted"
        yield Member(
            info.filename, info.file_size, info.compress_size, kind, partial(file.open, info)
        )


def _of_tar(file: tarfile.TarFile) -> Iterator[Member]:
    for info in file:
        if info.isdir():
            kind = "folder"
        elif info.issym() or info.islnk():
            kind = "a link"
        else:
            kind = "file" if info.isreg() and not info.issparse() else "a device or pipe"
        yield Member(info.name, info.size, info.size, kind, partial(file.extractfile, info))
