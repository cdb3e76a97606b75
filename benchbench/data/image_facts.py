"""Facts about image files that an earlier evaluation read, so that they need not be read again.

A fact is a file's SHA-256, its header, or that it decodes. It holds for a stamp: size, time of
modification and of change to the nanosecond, inode and device. A file of the same name with another
stamp is read. What restores a time of modification (``touch -r``, ``rsync --times``, an unpacked
archive) still moves the time of change, which no program can set. Besides:

- A file that changed within ``SETTLED`` before it was read is not noted: a further change might
  leave the same times, where a file system counts in whole seconds, or a process writes through a
  mapping. Nor is a file whose times lie ahead of the clock.
- A fact that was noted later than now is not used: the clock was set back.
- Facts are noted on the file systems ``LOCAL`` of Linux alone. Over a network a stamp may be older
  than the content; images of file systems (SquashFS) and FAT have no time of change of their own.
- A folder's facts are a file with a checksum, written whole. Where it is damaged, or of another
  version of Pillow or of this package's reader, it is ignored.
- Each evaluation reads and compares a few of the files (``embedding.images``).
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from dataclasses import astuple, dataclass, field, replace
from functools import cache
from pathlib import Path
from time import time_ns
from typing import TYPE_CHECKING, Any

from benchbench.cache import cache_folder
from benchbench.data import headers
from benchbench.data.headers import Header
from benchbench.data.records import file_sha256
from benchbench.errors import UsageError
from benchbench.leftovers import remove, remove_leftovers, temporary_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    Stamp = tuple[int, int, int, int, int]
    """Size, times of modification and of change in nanoseconds, inode, device."""

FORMAT = 1
SUFFIX = ".json"
SETTLED = 60 * 10**9
"""Nanoseconds for which a file must not have changed when it is read."""
LOCAL = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "tmpfs", "overlay"})
"""File systems whose times of change follow every change of content at once."""
MOUNTS = Path("/proc/self/mountinfo")
MOST = 200_000
"""The largest number of files in a folder that are noted."""
LIMIT = 64 * 10**6
"""The bytes above which folders' facts are removed, those first that were used longest ago."""


@dataclass(frozen=True, slots=True)
class ImageFact:
    """What is known of an image file with one stamp."""

    stamp: Stamp
    noted: int
    """The time before it was read, in nanoseconds since the epoch."""
    sha256: str | None = None
    decodes: bool = False
    """Whether it is known to decode to its end."""
    header: Header | None = None

    @classmethod
    def of(cls, row: list[Any]) -> ImageFact:
        """Return a fact as a file has it."""
        *stamp, noted, sha256, decodes, header = row
        size, *flags = header or [None]
        known = Header((size[0], size[1]), *flags) if size else None
        return cls((*stamp,), noted, sha256, decodes, known)

    @property
    def row(self) -> list[Any]:
        """Return the fact as a file has it."""
        known = None if self.header is None else astuple(self.header)
        return [*self.stamp, self.noted, self.sha256, self.decodes, known]


@dataclass(slots=True)
class FolderFacts:
    """The facts of one folder's files."""

    folder: Path
    place: Path | None
    """The file that holds them; None where no facts are noted."""
    device: int = 0
    facts: dict[str, ImageFact] = field(default_factory=dict)
    new: dict[str, ImageFact] = field(default_factory=dict)
    """Those that the file does not have."""
    damaged: bool = False
    """Whether the file is, so that nothing is known of it."""

    @property
    def size(self) -> int:
        """Return the size of the file, in bytes."""
        return self.place.stat().st_size if self.place and self.place.is_file() else 0

    def save(self) -> None:
        """Write the facts, with those that another process wrote meanwhile.

        On a file system that cannot be written, images are read again next time.
        """
        if self.place is None or not self.new:
            return
        there = {**_read_facts(self.place, str(self.folder)), **self.new}
        if len(there) > MOST:
            there = dict(list({**self.facts, **self.new}.items())[:MOST])
        temporary = temporary_path(self.place)
        try:
            self.place.parent.mkdir(parents=True, exist_ok=True)
            remove_leftovers(self.place.parent)
            temporary.write_bytes(_packed(str(self.folder), there))
            temporary.replace(self.place)
        except OSError:
            remove(temporary)
        self.new = {}

    def remove(self) -> None:
        """Forget the facts, and remove their file."""
        self.facts, self.new = {}, {}
        if self.place:
            remove(self.place)


