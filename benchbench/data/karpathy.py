"""Captions in the Karpathy form: a list of ``{"image": path, "caption": [texts]}``.

So are ``coco_karpathy_test.json`` (5,000 images, 25,010 captions) and ``flickr30k_test.json``
(1,000 images, 5,000 captions), as ARO and the retrieval literature share them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.data.canonical import records_digest
from benchbench.data.records import read_content, read_records

if TYPE_CHECKING:
    from pathlib import Path


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
