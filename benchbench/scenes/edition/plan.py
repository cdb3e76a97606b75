"""What an edition is to hold, and what every writer of a part gets and gives."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from benchbench.data.canonical import canonical, records_digest
from benchbench.scenes.items import CANONICAL, LEAST_PIXELS
from benchbench.scenes.sampling import sample
from benchbench.scenes.seen import Seen, seen

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchbench.scenes.world import Scenes

Progress = Callable[[str, int, int], None]
"""Called with what is being written, how much of it is done, and how much there is."""

EDITION = "scenes-v2"
"""The name of the standard edition: changed with any item or pixel of it. ``scenes-v1`` was of the
same world, and asked ARO's questions of whatever its 1,000 test pictures held."""
IMAGES, DENSE, TRAINING, SIZE = 1000, 250, 2000, 224
"""What makes an edition the standard one."""
EACH = 300
"""Items of every relation, and of every pair of attributes, in the standard edition."""
TEST_PICTURES = "images/"
"""The folder of test pictures, which several parts are about."""
LEAST_SIZE = CANONICAL
"""Items are judged at this size: in smaller pictures a crop may show nothing."""


@dataclass(frozen=True)
class Plan:
    """What to write, and the scenes it is about, sampled when first asked for."""

    parts: tuple[str, ...]
    images: int
    """Of ``test``, from 0: whole twins."""
    dense: int
    """Of ``test-dense``, from 0."""
    training: int
    """Of ``train-dense`` and of ``train``, from 0: annotated or told, never drawn."""
    size: int
    """Pixels along each picture's side."""
    progress: Progress

    @property
    def standard(self) -> bool:
        """Whether counts and size are those that published numbers are about."""
        wanted = (self.images, self.dense, self.training, self.size)
        return wanted == (IMAGES, DENSE, TRAINING, SIZE)

    @property
    def each(self) -> int | None:
        """ARO items of each kind, from scenes chosen for that; None: all of the test pictures'."""
        return EACH if self.images == IMAGES else None

    @cached_property
    def scenes(self) -> Scenes:
        """The test pictures' scenes."""
        return sample("test", np.arange(self.images))

    @cached_property
    def sight(self) -> Seen:
        """What the test pictures show."""
        return seen(self.scenes, self.size)


def annotated(scenes: Scenes, sight: Seen) -> npt.NDArray[np.bool_]:
    """[n, w]: objects that an annotator would see, judged at the one size for all."""
    judged = sight if sight.labels.shape[1] == CANONICAL else seen(scenes, CANONICAL)
    return np.asarray((judged.pixels >= LEAST_PIXELS) & (sight.pixels > 0))


@dataclass(slots=True)
class Written:
    """What a writer has written: for ``edition.json``."""

    counts: dict[str, int] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    """Of each file or folder in the edition's own."""
    sha256: dict[Path, str] = field(default_factory=dict)
    """Of the bytes of written files, where that is known already."""

    def add(self, more: Written) -> None:
        """Add what another writer has written."""
        self.counts |= more.counts
        self.digests |= more.digests

    def json(self, path: Path, content: Any, count: int | None = None) -> None:
        """Write a JSON file; its digest is of the canonical form, and so is the file."""
        path.write_bytes(canonical(content))
        self.digests[path.name] = records_digest(content)
        if count is not None:
            self.counts[path.name] = count

    def lines(self, path: Path, records: list[dict[str, Any]]) -> None:
        """Write JSON Lines: canonical records, one a line."""
        content = b"".join(map(canonical, records))
        path.write_bytes(content)
        self.digests[path.name] = hashlib.sha256(content).hexdigest()
        self.counts[path.name] = len(records)


def arrays_digest(arrays: Mapping[str, npt.NDArray[Any]]) -> str:
    """SHA-256 over names, types, shapes and values (little end first), whatever file they fill."""
    state = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name], dtype=arrays[name].dtype.newbyteorder("<"))
        state.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        state.update(array.tobytes())
    return state.hexdigest()


def picture_name(index: int) -> str:
    """``000123.png``."""
    return f"{index:06d}.png"
