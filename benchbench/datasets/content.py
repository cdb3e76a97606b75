"""Checks of a file against its description: size, digest, or content where no digest is known."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from benchbench.data.recognition import content_problem
from benchbench.errors import MalformedData, MissingData
from benchbench.files import require_regular

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.datasets.manifest import File

BLOCK = 1 << 20
"""Bytes that are read at once."""


def problem_of(path: Path, file: File, *, earlier: bool = False) -> str | None:
    """Return how a file differs from its description; None where it does not.

    Args:
        path: the file.
        file: its description.
        earlier: whether other releases are accepted as well: by their digests, or by content.

    Raises:
        MissingData: the file does not exist.
        MalformedData: it cannot be read.
    """
    size = size_of(path)
    digests = (file.digest, *file.earlier) if earlier else (file.digest,)
    if file.size is not None and size != file.size and not (earlier and file.earlier):
        return f"it has {size:,} bytes, not {file.size:,}"
    if file.digest:
        kinds = {each.partition(":")[0] for each in digests}
        found = {f"{kind}:{digest_of(path, kind)}" for kind in kinds}
        if found & set(digests):
            return None
        if not (earlier and file.content):
            return f"its digest is {min(found)[:19]}…, not {file.digest[:19]}…"
    return content_problem(path, file.content) if file.content else None


def size_of(path: Path) -> int:
    """Return the size of a regular file in bytes.

    Raises:
        MissingData: the file does not exist.
        MalformedData: it cannot be read, or is not a regular file.
    """
    try:
        require_regular(path)
        return path.stat().st_size
    except FileNotFoundError:
        raise MissingData(f"File not found: {path}") from None
    except OSError as error:
        raise MalformedData(f"Cannot read {path}: {error.strerror or error}") from error


def digest_of(path: Path, kind: str) -> str:
    """Return the digest of a file, in hex.

    Args:
        path: the file.
        kind: one of ``manifest.DIGESTS``.

    Raises:
        MalformedData: it cannot be read.
    """
    digest = hashlib.new(kind, usedforsecurity=False)
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
    except OSError as error:
        raise MalformedData(f"Cannot read {path}: {error.strerror or error}") from error
    return digest.hexdigest()
