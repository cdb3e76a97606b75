"""PNG files of scenes: PNG, so that whoever decodes them gets the very pixels that were drawn."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from benchbench.scenes.drawing import draw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from benchbench.scenes.world import Scenes

Pixels = npt.NDArray[np.uint8]

BATCH = 50
"""Pictures in memory at a time."""
_COMPRESSION = 1
"""A third of the time of Pillow's own choice, for files that are a seventh larger."""


def drawn(scenes: Scenes, size: int) -> Iterator[Pixels]:
    """Pictures of scenes one after the other, [size, size, 3] each."""
    for start in range(0, len(scenes), BATCH):
        yield from draw(scenes.take(slice(start, start + BATCH)), size)


def write_pictures(
    folder: Path, pictures: Iterable[tuple[str, Pixels]], done: Callable[[int], None]
) -> str:
    """Write PNG files into a folder, encoding on all cores.

    Args:
        folder: made if it is not there.
        pictures: names and RGB, [height, width, 3]; taken a batch at a time.
        done: called with how many are written.

    Returns:
        SHA-256 over names, shapes and pixels, in the order given.
    """
    folder.mkdir(exist_ok=True)
    state, count = hashlib.sha256(), 0
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 8), thread_name_prefix="png") as pool:
        for batch in _batches(pictures):
            jobs = [pool.submit(_save, folder / name, pixels) for name, pixels in batch]
            for name, pixels in batch:
                add_pixels(state, name, pixels)
            for job in jobs:
                job.result()
            count += len(batch)
            done(count)
    return state.hexdigest()


def add_pixels(state: hashlib._Hash, name: str, pixels: Pixels) -> None:
    """Let a digest depend on one more picture: its name, shape and pixels."""
    state.update(f"{name} {pixels.shape}\n".encode())
    state.update(np.ascontiguousarray(pixels).data)


def _save(path: Path, pixels: Pixels) -> None:
    Image.fromarray(pixels).save(path, format="PNG", compress_level=_COMPRESSION)


def _batches(pictures: Iterable[tuple[str, Pixels]]) -> Iterator[list[tuple[str, Pixels]]]:
    batch: list[tuple[str, Pixels]] = []
    for picture in pictures:
        batch.append(picture)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