class ImageFacts:
    """The facts about image files in a cache folder."""

    def __init__(self, folder: Path) -> None:
        self._cache = folder
        self._folders: dict[str, FolderFacts] = {}
        self._lock = threading.Lock()

    @classmethod
    def default(cls) -> ImageFacts | None:
        """Return those of the cache folder; None where there is none."""
        try:
            return cls.of_cache()
        except UsageError:  # the store of encodings warns of it
            return None

    @classmethod
    def of_cache(cls) -> ImageFacts:
        """Return those of the cache folder.

        Raises:
            UsageError: it is unknown.
        """
        return cls(cache_folder() / "images")

    def known(self, path: Path) -> ImageFact | None:
        """Return what is known of a file as it is now; None where it must be read."""
        place, name = os.path.split(str(path))
        folder = self._of(place)
        fact = folder.facts.get(name)
        if fact is None or fact.stamp != _stamp(path) or fact.noted > time_ns():
            return None
        return fact

    def begin(self, path: Path) -> tuple[Stamp | None, int]:
        """Return a file's stamp and the time, before it is read."""
        now = time_ns()
        return _stamp(path), now

    def note(
        self,
        path: Path,
        begun: tuple[Stamp | None, int],
        *,
        sha256: str | None = None,
        decodes: bool = False,
        header: Header | None = None,
    ) -> None:
        """Note what was read of a file, unless it changed shortly before, or meanwhile.

        Args:
            path: the file.
            begun: the return value of ``begin``, called before it was read.
            sha256: the digest of its bytes.
            decodes: whether all of it was decoded.
            header: its header.
        """
        place, name = os.path.split(str(path))
        folder = self._of(place)
        stamp, now = begun
        if folder.place is None or stamp is None or stamp[4] != folder.device:
            return
        if max(stamp[1], stamp[2]) > now - SETTLED or stamp != _stamp(path):
            return
        before = folder.facts.get(name)
        if before is None or before.stamp != stamp or before.noted > now:
            before = ImageFact(stamp, now)
        fact = replace(
            before,
            noted=now,
            sha256=sha256 or before.sha256,
            decodes=decodes or before.decodes,
            header=header or before.header,
        )
        if replace(fact, noted=before.noted) != folder.facts.get(name):
            folder.facts[name] = folder.new[name] = fact

    def forget(self, path: Path) -> None:
        """Remove the facts of a file's folder."""
        self._of(str(path.parent)).remove()

    def save(self) -> None:
        """Write what was noted, and remove old facts above the limit."""
        if any(folder.new for folder in self._folders.values()):
            for folder in self._folders.values():
                folder.save()
            self.make_room()

    def make_room(self) -> None:
        """Remove the facts that were used longest ago until they are below the limit."""
        there = sorted(self._files(), key=lambda each: -each[1].st_mtime)
        total = 0
        for path, found in there:
            total += found.st_size
            if total > LIMIT:
                remove(path)

    def folders(self) -> list[FolderFacts]:
        """Return the facts on disk, folder by folder."""
        found = []
        for path, _ in sorted(self._files()):
            folder, facts = (read := _unpacked(path)) or ("", {})
            found.append(FolderFacts(Path(folder), path, facts=facts, damaged=read is None))
        return found

    def verify(self) -> tuple[int, int]:
        """Read every image file of which a digest would be used; remove the facts that are wrong.

        Returns:
            The number of facts that were checked, and of those that were removed; a damaged file
            of facts counts as one.
        """
        checked = wrong = 0
        for folder in self.folders():
            bad = folder.damaged
            for name, fact in folder.facts.items():
                path = folder.folder / name
                if fact.sha256 is None or _stamp(path) != fact.stamp:
                    continue
                checked += 1
                if file_sha256(path) != fact.sha256:
                    wrong, bad = wrong + 1, True
            wrong += folder.damaged
            if bad:
                folder.remove()
        return checked, wrong

    def _files(self) -> list[tuple[Path, os.stat_result]]:
        found = []
        for path in self._cache.glob(f"*{SUFFIX}"):
            try:
                found.append((path, path.stat()))
            except FileNotFoundError:  # another process removed it
                continue
        return found

    def _of(self, folder: str) -> FolderFacts:
        """Return the facts of a folder, read at the first call."""
        if (found := self._folders.get(folder)) is not None:
            return found
        with self._lock:
            if folder not in self._folders:
                self._folders[folder] = self._opened(Path(os.path.realpath(folder)))
            return self._folders[folder]

    def _opened(self, folder: Path) -> FolderFacts:
        try:
            device = folder.stat().st_dev
        except (OSError, ValueError):
            return FolderFacts(folder, None)
        if file_system_of(folder, device) not in LOCAL:
            return FolderFacts(folder, None)
        name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:32]
        place = self._cache / f"{name}{SUFFIX}"
        facts = _read_facts(place, str(folder))
        if facts:
            _touch(place)
        return FolderFacts(folder, place, device, facts)


