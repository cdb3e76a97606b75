"""The image files of a report: left out, linked where they are, or copied beside the pages."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from benchbench.data.images import read_header
from benchbench.errors import ImageError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from benchbench.types import Question

Mode = Literal["none", "link", "copy"]
FOLDER = "images"
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif"}
"""Files that browsers show; others are left out and counted."""
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """The images of a report."""

    hrefs: Mapping[Path, str] = field(default_factory=dict)
    """File → address relative to the page."""
    missing: int = 0
    """Files that are not there, or that a browser does not show."""
    n_bytes: int = 0
    """The size of the files that are copied."""

    def copy(self, folder: Path) -> None:
        """Copy the files into the folder of the report."""
        (folder / FOLDER).mkdir()
        for path, href in self.hrefs.items():
            shutil.copyfile(path, folder / href)


def find_images(
    items: Iterable[Question], mode: Mode, out: Path, limit_megabytes: float
) -> ImageFiles:
    """Find the image files of items and name their addresses.

    Args:
        items: the items.
        mode: ``none``, ``link`` or ``copy``.
        out: the folder of the report, to which links are relative.
        limit_megabytes: the largest size of all copied files together, in MB.

    Raises:
        UsageError: the files are larger than the limit.
    """
    if mode == "none":
        return ImageFiles()
    paths = dict.fromkeys(ref.path for item in items for ref in item.images)
    there = [path for path in paths if _is_shown(path)]
    size = sum(path.stat().st_size for path in there) if mode == "copy" else 0
    if size > limit_megabytes * MEGABYTE:
        raise UsageError(
            f"The {len(there):,} images take {size / MEGABYTE:,.0f} MB, over the limit of "
            f"{limit_megabytes:g} MB. Raise --image-limit, or link them: --images link"
        )
    if mode == "copy":
        hrefs = {p: f"{FOLDER}/{n:06d}{p.suffix.lower()}" for n, p in enumerate(there, 1)}
    else:
        base = out.absolute()
        hrefs = {p: _relative(p, base) for p in there}
    return ImageFiles(hrefs, len(paths) - len(there), size)


def _is_shown(path: Path) -> bool:
    """Return whether a file is an image that a browser shows, by its name and its header."""
    if path.suffix.lower() not in SUFFIXES:
        return False
    try:
        read_header(path)
    except ImageError:
        return False
    return True


def _relative(path: Path, base: Path) -> str:
    """Return a file's address relative to a folder: percent-encoded, with ``/``."""
    return quote(Path(os.path.relpath(path.absolute(), base)).as_posix())
