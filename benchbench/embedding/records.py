"""Files of records of one length: a key, values, and a checksum.

A file begins with ``MAGIC`` and the number of values of a record, filled up to ``HEADER`` bytes. A
record that is cut off at the end is left out; whether another is damaged, its checksum tells.
"""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchbench.leftovers import temporary_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from benchbench.types.arrays import Indices, Singles

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
class KeyIndex:
    """The keys of all records of a space, in order."""

    first: npt.NDArray[np.uint64]
    """The first eight bytes of each key, ascending."""
    keys: bytes
    """All keys, one behind the other."""
    file: Indices
    row: Indices
    records: tuple[Records, ...]
    """The records of each file, mapped from the disk."""

    @classmethod
    def of(cls, files: Sequence[RecordFile]) -> KeyIndex:
        """Read the keys of files."""
        records = tuple(file.mapped() for file in files)
        nothing = np.empty((0, 4), np.uint64)
        every = np.concatenate([nothing, *(each["key"] for each in records)])
        file = np.repeat(np.arange(len(files)), [len(each) for each in records])
        row = np.concatenate([np.empty(0, np.intp), *(np.arange(len(each)) for each in records)])
        order = np.argsort(every[:, 0], kind="stable")
        sorted_keys = every[order]
        first = np.ascontiguousarray(sorted_keys[:, 0])
        return cls(first, sorted_keys.tobytes(), file[order], row[order], records)

    def places(self, key: bytes) -> Iterator[tuple[int, int]]:
        """Yield the file and the row of each record that has a key."""
        wanted = np.frombuffer(key, np.uint64)[0]
        i = int(np.searchsorted(self.first, wanted))
        while i < len(self.first) and self.first[i] == wanted:
            if self.keys[32 * i : 32 * i + 32] == key:
                yield int(self.file[i]), int(self.row[i])
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
    for record in records:
        record["check"] = _checksum(record)
    return records


def _checksum(record: np.void) -> int:
    return zlib.crc32(record.tobytes()[:-4])


def is_whole(record: np.void) -> bool:
    """Return whether a record has its checksum."""
    return _checksum(record) == int(record["check"])


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
