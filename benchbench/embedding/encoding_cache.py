"""A cache of encoded batches, from which an interrupted evaluation continues by the same command.

Whole batches are stored, with their composition, and only for an identical evaluation (model, its
code, inputs, batch size, device, threads, versions): on a CPU a resumed run equals an uninterrupted
one to the last bit. Stored batches are checked when read, and a few of their inputs are encoded
again: where the results differ, everything stored is discarded. The folder is removed when the run
is written.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
import time
import warnings
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchbench.cache import CACHE_VARIABLE, cache_folder
from benchbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy.typing as npt

    Array = npt.NDArray[np.generic]

NAME_LENGTH = 32
MAX_AGE_SECONDS = 7 * 24 * 3600
"""Batches that no command resumed within a week are removed."""


@dataclass(slots=True)
class _State:
    """The state that all parts of one evaluation share."""

    broken: bool = False
    """Whether nothing can be stored; the user was warned."""
    confirmed: set[str] = field(default_factory=set)
    """The kinds of which a stored batch was encoded again with the same result."""
    resumed: int = 0
    """The number of inputs taken from stored batches."""


class EncodingCache:
    """A cache on disk of one evaluation's encoded batches; removed when the run is written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._prefix = ""
        self._state = _State()

    @classmethod
    def of(cls, identity: Iterable[object]) -> EncodingCache:
        """Return the cache of the evaluation with this identity, which lists every determinant."""
        digest = hashlib.sha256()
        for part in identity:
            digest.update(json.dumps(part, sort_keys=True, default=str).encode() + b"\n")
        name = digest.hexdigest()[:NAME_LENGTH]
        try:
            everything = cache_folder() / "unfinished"
            _remove_old(everything)
        except (OSError, UsageError) as error:
            nowhere = cls(Path(name))
            nowhere._give_up(error)
            return nowhere
        return cls(everything / name)

    def within(self, name: str) -> EncodingCache:
        """Return the part of the cache that one call fills, separate from those of other calls."""
        part = EncodingCache(self._folder)
        part._prefix, part._state = f"{name}-", self._state
        return part

    @property
    def resumed(self) -> int:
        """Return the number of inputs taken from stored batches so far."""
        return self._state.resumed

    def count(self, n: int) -> None:
        """Add n to the number of inputs taken from stored batches."""
        self._state.resumed += n

    def confirms(self, kind: str, agrees: Callable[[], bool]) -> bool:
        """Return whether the stored batches of a kind are what the model computes now.

        Args:
            kind: ``images``, ``captions`` or ``pairs``.
            agrees: encodes some of it again; called once for each kind of an evaluation. Where it
                returns False everything stored is discarded, with a warning.
        """
        if kind not in self._state.confirmed:
            if not agrees():
                self._throw_away(kind)
                return False
            self._state.confirmed.add(kind)
        return True

    def drop(self, kind: str, number: int) -> None:
        """Warn that a stored batch is invalid; it is encoded again."""
        path = self._path(kind, number)
        warnings.warn(f"{path} is damaged; it is encoded again.", stacklevel=3)

    def _throw_away(self, kind: str) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        warnings.warn(
            f"What an interrupted evaluation had kept of {kind} is not what this model computes "
            "now: it is thrown away and computed again.",
            stacklevel=4,
        )

    def load(self, kind: str, number: int, *names: str) -> dict[str, Array] | None:
        """Return the named arrays of a batch; None where it was not stored or is damaged."""
        path = self._path(kind, number)
        try:
            if self._state.broken or not path.is_file():
                return None
            with np.load(path, allow_pickle=False) as arrays:
                return {name: arrays[name] for name in names}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            warnings.warn(f"{path} is damaged ({error}); it is encoded again.", stacklevel=2)
            return None

    def save(self, kind: str, number: int, **arrays: Array) -> None:
        """Store a batch, whole or not at all; on failure, warn once and store nothing more."""
        if self._state.broken:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self._folder, suffix=".tmp")
            with os.fdopen(handle, "wb") as file:
                np.savez(file, **arrays)  # type: ignore[arg-type]
            Path(temporary).replace(self._path(kind, number))
        except OSError as error:
            self._give_up(error)

    def remove(self) -> None:
        """Remove everything stored, once the run has been written."""
        if not self._state.broken:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _give_up(self, error: Exception) -> None:
        self._state.broken = True
        reason = getattr(error, "strerror", None) or error
        warnings.warn(
            f"Unfinished work cannot be kept ({self._folder}: {reason}). If interrupted, this "
            f"evaluation starts over. The variable {CACHE_VARIABLE} names another place.",
            stacklevel=3,
        )

    def _path(self, kind: str, number: int) -> Path:
        return self._folder / f"{self._prefix}{kind}-{number:06d}.npz"


def _remove_old(folder: Path) -> None:
    """Remove stored evaluations older than a week, and nothing that benchbench did not write."""
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        if not re.fullmatch(f"[0-9a-f]{{{NAME_LENGTH}}}", entry.name):
            continue
        try:
            old = time.time() - entry.stat().st_mtime > MAX_AGE_SECONDS
        except FileNotFoundError:  # another process finished in between
            continue
        if old:
            shutil.rmtree(entry, ignore_errors=True)
