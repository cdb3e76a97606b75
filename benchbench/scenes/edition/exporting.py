"""Export the drawn world: write one test edition in the official formats, whole or not at all."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from benchbench.data.records import canonical_json
from benchbench.errors import UsageError
from benchbench.files import expand_path
from benchbench.scenes.atlas import CANVAS
from benchbench.scenes.edition import aro, karpathy, scenarioclip, sugarcrepe, vg150, winoground
from benchbench.scenes.edition.folders import MADE_BY, MANIFEST, count_files, replace_whole
from benchbench.scenes.edition.images import Drawings, write_images
from benchbench.scenes.edition.plan import (
    DENSE,
    EDITION,
    IMAGES,
    MIN_SIZE,
    SIZE,
    TRAINING,
    Plan,
    Progress,
    WrittenFiles,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from benchbench.scenes.edition.pieces import Pieces


class _Part(Protocol):
    """The members of a part's module."""

    @property
    def PROVIDES(self) -> tuple[str, ...]: ...  # noqa: N802

    def images(self, plan: Plan) -> list[Drawings]: ...

    def write(self, folder: Path, plan: Plan) -> WrittenFiles: ...


_PARTS: dict[str, _Part] = {
    "vg-relation": aro.RELATION,
    "vg-attribution": aro.ATTRIBUTION,
    "karpathy": karpathy,
    "vg150": vg150,
    "scenarioclip": scenarioclip,
    "sugarcrepe": sugarcrepe,
    "winoground": winoground,
}
ALL_PARTS = tuple(_PARTS)
PROVIDED = {name: frozenset(part.PROVIDES) for name, part in _PARTS.items()}
"""The files and folders of each part; folders end in ``/``."""


def export(
    root: Path,
    *,
    parts: Collection[str] = ALL_PARTS,
    images: int = IMAGES,
    dense: int = DENSE,
    training: int = TRAINING,
    size: int = SIZE,
    progress: Progress | None = None,
) -> Path:
    """Write a test edition of the drawn world, whole or not at all.

    Afterwards the folder holds exactly the given parts: other parts of an older edition are
    removed. An edition that is there already, byte for byte, is left as it is. After an
    interruption, the same call continues from the finished pieces.

    Args:
        root: the folder to write; parent folders are created. It is new, empty, or an edition of
            ours.
        parts: some of ``ALL_PARTS``.
        images: the number of test images, even, since items are fair over whole twins. Only with
            the standard number are ARO's two files balanced, with images of their own.
        dense: the number of test images of the VG150 part.
        training: the number of training scenes, annotated there and captioned in the karpathy part,
            without images.
        size: pixels along each image's side, from 96 (items are judged there) to 672.
        progress: called with the name of the files being written, the number done, and the total.

    Returns:
        ``root``, ``~`` expanded.

    Raises:
        UsageError: a number or part makes no edition, or the place holds files that are not ours.
    """
    plan = _checked(parts, images, dense, training, size, progress or _silent)
    root = expand_path(root)
    with replace_whole(root, _identity(plan)) as pieces:
        written = _written(pieces, plan)
        content = canonical_json(_manifest(plan, written, pieces.edition))
        (pieces.edition / MANIFEST).write_bytes(content)
    return root


def write_annotations(
    folder: Path,
    part: str,
    *,
    images: int = IMAGES,
    dense: int = DENSE,
    training: int = TRAINING,
    size: int = SIZE,
    progress: Progress | None = None,
) -> None:
    """Write the annotations of a part as ``export`` does, without its images, into a folder."""
    plan = _checked([part], images, dense, training, size, progress or _silent)
    _PARTS[part].write(folder, plan)


def _identity(plan: Plan) -> str:
    """Return a digest of everything that decides the bytes: arguments, code, library versions."""
    import numpy as np
    import PIL

    counts = (plan.images, plan.each, plan.dense, plan.training, plan.size)
    state = hashlib.sha256(repr((plan.parts, counts, np.__version__, PIL.__version__)).encode())
    package = Path(__file__).parents[2]
    for source in sorted(
        path for name in ("scenes", "data") for path in package.glob(f"{name}/**/*")
    ):
        if source.suffix in (".py", ".json"):
            state.update(f"{source.relative_to(package)}\n".encode() + source.read_bytes())
    return state.hexdigest()


def _silent(_what: str, _done: int, _total: int) -> None:
    """Ignore a progress report."""


def _checked(
    parts: Collection[str], images: int, dense: int, training: int, size: int, progress: Progress
) -> Plan:
    named = {parts} if isinstance(parts, str) else set(parts)
    if not named or named - set(_PARTS):
        raise UsageError(
            f"An edition has parts {', '.join(ALL_PARTS)}, not {', '.join(sorted(named)) or 'none'}"
        )
    if images < 2 or images % 2:
        raise UsageError(f"Test images come in twins: an even number, not {images}.")
    if dense < 1 or training < 0:
        raise UsageError(f"There is no edition of {dense} dense and {training} training scenes.")
    if not MIN_SIZE <= size <= CANVAS:
        raise UsageError(f"Editions are drawn at {MIN_SIZE} to {CANVAS} pixels, not {size}.")
    ordered = tuple(part for part in ALL_PARTS if part in named)
    return Plan(ordered, images, dense, training, size, progress)


def _written(pieces: Pieces, plan: Plan) -> WrittenFiles:
    """Write all parts, each folder of images once, or use their finished pieces."""
    out = WrittenFiles()
    for part in plan.parts:
        for images in _PARTS[part].images(plan):
            if images.folder not in out.digests:
                draw = partial(write_images, pieces, images, plan.progress)
                out.add(pieces.make(images.folder, draw))
        out.add(pieces.make(part, partial(_PARTS[part].write, pieces.edition, plan)))
    return out


def _manifest(plan: Plan, written: WrittenFiles, folder: Path) -> dict[str, Any]:
    """Return the content of ``edition.json``; ``contents`` counts the files under each entry."""
    return {
        "made_by": MADE_BY,
        "name": EDITION,
        "standard": plan.standard,
        "parts": list(plan.parts),
        "images": plan.images,
        "each": plan.each,
        "dense": plan.dense,
        "training": plan.training,
        "size": plan.size,
        "counts": written.counts,
        "digests": written.digests,
        "contents": count_files(folder),
    }
