"""Captions in the Karpathy form: a list of ``{"image": path, "caption": [texts]}``.

So are ``coco_karpathy_test.json`` (5,000 images, 25,010 captions) and ``flickr30k_test.json``
(1,000 images, 5,000 captions), as ARO and the retrieval literature share them. Paths count from
the data root. A training split lies beside the test split (``coco_karpathy_train.json``,
``flickr30k_train.json``, as published with BLIP): there a record may have one caption instead of a
list, and pictures come again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.data.canonical import records_digest
from benchbench.data.records import read_content, read_records, source_image
from benchbench.types import Entry, Gallery, ImageRef

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.data.records import Record


def read_captions(path: Path) -> list[tuple[str, list[str]]]:
    """Each image, as the file names it, with its captions.

    Raises:
        MissingData: there is no such file.
        MalformedData: naming the record and the field.
    """
    records = read_records(path)
    return [(record.relative_path("image"), record.texts("caption")) for record in records]


def captions_digest(path: Path) -> str:
    """The digest of the file's records, whatever its white space and the order of fields.

    Raises:
        MissingData: there is no such file.
        MalformedData: it is no JSON.
    """
    return records_digest(read_content(path))


def read_training(root: Path, test: str) -> list[Entry]:
    """The training split beside a file of the test split: an entry a picture; none without it.

    Raises:
        MalformedData: naming the record and the field.
    """
    path = root / test.replace("_test.json", "_train.json")
    if path.name == test or not path.is_file():
        return []
    captions: dict[str, list[str]] = {}
    for record in read_records(path):
        captions.setdefault(record.relative_path("image"), []).extend(
            record.text_or_texts("caption")
        )
    gallery = Gallery("train")
    return [
        Entry(image, ImageRef(root / image), tuple(told), image, gallery, tags={"gallery": "train"})
        for image, told in captions.items()
    ]


def read_captioned(root: Path, name: str) -> list[Entry]:
    """An entry a picture, all searched together; ids count the records from 0.

    Raises:
        MissingData: there is no such file.
        MalformedData: naming the record and the field; or a picture has two records.
    """
    gallery = Gallery("test")
    first: dict[str, Record] = {}
    entries = []
    for record in read_records(root / name):
        image = record.relative_path("image")
        other = first.setdefault(image, record)
        if other is not record:
            raise record.wrong("image", f"repeats that of record {other.index}: '{image}'")
        entries.append(
            Entry(
                id=str(record.index),
                image=ImageRef(root / image),
                captions=tuple(record.texts("caption")),
                cluster=source_image(image),
                gallery=gallery,
                tags={"gallery": gallery.name},
            )
        )
    return entries
