"""The cache folder, for files that can be made again: unfinished work, drawn editions."""

from __future__ import annotations

import os
from pathlib import Path

from benchbench.errors import UsageError

CACHE_VARIABLE = "BENCHBENCH_CACHE"


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
