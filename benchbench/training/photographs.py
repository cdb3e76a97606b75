"""Training examples from photographs with captions, in Karpathy's format (``data.karpathy``).

Example k of a seed and a batch size is always the same. Images are shuffled anew in each epoch,
each with one of its captions; those that would not fill a batch are left out of that epoch, so that
no batch shows an image twice. Some images, chosen by the hash of their name, are held out for
validation; they are the same for every seed and are never trained on.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from benchbench.data.images import decode, read_bytes, survey
from benchbench.data.karpathy import read_training_captions
from benchbench.data.tagging import tags_of
from benchbench.editions import choose_edition
from benchbench.errors import ImageError, MalformedData, UsageError
from benchbench.scenegraph import Caption
from benchbench.scenes.dice import dice
from benchbench.training.captions import swap_words
from benchbench.training.examples import Examples
from benchbench.training.validation.structure import GALLERY, CaptionChoices, StructureSet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from PIL.Image import Image
    from torch import Tensor

    from benchbench.types.arrays import Ints, Singles
    from benchbench.variants.variant import Negatives


HELD_PERCENT = 5
"""The percentage of images that are held out, at least ``MIN_IMAGES``."""
MIN_IMAGES = 2
WHOLE = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Photograph:
    """An image with its captions."""

    path: Path
    captions: tuple[str, ...]


@dataclass(frozen=True)
class Photographs:
    """Examples of a file, by number."""

    name: str
    shown: Sequence[Photograph]
    """To train on."""
    held: Sequence[Photograph]
    """Held out for validation, in the order of their hashes."""
    side: int
    """Pixels that images are squashed to, both ways."""
    cropped: bool = False
    """Whether the middle square alone is shown, as the model's preprocessing does."""
    seed: int = 0
    negatives: Negatives = "none"
    swaps: int = 1
    """Swapped captions of a caption, at most."""
    splits: tuple[str, ...] = ()
    """The splits of the file; empty if it has none."""
    sha256: str = ""
    """The digest of the file's records."""
    batch: int = 1
    """The batch size: an epoch has whole batches alone."""

    def record(self) -> dict[str, Any]:
        """Return the splits, where the file has any, and the file's digest."""
        return {"splits": list(self.splits), "data_sha256": self.sha256}

    def captions(self) -> Iterator[str]:
        """Return all captions that may be trained on."""
        return (text for each in self.shown for text in each.captions)

    def __post_init__(self) -> None:
        """Refuse a batch that shows some image twice, as a negative of its own.

        Raises:
            UsageError: there are fewer images to train on.
        """
        if self.batch > len(self.shown):
            raise UsageError(
                f"{self.name} has {len(self.shown):,} images to train on: a batch of "
                f"{self.batch:,} holds some of them twice, each a negative of itself. Take a "
                "smaller one: --batch-size."
            )

    def examples(self, numbers: Ints) -> Examples:
        """Return the images and captions of these examples.

        Args:
            numbers: [n], from 0.

        Raises:
            ImageError: an image cannot be decoded.
        """
        each_epoch = len(self.shown) // self.batch * self.batch
        rounds, places = np.divmod(numbers, each_epoch)
        some = [
            self.shown[_order(self.seed, turn, len(self.shown))[place]]
            for turn, place in zip(rounds.tolist(), places.tolist(), strict=True)
        ]
        count = np.array([len(each.captions) for each in some])
        columns = dice(f"photographs/{self.seed}", numbers).below("caption", count)
        texts = [each.captions[k] for each, k in zip(some, columns.tolist(), strict=True)]
        plain = self.negatives == "none"
        said = [Caption(text, None if plain else tags_of(text)) for text in texts]
        other = [
            swap_words(caption, self.negatives, number, self.swaps)
            for caption, number in zip(said, numbers.tolist(), strict=True)
        ]
        images, boxes = self._images(some)
        return Examples(said, other, boxes, images=images)

    def _images(self, some: Sequence[Photograph]) -> tuple[Tensor, Singles]:
        """Return images, [n, 3, side, side] uint8, and their visible parts as shares, [n, 4]."""
        squashed, boxes = [], []
        for each in some:
            image = _decoded(each)
            boxes.append(_middle(*image.size) if self.cropped else WHOLE)
            small = image.resize((self.side, self.side), _bicubic())
            squashed.append(torch.from_numpy(np.array(small)).permute(2, 0, 1))
        return torch.stack(squashed), np.array(boxes, dtype=np.float32)

    def validation_set(self, transform: Callable[[Image], Tensor]) -> StructureSet:
        """Return held-out images to be retrieved by caption, and to be told from semantic swaps.

        Args:
            transform: PIL image → [3, size, size].
        """
        some = self.held[:GALLERY]
        images = torch.stack([transform(_decoded(each)) for each in some])
        rows, true, false = [], [], []
        for row, each in enumerate(some):
            for text in each.captions:
                others = swap_words(Caption(text, tags_of(text)), "semantic", 0)
                if others:
                    rows.append(row)
                    true.append(text)
                    false.append(others[0].text)
                    break
        alike = np.zeros(len(rows), dtype=np.intp)
        choices = {"swapped": CaptionChoices(images[rows], true, false, alike)} if rows else {}
        return StructureSet(choices, images, [each.captions[0] for each in some])


