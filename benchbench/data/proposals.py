"""Read a detector's boxes from a JSON file: ``benchbench-proposals``, version 1.

::

    {
      "format": "benchbench-proposals",
      "version": 1,
      "images": {
        "2343729": {
          "boxes": [[12.5, 30, 200.25, 180], [90, 31, 140, 95]],
          "labels": ["man", "hat"],
          "scores": [0.98, 0.71]
        },
        "2343730": {"boxes": [], "labels": [], "scores": []}
      }
    }

Images are identified by their id (``image_id`` of ``image_data.json``), as text. Boxes are left,
top, right, bottom in pixels of the image file. For models, boxes are rounded to the nearest pixel
edge (half up) and clipped to the image, and no box gets smaller than a pixel. True boxes are
matched with the unrounded boxes of the file. Labels are names of the task's vocabulary, not
numbers, since numbers count from 0 here and from 1 in other files. Scores are in (0, 1]. Each image
of the test split needs an entry, with empty lists if nothing was found. Other images and other
fields are ignored.

A file is untrusted: an error names the file, the image and the place.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbench.data.records import read_record
from benchbench.errors import MalformedData
from benchbench.types import Proposals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchbench.data.records import Record
    from benchbench.types import Scene
    from benchbench.types.arrays import Floats, Ints

FORMAT, VERSION = "benchbench-proposals", 1


def read_proposals(
    path: Path, scenes: Sequence[Scene], sizes: Mapping[str, tuple[int, int]]
) -> list[Scene]:
    """Read a detector's boxes, and return the scenes with them.

    Args:
        path: the JSON file.
        scenes: the scenes; the file may have more images.
        sizes: width and height of each scene's image in pixels, by its id.

    Raises:
        MissingData: the file does not exist.
        MalformedData: an entry is wrong; the message names the image and the field.
    """
    top = read_record(path)
    if top.text("format") != FORMAT or top.integer("version") != VERSION:
        raise MalformedData(f"{path} is not '{FORMAT}', version {VERSION}: see docs/proposals.md")
    images = top.record("images")
    there = set(images.names())
    lacking = [scene.id for scene in scenes if scene.id not in there]
    if lacking:
        raise MalformedData(
            f"{path} has no proposals for image {lacking[0]}; images without, of {len(scenes):,}: "
            f"{len(lacking):,}. Where nothing was found, the entry has empty lists."
        )
    numbers = {name: i for i, name in enumerate(scenes[0].vocabulary.objects)} if scenes else {}
    return [
        replace(scene, proposals=_proposals(images.record(scene.id), numbers, sizes[scene.id]))
        for scene in scenes
    ]


def _proposals(record: Record, numbers: Mapping[str, int], size: tuple[int, int]) -> Proposals:
    boxes, labels, scores = (record.values(name) for name in ("boxes", "labels", "scores"))
    if not len(boxes) == len(labels) == len(scores):
        raise record.wrong(
            "scores", f"has {len(scores)} entries, 'boxes' {len(boxes)}, 'labels' {len(labels)}"
        )
    for i, label in enumerate(labels):
        if not isinstance(label, str) or label not in numbers:
            raise record.wrong("labels", f"[{i}] is {label!r:.40}, no name of the vocabulary")
    edges = _edges(record, boxes)
    return Proposals(
        boxes=tuple(map(tuple, round_to_pixels(edges, size).tolist())),
        labels=tuple(numbers[label] for label in labels),
        scores=_scores(record, scores),
        unrounded=tuple(map(tuple, edges.tolist())),
    )


def _scores(record: Record, values: list[Any]) -> tuple[float, ...]:
    for i, score in enumerate(values):
        if not _is_number(score) or not 0 < score <= 1:
            raise record.wrong("scores", f"[{i}] is {score!r:.40}, not above 0 and at most 1")
    return tuple(map(float, values))


def _edges(record: Record, values: list[Any]) -> Floats:
    """Return left, top, right, bottom as the file has them, [n, 4]."""
    for i, box in enumerate(values):
        sound = isinstance(box, list) and len(box) == 4 and all(map(_is_number, box))
        if not sound:
            raise record.wrong("boxes", f"[{i}] is {box!r:.60}, not [left, top, right, bottom]")
        if not (box[0] < box[2] and box[1] < box[3]):
            raise record.wrong("boxes", f"[{i}] is {box!r:.60}: it has no area")
    return np.array(values, dtype=np.float64).reshape(-1, 4)


def _is_number(value: object) -> bool:
    """Return whether a value is a finite number that float64 holds."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15


def round_to_pixels(boxes: Floats, size: tuple[int, int]) -> Ints:
    """Round boxes to the nearest pixel edges (half up), clipped to the image, never empty.

    Args:
        boxes: [n, 4]: left, top, right, bottom.
        size: width and height of the image in pixels.

    >>> round_to_pixels(np.array([[0.5, -3.0, 9.4, 9.6], [20.0, 5.2, 30.0, 5.3]]), (10, 10))
    array([[ 1,  0,  9, 10],
           [ 9,  5, 10,  6]])
    """
    rounded = np.floor(boxes + 0.5).astype(np.int64)
    low = np.clip(rounded[:, :2], 0, np.array(size) - 1)
    return np.concatenate([low, np.clip(rounded[:, 2:], low + 1, np.array(size))], axis=1)
