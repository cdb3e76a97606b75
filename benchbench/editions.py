"""Editions: which set of official-format files a task reads, and the name of its numbers.

================================  ==================================================================
``scenes-v2``                     the drawn world of standard counts and size, drawn when needed, or
                                  written by ``benchbench scenes export``: its annotations and
                                  pixels have the digests that the package stores
``official``                      every annotation file has the digest that the task stores for it;
                                  or, where none is known, the content (``TaskInfo.content``)
``official-2023-11-18``           the same, of the release of that date, where there are several
``custom-<folder>-<digest8>``     any other files, so that their numbers are never mistaken for
                                  those of another edition
``scenes-v2+case-lower``          any of these, its items shown to models in another way
                                  (``variations.py``)
================================  ==================================================================

The first of these that is given decides: a data root that was passed; an edition that was passed;
the variable BENCHBENCH_EDITION; the variable BENCHBENCH_DATA; a settings file (``settings.py``).
Otherwise it is the drawn world.

An edition's kind follows from its name: the drawn world's are of the kind ``drawn``, all others of
``photographs``. Tasks choose metrics and a headline by it (``Metric.kinds``,
``TaskInfo.headlines``).
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchbench.data.records import file_sha256, first_existing
from benchbench.datasets.names import advice, task_root
from benchbench.datasets.place import DATA_VARIABLE, default_root
from benchbench.errors import MissingData, UnknownName, UsageError
from benchbench.files import exists, expand_path, is_folder, require_regular, resolve_path
from benchbench.settings import OWN_FILE, read_settings
from benchbench.types import Edition, EditionKind
from benchbench.types.runs import UNVERIFIED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchbench.types import DataFile, Progress, TaskInfo

EDITION_VARIABLE = "BENCHBENCH_EDITION"
SCENES, OFFICIAL = "scenes", "official"
PHOTOGRAPHS = EditionKind("photographs", "photographs")
DRAWN = EditionKind(
    "drawn",
    "drawings",
    "DRAWN: {edition} shows drawings. Its numbers compare with each other; they do not compare "
    "with papers', which are about photographs.",
)
KINDS = (PHOTOGRAPHS, DRAWN)
VARIED = "+"
"""In an edition's name, before the variation in which its items were shown."""
MAX_NAME = 150
"""The largest number of characters of a folder's name in an edition's, which is part of the name of
a run's folder."""


def is_official(name: object) -> bool:
    """Return whether an edition of that name is made of official files."""
    return isinstance(name, str) and bool(re.fullmatch(rf"{OFFICIAL}(-\d{{4}}-\d\d-\d\d)?", name))


@dataclass(frozen=True, slots=True)
class EditionChoice:
    """The choice of files to read, before any file is checked."""

    edition: str | None
    """``scenes``, ``official`` or one release of it, or None: the files that ``root`` holds."""
    root: Path | None
    """The data root; None for the drawn world, and for official files without a data root."""


def choose_edition(
    data_root: str | Path | None = None, edition: str | None = None
) -> EditionChoice:
    """Return the edition and data root from arguments, variables or settings file.

    Raises:
        UnknownName: there is no such edition.
        UsageError: a folder's name is not valid; or both a folder and the drawn world are named; or
            the settings cannot be read.
        MissingData: there is no such folder.
    """
    chosen = _parse_edition(edition, "")
    if data_root is not None:
        if chosen == SCENES:
            raise UsageError(
                f"The edition {edition} is drawn, and reads no --data-root: leave out one of them."
            )
        return EditionChoice(chosen, _check_folder(data_root, ""))
    chosen = chosen or _parse_edition(os.environ.get(EDITION_VARIABLE), EDITION_VARIABLE)
    if chosen == SCENES:
        return EditionChoice(SCENES, None)
    if (named := os.environ.get(DATA_VARIABLE)) is not None:
        return EditionChoice(chosen, _check_folder(named, DATA_VARIABLE))
    settings = read_settings()
    chosen = chosen or _parse_edition(settings.edition, settings.origin("edition"))
    if chosen == SCENES or (chosen is None and settings.data_root is None):
        return EditionChoice(SCENES, None)
    root = settings.data_root
    return EditionChoice(
        chosen, None if root is None else _check_folder(root, settings.origin("data_root"))
    )


def kind_of(edition: str) -> EditionKind:
    """Return the kind of an edition, given its name.

    >>> kind_of("scenes-v2").name, kind_of("official").name
    ('drawn', 'photographs')
    """
    return DRAWN if edition.startswith(f"{SCENES}-") else PHOTOGRAPHS


def plain_edition(edition: str) -> str:
    """Return an edition's name without the variation in which its items were shown.

    >>> plain_edition("scenes-v2+case-lower")
    'scenes-v2'
    """
    return edition.partition(VARIED)[0]


