"""Read the ARO benchmark's files (Yüksekgönül et al., ICLR 2023).

``visual_genome_relation.json`` and ``visual_genome_attribution.json`` are lists of records. Each
record has ``true_caption``, ``false_caption``, ``image_path`` (inside ``images/``) and the crop
that both captions are about, as ``bbox_x, bbox_y, bbox_w, bbox_h``. Records of the first file have
``relation_name``, records of the second ``attributes`` [a1, a2]. Files of the drawn world also have
``composition`` ("seen" or "unseen": whether its training split has the content of the captions),
and the file of attributes has ``kind`` ("colours", "patterns", "colour and pattern"). Upstream
gives the model ``image.crop((x, y, x+w, y+h))``: see ``dataset_zoo/aro_datasets.py`` in
mertyg/vision-language-models-are-bows-and-what-to-do-about-it.

Writer, for the drawn world: ``scenes.edition.aro``.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

from benchbench.data.records import NAMES, Record, stream_records
from benchbench.types import ImageRef, Item

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from benchbench.types import Box


SIDES = frozenset({"to the left of", "to the right of"})
"""Left and right, which mirror each other."""
KINDS = ("colours", "patterns", "colour and pattern")
COMPOSITIONS = ("seen", "unseen")


def read_relations(root: Path) -> list[Item]:
    """Return the items that ``stream_relations`` yields."""
    return list(stream_relations(root))


def stream_relations(root: Path) -> Iterator[Item]:
    """Yield the items of ``visual_genome_relation.json`` under ``root``, tagged by relation.

    Another tag, ``kind``, is "left/right" or "other".

    Raises:
        MissingData: the file does not exist.
        MalformedData: a field is wrong; the message names the record and the field.
    """
    for record in stream_records(root / "visual_genome_relation.json"):
        tags = {**_relation(record), **_one_of(record, "composition", COMPOSITIONS)}
        yield _item(root, record, tags)


def _relation(record: Record) -> dict[str, str]:
    name = record.text("relation_name")
    return {"relation": name, "kind": "left/right" if name in SIDES else "other"}


def read_attributions(root: Path) -> list[Item]:
    """Return the items that ``stream_attributions`` yields."""
    return list(stream_attributions(root))


def stream_attributions(root: Path) -> Iterator[Item]:
    """Yield the items of ``visual_genome_attribution.json`` under ``root``.

    They are tagged with their ordered attribute pair. Upstream groups by the two attributes in the
    order of the file, joined by an underscore.

    Raises:
        MissingData: the file does not exist.
        MalformedData: a field is wrong; the message names the record and the field.
    """
    for record in stream_records(root / "visual_genome_attribution.json"):
        tags = {
            "attributes": "_".join(_pair(record)),
            **_one_of(record, "kind", KINDS),
            **_one_of(record, "composition", COMPOSITIONS),
        }
        yield _item(root, record, tags)


def _pair(record: Record) -> list[str]:
    pair = record.texts("attributes")
    if len(pair) != 2:
        raise record.wrong("attributes", f"should be two strings, not {len(pair)}")
    return pair


def _one_of(record: Record, field: str, known: Sequence[str]) -> dict[str, str]:
    """Return a tag of the drawn world's files, by its field; empty where it is absent."""
    told = record.text_if_any(field)
    if told not in (None, *known):
        named = " or ".join(f"'{each}'" for each in known)
        raise record.wrong(field, f"should be {named}, not '{told}'")
    return {field: told} if told else {}


def _item(root: Path, record: Record, tags: dict[str, str]) -> Item:
    image_path = record.relative_path("image_path")
    return Item(
        id=str(record.index),  # its position in the file: ARO has no other id
        images=(ImageRef(_place(root, image_path), crop_box(record)),),
        captions=(record.text("true_caption"), record.text("false_caption")),
        target=(0,),
        cluster=image_path,
        tags=tags,
    )


@lru_cache(maxsize=NAMES)
def _place(root: Path, image_path: str) -> Path:
    return root / "images" / image_path


def crop_box(record: Record) -> Box:
    """Return the crop of a record as (left, top, right, bottom).

    Raises:
        MalformedData: the crop has no area, or a field is wrong.
    """
    x, y, w, h = (record.integer(f"bbox_{side}") for side in "xywh")
    for side, length in (("w", w), ("h", h)):
        if length <= 0:
            raise record.wrong(f"bbox_{side}", f"is {length}: the crop is empty")
    return x, y, x + w, y + h


def dropped_relations() -> frozenset[str]:
    """Return the 157 relations that ARO's notebook leaves out of its macro average.

    They are symmetric relations ("next to"), and relations too rare to read. Source, in the file
    itself: mertyg/vision-language-models-are-bows-and-what-to-do-about-it@81fdd20d.
    """
    text = (files("benchbench.data") / "lists" / "aro_dropped_relations.json").read_text("utf-8")
    return frozenset(json.loads(text)["relations"])
