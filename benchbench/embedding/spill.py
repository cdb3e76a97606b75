"""Vectors that are looked up again and again, and need not fit into memory."""

from __future__ import annotations

import weakref
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from benchbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Hashable

    from benchbench.types.arrays import Singles

    Key = TypeVar("Key", bound=Hashable)
else:
    Key = TypeVar("Key")

IN_MEMORY = 256 * 2**20
"""The bytes above which vectors are in a temporary file."""


class Spill(Generic[Key]):
    """A table of float32 arrays of one shape: in memory, or above a size in a temporary file."""

    def __init__(self, most: int = IN_MEMORY) -> None:
        """Begin an empty table; ``most`` bytes are held in memory."""
        self._file = SpooledTemporaryFile(max_size=most)  # noqa: SIM115 - closed by the next line
        weakref.finalize(self, self._file.close)
        self._places: dict[Key, int] = {}
        self._shape: tuple[int, ...] = ()

    def __contains__(self, key: Key) -> bool:
        """Return whether a key has an array."""
        return key in self._places

    def add(self, key: Key, values: Singles) -> None:
        """Add the array of a new key.

        Raises:
            UsageError: the folder for temporary files is full.
        """
        self._shape = values.shape
        try:
            self._file.seek(len(self._places) * values.nbytes)
            self._file.write(values.astype(np.float32, copy=False).tobytes())
        except OSError as error:
            raise UsageError(
                f"Vectors cannot be kept in a temporary file: {error.strerror or error}. Name a "
                "folder with room in the variable TMPDIR."
            ) from error
        self._places[key] = len(self._places)

    def take(self, keys: list[Key]) -> Singles:
        """Return the arrays of keys: [keys, …]."""
        found = np.empty((len(keys), *self._shape), np.float32)
        for row, key in zip(found, keys, strict=True):
            self._file.seek(self._places[key] * row.nbytes)
            row[...] = np.frombuffer(self._file.read(row.nbytes), np.float32).reshape(row.shape)
        return found
