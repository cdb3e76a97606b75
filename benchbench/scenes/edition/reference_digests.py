"""The digests of the standard edition, which ship with the package.

``standard.json`` maps each annotation file to the digest of its records (or arrays), and each image
folder to the digest of its names, shapes and pixels, as in ``edition.json``. After a change of the
drawn world or its items (and of ``EDITION`` with it), make the file anew::

    benchbench scenes export --out DIR
    python -c "import json, sys; print(json.dumps(json.load(sys.stdin)['digests'], indent=1))" \\
        < DIR/edition.json > benchbench/scenes/edition/standard.json

PNG files of equal pixels differ in bytes from one zlib to the next, so that a comparison must
decode the pixels: seconds for a thousand images. If bytes were once found to hold the right pixels,
a note in the cache says so (``seen-pictures/``, a file named by the bytes' digest), and the bytes
are not decoded again.
"""

from __future__ import annotations

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from benchbench.cache import cache_folder
from benchbench.data.images import read_bytes
from benchbench.data.records import file_sha256
from benchbench.errors import DataError, UsageError
from benchbench.leftovers import remove_leftovers, temporary_path
from benchbench.scenes.edition import vg150
from benchbench.scenes.edition.folders import manifest
from benchbench.scenes.edition.images import BATCH, add_pixels, read_pixels

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTES = "seen-pictures"


@lru_cache(maxsize=1)
def known_digests() -> Mapping[str, str]:
    """Return the digest of each file or image folder of the standard edition."""
    text = Path(__file__).with_name("standard.json").read_text("utf-8")
    content: dict[str, str] = json.loads(text)
    return content


def annotations_digest(path: Path) -> str | None:
    """Return the digest of an annotation file's content, as ``edition.json`` has it.

    None means that the file cannot be read.
    """
    try:
        return vg150.content_digest(path) if path.suffix == ".h5" else file_sha256(path)
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, MemoryError, DataError):
        return None


def has_pixels(folder: Path, digest: str) -> bool:
    """Return whether a folder holds exactly the images of a digest of pixels, all of them whole.

    A folder within it belongs to another part and is ignored.
    """
    try:
        paths = _images(folder)
        note = _note(_bytes_digest(paths))
        if note is not None and note.is_file() and note.read_text("utf-8") == digest:
            return True
        if pixels_digest(paths) != digest:
            return False
    except (OSError, ValueError, DataError):
        return False
    if note is not None:
        _keep_note(note, digest)
    return True


def remember(root: Path) -> None:
    """Note the images of an edition that was just drawn, so that they need not be decoded."""
    said = manifest(root) or {}
    for name, digest in said.get("digests", {}).items():
        if (root / name).is_dir() and known_digests().get(name) == digest:
            with suppress(OSError, DataError):  # already gone, or broken: decoded when checked
                if note := _note(_bytes_digest(_images(root / name))):
                    _keep_note(note, digest)


def _images(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.is_dir())


def pixels_digest(paths: list[Path]) -> str:
    """Return the SHA-256 over names, shapes and pixels of image files, as ``write_images`` does.

    Raises:
        ImageError: an image is missing, broken or too large.
    """
    state = hashlib.sha256()
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 8), thread_name_prefix="look") as pool:
        for start in range(0, len(paths), BATCH):
            batch = paths[start : start + BATCH]
            for path, pixels in zip(batch, pool.map(read_pixels, batch), strict=True):
                add_pixels(state, path.name, pixels)
    return state.hexdigest()


def _bytes_digest(paths: list[Path]) -> str:
    """Return the SHA-256 over names, lengths and bytes."""
    state = hashlib.sha256()
    for path in paths:
        content = read_bytes(path)
        state.update(f"{path.name} {len(content)}\n".encode())
        state.update(content)
    return state.hexdigest()


def _note(digest: str) -> Path | None:
    """Return the path of the note that these bytes hold the right pixels; None without a cache."""
    with suppress(UsageError):
        return cache_folder() / NOTES / digest
    return None


def _keep_note(note: Path, digest: str) -> None:
    """Write a note; if the cache cannot be written, the only cost is time."""
    partial = temporary_path(note)
    remove_leftovers(note.parent)
    with suppress(OSError):
        note.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(digest, "utf-8")
        partial.replace(note)
