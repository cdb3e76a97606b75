"""What an interrupted evaluation had encoded, so that the same command goes on from there.

Whole batches are kept, in the make-up they had, and only for an identical evaluation (model,
inputs, batch size, device, torch): a resumed run equals an uninterrupted one to the last bit.
The folder goes away when the run is complete.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

CACHE_VARIABLE = "BENCHBENCH_CACHE"
KEPT_SECONDS = 7 * 24 * 3600
"""Work that nobody took up again within a week is removed."""


def cache_folder() -> Path:
    """The variable BENCHBENCH_CACHE, else ``benchbench`` in the user's cache folder."""
    if named := os.environ.get(CACHE_VARIABLE):
        return Path(named).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "benchbench"


class Unfinished:
    """Encoded batches of one evaluation, on disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._broken = False

    @classmethod
    def of(cls, identity: Iterable[object]) -> Unfinished:
        """The place for an evaluation whose every determinant is in ``identity``."""
        digest = hashlib.sha256()
        for part in identity:
            digest.update(json.dumps(part, sort_keys=True, default=str).encode() + b"\n")
        everything = cache_folder() / "unfinished"
        _remove_old(everything)
        return cls(everything / digest.hexdigest()[:32])

    def load(self, kind: str, number: int) -> dict[str, npt.NDArray[np.generic]] | None:
        """The arrays of a batch, or None where it was not reached."""
        path = self._path(kind, number)
        if not path.is_file():
            return None
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return dict(arrays)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            warnings.warn(f"{path} is damaged ({error}) and is made anew.", stacklevel=2)
            return None

    def save(self, kind: str, number: int, **arrays: npt.NDArray[np.generic]) -> None:
        """Keep a batch, whole or not at all; where that fails, warn once and go on without."""
        if self._broken:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self._folder, suffix=".tmp")
            with os.fdopen(handle, "wb") as file:
                np.savez(file, **arrays)  # type: ignore[arg-type]
            Path(temporary).replace(self._path(kind, number))
        except OSError as error:
            self._broken = True
            warnings.warn(
                f"Cannot keep unfinished work in {self._folder} ({error.strerror or error}): "
                f"if interrupted, this evaluation starts over. Set {CACHE_VARIABLE}.",
                stacklevel=2,
            )

    def remove(self) -> None:
        """The evaluation is complete."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _path(self, kind: str, number: int) -> Path:
        return self._folder / f"{kind}-{number:06d}.npz"


def _remove_old(folder: Path) -> None:
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        if time.time() - entry.stat().st_mtime > KEPT_SECONDS:
            shutil.rmtree(entry, ignore_errors=True)
