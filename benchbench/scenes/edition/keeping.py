"""The standard edition in the cache, part by part, each drawn when it is first asked for.

A part lies in ``CACHE/scenes-v2/PART``. One that is not whole, or whose annotations or pixels are
not those that the package knows (``standard``), is drawn anew: a cache holds nothing that is not to
be had again, and an evaluation should not stop for it. Looking takes some tenths of a second:
annotations and pictures are read; pixels are decoded the first time only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.cache import CACHE_VARIABLE, cache_folder
from benchbench.errors import UsageError
from benchbench.scenes.edition import plan, standard
from benchbench.scenes.edition.exporting import PROVIDED, export
from benchbench.scenes.edition.folders import clear, manifest

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path


def part_with(files: Collection[str]) -> str | None:
    """The first part that has all of these files and folders, which a reader needs.

    Folders alone name no format (many have ``images/``): there is no part for them.
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
    """Whether what a part has is what is needed, or lies in the folder that is needed."""
    return name == file or (file.endswith("/") and name.startswith(file))


def place(part: str) -> Path:
    """Where a part lies, or will.

    Raises:
        UsageError: no cache folder can be told.
    """
    return cache_folder() / plan.EDITION / part


def is_there(part: str) -> bool:
    """Whether a part is drawn, as it should be."""
    return bool(standard_digests(place(part), PROVIDED[part]))


def keep(part: str, progress: plan.Progress | None = None) -> Path:
    """The part's folder, drawn now where it is not there.

    Two processes may do so at once. What an interrupted or killed one had finished is used by the
    next.

    Args:
        part: one of ``ALL_PARTS``.
        progress: called, while it is drawn, as ``progress("drawing …", done, total)``.

    Raises:
        UsageError: the cache cannot be written; or holds there what is not ours.
    """
    root = place(part)
    if is_there(part):
        clear(root)
        return root

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
    standard.remember(root)
    return root


def standard_digests(root: Path, files: Collection[str]) -> dict[str, str]:
    """Digests of the annotations among ``files``, where a folder is a standard edition.

    Annotations, and the pixels of the pictures that belong to them, must be those that the package
    knows; what ``edition.json`` says is believed of nothing but the version.

    Returns:
        File → digest of canonical records or arrays. Empty where the folder is no standard edition
        of this version, lacks a file, or one's content is another.
    """
    said, known = manifest(root) or {}, standard.known_digests()
    written = {file: known.get(file, "") for file in files if not file.endswith("/")}
    part = part_with(written)
    if part is None or said.get("name") != plan.EDITION or said.get("standard") is not True:
        return {}
    for file, digest in written.items():
        if standard.annotations_digest(root / file) != digest:
            return {}
    for folder in sorted(name.rstrip("/") for name in PROVIDED[part] if name.endswith("/")):
        if not standard.has_pixels(root / folder, known[folder]):
            return {}
    return written