def read_photographs(
    file: Path,
    *,
    side: int,
    cropped: bool = False,
    seed: int = 0,
    negatives: Negatives = "none",
    swaps: int = 1,
    batch: int = 1,
) -> Photographs:
    """Read a file, check the headers of its images, and hold some images out.

    Args:
        file: a file of captions, in any form that ``data.karpathy`` knows; paths count from its
            folder, or else from the data root that a variable or settings file names.
        side: pixels that images are squashed to.
        cropped: whether the middle square alone is shown.
        seed: the seed of the order, and of which caption.
        negatives: which swapped captions are wanted.
        swaps: how many of a caption, at most.
        batch: the batch size.

    Raises:
        MissingData: there is no such file.
        MalformedData: naming the record and field; or too few images.
        ImageError: an image is missing, or none.
        UsageError: no caption can be swapped as wanted; or images are fewer than a batch.
    """
    read = read_training_captions(file)
    found = read.of_image
    if len(found) < 2 * MIN_IMAGES:
        raise MalformedData(f"{file} has {len(found)} images; training needs {2 * MIN_IMAGES}.")
    root = _root(file, next(iter(found)))
    everything = {name: Photograph(root / name, tuple(texts)) for name, texts in found.items()}
    _check_images([each.path for each in everything.values()])
    ranked = sorted(everything, key=lambda name: hashlib.sha256(name.encode()).digest())
    count = max(MIN_IMAGES, len(ranked) * HELD_PERCENT // 100)
    held, out = ranked[:count], set(ranked[:count])
    shown = [each for name, each in everything.items() if name not in out]
    _check_swaps(file, shown, negatives)
    kept = [everything[name] for name in held]
    name = f"karpathy:{file.name}"
    return Photographs(
        name, shown, kept, side, cropped, seed, negatives, swaps, read.splits, read.sha256,
        batch,
    )  # fmt: skip


def _root(file: Path, image: str) -> Path:
    """Return the folder that image paths are relative to."""
    if (file.parent / image).exists():
        return file.parent
    other = choose_edition().root
    return file.parent if other is None else other


def _check_images(paths: Sequence[Path]) -> None:
    from benchbench.types import ImageRef

    found = survey(map(ImageRef, paths))
    problems = [str(error) for error in found.unreadable.values()]
    problems += [f"Image {ref.path} {problem}" for ref, problem in found.wrong.items()]
    if problems:
        more = f" {len(problems) - 1:,} more of {len(paths):,} cannot be used." * (
            len(problems) > 1
        )
        raise ImageError(f"{problems[0].rstrip('.')}.{more}")


def _check_swaps(file: Path, shown: Sequence[Photograph], negatives: Negatives) -> None:
    """Refuse captions of which none can be swapped; the first that can settles it."""
    texts = [text for each in shown for text in each.captions]
    if negatives == "none" or any(
        swap_words(Caption(text, tags_of(text)), negatives, 0) for text in texts
    ):
        return
    raise UsageError(
        f"There are no captions with relations in {file}: of {len(texts):,}, none can be swapped "
        f"({negatives}), and the objective learns from swapped captions. Train clip on it."
    )


def _decoded(photograph: Photograph) -> Image:
    return decode(read_bytes(photograph.path), photograph.path)


def _middle(width: int, height: int) -> tuple[float, float, float, float]:
    """Return the largest centred square, as shares of the image."""
    across, down = ((1 - min(width, height) / each) / 2 for each in (width, height))
    return across, down, 1 - across, 1 - down


def _bicubic() -> Any:
    from PIL.Image import Resampling

    return Resampling.BICUBIC


@lru_cache(maxsize=4)
def _order(seed: int, turn: int, count: int) -> list[int]:
    """Return the order of the images in the ``turn``-th epoch."""
    keys = dice(f"photographs/{seed}/{turn}", np.arange(count)).words("order")
    return np.argsort(keys, kind="stable").tolist()  # type: ignore[no-any-return]
