"""Compare the store of encodings with SQLite and LMDB: bytes, time to write and to read.

    python -m benchmarks.encoding_store --records 24000 --width 512

Every backend gets the same records in batches of 128, and is opened anew before it is read whole
and in portions of four keys, as a decoding thread reads a file's crops. Times are ratios to ours.
LMDB is compared if the package ``lmdb`` is installed.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click
import numpy as np
from tabulate import tabulate

from benchbench.embedding.store import Space, key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchbench.types.arrays import Indices, Singles

BATCH, PORTION = 128, 4


class Backend(Protocol):
    """A place for records."""

    def write(self, keys: Sequence[bytes], values: Singles) -> None:
        """Add a batch, so that it survives the process."""

    def read(self, keys: Sequence[bytes]) -> Singles:
        """Return the values of keys, all of which are there."""

    def close(self) -> None:
        """Close files."""


class Files:
    """The store of this package."""

    def __init__(self, folder: Path) -> None:
        self._space = Space(folder, {"name": "benchmark"})

    def write(self, keys: Sequence[bytes], values: Singles) -> None:
        """Append a batch."""
        self._space.write(keys, values)

    def read(self, keys: Sequence[bytes]) -> Singles:
        """Return the values of keys."""
        return self._space.read(keys)[1]

    def close(self) -> None:
        """Close the file that was written."""
        self._space.close()


class Sqlite:
    """A table of SQLite in WAL mode, a transaction for each batch."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._base = sqlite3.connect(folder / "base.sqlite")
        self._base.execute("PRAGMA journal_mode=WAL")
        self._base.execute("PRAGMA synchronous=NORMAL")
        self._base.execute(
            "CREATE TABLE IF NOT EXISTS t (k BLOB PRIMARY KEY, v BLOB) WITHOUT ROWID"
        )

    def write(self, keys: Sequence[bytes], values: Singles) -> None:
        """Insert a batch."""
        rows = zip(keys, (row.tobytes() for row in values), strict=True)
        with self._base:
            self._base.executemany("INSERT OR REPLACE INTO t VALUES (?, ?)", rows)

    def read(self, keys: Sequence[bytes]) -> Singles:
        """Select the values of keys."""
        found = []
        for key in keys:
            (value,) = self._base.execute("SELECT v FROM t WHERE k = ?", (key,)).fetchone()
            found.append(np.frombuffer(value, np.float32))
        return np.stack(found)

    def close(self) -> None:
        """Close the connection."""
        self._base.close()


class Lmdb:
    """An environment of LMDB, a transaction for each batch."""

    def __init__(self, folder: Path) -> None:
        import lmdb

        self._base = lmdb.open(str(folder), map_size=2**36, sync=False)

    def write(self, keys: Sequence[bytes], values: Singles) -> None:
        """Put a batch."""
        with self._base.begin(write=True) as turn:
            for key, row in zip(keys, values, strict=True):
                turn.put(key, row.tobytes())

    def read(self, keys: Sequence[bytes]) -> Singles:
        """Get the values of keys."""
        with self._base.begin() as turn:
            return np.stack([np.frombuffer(turn.get(key), np.float32) for key in keys])

    def close(self) -> None:
        """Close the environment."""
        self._base.close()


def _backends() -> dict[str, Callable[[Path], Backend]]:
    found: dict[str, Callable[[Path], Backend]] = {"files (ours)": Files, "SQLite": Sqlite}
    try:
        import lmdb  # noqa: F401
    except ImportError:
        click.echo("LMDB is not installed: pip install lmdb", err=True)
        return found
    return {**found, "LMDB": Lmdb}


@click.command()
@click.option("--records", default=24_000, show_default=True)
@click.option("--width", default=512, show_default=True, help="Values of a record.")
@click.option("--rounds", default=3, show_default=True, help="The fastest counts.")
def main(records: int, width: int, rounds: int) -> None:
    """Write and read the same records with every backend."""
    values = np.random.default_rng(0).normal(size=(records, width)).astype(np.float32)
    keys = [key_of(str(i)) for i in range(records)]
    shuffled = np.random.default_rng(1).permutation(records)
    measured = {}
    for name, backend in _backends().items():
        turns = [_timed(backend, keys, values, shuffled) for _ in range(rounds)]
        measured[name] = [min(column) for column in zip(*turns, strict=True)]
    ours = measured["files (ours)"]
    rows = []
    for name, (*times, size) in measured.items():
        ratios = [f"{t * 1e3:,.0f} ms ({t / o:.2f} ×)" for t, o in zip(times, ours, strict=False)]
        rows.append([name, *ratios, f"{size / 1e6:,.1f} MB"])
    head = ["", "write", "read whole", f"read by {PORTION}", "size"]
    click.echo(tabulate(rows, head, disable_numparse=True))


def _timed(
    backend: Callable[[Path], Backend], keys: Sequence[bytes], values: Singles, order: Indices
) -> tuple[float, float, float, float]:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "records"
        begun = time.perf_counter()
        writer = backend(folder)
        for start in range(0, len(keys), BATCH):
            writer.write(keys[start : start + BATCH], values[start : start + BATCH])
        writer.close()
        written = time.perf_counter()
        wanted = [keys[int(i)] for i in order]
        first = backend(folder)
        found = first.read(wanted)
        first.close()
        whole = time.perf_counter()
        assert np.array_equal(found, values[order])
        reader = backend(folder)
        for start in range(0, len(keys), PORTION):
            reader.read(wanted[start : start + PORTION])
        reader.close()
        parts = time.perf_counter()
        size = sum(path.stat().st_size for path in folder.rglob("*"))
    return written - begun, whole - written, parts - whole, float(size)


if __name__ == "__main__":
    main()
