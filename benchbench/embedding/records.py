"""Files of records of one length: a key, values, and a checksum.

A file begins with ``MAGIC`` and the number of values of a record, filled up to ``HEADER`` bytes. A
record that is cut off at the end is left out; whether another is damaged, its checksum tells.
"""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbench.leftovers import temporary_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from benchbench.types.arrays import Flags, Singles

    Records = npt.NDArray[np.void]
    """[n] with the fields key (32 bytes), value and check."""

MAGIC = b"benchbench encodings 1\n"
HEADER = 64
"""Bytes of a file before its records."""
SUFFIX = ".records"


@dataclass(slots=True)
class RecordFile:
    """A file of records that was there when the space was opened."""

    path: Path
    width: int
    records: int

    def mapped(self) -> Records:
        """Return its records, mapped from the disk."""
        return np.memmap(
            self.path, record_type(self.width), "r", offset=HEADER, shape=(self.records,)
        )


@dataclass(frozen=True, slots=True)
class _Segment:
    """The keys of some records of a space, in order."""

    first: npt.NDArray[np.uint64]
    """The first eight bytes of each key, ascending."""
    keys: npt.NDArray[np.uint64]
    """[n, 4], all of each key."""
    file: npt.NDArray[np.int32]
    row: npt.NDArray[np.int64]

    @classmethod
    def of(cls, keys: npt.NDArray[np.uint64], file: Any, row: Any) -> _Segment:
        """Sort keys by their first bytes."""
        order = np.argsort(keys[:, 0], kind="stable")
        ordered = keys[order]
        return cls(np.ascontiguousarray(ordered[:, 0]), ordered, file[order], row[order])

    def __or__(self, other: _Segment) -> _Segment:
        """Return the keys of both."""
        parts = ((getattr(self, name), getattr(other, name)) for name in ("keys", "file", "row"))
        return _Segment.of(*map(np.concatenate, parts))


@dataclass(frozen=True, slots=True)
class KeyIndex:
    """The keys of all records of a space."""

    segments: tuple[_Segment, ...] = ()
    """Each more than twice as long as the next: what is added costs little, however much there
    is."""
    paths: tuple[Path, ...] = ()
    records: tuple[Records, ...] = ()
    """The records of each file, mapped from the disk."""

    def extended(self, files: Sequence[RecordFile]) -> KeyIndex:
        """Return the index of files that grew, and of new ones; the whole one if others changed."""
        sizes = {file.path: file.records for file in files}
        if any(
            sizes.get(path, -1) < len(known)
            for path, known in zip(self.paths, self.records, strict=True)
        ):
            return KeyIndex().extended(files)
        known = dict(zip(self.paths, self.records, strict=True))
        mapped = {file.path: file.mapped() for file in files}
        paths = (*self.paths, *(path for path in mapped if path not in known))
        parts = [
            (np.array(mapped[path]["key"][start:]), number, start)
            for number, path in enumerate(paths)
            if (start := len(known.get(path, ()))) < len(mapped[path])
        ]
        segments = [*self.segments]
        if parts:
            new = _Segment.of(
                np.concatenate([keys for keys, _, _ in parts]),
                np.concatenate([np.full(len(keys), n, np.int32) for keys, n, _ in parts]),
                np.concatenate([start + np.arange(len(keys)) for keys, _, start in parts]),
            )
            while segments and len(segments[-1].first) <= 2 * len(new.first):
                new = segments.pop() | new
            segments.append(new)
        return KeyIndex(tuple(segments), paths, tuple(mapped[path] for path in paths))

    def first_places(
        self, keys: Sequence[bytes]
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Return the file and the row of the first record of each key: [keys] each.

        The file is −1 where there is none, or where other keys begin with the same eight bytes:
        ``places`` finds those.
        """
        wanted = np.frombuffer(b"".join(keys), np.uint64).reshape(-1, 4)
        file = np.full(len(wanted), -1, np.int32)
        row = np.zeros(len(wanted), np.int64)
        for segment in self.segments:
            i = np.searchsorted(segment.first, wanted[:, 0])
            i[i == len(segment.first)] = 0
            found = (segment.keys[i] == wanted).all(axis=1) & (file < 0)
            file[found], row[found] = segment.file[i[found]], segment.row[i[found]]
        return file, row

    def places(self, key: bytes) -> Iterator[tuple[int, int]]:
        """Yield the file and the row of each record that has a key."""
        wanted = np.frombuffer(key, np.uint64)
        for segment in self.segments:
            i = int(np.searchsorted(segment.first, wanted[0]))
            while i < len(segment.first) and segment.first[i] == wanted[0]:
                if (segment.keys[i] == wanted).all():
                    yield int(segment.file[i]), int(segment.row[i])
                i += 1


def record_type(width: int) -> np.dtype[np.void]:
    """Return the type of a record: 32 bytes of key, values, CRC-32 of both."""
    return np.dtype([("key", "<u8", (4,)), ("value", "<f4", (width,)), ("check", "<u4")])


def header(width: int) -> bytes:
    """Return a file's first bytes."""
    return (MAGIC + b"%d\n" % width).ljust(HEADER, b"\0")


def pack(keys: Sequence[bytes], values: Singles) -> Records:
    """Return records with their checksums."""
    records = np.zeros(len(keys), record_type(values.shape[1]))
    records["key"] = np.frombuffer(b"".join(keys), np.uint64).reshape(-1, 4)
    records["value"] = values
    records["check"] = _checksums(records)
    return records


def _checksums(records: Records) -> npt.NDArray[np.uint32]:
    """Return the CRC-32 of each record's key and values: [n]."""
    content, size = memoryview(records.tobytes()), records.itemsize
    sums = [zlib.crc32(content[i : i + size - 4]) for i in range(0, len(content), size)]
    return np.array(sums, np.uint32)


def are_whole(records: Records) -> Flags:
    """Return which records have their checksum: [n]."""
    whole: Flags = _checksums(records) == records["check"]
    return whole


def is_whole(record: np.void) -> bool:
    """Return whether a record has its checksum."""
    return zlib.crc32(record.tobytes()[:-4]) == int(record["check"])


def list_files(folder: Path) -> list[RecordFile]:
    """Return the readable files of a space; a record that is cut off at the end is left out."""
    found = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            with path.open("rb") as file:
                begin = file.read(HEADER)
                size = os.fstat(file.fileno()).st_size
        except OSError:
            continue
        width = begin[len(MAGIC) :].partition(b"\n")[0]
        if begin.startswith(MAGIC) and len(begin) == HEADER and width.isdigit() and int(width):
            records = (size - HEADER) // record_type(int(width)).itemsize
            if records:
                found.append(RecordFile(path, int(width), records))
    return found


def rewrite(file: RecordFile, good: Records) -> None:
    """Replace a file by one with the good records alone."""
    temporary = temporary_path(file.path)
    temporary.write_bytes(header(file.width) + good.tobytes())
    temporary.replace(file.path)
