"""Verification: every record and image header is read, and compared with what is published."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.datasets.content import problem_of
from benchbench.datasets.fetching import count_images
from benchbench.datasets.manifest import File
from benchbench.datasets.names import (
    dataset_names,
    datasets_of,
    home,
    is_here,
    lacking,
    load_dataset,
)
from benchbench.datasets.regions import CHUNK, Regions, read_sizes
from benchbench.datasets.tallies import Tally, tally
from benchbench.errors import DataError, ImageError, MissingData
from benchbench.failures import foreign_code
from benchbench.files import exists, is_folder
from benchbench.registry import load_task, task_names
from benchbench.types import Content, StreamingTask

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from benchbench.datasets.manifest import Dataset, Folder
    from benchbench.types import ImageRef, Progress, Task

KINDS = {"sha256": "SHA-256", "sha1": "SHA-1", "md5": "MD5"}


@dataclass(frozen=True, slots=True)
class Checked:
    """A file or folder."""

    path: str
    state: str
    """Its size, and how it was recognised; or how it differs."""
    fine: bool


@dataclass(frozen=True, slots=True)
class Read:
    """A task's items, as read from these files."""

    task: str
    tally: Tally | None
    """None where they cannot be read."""
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A data set, verified."""

    dataset: Dataset
    folder: Path
    checked: tuple[Checked, ...]
    read: tuple[Read, ...]

    @property
    def fine(self) -> bool:
        """Return whether nothing differs from what is published."""
        return all(each.fine for each in self.checked) and not any(r.problems for r in self.read)

    @property
    def root_above(self) -> Path | None:
        """Return the folder to name as data root where its own folder was named; None elsewhere."""
        named = self.folder.parent
        own = named.name == self.dataset.folder and not is_folder(self.folder)
        there = any(exists(named / file.path) for file in self.dataset.files)
        return named.parent if own and there else None

    @property
    def sure(self) -> bool:
        """Return whether more than the names of fields is known of every annotation file."""
        return all(map(is_recognisable, self.dataset.files))


def verify(
    names: Sequence[str], root: Path, *, images: bool = True, progress: Progress | None = None
) -> Iterator[Report]:
    """Verify data sets.

    Args:
        names: data sets or tasks; where there is none, all data sets that are here.
        root: the data root.
        images: whether images are read.
        progress: called as ``progress(what, done, total)``.

    Raises:
        UnknownName: there is no such data set or task.
        MissingData: no name is given, and no data set is here.
    """
    chosen = [each for name in names for each in datasets_of(name)]
    if not names:
        chosen = [each for each in map(load_dataset, dataset_names()) if is_here(each, root)]
        if not chosen:
            raise MissingData(f"No data set is in {root}. Type: benchbench data get NAME")
    for dataset in {each.name: each for each in chosen}.values():
        yield _verified(dataset, root, images, progress)


def _verified(dataset: Dataset, root: Path, images: bool, progress: Progress | None) -> Report:
    folder = home(dataset, root)
    checked = [_checked_file(folder, file) for file in dataset.files]
    if images:
        checked += [_checked_folder(folder, each, progress) for each in dataset.folders]
        checked += [_checked_link(folder, each.path) for each in dataset.links]
    made = (File(each.path, digest=each.digest) for each in dataset.made)
    checked += [_checked_file(folder, file) for file in made if exists(folder / file.path)]
    there = set(task_names())
    read = tuple(
        _read(task, at, images, progress)
        for task in dataset.tasks
        for at in (dict.fromkeys((folder, root)) if task in there else ())
        if not lacking(load_task(task).info, at)
    )
    return Report(dataset, folder, tuple(checked), read)


def _checked_file(folder: Path, file: File) -> Checked:
    path = folder / file.path
    try:
        problem = problem_of(path, file)
        other = problem and problem_of(path, file, earlier=True) is None
    except MissingData:
        return Checked(file.path, "missing", False)
    except DataError as error:
        return Checked(file.path, str(error), False)
    if other:
        return Checked(file.path, f"{path.stat().st_size:,} bytes, as of another release", True)
    if problem:
        return Checked(file.path, problem, False)
    return Checked(file.path, f"{path.stat().st_size:,} bytes, {_recognised(file)}", True)


def _recognised(file: File) -> str:
    """Return how a file was recognised."""
    if kind := KINDS.get(file.digest.partition(":")[0]):
        return f"{kind} as published"
    if is_recognisable(file):
        return "content as published; no digest is known"
    return "fields as published; its records are not known"


def is_recognisable(file: File) -> bool:
    """Return whether more than the names of a file's fields is known."""
    content = file.content
    if isinstance(content, Content):
        return bool(file.digest) or content.tells_apart
    return bool(file.digest or content)


def _checked_folder(root: Path, folder: Folder, progress: Progress | None) -> Checked:
    """Read the header of every image of a folder; a chunk of headers is held at once."""
    place = root / folder.path
    if not is_folder(place):
        return Checked(folder.path, "missing", False)
    n, bad, first, total = 0, 0, "", count_images(place, "*")
    with os.scandir(place) as entries:
        paths = (Path(entry.path) for entry in entries if not entry.name.startswith("."))
        for n, (_, size) in enumerate(read_sizes(paths), 1):
            if isinstance(size, ImageError):
                bad, first = bad + 1, first or str(size)
            if progress and n % CHUNK == 0:
                progress(f"images of {folder.path}", n, total)
    if bad:
        return Checked(folder.path, f"{bad:,} of {n:,} images unreadable: {first}", False)
    if n < folder.images:
        return Checked(folder.path, f"{n:,} images, not {folder.images:,}", False)
    return Checked(folder.path, f"{n:,} images, all readable", True)


def _checked_link(folder: Path, path: str) -> Checked:
    there = is_folder(folder / path)
    return Checked(path, "linked" if there else "missing", there)


def _read(name: str, folder: Path, images: bool, progress: Progress | None) -> Read:
    """Read a task's items, then the header of every image that they name; no item is kept."""
    task = load_task(name)
    try:
        with foreign_code(f"The task {name}"):
            counts = tally(_items(task, folder))
            problems = _images(task, folder, counts.items, progress) if images else ()
    except DataError as error:
        return Read(name, None, (str(error),))
    return Read(name, counts, problems)


def _items(task: Task, folder: Path) -> Iterable[Any]:
    return task.stream(folder) if isinstance(task, StreamingTask) else task.items(folder)


def _images(task: Task, folder: Path, n: int, progress: Progress | None) -> tuple[str, ...]:
    """Return problems with the images and crops of a task's ``n`` items."""
    regions = Regions()
    refs: list[ImageRef] = []
    for done, item in enumerate(_items(task, folder), 1):
        refs += item.images
        if len(refs) >= CHUNK or done == n:
            regions.check(refs)
            refs = []
            if progress:
                progress(f"items of {task.info.name}", done, n)
    return regions.problems()
