"""Read captions in Karpathy's format: a list of ``{"image": path, "caption": [texts]}``.

``coco_karpathy_test.json`` (5,000 images, 25,010 captions) and ``flickr30k_test.json`` (1,000
images, 5,000 captions) have this format, as ARO and the retrieval literature share them. Paths
count from the data root. A training split is beside the test split (``coco_karpathy_train.json``,
``flickr30k_train.json``, as published with BLIP). In it a record may have one caption instead of a
list, and images may repeat. Karpathy's own ``dataset_coco.json`` and the like are one object for
all splits; training uses its splits ``train`` and ``restval``.

Writer, for the drawn world: ``scenes.edition.karpathy``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchbench.data.records import (
    TOP,
    Record,
    read_content,
    read_records,
    records_digest,
    records_of,
    source_image,
    stream_records,
)
from benchbench.types import Entry, Gallery, ImageRef

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

TRAINING_SPLITS = ("train", "restval")
"""The splits of Karpathy's own files that training uses; ``val`` and ``test`` stay unseen."""


def read_captions(path: Path) -> list[tuple[str, list[str]]]:
    """Read each image, as the file names it, with its captions.

    Raises:
        MissingData: the file does not exist.
        MalformedData: a field is wrong; the message names the record and the field.
    """
    records = read_records(path)
    return [(record.relative_path("image"), record.texts("caption")) for record in records]


def captions_digest(path: Path) -> str:
    """Return the digest of the file's records, independent of white space and the order of fields.

    Raises:
        MissingData: the file does not exist.
        MalformedData: it is not JSON.
    """
    return records_digest(read_content(path))


@dataclass(frozen=True, slots=True)
class TrainingCaptions:
    """Images with their captions, for training."""

    of_image: Mapping[str, Sequence[str]]
    """By the image's path, as the file has it."""
    splits: tuple[str, ...]
    """The file's splits that they come from; none where the file has no splits."""
    sha256: str
    """The digest of the file's records, independent of white space and the order of fields."""


def read_training_captions(path: Path) -> TrainingCaptions:
    """Read the training captions of a file in any of the three forms.

    Raises:
        MissingData: the file does not exist.
        MalformedData: a field is wrong (the message names the record and the field), or none of the
            file's splits is for training.
    """
    content = read_content(path)
    found: dict[str, list[str]] = {}
    if isinstance(content, dict) and "images" in content:
        records, splits = _of_training_splits(Record(path, TOP, content))
        for record in records:
            told = [each.text("raw") for each in record.records("sentences")]
            if not told:
                raise record.wrong("sentences", "holds none")
            found.setdefault(_place(record), []).extend(told)
    else:
        records, splits = records_of(path, content), ()
        for record in records:
            found.setdefault(record.relative_path("image"), []).extend(
                record.text_or_texts("caption")
            )
    return TrainingCaptions(found, splits, records_digest(content))


def _of_training_splits(top: Record) -> tuple[list[Record], tuple[str, ...]]:
    """Return the training images of Karpathy's own format, and their splits."""
    by_split: dict[str, list[Record]] = {}
    for record in top.records("images"):
        by_split.setdefault(record.text("split"), []).append(record)
    splits = tuple(name for name in TRAINING_SPLITS if name in by_split)
    if not splits:
        there = ", ".join(sorted(by_split)) or "none"
        raise top.wrong(
            "images", f"has no split to learn from (train, restval); there are: {there}"
        )
    return [record for name in splits for record in by_split[name]], splits


def _place(record: Record) -> str:
    """Return ``filepath/filename``; Flickr's images have no folder."""
    folder = f"{record.text('filepath')}/" if record.has("filepath") else ""
    return record.checked_path("filename", folder + record.text("filename"))


def read_training(root: Path, test: str) -> list[Entry]:
    """Read the training split beside a file of the test split: one entry per image.

    The list is empty where there is no training split.

    Raises:
        MalformedData: a field is wrong; the message names the record and the field.
    """
    path = root / test.replace("_test.json", "_train.json")
    if path.name == test or not path.is_file():
        return []
    gallery = Gallery("train")
    return [
        Entry(image, ImageRef(root / image), tuple(told), image, gallery, tags={"gallery": "train"})
        for image, told in read_training_captions(path).of_image.items()
    ]


def read_captioned(root: Path, name: str) -> list[Entry]:
    """Return the entries that ``stream_captioned`` yields."""
    return list(stream_captioned(root, name))


def stream_captioned(root: Path, name: str) -> Iterator[Entry]:
    """Yield one entry per image, all in one gallery; ids count the records from 0.

    Raises:
        MissingData: the file does not exist.
        MalformedData: a field is wrong (the message names the record and the field), or an image
            has two records.
    """
    gallery = Gallery("test")
    first: dict[str, int | str] = {}
    for record in stream_records(root / name):
        image = record.relative_path("image")
        other = first.setdefault(image, record.index)
        if other != record.index:
            raise record.wrong("image", f"repeats that of record {other}: '{image}'")
        yield Entry(
            id=str(record.index),
            image=ImageRef(root / image),
            captions=tuple(record.texts("caption")),
            cluster=source_image(image),
            gallery=gallery,
            tags={"gallery": gallery.name},
        )
