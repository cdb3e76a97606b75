"""Memory of the C library that is freed and taken again, without the system in between.

A model's pass takes and frees large blocks layer by layer. By default, glibc gives each block above
32 MB back to the system at once, and whatever is free at the end of its heap above 64 MB; the next
block is new memory, which the system clears page by page at the first touch. Of VG-Relation's items
with ViT-L/14 on one core, that took 15 % of the time (74 and 63 CPU seconds; 5.0 and 0.1 million
pages); with ViT-B/32, whose blocks are smaller, up to 4 %. Numbers do not depend on it.
"""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TRIM_THRESHOLD, MMAP_THRESHOLD, MMAP_MAX = -1, -3, -4
"""Parameters of ``mallopt`` (glibc's malloc.h)."""
REUSED = {MMAP_MAX: 0, TRIM_THRESHOLD: 2**31 - 1}
"""Take every block from the heap, and keep up to 2 GB free at its end."""
USUAL = {MMAP_MAX: 65_536, MMAP_THRESHOLD: 32 * 2**20, TRIM_THRESHOLD: 64 * 2**20}
"""What glibc comes to by default: its thresholds grow with the blocks that are freed (mallopt(3):
DEFAULT_MMAP_THRESHOLD_MAX, and twice that)."""
VARIABLES = ("MALLOC_MMAP_MAX_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")
"""What a user sets these parameters with; besides, ``GLIBC_TUNABLES``."""
_lock = Lock()
_users = 0


@contextmanager
def reuse_memory() -> Iterator[None]:
    """Keep freed memory for the next block, in all threads; give it back to the system at the end.

    Where the C library is not glibc, or the user has set its parameters, nothing changes.
    """
    library = _library()
    if library is None or _set_by_user(os.environ):
        yield
        return
    _count(library, 1)
    try:
        yield
    finally:
        _count(library, -1)


def _count(library: Any, change: int) -> None:
    """Count who reuses memory; at the first one and after the last one, set the parameters."""
    global _users
    with _lock:
        before, _users = _users, _users + change
        if not before or not _users:
            for parameter, value in (REUSED if _users else USUAL).items():
                library.mallopt(parameter, value)
        if not _users:
            library.malloc_trim(0)


@cache
def _library() -> Any:
    """Return the C library, if it is glibc."""
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    known = all(
        hasattr(library, name) for name in ("mallopt", "malloc_trim", "gnu_get_libc_version")
    )
    return library if known else None


def _set_by_user(variables: Mapping[str, str]) -> bool:
    """Return whether environment variables set one of the parameters."""
    return "glibc.malloc." in variables.get("GLIBC_TUNABLES", "") or any(
        name in variables for name in VARIABLES
    )
