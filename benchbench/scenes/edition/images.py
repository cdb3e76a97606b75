"""Write images of scenes as PNG files, from which every decoder returns the drawn pixels."""

from __future__ import annotations

import hashlib
import io
import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from benchbench.data.images import decode, read_bytes
from benchbench.scenes.drawing import draw
from benchbench.scenes.edition.plan import TEST_IMAGES, Plan, Progress, WrittenFiles, image_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from benchbench.scenes.edition.pieces import Pieces
    from benchbench.scenes.world import Scenes
    from benchbench.types.arrays import Pixels


BATCH = 10
"""The number of images drawn at a time. Two batches are in memory, and a killed drawing repeats at
most these."""
_COMPRESSION = 1
"""The compression level. It takes a third of the time of Pillow's default, for files that are a
seventh larger."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some images of a folder, drawn together."""

    names: Sequence[str]
    draw: Callable[[], Iterable[Pixels]]
    """Draws the RGB images, [height, width, 3] each, in the order of the names."""


@dataclass(frozen=True, slots=True)
class Drawings:
    """All images of a folder."""

    folder: str
    what: str
    """The word for the images in progress reports, such as ``images``."""
    batches: Sequence[Batch]

    @property
    def total(self) -> int:
        """Return the number of images."""
        return sum(len(batch.names) for batch in self.batches)


def drawings(folder: str, what: str, scenes: Scenes, names: Sequence[str], size: int) -> Drawings:
    """Return the images of scenes, one each, [size, size, 3]."""

    def batch(start: int) -> Batch:
        part = slice(start, start + BATCH)
        return Batch(names[part], lambda: draw(scenes.take(part), size))

    return Drawings(folder, what, [batch(start) for start in range(0, len(scenes), BATCH)])


def shared_images(plan: Plan) -> Drawings:
    """Return the test images that several parts share."""
    names = [image_name(number) for number in range(plan.images)]
    return drawings(TEST_IMAGES.rstrip("/"), "images", plan.scenes, names, plan.size)


def write_images(pieces: Pieces, images: Drawings, progress: Progress) -> WrittenFiles:
    """Write PNG files into a folder of an edition, encoding on up to eight threads.

    While a batch is encoded, the next one is drawn. Batches that are there already are read
    instead, which takes a tenth of the time.

    Returns:
        The number of images, and the SHA-256 over names, shapes and pixels, in order.
    """
    folder, state = pieces.edition / images.folder, hashlib.sha256()
    written: dict[Path, str] = {}
    done = 0
    folder.mkdir(parents=True, exist_ok=True)

    def finish(piece: str, files: Sequence[Path], saved: Iterable[str] | None) -> None:
        nonlocal done
        if saved is not None:
            new = dict(zip(files, saved, strict=True))
            pieces.note(piece, new, {})
            written.update(new)
        done += len(files)
        progress(images.what, done, images.total)

    encoding: deque[tuple[str, Sequence[Path], Iterable[str] | None]] = deque()
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 8), thread_name_prefix="png") as pool:
        for number, batch in enumerate(images.batches):
            piece, files = f"{images.folder}-{number}", [folder / name for name in batch.names]
            there = pieces.finished(piece) is not None
            shown = list(pool.map(read_pixels, files) if there else batch.draw())
            encoding.append((piece, files, None if there else pool.map(_save, files, shown)))
            for name, pixels in zip(batch.names, shown, strict=True):
                add_pixels(state, name, pixels)
            if len(encoding) > 1:
                finish(*encoding.popleft())
        for batch_left in encoding:
            finish(*batch_left)
    return WrittenFiles({images.folder: done}, {images.folder: state.hexdigest()}, written)


def read_pixels(path: Path) -> Pixels:
    """Read the pixels of an image file, [height, width, 3]."""
    return np.asarray(decode(read_bytes(path), path))


def add_pixels(state: hashlib._Hash, name: str, pixels: Pixels) -> None:
    """Add one more image to a digest: its name, shape and pixels."""
    state.update(f"{name} {pixels.shape}\n".encode())
    state.update(np.ascontiguousarray(pixels).data)


def _save(path: Path, pixels: Pixels) -> str:
    """Write a PNG file and return the SHA-256 of its bytes."""
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, format="PNG", compress_level=_COMPRESSION)
    path.write_bytes(content.getbuffer())
    return hashlib.sha256(content.getbuffer()).hexdigest()