def banner_of(edition: str) -> str:
    """Return the banner above an edition's numbers; "" if there is none."""
    return kind_of(edition).banner.format(edition=edition)


def _parse_edition(name: str | None, origin: str) -> str | None:
    """Return ``scenes``, ``official`` or a release; the drawn world's full name means ``scenes``.

    Raises:
        UnknownName: there is no such edition.
    """
    if name is None or name == SCENES or is_official(name):
        return name
    from benchbench.scenes.edition import EDITION

    if name == EDITION:
        return SCENES
    where = f"It comes from {origin}. " if origin else ""
    hint = f"{where}There are {SCENES} and {OFFICIAL}; other files: --data-root DIR"
    raise UnknownName("edition", str(name), (SCENES, EDITION, OFFICIAL), hint)


def _check_folder(named: str | Path, origin: str) -> Path:
    """Return a data root that exists. ``origin`` is its variable or key, where it was not passed.

    Raises:
        UsageError: the value does not name a folder.
        MissingData: there is no such folder.
    """
    where = f" ({origin})" if origin else ""
    if not isinstance(named, (str, Path)) or not str(named).strip():
        raise UsageError(f"The data root{where} should name a folder; it is {named!r}.")
    root = expand_path(named)
    if not is_folder(root):
        state = "is a file, not a folder" if exists(root) else "does not exist"
        raise MissingData(f"The data root {root}{where} {state}.")
    return root


def state_of(file: DataFile, root: Path) -> tuple[bool, str]:
    """Return whether a task's file or folder under ``root`` is valid, and its state in words."""
    path = root / first_existing(root, file.path, *file.instead)
    if not exists(path):
        return False, "missing"
    if file.path.endswith("/"):
        if not path.is_dir():
            return False, "a file where a folder should be"
        n = sum(sum(1 for _ in each.iterdir()) if each.is_dir() else 1 for each in path.iterdir())
        return n > 0, f"{n:,} entries" if n else "empty"
    try:
        require_regular(path)
    except IsADirectoryError:
        return False, "a folder where a file should be"
    except OSError as error:
        return False, f"no file that can be read: {error.strerror}"
    return True, f"{path.stat().st_size / 1e6:,.1f} MB"


def drawn_part(info: TaskInfo) -> str | None:
    """Return the part of the drawn world that has a task's files; None if none has."""
    from benchbench.scenes.edition import part_with

    return part_with([file.path for file in info.files])


def resolve_edition(
    info: TaskInfo,
    data_root: str | Path | None = None,
    edition: str | None = None,
    progress: Progress | None = None,
    *,
    with_images: bool = True,
) -> Edition:
    """Find and name the files of a task; draw them if they are the drawn world's.

    Args:
        info: the task.
        data_root: a folder with its files.
        edition: ``scenes`` or ``official``.
        progress: called during drawing.
        with_images: whether folders of images must be there.

    Raises:
        UsageError: the choice is not possible: see ``choose_edition``; or the drawn world has no
            such files, or the files are not known to be the official ones, or the cache cannot be
            written.
        MissingData: the folder does not exist, or lacks a file; the message names the file, and
            where it is published.
    """
    from benchbench.scenes.edition import standard_digests

    choice = choose_edition(data_root, edition)
    if choice.edition == SCENES:
        return _draw_edition(info, progress, with_images)
    if choice.root is None and not is_folder(default_root()):
        get = advice(info, "", default_root())
        raise UsageError(
            f"The official files of {info.name} are nowhere named: pass --data-root DIR, or set "
            f"{DATA_VARIABLE}, or data_root in {OWN_FILE}. "
            + (f"Or download them: {get}" if get else _layout(info))
        )
    root = task_root(info, choice.root or default_root())
    for file in info.files:
        if file.path.endswith("/") and not with_images:
            continue
        there, state = state_of(file, root)
        if not there:
            get = advice(info, file.path, choice.root or default_root())
            raise MissingData(
                f"{root / file.path}: {state}. It should hold {file.what}, from {file.source}. "
                + (
                    f"Type: {get}"
                    if get
                    else f"The whole layout: benchbench data where {info.name}"
                )
            )
    drawn = standard_digests(root, _annotations(info, root))
    found = _name_edition(info, root, drawn)
    wanted = choice.edition in (None, found.name) or choice.edition == OFFICIAL
    if not wanted or (choice.edition and not is_official(found.name)):
        raise UsageError(_not_official_message(info, found, str(choice.edition)))
    return found


def _layout(info: TaskInfo) -> str:
    return f"What belongs there: benchbench data where {info.name}"


