"""Reading of runs from a file, a folder, or a commit of a repository."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchbench.errors import RunError
from benchbench.files import expand_path
from benchbench.runs import SUFFIX, read_run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchbench.types import Run

GIT = "git:"


def read_all_runs(places: Iterable[str | Path]) -> list[Run]:
    """Return the runs of several places; errors as of ``read_runs``."""
    return [run for place in places for run in read_runs(str(place))]


def read_runs(where: str) -> list[Run]:
    """Return the runs of a file, of a folder with all below it, or of ``git:REF:PATH``.

    Raises:
        RunError: there are none, or one cannot be read.
    """
    if where.startswith(GIT):
        return _from_git(where)
    path = expand_path(where)
    files = sorted(path.rglob(f"*{SUFFIX}")) if path.is_dir() else [path]
    if not files:
        raise RunError(f"{where} holds no runs (*{SUFFIX}). Write one: benchbench eval")
    return [read_run(file) for file in files]


def is_run_path(where: str) -> bool:
    """Return whether text names runs rather than a model."""
    return where.startswith(GIT) or where.endswith(SUFFIX) or expand_path(where).is_dir()


def _from_git(where: str) -> list[Run]:
    reference, colon, path = where.removeprefix(GIT).partition(":")
    if not (reference and colon and path) or reference.startswith("-"):
        raise RunError(f"'{where}' names no run in a repository. Write git:REF:PATH.")
    # -z: without it, git quotes names that are not ASCII.
    listed = git(where, "ls-tree", "-r", "-z", "--name-only", "--full-name", reference, "--", path)
    every = listed.decode(errors="surrogateescape").split("\0")
    names = [name for name in every if name.endswith(SUFFIX)]
    if not names:
        raise RunError(f"{where}: there are no runs (*{SUFFIX}) at {path} in {reference}.")
    with tempfile.TemporaryDirectory() as folder:
        found = []
        for number, name in enumerate(names):
            file = Path(folder) / f"{number}{SUFFIX}"
            file.write_bytes(git(where, "show", f"{reference}:{name}"))
            found.append(read_run(file, f"{GIT}{reference}:{name}"))
    return found


def git(where: str, *arguments: str, cwd: Path | None = None) -> bytes:
    """Return what git prints.

    Args:
        where: what the command is about, for the message.
        arguments: the words behind ``git``.
        cwd: the folder that it runs in; by default the working directory.

    Raises:
        RunError: git is missing, or fails; the message has the first line that it says.
    """
    try:
        done = subprocess.run(  # noqa: S603 - a list, and no shell
            ["git", *arguments],  # noqa: S607
            cwd=cwd,
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise RunError(f"{where} needs git, which does not run here ({error.strerror}).") from error
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["git failed"]
        raise RunError(f"{where}: {lines[0].removeprefix('fatal: ').rstrip('.')}.")
    return done.stdout
