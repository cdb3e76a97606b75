"""Adopting data sets that lie on this machine already, by links into the data root."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchbench.atomic import os_errors
from benchbench.datasets.content import problem_of
from benchbench.datasets.fetching import count_images, has_images, link
from benchbench.datasets.names import home
from benchbench.errors import DataError, MissingData
from benchbench.files import exists, is_folder, resolve_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchbench.datasets.manifest import Dataset, File, Folder
    from benchbench.types import Progress

DEEP = 3
"""Levels of folders that are searched below the one that is named."""
MANY = 5_000
"""Folders with more entries hold images, and no folders to search."""


@dataclass(slots=True)
class Adoption:
    """What was found of a data set."""

    dataset: Dataset
    adopted: list[tuple[str, str]] = field(default_factory=list)
    """A file or folder → where it lies."""
    there: list[str] = field(default_factory=list)
    """Files and folders that the data root had before."""
    missing: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Files of the right name that are not the published ones, each with the reason."""


def adopt(
    path: Path, datasets: Sequence[Dataset], root: Path, progress: Progress | None = None
) -> list[Adoption]:
    """Link the files and folders of data sets that lie under a path into the data root.

    Args:
        path: the folder to search, three levels deep.
        datasets: the data sets to search for.
        root: the data root; nothing that it has is replaced.
        progress: called as ``progress("data sets", done, total)``.

    Returns:
        What was found of each data set of which anything was found.

    Raises:
        MissingData: there is no such folder.
        RunError: a link cannot be written.
    """
    if not is_folder(path):
        raise MissingData(f"There is no folder {path} to search.")
    by_name: dict[str, list[Path]] = {}
    for each in _walk(resolve_path(path), DEEP):
        by_name.setdefault(each.name, []).append(each)
    found = []
    for done, dataset in enumerate(datasets):
        found.append(_adopted(dataset, by_name, root))
        if progress:
            progress("data sets", done + 1, len(datasets))
    link(datasets, root)
    return [each for each in found if each.adopted or each.refused or each.there]


def _walk(folder: Path, deep: int) -> Iterator[Path]:
    """Yield a folder, its files and its folders; those with very many entries are not entered."""
    yield folder
    try:
        with os.scandir(folder) as entries:
            inside = [Path(entry.path) for _, entry in zip(range(MANY), entries, strict=False)]
    except OSError:  # a folder of somebody else
        return
    for each in sorted(inside) if len(inside) < MANY else ():
        if each.is_dir():
            yield from _walk(each, deep - 1) if deep else iter([each])
        else:
            yield each


def _adopted(dataset: Dataset, by_name: dict[str, list[Path]], root: Path) -> Adoption:
    adoption, place = Adoption(dataset), home(dataset, root)
    for file in dataset.files:
        if exists(place / file.path):
            adoption.there.append(file.path)
            continue
        candidates = by_name.get(Path(file.path).name, [])
        reasons = []
        for each in sorted(candidates, key=lambda path: not path.match(file.path)):
            if (problem := _problem(each, file)) is None:
                _link(place / file.path, each)
                adoption.adopted.append((file.path, str(each)))
                break
            reasons.append(f"{each}: {problem}")
        else:
            adoption.missing.append(file.path)
            adoption.refused += reasons
    for folder in dataset.folders:
        _adopt_folder(folder, by_name, place / folder.path.rstrip("/"), adoption)
    return adoption


def _problem(path: Path, file: File) -> str | None:
    """Return why a file is not the published one; None where it is."""
    try:
        return problem_of(path, file, earlier=True)
    except DataError as error:
        return str(error)


def _adopt_folder(
    folder: Folder, by_name: dict[str, list[Path]], place: Path, adoption: Adoption
) -> None:
    """Link a folder of images, or the images of several folders into one."""
    if has_images(place, folder):
        adoption.there.append(folder.path)
        return
    name = folder.path.rstrip("/")
    whole = [each for each in by_name.get(name, ()) if has_images(each, folder)]
    parts = [found for part in folder.parts for found in by_name.get(part, ())[:1]]
    if whole:
        _link(place, whole[0])
        adoption.adopted.append((folder.path, str(whole[0])))
    elif parts and sum(count_images(each, folder.like) for each in parts) >= folder.images:
        _merge(place, parts)
        adoption.adopted.append((folder.path, " and ".join(map(str, parts))))
    else:
        adoption.missing.append(folder.path)


def _link(at: Path, to: Path) -> None:
    with os_errors(at):
        at.parent.mkdir(parents=True, exist_ok=True)
        at.symlink_to(to, target_is_directory=to.is_dir())


def _merge(at: Path, parts: Sequence[Path]) -> None:
    """Write a folder with a link to each file of several folders."""
    with os_errors(at):
        at.mkdir(parents=True, exist_ok=True)
        for part in parts:
            with os.scandir(part) as entries:
                for entry in entries:
                    if not os.path.lexists(at / entry.name):
                        (at / entry.name).symlink_to(entry.path)
