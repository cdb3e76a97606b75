"""The cache folder, for files that can be made again: stored encodings, drawn editions."""

from __future__ import annotations

import os
import re
from pathlib import Path

from benchbench.errors import UsageError

CACHE_VARIABLE = "BENCHBENCH_CACHE"
LIMIT_VARIABLE = "BENCHBENCH_CACHE_LIMIT"
DEFAULT_LIMIT = "20GB"
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def cache_folder() -> Path:
    """Return the cache folder: BENCHBENCH_CACHE, or ``benchbench`` in the user's cache folder.

    The folder need not exist.

    Raises:
        UsageError: the home folder is unknown, or the path names a user who does not exist.
    """
    named = os.environ.get(CACHE_VARIABLE)
    shared = os.environ.get("XDG_CACHE_HOME")
    try:
        if named:
            return Path(named).expanduser()
        return (Path(shared) if shared else Path.home() / ".cache") / "benchbench"
    except RuntimeError as error:
        reason = str(error).rstrip(".")
        raise UsageError(
            f"There is no cache folder ({reason}). Let the variable {CACHE_VARIABLE} name one."
        ) from error


def size_limit() -> int:
    """Return the size in bytes that stored encodings may have: BENCHBENCH_CACHE_LIMIT, or 20 GB.

    Raises:
        UsageError: the variable is not a size.

    >>> size_limit() == 20 * 10**9 or LIMIT_VARIABLE in os.environ
    True
    """
    typed = os.environ.get(LIMIT_VARIABLE) or DEFAULT_LIMIT
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)B?\s*", typed, re.IGNORECASE)
    if not found:
        raise UsageError(
            f"The variable {LIMIT_VARIABLE} is {typed!r}, which is not a size. Write 500MB or 20GB."
        )
    return int(float(found[1]) * _UNITS[found[2].upper()])
