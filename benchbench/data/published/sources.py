"""Files of published figures, by their kind: the package's own, a user's TOML, vl_compo's table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.data.published.figure import SUFFIX, published_figures, read_figures
from benchbench.data.published.vl_compo import read_vl_compo
from benchbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from benchbench.data.published.figure import Figure

READERS = {SUFFIX: read_figures, ".csv": read_vl_compo}
"""End of a file's name → its reader."""


def read_source(path: Path) -> tuple[Figure, ...]:
    """Read the figures of a user's file.

    Raises:
        UsageError: its name has another ending than those of ``READERS``.
        DataError: it is missing or malformed.
    """
    if path.suffix not in READERS:
        raise UsageError(
            f"Published figures are read from {' and '.join(READERS)} files, not from "
            f"'{path.name}'. Their formats: docs/published.md"
        )
    return READERS[path.suffix](path)


def all_figures(paths: Iterable[Path] = ()) -> tuple[Figure, ...]:
    """Return the package's figures, then those of a user's files.

    Raises:
        UsageError: as ``read_source``.
        DataError: as ``read_source``.
    """
    return published_figures() + tuple(figure for path in paths for figure in read_source(path))
