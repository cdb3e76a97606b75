"""Read ScenarioCLIP's files (arXiv 2511.20274; code: scenario-clip/ScenarioCLIP).

``metadata_test.json`` is ``{"data": […]}`` of ``id``, ``image_path``, ``action``,
``dense_caption``, ``objects`` [[name, [left, top, right, bottom]], …] in pixels, and ``relations``
[[focused region, [subject, predicate, object], …], …]; paths are from the data root.
``classes.json`` lists ``actions``, ``objects`` and ``relations`` ("subject predicate object").
Upstream collects the classes in lower case (``utils/combine.py``) and truncates boxes to whole
pixels (``data/dataset.py``); this reader does the same.

Writer, for the drawn world: ``scenes.edition.scenarioclip``.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchbench.data.records import read_record

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchbench.data.records import Record
    from benchbench.types import Box

METADATA, CLASSES = "metadata_test.json", "classes.json"


@dataclass(frozen=True, slots=True)
class AnnotatedImage:
    """An image and its annotations; paths are from the data root."""

    record: Record
    id: str
    image: str
    action: str
    dense_caption: str
    objects: tuple[tuple[str, Box], ...]
    relations: tuple[tuple[str, str], ...]
    """Focused region and phrase."""


@dataclass(frozen=True, slots=True)
class ClassNames:
    """The names of the classes of actions, objects and relations."""

    actions: tuple[str, ...]
    objects: tuple[str, ...]
    relations: tuple[str, ...]


def read_images(root: Path) -> list[AnnotatedImage]:
    """Read the images of ``metadata_test.json`` under ``root``.

    Raises:
        MissingData: the file does not exist.
        MalformedData: a field is wrong (the message names the record and the field), or an id
            repeats.
    """
    images: dict[str, AnnotatedImage] = {}
    for record in read_record(root / METADATA).records("data"):
        image = AnnotatedImage(
            record=record,
            id=record.text("id"),
            image=record.relative_path("image_path"),
            action=record.text("action"),
            dense_caption=record.text("dense_caption"),
            objects=tuple(_object(record, entry) for entry in record.lists("objects")),
            relations=tuple(_relation(record, entry) for entry in record.lists("relations")),
        )
        if image.id in images:
            raise record.wrong("id", f"repeats '{image.id}'")
        images[image.id] = image
    return list(images.values())


def _object(record: Record, entry: Sequence[Any]) -> tuple[str, Box]:
    if len(entry) != 2:
        raise record.wrong("objects", f"should hold pairs of name and box, not {len(entry)} values")
    return record.checked_text("objects", entry[0]), _box(record, entry[1])


def _box(record: Record, sides: Any) -> Box:
    """Return left, top, right, bottom, truncated to whole pixels."""
    if not isinstance(sides, list) or len(sides) != 4 or not all(map(_is_number, sides)):
        raise record.wrong("objects", "should give each box as four numbers")
    left, top, right, bottom = (int(side) for side in sides)
    if right <= left or bottom <= top:
        raise record.wrong("objects", f"has the empty box {sides} (left, top, right, bottom)")
    return left, top, right, bottom


def _is_number(value: object) -> bool:
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and math.isfinite(value)
        and abs(value) < 2**31
    )


def _relation(record: Record, entry: Sequence[Any]) -> tuple[str, str]:
    if len(entry) < 2 or not isinstance(entry[1], list) or len(entry[1]) != 3:
        raise record.wrong("relations", "should hold a region and [subject, predicate, object]")
    region = record.checked_path("relations", entry[0])
    return region, " ".join(record.checked_text("relations", word) for word in entry[1])


def read_classes(root: Path) -> ClassNames:
    """Read the lists of ``classes.json`` under ``root``.

    Raises:
        MissingData: the file does not exist.
        MalformedData: a list is missing, or repeats a class.
    """
    record = read_record(root / CLASSES)
    actions, objects, relations = (_names(record, n) for n in ("actions", "objects", "relations"))
    return ClassNames(actions, objects, relations)


def _names(record: Record, field: str) -> tuple[str, ...]:
    names = record.texts(field)
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise record.wrong(field, f"names '{twice[0]}' twice")
    return tuple(names)


def class_of(record: Record, field: str, name: str, classes: frozenset[str]) -> str:
    """Return the class of an annotation: its name, or otherwise the name in lower case.

    Raises:
        MalformedData: there is no such class.
    """
    for each in (name, name.lower()):
        if each in classes:
            return each
    raise record.wrong(field, f"has '{name}', which is not among the {field} of {CLASSES}")
