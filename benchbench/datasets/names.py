"""Data sets by name and by task: those of this package, and those of plugins by entry points.

Each module of ``benchbench.datasets.catalogue`` has a ``DATASET``, and is named like it, with ``_``
for ``-``. Plugins use the group of entry points ``benchbench.datasets``.
"""

from __future__ import annotations

import pkgutil
import shlex
from functools import cache, partial
from importlib import import_module
from importlib.metadata import entry_points
from itertools import chain
from typing import TYPE_CHECKING, Any

from benchbench.datasets.manifest import Dataset
from benchbench.datasets.place import default_root
from benchbench.errors import ContractError, UnknownName
from benchbench.failures import describe_error
from benchbench.files import exists, is_folder
from benchbench.registry import load_task, task_names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from benchbench.datasets.manifest import File
    from benchbench.types import TaskInfo

GROUP = "benchbench.datasets"
"""The group of entry points."""
CATALOGUE = "benchbench.datasets.catalogue"


def dataset_names() -> list[str]:
    """Return all names that ``load_dataset`` takes."""
    return sorted(_found())


def load_dataset(name: str) -> Dataset:
    """Return the data set of that name.

    Raises:
        UnknownName: there is none; the message suggests the nearest.
        ContractError: a plugin breaks, or its object is not a data set.
    """
    there = _found()
    if name not in there:
        raise UnknownName("data set", name, there, "List them: benchbench data list")
    try:
        found = there[name]()
    except (Exception, SystemExit) as error:
        raise ContractError(
            f"The plugin for data set '{name}' breaks: {describe_error(error)}."
        ) from error
    if not isinstance(found, Dataset) or found.name != name:
        raise ContractError(f"The plugin for data set '{name}' gives {found!r:.100}.")
    return found


def datasets_of(name: str) -> list[Dataset]:
    """Return the data set of that name, or those that the task of that name reads.

    Raises:
        UnknownName: there is no such data set, and no data set for a task of that name.
    """
    if name in _found():
        return [load_dataset(name)]
    if found := serving(name):
        return found
    known = [*_found(), *(task for each in _all() for task in each.tasks)]
    raise UnknownName("data set or task", name, known, "List them: benchbench data list")


def serving(task: str) -> list[Dataset]:
    """Return the data sets that a task reads; a variant reads those of its task."""
    stem = task.partition(".")[0]
    return [each for each in _all() if task in each.tasks or stem in each.tasks]


def with_linked(datasets: Sequence[Dataset]) -> list[Dataset]:
    """Return data sets, each after those whose folders are linked into it, none twice."""
    found: dict[str, Dataset] = {}
    for dataset in datasets:
        for link in dataset.links:
            found.setdefault(link.dataset, load_dataset(link.dataset))
        found.setdefault(dataset.name, dataset)
    return list(found.values())


def task_root(info: TaskInfo, root: Path) -> Path:
    """Return the folder from which a task's paths count: the data root, or a data set's in it.

    The data root itself is chosen where it has any of the task's annotation files: because they lie
    at its top, or because the task's paths begin with the data set's folder.
    """
    if lies_at_top(info, root):
        return root
    folders = [each.place(root) for each in serving(info.name)]
    return next((folder for folder in folders if is_folder(folder)), root)


def lies_at_top(info: TaskInfo, root: Path) -> bool:
    """Return whether a folder has any of a task's annotation files, in no folder of a data set."""
    annotations = [file for file in info.files if not file.path.endswith("/")]
    return len(lacking(info, root)) < len(annotations)


def lacking(info: TaskInfo, root: Path) -> list[str]:
    """Return the paths of a task's annotation files that are not in a folder."""
    annotations = [file for file in info.files if not file.path.endswith("/")]
    return [f.path for f in annotations if not any(exists(root / n) for n in (f.path, *f.instead))]


def home(dataset: Dataset, root: Path) -> Path:
    """Return a data set's folder: its own, or the data root where its files lie there at the top.

    A file of the same name and another size is not one of its files; nor is any file at the top
    where the data set's tasks do not look for it there.
    """
    place = dataset.place(root)
    if is_folder(place) or not any(_is_at(root, file) for file in dataset.files):
        return place
    return root if _is_read_at_top(dataset) else place


def _is_read_at_top(dataset: Dataset) -> bool:
    """Return whether some task reads a file of a data set outside the data set's folder."""
    there = set(task_names())
    infos = [load_task(name).info for name in dataset.tasks if name in there]
    read = {path for info in infos for file in info.files for path in (file.path, *file.instead)}
    return not infos or not read.isdisjoint(file.path for file in dataset.files)


def _is_at(root: Path, file: File) -> bool:
    path = root / file.path
    return exists(path) and path.is_file() and file.size in (None, path.stat().st_size)


def advice(info: TaskInfo, missing: str, root: Path) -> str:
    """Return the command by which a task's missing file or folder is got; empty where none is.

    Args:
        info: the task's.
        missing: its path, as the task has it.
        root: the data root, as it was chosen.
    """
    where = "" if root == default_root() else f" --root {shlex.quote(str(root))}"
    for dataset in serving(info.name):
        folder = home(dataset, root)
        own = missing.removeprefix(f"{dataset.folder}/")
        others = (link.path for link in dataset.links), (each.path for each in dataset.made)
        if own in (*published(dataset), *chain(*others)) or not is_here(dataset, root):
            return f"benchbench data get {info.name}{where}"
        if dataset.then:
            return dataset.then[0].format(folder=shlex.quote(str(folder)))
    return ""


def is_here(dataset: Dataset, root: Path) -> bool:
    """Return whether any file or folder of a data set is under a data root."""
    folder = home(dataset, root)
    return any(exists(folder / path) for path in published(dataset))


def published(dataset: Dataset) -> list[str]:
    """Return the paths of a data set's files and folders, without links."""
    return [file.path for file in dataset.files] + [folder.path for folder in dataset.folders]


def _all() -> list[Dataset]:
    return [load_dataset(name) for name in dataset_names()]


@cache
def _found() -> Mapping[str, Callable[[], Any]]:
    """Return how to get each data set, by name; a plugin cannot take a name of this package."""
    catalogue = import_module(CATALOGUE)
    modules = [each.name for each in pkgutil.iter_modules(catalogue.__path__)]
    own = {name.replace("_", "-"): partial(_load, f"{CATALOGUE}.{name}") for name in modules}
    return {point.name: point.load for point in entry_points(group=GROUP)} | own


def _load(path: str) -> Any:
    return import_module(path).DATASET
