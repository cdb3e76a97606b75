"""The data root: the folder that data sets are fetched to and read from.

The first of these that is given: a folder that was passed; the variable BENCHBENCH_DATA; the key
``data_root`` of a settings file; ``benchbench`` in the user's data folder.
"""

from __future__ import annotations

import os
from pathlib import Path

from benchbench.errors import UsageError
from benchbench.files import exists, expand_path, is_folder
from benchbench.settings import read_settings

DATA_VARIABLE = "BENCHBENCH_DATA"
SHARED_VARIABLE = "XDG_DATA_HOME"


def data_root(passed: str | Path | None = None) -> Path:
    """Return the data root, which need not exist.

    Raises:
        UsageError: it is a file, or no home folder is known; or the settings cannot be read.
    """
    named = passed if passed is not None else os.environ.get(DATA_VARIABLE)
    root = expand_path(named) if named else read_settings().data_root or default_root()
    if exists(root) and not is_folder(root):
        raise UsageError(f"The data root {root} is a file, not a folder. Name another: --root DIR")
    return root


def default_root() -> Path:
    """Return ``benchbench`` in the user's data folder: ``~/.local/share/benchbench``.

    Raises:
        UsageError: no home folder is known.
    """
    shared = os.environ.get(SHARED_VARIABLE)
    try:
        return (Path(shared) if shared else Path.home() / ".local" / "share") / "benchbench"
    except RuntimeError as error:
        raise UsageError(
            f"There is no data folder ({error}). Let the variable {DATA_VARIABLE} name one."
        ) from error