def _draw_edition(info: TaskInfo, progress: Progress | None, with_images: bool) -> Edition:
    from benchbench.scenes.edition import ensure_annotations, ensure_drawn

    part = drawn_part(info)
    if part is None:
        raise UsageError(
            f"{info.name} is not part of the drawn world: pass --data-root DIR. {_layout(info)}"
        )
    root, digests = (ensure_drawn if with_images else ensure_annotations)(part, progress)
    drawn = {path: digests[path] for path in _annotations(info, root)} if digests else {}
    return _name_edition(info, root, drawn)


def _name_edition(info: TaskInfo, root: Path, drawn: Mapping[str, str]) -> Edition:
    """Return the edition that a folder with a task's files is.

    Args:
        info: the task.
        root: the folder.
        drawn: the digests of the task's annotations, where they are the drawn world's.
    """
    from benchbench.scenes.edition import EDITION

    if drawn:
        return Edition(EDITION, root, _join_digests(drawn), DRAWN)
    paths = _annotations(info, root)
    found = {path: file_sha256(root / path) for path in paths}
    digest = _join_digests(found)
    for name, digests in info.official.items():
        if found and found == dict(digests):
            return Edition(name, root, digest, PHOTOGRAPHS)
    for name in info.content:
        if found and not any(_content_problems(info, name, root, found)):
            return Edition(name, root, digest, PHOTOGRAPHS, unverified=True)
    return Edition(f"custom-{_slug(root)}-{digest[:8]}", root, digest, PHOTOGRAPHS)


def _content_problems(
    info: TaskInfo, edition: str, root: Path, digests: Mapping[str, str]
) -> Iterator[str]:
    """Yield how files differ from an edition's by content; a known digest needs no check."""
    from benchbench.data.recognition import content_problem

    for path, digest in digests.items():
        contents = info.content[edition].get(path, ())
        if digest == info.official.get(edition, {}).get(path):
            continue
        if not contents:
            yield f"{path}: its official content is not known"
        elif problem := content_problem(root / path, *contents):
            yield f"{path}: {problem}"


def unverified(edition: Edition) -> dict[str, str]:
    """Return the setting of a run whose files are official by content alone; empty otherwise."""
    return {UNVERIFIED: edition.annotations_sha256} if edition.unverified else {}


def _annotations(info: TaskInfo, root: Path) -> list[str]:
    """Return the annotation files, by their names in this folder."""
    names = (first_existing(root, file.path, *file.instead) for file in info.files)
    return sorted(name for name in names if not name.endswith("/"))


def _join_digests(digests: Mapping[str, str]) -> str:
    """Return one digest for some files; for a single file, its own."""
    if len(digests) == 1:
        return next(iter(digests.values()))
    lines = "".join(f"{path} {digests[path]}\n" for path in sorted(digests))
    return hashlib.sha256(lines.encode()).hexdigest()


def _not_official_message(info: TaskInfo, found: Edition, wanted: str) -> str:
    """Return the error message for files that are not the official ones, or of another release."""
    instead = f"Without --edition {wanted} they are read as {found.name}."
    if is_official(found.name):
        return f"The files of {info.name} in {found.root} are {found.name}, not {wanted}. {instead}"
    if wanted in info.content or (wanted == OFFICIAL and info.content):
        return _of_other_content(info, found, wanted, instead)
    if not info.official:
        return (
            f"This version has no digest of the official files of {info.name}, so that it cannot "
            f"recognise them. {instead}"
        )
    digests = {path: file_sha256(found.root / path) for path in _annotations(info, found.root)}
    releases = [info.official[wanted]] if wanted in info.official else [*info.official.values()]
    nearest = max(releases, key=lambda each: sum(each.get(k) == v for k, v in digests.items()))
    wrong = [
        f"{path} has {digest[:12]}…, not {nearest.get(path, 'one that is known')[:12]}…"
        for path, digest in digests.items()
        if digest != nearest.get(path)
    ]
    return (
        f"The files of {info.name} in {found.root} are not the official ones (SHA-256: "
        f"{'; '.join(wrong)}). {instead}"
    )


def _of_other_content(info: TaskInfo, found: Edition, wanted: str, instead: str) -> str:
    """Return the error message for files whose content is not the official one."""
    digests = {path: file_sha256(found.root / path) for path in _annotations(info, found.root)}
    name = wanted if wanted in info.content else next(iter(info.content))
    problems = "; ".join(_content_problems(info, name, found.root, digests))
    return (
        f"The files of {info.name} in {found.root} are not the official ones: {problems}. {instead}"
    )


def _slug(root: Path) -> str:
    return (
        re.sub(r"[^a-z0-9]+", "-", resolve_path(root).name.lower()).strip("-")[:MAX_NAME] or "data"
    )
