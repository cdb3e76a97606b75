"""The plan of an edition, and the types that every writer of a part takes and returns."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from benchbench.data.records import canonical_json, records_digest
from benchbench.scenes.items import CANONICAL, MIN_PIXELS
from benchbench.scenes.sampling import sample
from benchbench.scenes.visibility import VisibleParts, measure_visible

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchbench.scenes.world import Scenes
    from benchbench.types.arrays import Flags

Progress = Callable[[str, int, int], None]
"""A callback with the name of the files being written, the number done, and the total."""

EDITION = "scenes-v2"
"""The name of the standard edition. It changes with any item or pixel of the edition. ``scenes-v1``
was of the same world; its ARO items were all those that its 1,000 test images held."""
IMAGES, DENSE, TRAINING, SIZE = 1000, 250, 2000, 224
"""The counts and the size in pixels that make an edition the standard one."""
ITEMS_PER_GROUP = 300
"""Items of every relation, and of every pair of attributes, in the standard edition."""
TEST_IMAGES = "images/"
"""The folder of the test images, which several parts share."""
MIN_SIZE = CANONICAL
"""The smallest size in pixels. Items are judged at this size: in smaller images a crop may show
nothing."""


@dataclass(frozen=True)
class Plan:
    """The content of an edition, and the scenes it is about, sampled at their first use."""

    parts: tuple[str, ...]
    images: int
    """The number of scenes of ``test``, from 0: whole twins."""
    dense: int
    """The number of scenes of ``test-dense``, from 0."""
    training: int
    """The number of scenes of ``train-dense`` and of ``train``, from 0: annotated or captioned,
    never drawn."""
    size: int
    """Pixels along each image's side."""
    progress: Progress

    @property
    def standard(self) -> bool:
        """Return whether counts and size are those of published numbers."""
        wanted = (self.images, self.dense, self.training, self.size)
        return wanted == (IMAGES, DENSE, TRAINING, SIZE)

    @property
    def each(self) -> int | None:
        """Return the number of ARO items of each kind, from scenes chosen for that.

        None means all items of the test images.
        """
        return ITEMS_PER_GROUP if self.images == IMAGES else None

    @cached_property
    def scenes(self) -> Scenes:
        """Return the scenes of the test images."""
        return sample("test", np.arange(self.images))

    @cached_property
    def visibility(self) -> VisibleParts:
        """Return the visible parts of objects in the test images."""
        return measure_visible(self.scenes, self.size)


def select_annotated(scenes: Scenes, visibility: VisibleParts) -> Flags:
    """Return the objects that an annotator would see, [scenes, slots].

    Visibility is judged at one size for all editions.
    """
    judged = (
        visibility
        if visibility.labels.shape[1] == CANONICAL
        else measure_visible(scenes, CANONICAL)
    )
    return np.asarray((judged.pixels >= MIN_PIXELS) & (visibility.pixels > 0))


@dataclass(slots=True)
class WrittenFiles:
    """A record of the files that a writer has written, for ``edition.json``."""

    counts: dict[str, int] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    """The digest of each file or folder, in the form of ``edition.json``."""
    sha256: dict[Path, str] = field(default_factory=dict)
    """The SHA-256 of the bytes of written files, where it is known already."""

    def add(self, more: WrittenFiles) -> None:
        """Add the counts and digests of another writer."""
        self.counts |= more.counts
        self.digests |= more.digests

    def json(self, path: Path, content: Any, count: int | None = None) -> None:
        """Write a JSON file in canonical form; its digest is of that form."""
        path.write_bytes(canonical_json(content))
        self.digests[path.name] = records_digest(content)
        if count is not None:
            self.counts[path.name] = count

    def lines(self, path: Path, records: list[dict[str, Any]]) -> None:
        """Write JSON Lines: one canonical record per line."""
        content = b"".join(map(canonical_json, records))
        path.write_bytes(content)
        self.digests[path.name] = hashlib.sha256(content).hexdigest()
        self.counts[path.name] = len(records)


def arrays_digest(arrays: Mapping[str, npt.NDArray[Any]]) -> str:
    """Return the SHA-256 over names, types, shapes and little-endian values of arrays.

    It does not depend on the file that holds them.
    """
    state = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name], dtype=arrays[name].dtype.newbyteorder("<"))
        state.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        state.update(array.tobytes())
    return state.hexdigest()


def image_name(index: int) -> str:
    """Return the file name of an image: ``000123.png``."""
    return f"{index:06d}.png"
