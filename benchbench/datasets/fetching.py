"""Fetching data sets into a data root: what is missing is downloaded, or taken from a folder."""

from __future__ import annotations

import fnmatch
import os
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from benchbench.atomic import atomic_write, os_errors
from benchbench.datasets.archives import unpack
from benchbench.datasets.content import problem_of, size_of
from benchbench.datasets.downloading import Part, download
from benchbench.datasets.manifest import Folder
from benchbench.datasets.names import home, with_linked
from benchbench.datasets.sources import place_of
from benchbench.errors import DataError, DataUnavailable, MissingData, RunError
from benchbench.files import exists, is_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchbench.datasets.manifest import Dataset, File
    from benchbench.types import Progress

SPARE = 100_000_000
"""Bytes that stay free on the disk."""


@dataclass(frozen=True, slots=True)
class Need:
    """A file or folder of a data set that is not under the data root."""

    dataset: Dataset
    what: File | Folder
    place: Path

    @property
    def downloads(self) -> tuple[File, ...]:
        """Return the published files that it comes from."""
        return self.what.archives if isinstance(self.what, Folder) else (self.what,)

    @property
    def can_be_fetched(self) -> bool:
        """Return whether all of its files have a source."""
        return all(file.sources for file in self.downloads)

    @property
    def label(self) -> str:
        """Return its data set and path, for people."""
        return f"{self.dataset.name}: {self.what.path}"


@dataclass(frozen=True, slots=True)
class Step:
    """Something that was done, or could not be done, about a need."""

    need: Need
    done: str
    """``downloaded``, ``copied``, ``unpacked``; empty where it could not be fetched."""
    reason: str = ""


def needs(datasets: Sequence[Dataset], root: Path, *, images: bool = True) -> list[Need]:
    """Return the files and folders of data sets, and of those linked, that are not there.

    Args:
        datasets: the data sets.
        root: the data root; it need not exist.
        images: whether folders of images count.
    """
    found = []
    for dataset in with_linked(datasets) if images else datasets:
        folder = home(dataset, root)
        whats: list[File | Folder] = [*dataset.files, *(dataset.folders if images else ())]
        for what in whats:
            place = folder / what.path
            if not (has_images(place, what) if isinstance(what, Folder) else exists(place)):
                found.append(Need(dataset, what, place))
    return found


def has_images(place: Path, folder: Folder) -> bool:
    """Return whether a folder has as many images as declared."""
    return count_images(place, folder.like) >= folder.images


def count_images(place: Path, like: str) -> int:
    """Return the number of a folder's files whose names match; 0 where there is no folder."""
    if not is_folder(place):
        return 0
    with os.scandir(place) as entries:
        return sum(fnmatch.fnmatchcase(entry.name, like) for entry in entries)


def fetch(
    needed: Sequence[Need],
    *,
    mirror: str | None = None,
    brought: Path | None = None,
    progress: Progress | None = None,
) -> Iterator[Step]:
    """Fetch files and folders, one after the other.

    A need that cannot be fetched is a step with its reason; the others are fetched all the same.

    Args:
        needed: as ``needs`` returns them.
        mirror: the prefix of a mirror, in place of the sources' own addresses.
        brought: a folder with downloaded files; nothing is downloaded then.
        progress: called as ``progress(what, done, total)``.

    Raises:
        RunError: there is not enough space, or a folder cannot be written.
        MissingData: there is no folder ``brought``.
    """
    if brought is not None and not is_folder(brought):
        raise MissingData(f"There is no folder {brought}, which --from names.")
    if needed:
        check_space(needed, brought=brought)
    for need in needed:
        try:
            yield Step(need, _fetch(need, mirror, brought, progress))
        except DataError as error:
            yield Step(need, "", str(error))


def check_space(needed: Sequence[Need], *, brought: Path | None = None) -> None:
    """Raise a RunError where the disk has too little space for all that is needed."""
    space = sum(_space(need, brought is not None) for need in needed) + SPARE
    there = next(each for each in (needed[0].place, *needed[0].place.parents) if exists(each))
    free = shutil.disk_usage(there).free
    if free < space:
        raise RunError(
            f"{space / 1e9:,.1f} GB are needed, with unpacking; the disk of {there} has "
            f"{free / 1e9:,.1f} GB free. Make room, or name another data root: --root DIR"
        )


