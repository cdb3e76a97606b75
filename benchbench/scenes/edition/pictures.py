"""PNG files of scenes: PNG, so that whoever decodes them gets the very pixels that were drawn."""

from __future__ import annotations

import hashlib
import io
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from benchbench.data.images import decode, read_bytes
from benchbench.scenes.drawing import draw
from benchbench.scenes.edition.plan import TEST_PICTURES, Plan, Progress, Written, picture_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from benchbench.scenes.edition.pieces import Pieces
    from benchbench.scenes.world import Scenes

Pixels = npt.NDArray[np.uint8]

BATCH = 10
"""Pictures in memory at a time: the most that a killed drawing draws again."""
_COMPRESSION = 1
"""A third of the time of Pillow's own choice, for files that are a seventh larger."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some pictures of a folder, drawn together."""

    names: Sequence[str]
    draw: Callable[[], Iterable[Pixels]]
    """RGB, [height, width, 3] each, in the order of the names."""


@dataclass(frozen=True, slots=True)
class Drawings:
    """All pictures of a folder."""

    folder: str
    what: str
    """For progress: ``pictures``."""
    batches: Sequence[Batch]

    @property
    def total(self) -> int:
        """How many pictures there are."""
        return sum(len(batch.names) for batch in self.batches)


def drawings(folder: str, what: str, scenes: Scenes, names: Sequence[str], size: int) -> Drawings:
    """Return the pictures of scenes, a picture each, [size, size, 3]."""

    def batch(start: int) -> Batch:
        part = slice(start, start + BATCH)
        return Batch(names[part], lambda: draw(scenes.take(part), size))

    return Drawings(folder, what, [batch(start) for start in range(0, len(scenes), BATCH)])


def shared_pictures(plan: Plan) -> Drawings:
    """Return those that several parts are about."""
    names = [picture_name(number) for number in range(plan.images)]
    return drawings(TEST_PICTURES.rstrip("/"), "pictures", plan.scenes, names, plan.size)


def write_pictures(pieces: Pieces, pictures: Drawings, progress: Progress) -> Written:
    """Write PNG files into a folder of an edition, encoding on all cores.

    Batches that are there already are read instead, which takes a tenth of the time.

    Returns:
        Their number, and SHA-256 over names, shapes and pixels, in order.
    """
    folder, state = pieces.edition / pictures.folder, hashlib.sha256()
    written: dict[Path, str] = {}
    done = 0
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 8), thread_name_prefix="png") as pool:
        for number, batch in enumerate(pictures.batches):
            piece, files = f"{pictures.folder}-{number}", [folder / name for name in batch.names]
            there = pieces.finished(piece) is not None
            shown = list(pool.map(read_pixels, files) if there else batch.draw())
            saved = pool.map(_save, () if there else files, shown)
            for name, pixels in zip(batch.names, shown, strict=True):
                add_pixels(state, name, pixels)
            new = dict(zip(() if there else files, saved, strict=True))
            if not there:
                pieces.note(piece, new, {})
            written |= new
            done += len(files)
            progress(pictures.what, done, pictures.total)
    return Written({pictures.folder: done}, {pictures.folder: state.hexdigest()}, written)


def read_pixels(path: Path) -> Pixels:
    """Return what a picture file shows, [height, width, 3]."""
    return np.asarray(decode(read_bytes(path), path))


def add_pixels(state: hashlib._Hash, name: str, pixels: Pixels) -> None:
    """Let a digest depend on one more picture: its name, shape and pixels."""
    state.update(f"{name} {pixels.shape}\n".encode())
    state.update(np.ascontiguousarray(pixels).data)


def _save(path: Path, pixels: Pixels) -> str:
    """Write a file; SHA-256 of its bytes."""
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, format="PNG", compress_level=_COMPRESSION)
    path.write_bytes(content.getbuffer())
    return hashlib.sha256(content.getbuffer()).hexdigest()
