"""What'sUp's files (Kamath et al., EMNLP 2023; amitakamath/whatsup_vlms, dataset_zoo).

``controlled_images_dataset.json`` (A) and ``controlled_clevr_dataset.json`` (B) are lists of
records with ``image_path`` and ``caption_options``, the true one first. A set is four photographs
of two objects, one a preposition; their names are ``OBJECT_PREPOSITION[_of]_OBJECT.jpeg``. The
others (``coco_qa_one_obj.json`` …) are lists of rows: image id, true caption, false caption.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from benchbench.data.records import read_records, read_rows
from benchbench.types import ImageRef, Item

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.data.records import Record

FOLDER = "whatsup"
CONTROLLED = {"A": "controlled_images_dataset.json", "B": "controlled_clevr_dataset.json"}
"""Subset → file."""
OPTIONS = 4
"""Captions of a photograph of A or B."""
OPPOSITES = {
    "left": "left/right", "right": "left/right", "on": "on/under", "under": "on/under",
    "in-front": "in front/behind", "behind": "in front/behind",
}  # fmt: skip
"""Preposition, as in names of files → the pair that it belongs to."""
SIDES = ("left", "right", "above", "below", "top", "bottom", "front", "behind")
"""Prepositions of the other files, as words of captions."""


def read_controlled(root: Path) -> list[Item]:
    """Read the items of A, then of B; a set of photographs is a cluster.

    Raises:
        MissingData: a file does not exist.
        MalformedData: a field is wrong; the message names the record and the field.
    """
    return [
        _controlled(root, subset, record)
        for subset, name in CONTROLLED.items()
        for record in read_records(root / FOLDER / name)
    ]


def _controlled(root: Path, subset: str, record: Record) -> Item:
    path = PurePosixPath(record.relative_path("image_path"))
    parts = path.stem.split("_")
    first, preposition, second = parts[0], "".join(parts[1:2]), parts[-1]
    if preposition not in OPPOSITES:
        raise record.wrong("image_path", f"names no preposition that is known: '{path.name}'")
    options = record.texts("caption_options")
    if len(options) != OPTIONS:
        raise record.wrong("caption_options", f"should hold {OPTIONS}, not {len(options)}")
    whole = f"{subset}/{first}/{second}"
    return Item(
        id=f"{subset}/{path.stem}",
        images=(ImageRef(root / FOLDER / path.parent.name / path.name),),
        captions=tuple(options),
        target=(0,),
        cluster=f"{FOLDER}/{whole}",
        tags={
            "subset": subset,
            "preposition": preposition,
            "set": whole,
            "pair": f"{whole}/{OPPOSITES[preposition]}",
        },
    )


def read_photographs(root: Path, folder: str, files: dict[str, str], name: str) -> list[Item]:
    """Read items of one photograph and two captions.

    Args:
        root: the data root.
        folder: the folder of the photographs.
        files: subset → file.
        name: the name of a photograph, with ``{}`` for its id.

    Raises:
        MissingData: a file does not exist.
        MalformedData: a field is wrong; the message names the record and the field.
    """
    fields = ("image", "true caption", "false caption")
    return [
        _photograph(root / folder, subset, record, name)
        for subset, file in files.items()
        for record in read_rows(root / FOLDER / file, fields)
    ]


def _photograph(folder: Path, subset: str, record: Record, name: str) -> Item:
    true = record.text("true caption")
    words = true.rstrip(".").split()
    file = name.format(record.integer("image"))
    return Item(
        id=f"{subset}/{record.index}",
        images=(ImageRef(folder / file),),
        captions=(true, record.text("false caption")),
        target=(0,),
        cluster=file,
        tags={
            "subset": subset,
            "preposition": next((word for word in reversed(words) if word in SIDES), "other"),
        },
    )
