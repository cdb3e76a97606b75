"""The ARO benchmark's files (Yüksekgönül et al., ICLR 2023).

``visual_genome_relation.json`` is a list of records with ``true_caption``, ``false_caption``,
``relation_name``, ``image_path`` (inside ``images/``) and, as ``bbox_x, bbox_y, bbox_w, bbox_h``,
the crop that both captions speak of. Upstream shows the model ``image.crop((x, y, x+w, y+h))``: see
``dataset_zoo/aro_datasets.py`` in mertyg/vision-language-models-are-bows-and-what-to-do-about-it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from benchbench.data.records import Record, read_records
from benchbench.types import ImageRef

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.types import Box


@dataclass(frozen=True, slots=True)
class RelationRecord:
    """One record of ``visual_genome_relation.json``."""

    index: int
    """Its place in the file; ARO has no other id."""
    image: ImageRef
    image_path: str
    """As in the file: names the source image."""
    true_caption: str
    false_caption: str
    relation: str


def read_relations(root: Path) -> list[RelationRecord]:
    """Read ``visual_genome_relation.json`` under ``root``.

    Raises:
        MissingData: there is no such file.
        MalformedData: naming the record and the field.
    """
    return [_relation(root, r) for r in read_records(root / "visual_genome_relation.json")]


def _relation(root: Path, record: Record) -> RelationRecord:
    image_path = record.relative_path("image_path")
    return RelationRecord(
        index=record.index,
        image=ImageRef(root / "images" / image_path, crop_box(record)),
        image_path=image_path,
        true_caption=record.text("true_caption"),
        false_caption=record.text("false_caption"),
        relation=record.text("relation_name"),
    )


def crop_box(record: Record) -> Box:
    """The crop of a record as (left, top, right, bottom); an error where it has no area."""
    x, y, w, h = (record.whole(f"bbox_{side}") for side in "xywh")
    for side, length in (("w", w), ("h", h)):
        if length <= 0:
            raise record.wrong(f"bbox_{side}", f"is {length}: the crop is empty")
    return x, y, x + w, y + h


def dropped_relations() -> frozenset[str]:
    """The 157 relations that ARO's notebook leaves out of its macro average.

    Symmetric ones ("next to"), and ones too rare to read. Source, in the file itself:
    mertyg/vision-language-models-are-bows-and-what-to-do-about-it@81fdd20d.
    """
    text = (files("benchbench.data") / "lists" / "aro_dropped_relations.json").read_text("utf-8")
    return frozenset(json.loads(text)["relations"])
