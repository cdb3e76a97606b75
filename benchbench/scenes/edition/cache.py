"""Keep the standard edition in the cache, part by part, each drawn at its first use.

A part is in ``CACHE/scenes-v2/PART``. A part is drawn anew if it is not whole, or if its
annotations or pixels differ from the package's digests (``reference_digests``): a cache holds only
files that can be made again, and an evaluation should not stop for one. A check takes some tenths
of a second: annotations and images are read, and pixels are decoded the first time only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from benchbench.atomic import atomic_folder
from benchbench.cache import CACHE_VARIABLE, cache_folder
from benchbench.errors import UsageError
from benchbench.scenes.edition import plan, reference_digests
from benchbench.scenes.edition.exporting import PROVIDED, export, write_annotations
from benchbench.scenes.edition.folders import clear, manifest

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path


ANNOTATIONS = "-annotations"
"""Behind the edition's name: the folder of annotations without images."""
MARKER = "annotations.txt"


def part_with(files: Collection[str]) -> str | None:
    """Return the first part that has all of the files and folders that a reader needs.

    Folders alone identify no format (many formats have ``images/``): the result is then None.
    """
    if all(file.endswith("/") for file in files):
        return None
    return next(
        (
            part
            for part, there in PROVIDED.items()
            if all(any(_serves(name, file) for name in there) for file in files)
        ),
        None,
    )


def _serves(name: str, file: str) -> bool:
    """Return whether a part's entry is the needed file or folder, or is in the needed folder."""
    return name == file or (file.endswith("/") and name.startswith(file))


def folder_of(part: str) -> Path:
    """Return the folder of a part, which need not exist.

    Raises:
        UsageError: the cache folder cannot be determined.
    """
    return cache_folder() / plan.EDITION / part


def is_drawn(part: str) -> bool:
    """Return whether a part is drawn and has the right content."""
    return bool(standard_digests(folder_of(part), PROVIDED[part]))


class CachedPart(NamedTuple):
    """A part in the cache."""

    root: Path
    digests: Mapping[str, str]
    """As of ``standard_digests``, for all its files."""


def ensure_drawn(part: str, progress: plan.Progress | None = None) -> CachedPart:
    """Return the part, checked, and draw the part first where it is missing.

    Two processes may do so at once. The pieces that an interrupted or killed process finished are
    used by the next process.

    Args:
        part: one of ``ALL_PARTS``.
        progress: called during the drawing as ``progress("drawing …", done, total)``.

    Raises:
        UsageError: the cache cannot be written, or holds files there that are not ours.
    """
    root = folder_of(part)
    if digests := standard_digests(root, PROVIDED[part]):
        clear(root)
        return CachedPart(root, digests)

    def told(what: str, done: int, total: int) -> None:
        if progress:
            progress(f"drawing {what}", done, total)

    try:
        export(
            root,
            parts=[part],
            images=plan.IMAGES,
            dense=plan.DENSE,
            training=plan.TRAINING,
            size=plan.SIZE,
            progress=told,
        )
    except (UsageError, OSError) as error:
        raise UsageError(
            f"{str(error).rstrip('.')}. Drawn editions are kept in a cache; the variable "
            f"{CACHE_VARIABLE} names another place."
        ) from error
    reference_digests.remember(root)
    return CachedPart(root, standard_digests(root, PROVIDED[part]))


def ensure_annotations(part: str, progress: plan.Progress | None = None) -> CachedPart:
    """Return a part with its annotations, checked; its images need not be there.

    A part that is drawn is returned whole. Otherwise the annotations are written alone, into a
    folder of their own, which takes a fraction of the time of the images.

    Args:
        part: one of ``ALL_PARTS``.
        progress: called while annotations are made.

    Raises:
        UsageError: the cache folder cannot be determined.
        RunError: the cache cannot be written.
    """
    root = folder_of(part)
    if digests := standard_digests(root, PROVIDED[part]):
        return CachedPart(root, digests)
    known = reference_digests.known_digests()
    wanted = {file: known[file] for file in PROVIDED[part] if not file.endswith("/")}
    place = cache_folder() / f"{plan.EDITION}{ANNOTATIONS}" / part
    if not _has_annotations(place, wanted):
        with atomic_folder(place, MARKER) as folder:
            write_annotations(
                folder,
                part,
                images=plan.IMAGES,
                dense=plan.DENSE,
                training=plan.TRAINING,
                size=plan.SIZE,
                progress=progress,
            )
            (folder / MARKER).write_text(plan.EDITION, "utf-8")
    return CachedPart(place, wanted if _has_annotations(place, wanted) else {})


def _has_annotations(folder: Path, wanted: Mapping[str, str]) -> bool:
    return all(
        reference_digests.annotations_digest(folder / file) == digest
        for file, digest in wanted.items()
    )


def standard_digests(root: Path, files: Collection[str]) -> dict[str, str]:
    """Return the digests of the annotations among ``files``, if a folder is a standard edition.

    Annotations, and the pixels of the images that belong to them, must match the package's digests.
    From ``edition.json`` only the version is trusted.

    Returns:
        File → digest of canonical records or arrays. Empty where the folder is not a standard
        edition of this version, lacks a file, or has a file with other content.
    """
    said, known = manifest(root) or {}, reference_digests.known_digests()
    written = {file: known.get(file, "") for file in files if not file.endswith("/")}
    part = part_with(written)
    if part is None or said.get("name") != plan.EDITION or said.get("standard") is not True:
        return {}
    for file, digest in written.items():
        if reference_digests.annotations_digest(root / file) != digest:
            return {}
    for folder in sorted(name.rstrip("/") for name in PROVIDED[part] if name.endswith("/")):
        if not reference_digests.has_pixels(root / folder, known[folder]):
            return {}
    return written
