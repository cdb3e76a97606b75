"""Checks of the images and crops that items name, by the headers of their files."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from benchbench.data.distinct import Things, digest
from benchbench.data.images import crop_problem, headers_of
from benchbench.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from benchbench.types import ImageRef

CHUNK = 2_000
"""Images whose headers are held at once."""
KNOWN = 1 << 14
"""Images whose sizes are remembered; of more, some headers are read again."""
WORKERS = 4


def read_sizes(paths: Iterable[Path]) -> Iterator[tuple[Path, tuple[int, int] | ImageError]]:
    """Yield each file with its width and height in pixels, or the error of reading it.

    Some files are read at the same time; the headers of a chunk are held.
    """
    rest = iter(paths)
    while chunk := list(islice(rest, CHUNK)):
        for path, header in headers_of(chunk, WORKERS).items():
            yield path, header if isinstance(header, ImageError) else header.size


class Regions:
    """Images and crops that are checked as they pass by; repeats count once."""

    def __init__(self) -> None:
        self._sizes: dict[int, tuple[int, int] | None] = {}
        """The digest of a path → width and height; None for a file that cannot be read."""
        self._unreadable, self._wrong = Things(), Things()
        self._first_unreadable = self._first_wrong = ""

    def check(self, refs: Sequence[ImageRef]) -> None:
        """Read the headers of some images that are not known yet, and check their crops."""
        if len(self._sizes) > KNOWN:
            self._sizes.clear()
        by_digest = {digest(str(ref.path)): ref.path for ref in refs}
        new = [path for number, path in by_digest.items() if number not in self._sizes]
        for path, size in read_sizes(new):
            known = None if isinstance(size, ImageError) else size
            self._sizes[digest(str(path))] = known
            if known is None:
                self._unreadable.add(str(path))
                self._first_unreadable = self._first_unreadable or str(size)
        for ref in refs:
            self._check_crop(ref)

    def _check_crop(self, ref: ImageRef) -> None:
        size = self._sizes[digest(str(ref.path))]
        if size is None:
            return
        if problem := crop_problem(ref.box or (0, 0, *size), size):
            self._wrong.add(repr(ref))
            self._first_wrong = self._first_wrong or f"{ref.box} of {ref.path} {problem}"

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong: how many, and the first of each kind."""
        lines = []
        if n := self._unreadable.distinct():
            lines.append(f"{n:,} images cannot be read: {self._first_unreadable}")
        if n := self._wrong.distinct():
            lines.append(f"{n:,} crops give no image: {self._first_wrong}")
        return tuple(lines)
