"""What the standard edition holds, known to the package: no folder vouches for itself.

``standard.json`` maps each annotation file to the digest of its records (or arrays), and each
picture folder to the digest of its names, shapes and pixels, as ``edition.json`` has them. Where
the drawn world or its items change (and with them ``EDITION``), it is made anew::

    benchbench scenes export --out DIR
    python -c "import json, sys; print(json.dumps(json.load(sys.stdin)['digests'], indent=1))" \\
        < DIR/edition.json > benchbench/scenes/edition/standard.json

PNG files of equal pixels differ in bytes from one zlib to the next, so that pixels must be decoded
to be compared: seconds for a thousand. Bytes that were once found to hold the right pixels are
noted in the cache (``seen-pictures/``, a file named by the bytes' digest), and not decoded again.
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
from benchbench.leftovers import remove_leftovers, unfinished
from benchbench.scenes.edition import vg150
from benchbench.scenes.edition.folders import manifest
from benchbench.scenes.edition.pictures import BATCH, add_pixels, read_pixels

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTES = "seen-pictures"


@lru_cache(maxsize=1)
def known_digests() -> Mapping[str, str]:
    """File or picture folder of the standard edition → digest."""
    content: dict[str, str] = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
    return content


def annotations_digest(path: Path) -> str | None:
    """Of what an annotation file holds, as ``edition.json`` has it; None where none can be read."""
    try:
        return vg150.content_digest(path) if path.suffix == ".h5" else file_sha256(path)
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, MemoryError, DataError):
        return None


def has_pixels(folder: Path, digest: str) -> bool:
    """Whether a folder holds the pictures of a digest of pixels, those alone and all whole.

    A folder within it is another part's.
    """
    try:
        paths = _pictures(folder)
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
    """Note the pictures of an edition that was just drawn, so that they need not be decoded."""
    said = manifest(root) or {}
    for name, digest in said.get("digests", {}).items():
        if (root / name).is_dir() and known_digests().get(name) == digest:
            with suppress(OSError, DataError):  # already gone, or broken: decoded when looked at
                if note := _note(_bytes_digest(_pictures(root / name))):
                    _keep_note(note, digest)


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.is_dir())


def pixels_digest(paths: list[Path]) -> str:
    """SHA-256 over names, shapes and pixels of picture files, as ``write_pictures`` has it.

    Raises:
        ImageError: one is missing, broken or too large.
    """
    state = hashlib.sha256()
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 8), thread_name_prefix="look") as pool:
        for start in range(0, len(paths), BATCH):
            batch = paths[start : start + BATCH]
            for path, pixels in zip(batch, pool.map(read_pixels, batch), strict=True):
                add_pixels(state, path.name, pixels)
    return state.hexdigest()


def _bytes_digest(paths: list[Path]) -> str:
    """SHA-256 over names, lengths and bytes."""
    state = hashlib.sha256()
    for path in paths:
        content = read_bytes(path)
        state.update(f"{path.name} {len(content)}\n".encode())
        state.update(content)
    return state.hexdigest()


def _note(digest: str) -> Path | None:
    """Where it would be noted that these bytes hold the right pixels; None where nowhere."""
    with suppress(UsageError):
        return cache_folder() / NOTES / digest
    return None


def _keep_note(note: Path, digest: str) -> None:
    """A cache that cannot be written costs time, no more."""
    partial = unfinished(note)
    remove_leftovers(note.parent)
    with suppress(OSError):
        note.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(digest, "utf-8")
        partial.replace(note)
