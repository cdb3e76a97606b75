"""The images and crops of an evaluation, each counted once: 32 bytes a crop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchbench.types import ImageRef

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from benchbench.types.arrays import Ints


class Shown:
    """A set of images and crops, held as the boxes of each file."""

    def __init__(self) -> None:
        self._whole: set[Path] = set()
        self._boxes: dict[Path, Ints] = {}
        """[n, 4], each box once."""

    def add(self, refs: Iterable[ImageRef]) -> None:
        """Add images and crops; repeats are allowed."""
        new: dict[Path, list[tuple[int, int, int, int]]] = {}
        for ref in refs:
            if ref.box is None:
                self._whole.add(ref.path)
            else:
                new.setdefault(ref.path, []).append(ref.box)
        for path, boxes in new.items():
            if path in self._boxes:
                both = np.concatenate([self._boxes[path], boxes])
                self._boxes[path] = np.unique(both, axis=0)
            else:
                self._boxes[path] = np.array(sorted(set(boxes)), np.int64)

    def __iter__(self) -> Iterator[ImageRef]:
        """Yield each image and crop once, file by file."""
        yield from map(ImageRef, self._whole)
        for path, boxes in self._boxes.items():
            for left, top, right, bottom in boxes.tolist():
                yield ImageRef(path, (left, top, right, bottom))
