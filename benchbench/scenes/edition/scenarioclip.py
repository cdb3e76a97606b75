"""Write ScenarioCLIP's files about the test images (arXiv 2511.20274).

``metadata_test.json`` is ``{"data": […]}`` of ``id``, ``image_path``, ``action``,
``dense_caption``, ``objects`` [[name, [left, top, right, bottom]], …] in pixels, and ``relations``
[[focused region, [subject, predicate, object], negatives], …]. Paths are from the data root. Where
a pair is annotated in both directions, its two relations share one focused region, since it looks
the same. Negatives are false triples: the swapped triple, unless it is arguable for any two objects
of those names. ``classes.json`` has the sorted ``actions``, ``objects`` and ``relations`` ("subject
predicate object") of the metadata, as upstream collects them: ``utils/combine.py`` in
scenario-clip/ScenarioCLIP.

Objects that hardly show are left out, and so are their relations.

Reader: ``data.scenarioclip``. Both together: ``tests/scenes/test_round_trips.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbench.scenes.captions import dense_captions
from benchbench.scenes.drawing import draw
from benchbench.scenes.edition.focus import blur, focus
from benchbench.scenes.edition.images import BATCH, Batch, Drawings, shared_images
from benchbench.scenes.edition.plan import (
    TEST_IMAGES,
    Plan,
    WrittenFiles,
    image_name,
    select_annotated,
)
from benchbench.scenes.graph import closure, triple_holds
from benchbench.scenes.templates import SCENARIOS
from benchbench.scenes.vocabulary import CATEGORIES, PREDICATES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchbench.types.arrays import Flags, Ints, Pixels

Record = dict[str, Any]

METADATA, CLASSES, REGIONS = "metadata_test.json", "classes.json", "focused"
PROVIDES = (METADATA, CLASSES, f"{REGIONS}/", TEST_IMAGES)


@dataclass(frozen=True, slots=True)
class _Relations:
    """The annotated relations between objects that show."""

    row: Ints
    """[relations]: scene, in order."""
    ends: Ints
    """[relations, 2]: slots of subject and object."""
    predicate: Ints
    """[relations]"""
    swapped_is_false: Flags
    """[relations]"""


def images(plan: Plan) -> list[Drawings]:
    """Return the test images and the focused regions."""
    relations = _relations(plan)
    starts = range(0, len(plan.scenes), BATCH)
    regions = [_regions(plan, relations, slice(start, start + BATCH)) for start in starts]
    return [shared_images(plan), Drawings(REGIONS, "focused regions", regions)]


def write(folder: Path, plan: Plan) -> WrittenFiles:
    """Write metadata and classes."""
    relations, out = _relations(plan), WrittenFiles()
    data = _records(plan, relations)
    out.json(folder / METADATA, {"data": data}, len(data))
    out.json(folder / CLASSES, _classes(data))
    return out


def _relations(plan: Plan) -> _Relations:
    scenes, shown = plan.scenes, select_annotated(plan.scenes, plan.visibility)
    told = (scenes.predicate >= 0) & shown[:, :, None] & shown[:, None, :]
    row, subject, thing = np.nonzero(told)
    predicate, category = scenes.predicate[told], scenes.category
    possible = closure(scenes).possible
    arguable = triple_holds(
        possible[row],
        category[row],
        category[row, thing],
        predicate,
        category[row, subject],
        plan.visibility.pixels[row] > 0,
    )
    return _Relations(row, np.stack([subject, thing], axis=1), predicate, ~arguable)


def _records(plan: Plan, relations: _Relations) -> list[Record]:
    """Return one record per image."""
    scenes, shown = plan.scenes, select_annotated(plan.scenes, plan.visibility)
    dense = dense_captions(scenes).texts()
    entries = _entries(plan, relations)
    return [
        {
            "id": f"{number:06d}",
            "image_path": f"{TEST_IMAGES}{image_name(number)}",
            "action": SCENARIOS[scenes.scenario[row]].name,
            "dense_caption": dense[row][0],
            "objects": [
                [
                    CATEGORIES[scenes.category[row, slot]].name,
                    plan.visibility.boxes[row, slot].tolist(),
                ]
                for slot in np.flatnonzero(shown[row])
            ],
            "relations": entries[row],
        }
        for row, number in enumerate(scenes.index.tolist())
    ]


def _entries(plan: Plan, relations: _Relations) -> list[list[list[Any]]]:
    """Return each image's ``relations``."""
    out: list[list[list[Any]]] = [[] for _ in range(len(plan.scenes))]
    for k, row in enumerate(relations.row.tolist()):
        kinds = plan.scenes.category[row, relations.ends[k]]
        subject, thing = (CATEGORIES[kind].name for kind in kinds)
        predicate = PREDICATES[relations.predicate[k]].name
        negatives = [[thing, predicate, subject]] if relations.swapped_is_false[k] else []
        path = f"{REGIONS}/{_region_name(row, relations.ends[k])}"
        out[row].append([path, [subject, predicate, thing], negatives])
    return out


def _region_name(row: int, ends: Ints) -> str:
    """Return the name of a focused region: ``000123-0-2.png``.

    It has the image's number, then both slots, the lesser first.
    """
    return f"{row:06d}-{min(ends)}-{max(ends)}.png"


def _regions(plan: Plan, relations: _Relations, rows: slice) -> Batch:
    """Return the focused regions of some images, one image after the other."""
    pairs = [
        {_region_name(row, ends): ends for ends in relations.ends[relations.row == row]}
        for row in range(len(plan.scenes))[rows]
    ]

    def shown() -> Iterator[Pixels]:
        for row, image in enumerate(draw(plan.scenes.take(rows), plan.size)):
            soft = blur(image) if pairs[row] else image
            for _, (one, other) in sorted(pairs[row].items()):
                place = rows.start + row
                masks = plan.visibility.mask(place, one), plan.visibility.mask(place, other)
                yield focus(image, soft, masks)

    return Batch([name for each in pairs for name in sorted(each)], shown)


def _classes(data: list[Record]) -> dict[str, list[str]]:
    """Return the content of ``classes.json``."""
    return {
        "actions": sorted({record["action"] for record in data}),
        "objects": sorted({name for record in data for name, _ in record["objects"]}),
        "relations": sorted({" ".join(r[1]) for record in data for r in record["relations"]}),
    }
