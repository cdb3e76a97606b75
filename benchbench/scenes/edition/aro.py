"""Write ARO's two files (Yüksekgönül et al., ICLR 2023), each with images of its own.

Fields are upstream's (see ``benchbench.data.aro``). ``image_path`` is relative to ``images/``, and
the crop is the box around the visible parts of both objects. Each record has ``composition``
("seen" or "unseen": whether training has the content of the captions). Each record of attributes
has ``kind`` ("colours", "patterns", "colour and pattern").

In the standard edition every relation, and every pair of attributes of ``balance.PAIRS``, has the
same number of items. Each file has its own images, ``images/relation/`` and
``images/attribution/``, so that an evaluation of one task draws no image of the other. With another
count of test images, the items are all items that these images hold; the images are in ``images/``.

Reader: ``data.aro``. Both together: ``tests/scenes/test_round_trips.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic

import numpy as np

from benchbench.scenes.balance import Items, balance_attributes, balance_relations
from benchbench.scenes.edition.images import Drawings, drawings, shared_images
from benchbench.scenes.edition.plan import TEST_IMAGES, Plan, WrittenFiles, image_name
from benchbench.scenes.items import attribute_items, crops, relation_items
from benchbench.scenes.visibility import measure_visible
from benchbench.scenes.vocabulary import CATEGORIES, COLOURS, MENTIONED, PREDICATES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchbench.scenes.items import AttributeItems, RelationItems
    from benchbench.scenes.world import Scenes
    from benchbench.types.arrays import Ints

RELATIONS, ATTRIBUTIONS = "visual_genome_relation.json", "visual_genome_attribution.json"
_SLOTS = 64
"""The ids per scene: an object's id is the scene's number times this, plus its slot."""
_AT_ONCE = 250
"""The number of scenes measured together."""


@dataclass(frozen=True)
class ItemFile(Generic[Items]):
    """One of the two parts: an annotation file, and the images that its items are about."""

    file: str
    name: str
    """The name of its folder in ``images/``."""
    all_of: Callable[[Scenes], Items]
    """Returns every item of some scenes."""
    balanced: Callable[[str, int], tuple[Scenes, Items]]
    """Returns scenes of a split, and an equal number of items of each kind."""
    own_fields: Callable[[Scenes, Items], list[dict[str, Any]]]
    """Returns the fields that only this file's records have."""

    @property
    def PROVIDES(self) -> tuple[str, str]:  # noqa: N802
        """Return the file and the folder."""
        return self.file, f"{TEST_IMAGES}{self.name}/"

    def asked(self, plan: Plan) -> tuple[Scenes, Items]:
        """Return the scenes and their items."""
        if plan.each is None:
            return plan.scenes, self.all_of(plan.scenes)
        return self.balanced("test", plan.each)

    def images(self, plan: Plan) -> list[Drawings]:
        """Return the images of these scenes."""
        if plan.each is None:
            return [shared_images(plan)]
        plan.progress(f"{self.name} scenes", 0, 1)
        scenes, _ = self.asked(plan)
        plan.progress(f"{self.name} scenes", 1, 1)
        names = [image_name(number) for number in scenes.index.tolist()]
        folder, what = f"{TEST_IMAGES}{self.name}", f"{self.name} images"
        return [drawings(folder, what, scenes, names, plan.size)]

    def write(self, folder: Path, plan: Plan) -> WrittenFiles:
        """Write the file."""
        plan.progress("ARO items", 0, 1)
        out, records = WrittenFiles(), self.records(plan)
        out.json(folder / self.file, records, len(records))
        plan.progress("ARO items", 1, 1)
        return out

    def records(self, plan: Plan) -> list[dict[str, Any]]:
        """Return one record per item."""
        scenes, items = self.asked(plan)
        folder = "" if plan.each is None else f"{self.name}/"
        shared = _shared(scenes, items, plan.size, folder)
        own = self.own_fields(scenes, items)
        return [one | more for one, more in zip(shared, own, strict=True)]


def _of_relations(scenes: Scenes, items: RelationItems) -> list[dict[str, Any]]:
    numbers = scenes.index[items.scene] * _SLOTS + items.slots[:, 0]
    rows = zip(items.predicate.tolist(), items.categories.tolist(), numbers.tolist(), strict=True)
    return [
        {
            "relation_info": {
                "name": PREDICATES[predicate].name,
                "object": {"name": CATEGORIES[thing].name},
            },
            "relation_name": PREDICATES[predicate].name,
            "primary_object_id": number,
            "primary_object_name": CATEGORIES[subject].name,
        }
        for predicate, (subject, thing), number in rows
    ]


def _of_attributes(_: Scenes, items: AttributeItems) -> list[dict[str, Any]]:
    kinds = ("colours", "colour and pattern", "patterns")
    patterns = (items.attributes >= len(COLOURS)).sum(axis=1).tolist()
    rows = zip(items.attributes.tolist(), items.categories.tolist(), patterns, strict=True)
    return [
        {
            "attributes": [MENTIONED[a] for a in attributes],
            "kind": kinds[count],
            "obj1_name": CATEGORIES[first].name,
            "obj2_name": CATEGORIES[second].name,
        }
        for attributes, (first, second), count in rows
    ]


RELATION = ItemFile(RELATIONS, "relation", relation_items, balance_relations, _of_relations)
ATTRIBUTION = ItemFile(
    ATTRIBUTIONS, "attribution", attribute_items, balance_attributes, _of_attributes
)


def _shared(
    scenes: Scenes, items: RelationItems | AttributeItems, size: int, folder: str
) -> list[dict[str, Any]]:
    """Return the fields that the records of both files have.

    ``folder`` is the images' folder in ``images/``.
    """
    boxes = _boxes(scenes, items, size).tolist()
    numbers = scenes.index[items.scene].tolist()
    rows = zip(items.captions(), boxes, numbers, items.unseen.tolist(), strict=True)
    return [
        {
            "image_id": number,
            "image_path": f"{folder}{image_name(number)}",
            "true_caption": true,
            "false_caption": false,
            "bbox_x": left,
            "bbox_y": top,
            "bbox_w": right - left,
            "bbox_h": bottom - top,
            "composition": "unseen" if unseen else "seen",
        }
        for (true, false), (left, top, right, bottom), number, unseen in rows
    ]


def _boxes(scenes: Scenes, items: RelationItems | AttributeItems, size: int) -> Ints:
    """Return the crop of each item, [items, 4], computed a block of scenes at a time.

    Items are in the order of their scenes.
    """
    found = []
    for start in range(0, len(scenes), _AT_ONCE):
        some = (items.scene >= start) & (items.scene < start + _AT_ONCE)
        visibility = measure_visible(scenes.take(slice(start, start + _AT_ONCE)), size)
        found.append(crops(visibility, items.scene[some] - start, items.slots[some]))
    return np.concatenate(found)
