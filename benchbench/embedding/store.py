"""A store of encodings on disk: what a model computed from an input is computed once.

A record is a key, the values and a checksum. The key is the SHA-256 of the input's content (the
bytes of an image file and a box, the characters of a caption, or both), never a position or a path.
Records of one model, role and arithmetic share a folder, a *space*; all of them have one length, so
that a file of records needs no index that could disagree with it: keys are read when a space is
opened. Every process appends to a file of its own, so that several processes, on several machines
with one file system, need no lock. A record that was cut off by a killed process, or whose checksum
is wrong, is never used: its input is encoded again.

SQLite and LMDB were measured (``benchmarks/encoding_store.py``; 24,000 records of 512 values):
SQLite writes 34 times and reads 3.3 times as slowly; LMDB writes half as fast and reads twice as
fast (0.3 for 0.5 s), without checksums and in twice the space. Neither may be shared over a
network file system, and that decides.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
import uuid
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbench.cache import CACHE_VARIABLE, cache_folder, size_limit
from benchbench.embedding.records import (
    SUFFIX,
    KeyIndex,
    RecordFile,
    are_whole,
    header,
    is_whole,
    list_files,
    pack,
    rewrite,
)
from benchbench.errors import NotStored, UsageError
from benchbench.leftovers import remove_leftovers, temporary_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchbench.embedding.records import Records
    from benchbench.types.arrays import Flags, Singles


DESCRIPTION = "space.json"
CHUNK = 4096
"""Records that are copied from the disk at once."""
IN_USE_SECONDS = 3600.0
"""A space that was opened within an hour is not removed to make room."""


def key_of(*parts: str | bytes) -> bytes:
    """Return the key of an input: SHA-256 over its parts, each with its length before it.

    >>> key_of("ab", "c") == key_of("a", "bc")
    False
    """
    whole = b""
    for part in parts:
        content = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        whole += b"%d:" % len(content) + content
    return hashlib.sha256(whole).digest()


@dataclass(slots=True)
class Health:
    """Whether a store can be written."""

    broken: bool = False
    """Whether it cannot; the user was warned."""


@dataclass(slots=True)
class Store:
    """All spaces of a cache folder."""

    folder: Path
    limit: int
    """The size in bytes above which spaces are removed, those first that were used longest ago."""
    health: Health = field(default_factory=Health)

    @classmethod
    def default(cls) -> Store | None:
        """Return the store in the cache folder; None, with a warning, where there is none."""
        try:
            return cls(cache_folder() / "encodings", size_limit())
        except UsageError as error:
            warnings.warn(f"Encodings are not stored: {error}", stacklevel=2)
            return None

    def space(self, described: Mapping[str, Any]) -> Space:
        """Return the space of what is described: everything that determines the values' bits.

        Args:
            described: JSON: the model's fingerprint, role, precision, device, versions, …
        """
        text = json.dumps(described, sort_keys=True)
        name = hashlib.sha256(text.encode()).hexdigest()[:32]
        return Space(self.folder / name, dict(described), self.health)

    def spaces(self) -> list[Space]:
        """Return all spaces on disk, the one used last first."""
        found = []
        for path in self.folder.glob(f"*/{DESCRIPTION}"):
            try:
                described = json.loads(path.read_text("utf-8"))
                found.append((path.stat().st_mtime, Space(path.parent, described)))
            except (OSError, ValueError):
                found.append((0.0, Space(path.parent, {})))
        return [space for _, space in sorted(found, key=lambda pair: -pair[0])]

    def make_room(self) -> list[Space]:
        """Remove spaces until the store is below its limit; return those that were removed.

        Spaces that were opened within an hour stay.
        """
        spaces = self.spaces()
        total = sum(space.size for space in spaces)
        removed = []
        for space in reversed(spaces):
            if total <= self.limit or time.time() - space.used < IN_USE_SECONDS:
                continue
            total -= space.size
            space.remove()
            removed.append(space)
        return removed


@dataclass(slots=True)
class Space:
    """The encodings of one model, role and arithmetic."""

    folder: Path
    described: dict[str, Any]
    health: Health = field(default_factory=Health)
    is_complete: bool = False
    """Whether an input that it lacks is an error."""
    _files: list[RecordFile] | None = None
    _keys: KeyIndex = field(default_factory=KeyIndex)
    _is_current: bool = False
    """Whether the index has all that was there when the files were listed."""
    _own: int | None = None
    """The descriptor of this process's file."""
    _own_path: Path | None = None
    _pid: int = 0
    _unwritten: dict[bytes, Singles] = field(default_factory=dict)
    """What the disk refused, by key."""
    _damaged: set[tuple[Path, int]] = field(default_factory=set)
    """The file and the row of each damaged record that was found: one may be read twice."""

    @property
    def damaged(self) -> int:
        """The number of records that were found damaged so far."""
        return len(self._damaged)

    def read(self, keys: Sequence[bytes]) -> tuple[Flags, Singles]:
        """Return which inputs have been encoded, and their values.

        Args:
            keys: the inputs' keys, by ``key_of``.

        Returns:
            [keys] whether there are values, and [found, width] the values of those, in order.
        """
        there = np.zeros(len(keys), bool)
        values = np.empty((len(keys), self._width()), np.float32)
        self._take_first(keys, there, values)
        for i in np.flatnonzero(~there).tolist():
            found = self._on_disk(keys[i])
            found = self._unwritten.get(keys[i]) if found is None else found
            if found is not None:
                there[i], values[i] = True, found
        return there, values[there]

    def _take_first(self, keys: Sequence[bytes], there: Flags, values: Singles) -> None:
        """Fill in the values of those inputs whose first record is whole.

        A damaged one is left to ``_on_disk``, which looks for another and counts it.

        Args:
            keys: the inputs' keys.
            there: [keys], set where a record is found.
            values: [keys, width], likewise.
        """
        index = self._index()
        for start in range(0, len(keys), CHUNK):
            file, row = index.first_places(keys[start : start + CHUNK])
            for number in np.unique(file[file >= 0]).tolist():
                of_file = np.flatnonzero(file == number)
                records = np.asarray(index.records[number][row[of_file]])
                whole = are_whole(records)
                there[start + of_file[whole]] = True
                values[start + of_file[whole]] = records["value"][whole]

    def require(self, there: Flags, inputs: Sequence[object]) -> None:
        """Raise a NotStored if an input is lacking that the space should have.

        Args:
            there: [inputs] whether each has values.
            inputs: the path or the text of each.
        """
        if self.is_complete and not there.all():
            raise NotStored(inputs[int(there.argmin())], self.described)

    def refresh(self) -> None:
        """Find what was written since the space was opened, by this process and by others."""
        self._files, self._is_current = None, False

    def write(self, keys: Sequence[bytes], values: Singles) -> None:
        """Add the values of inputs, to be found after ``refresh``.

        Where the disk refuses them, a warning says so once, and they are kept in memory.

        Args:
            keys: the inputs' keys, by ``key_of``.
            values: [keys, width], float32.
        """
        if not len(keys):
            return
        try:
            if not self.health.broken:
                self._append(pack(keys, values))
        except OSError as error:
            self._give_up(error)
        if self.health.broken:
            self._unwritten |= zip(keys, values, strict=True)

    @property
    def is_empty(self) -> bool:
        """Return whether nothing can be found in it."""
        return (
            not self.is_complete
            and not self._unwritten
            and not any(file.records for file in self._opened())
        )

    @property
    def size(self) -> int:
        """Return its size on disk, in bytes."""
        total = 0
        for path in self.folder.glob(f"*{SUFFIX}"):
            try:
                total += path.stat().st_size
            except FileNotFoundError:  # another process cleared the store
                continue
        return total

    @property
    def records(self) -> int:
        """Return the number of records on disk."""
        return sum(file.records for file in list_files(self.folder))

    @property
    def used(self) -> float:
        """Return when it was last opened, in seconds since the epoch; 0 where that is unknown."""
        try:
            return (self.folder / DESCRIPTION).stat().st_mtime
        except OSError:
            return 0.0

    def verify(self) -> int:
        """Check every record against its checksum; return the number of damaged ones.

        Files that hold damaged records are replaced by files without these.
        """
        damaged = 0
        for file in list_files(self.folder):
            records = file.mapped()
            parts = [records[i : i + CHUNK] for i in range(0, len(records), CHUNK)]
            good = np.concatenate([are_whole(part) for part in parts])
            damaged += int((~good).sum())
            if not good.all():
                rewrite(file, records[good])
        self.refresh()
        return damaged

    def remove(self) -> None:
        """Remove it from the disk, and forget what it held."""
        self.close()
        self._unwritten.clear()
        self.refresh()
        shutil.rmtree(self.folder, ignore_errors=True)

    def close(self) -> None:
        """Close this process's file."""
        if self._own is not None and self._pid == os.getpid():
            os.close(self._own)
        self._own = None

    def _width(self) -> int:
        for file in self._opened():
            return file.width
        return len(next(iter(self._unwritten.values()))) if self._unwritten else 0

    def _opened(self) -> list[RecordFile]:
        """Return the files that were there at first use, and note that the space is used."""
        if self._files is None:
            found = list_files(self.folder)
            widths = {file.width for file in found}
            self._files = found if len(widths) < 2 else []
            if self._files:
                _touch(self.folder / DESCRIPTION)
        return self._files

    def _index(self) -> KeyIndex:
        if not self._is_current:
            self._keys = self._keys.extended(self._opened())
            self._is_current = True
        return self._keys

    def _on_disk(self, key: bytes) -> Singles | None:
        """Return the values of an input from the first whole record that has its key."""
        index = self._index()
        for file, row in index.places(key):
            record = index.records[file][row]
            if is_whole(record) and record["key"].tobytes() == key:
                found: Singles = record["value"]
                return found
            self._damaged.add((index.paths[file], row))
        return None

    def _append(self, records: Records) -> None:
        """Add records to this process's file.

        Raises:
            OSError: the folder or the file cannot be written.
        """
        if self._own is None or self._pid != os.getpid():
            self._own = self._begin(records.dtype["value"].shape[0])
        content = records.tobytes()
        size = os.fstat(self._own).st_size
        if os.write(self._own, content) != len(content):
            os.ftruncate(self._own, size)
            raise OSError("the disk is full")

    def _begin(self, width: int) -> int:
        """Begin this process's file; return its descriptor."""
        self.folder.mkdir(parents=True, exist_ok=True)
        remove_leftovers(self.folder)
        _describe(self.folder / DESCRIPTION, self.described)
        self._pid = os.getpid()
        self._own_path = self.folder / f"{self._pid}-{uuid.uuid4().hex}{SUFFIX}"
        flags = os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_WRONLY
        own = os.open(self._own_path, flags, 0o666)
        os.write(own, header(width))
        return own

    def _give_up(self, error: OSError) -> None:
        self.health.broken = True
        warnings.warn(
            f"Encodings cannot be stored in {self.folder}: {error.strerror or error}. If "
            "interrupted, this evaluation starts over. Name another folder in the variable "
            f"{CACHE_VARIABLE}.",
            stacklevel=4,
        )


def _describe(path: Path, described: Mapping[str, Any]) -> None:
    """Write a space's description, whole."""
    if path.is_file():
        return
    temporary = temporary_path(path)
    temporary.write_text(json.dumps(described, indent=1, sort_keys=True) + "\n", "utf-8")
    temporary.replace(path)


def _touch(path: Path) -> None:
    """Note that a space is used; on a read-only file system it cannot be noted."""
    try:
        os.utime(path)
    except OSError:
        return
