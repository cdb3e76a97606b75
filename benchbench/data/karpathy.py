"""Captions as Karpathy's splits have them: COCO and Flickr30k.

``coco_karpathy_test.json`` and ``flickr30k_test.json`` are lists of ``{"image": path from the data
root, "caption": [five or more]}`` (as redistributed with BLIP, Li et al. 2022).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.data.records import read_records
from benchbench.types import Entry, Gallery, ImageRef

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.data.records import Record


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
                cluster=image,
                gallery=gallery,
                tags={"gallery": gallery.name},
            )
        )
    return entries