def file_system_of(folder: Path, device: int) -> str:
    """Return the type of the file system that holds a folder, as Linux names it; "" if unknown.

    Args:
        folder: the folder, without links in its path.
        device: its device; a mount of another device hides the one that is listed, except on
            Btrfs, where every subvolume has a device of its own.
    """
    try:
        lines = MOUNTS.read_bytes().splitlines()
    except OSError:
        return ""
    best, found = -1, ""
    for line in lines:
        mount, _, kinds = line.partition(b" - ")
        fields = mount.split(b" ")
        point = os.fsdecode(fields[4].decode("unicode_escape").encode("latin-1"))
        if len(point) >= best and folder.is_relative_to(point):
            kind = kinds.split(b" ")[0].decode("ascii", "replace")
            same = fields[2] == b"%d:%d" % (os.major(device), os.minor(device))
            best, found = len(point), kind if same or kind == "btrfs" else ""
    return found


def _stamp(path: Path) -> Stamp | None:
    """Return a file's stamp; None where there is no such file."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev


@cache
def _reader() -> str:
    """Return what the facts depend on besides a file: Pillow, and this package's reader."""
    from PIL import __version__ as pillow

    digest = hashlib.sha256(pillow.encode())
    for name in ("headers.py", "images.py"):
        digest.update(Path(headers.__file__).with_name(name).read_bytes())
    return digest.hexdigest()


def _packed(folder: str, facts: Mapping[str, ImageFact]) -> bytes:
    body = json.dumps({name: fact.row for name, fact in facts.items()}).encode()
    head = {
        "format": FORMAT,
        "folder": folder,
        "reader": _reader(),
        "sha256": hashlib.sha256(body).hexdigest(),
    }
    return json.dumps(head).encode() + b"\n" + body


def _unpacked(place: Path) -> tuple[str, dict[str, ImageFact]] | None:
    """Return a folder and its facts, none of another reader; None where a file is damaged."""
    try:
        head, _, body = place.read_bytes().partition(b"\n")
        known = json.loads(head)
        if known["format"] != FORMAT or known["reader"] != _reader():
            return known["folder"], {}
        if hashlib.sha256(body).hexdigest() != known["sha256"]:
            return None
        rows = json.loads(body)
        return known["folder"], {name: ImageFact.of(row) for name, row in rows.items()}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _read_facts(place: Path, folder: str) -> dict[str, ImageFact]:
    found = _unpacked(place)
    return found[1] if found and found[0] == folder else {}


def _touch(place: Path) -> None:
    """Note that facts are used; on a read-only file system it cannot be noted."""
    try:
        os.utime(place)
    except OSError:
        return