def _space(need: Need, brought: bool) -> int:
    """Return the bytes that a need takes, at most, while it is fetched."""
    unpacked = need.what.unpacked if isinstance(need.what, Folder) else 0
    parts = (max(0, (f.size or 0) - Part.of(_kept(need, f)).size) for f in need.downloads)
    return unpacked + (0 if brought and unpacked else sum(parts))


def _kept(need: Need, file: File) -> Path:
    """Return where a download lies: a file in its place, an archive beside its folder."""
    return need.place if file is need.what else need.place.parent / file.path


def _fetch(need: Need, mirror: str | None, brought: Path | None, progress: Progress | None) -> str:
    """Fetch a file or folder; return what was done.

    Raises:
        DataError: it cannot be fetched.
    """
    if brought is None and not need.can_be_fetched:
        raise DataUnavailable(need.dataset.how)
    if isinstance(need.what, Folder):
        return _fetch_folder(need, need.what, mirror, brought, progress)
    if brought is None:
        download(need.what, need.place, mirror, progress)
        return "downloaded"
    source = found_in(brought, need.dataset, need.what)
    with atomic_write(need.place) as temporary:
        shutil.copyfile(source, temporary)
    return "copied"


def _fetch_folder(
    need: Need, folder: Folder, mirror: str | None, brought: Path | None, progress: Progress | None
) -> str:
    """Fetch archives, unpack them, and remove those that were downloaded."""
    if exists(need.place):
        raise DataError(
            f"{need.place} is there, with fewer than {folder.images:,} images ({folder.like}). "
            "Move it away, then repeat the command."
        )
    if brought is not None:
        archives = [found_in(brought, need.dataset, file) for file in folder.archives]
        n = unpack(folder, archives, need.place, progress)
        return f"unpacked, {n:,} images"
    places = [_kept(need, file) for file in folder.archives]
    for file, place in zip(folder.archives, places, strict=True):
        if not exists(place) or problem_of(place, file):
            download(file, place, mirror, progress)
    n = unpack(folder, places, need.place, progress)
    with os_errors(need.place):
        for place in places:
            place.unlink()
    return f"downloaded, {n:,} images"


def found_in(brought: Path, dataset: Dataset, file: File) -> Path:
    """Return a published file in a folder of downloads, wherever it lies there.

    Raises:
        MissingData: it is not there.
        DataError: files of its name are there, and none is the published one.
    """
    names = [place_of(source) for source in file.sources]
    names += [f"{dataset.name}/{file.path}", file.path, PurePosixPath(file.path).name]
    reasons = []
    for name in dict.fromkeys(names):
        path = brought / name
        if exists(path) and not is_folder(path):
            problem = problem_of(path, file, earlier=True)
            if problem is None:
                return path
            reasons.append(f"{path}: {problem}")
    if reasons:
        raise DataError(f"{file.path} is another file than the published one ({reasons[0]})")
    raise MissingData(f"{file.path} is not in {brought}")


def link(datasets: Sequence[Dataset], root: Path) -> list[Path]:
    """Link the folders that data sets share, where they are there; return the new links.

    Raises:
        RunError: a link cannot be written.
    """
    made = []
    for dataset in datasets:
        for each in dataset.links:
            at = home(dataset, root) / each.path.rstrip("/")
            target = root / each.path.rstrip("/")
            if is_folder(target) and not os.path.lexists(at):
                with os_errors(at):
                    at.parent.mkdir(parents=True, exist_ok=True)
                    at.symlink_to(os.path.relpath(target, at.parent), target_is_directory=True)
                made.append(at)
    return made


def total_size(needed: Sequence[Need]) -> tuple[int, int]:
    """Return the bytes to download, and the number of files whose size is not known."""
    files = [file for need in needed for file in need.downloads]
    unknown = sum(file.size is None for file in files)
    return sum(file.size or 0 for file in files), unknown


def differing(datasets: Sequence[Dataset], root: Path) -> list[str]:
    """Return the files of data sets that are there with another size than published."""
    found = []
    for dataset in datasets:
        for file in dataset.files:
            place = home(dataset, root) / file.path
            if file.size is None or file.earlier or not exists(place):
                continue
            if (size := size_of(place)) != file.size:
                found.append(f"{place} has {size:,} bytes, not {file.size:,}")
    return found
