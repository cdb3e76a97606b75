"""ARO's two files about the test pictures (Yüksekgönül et al., ICLR 2023).

Fields are upstream's (see ``benchbench.data.aro``); ``image_path`` lies in ``images/``, and the
crop is the box around what is seen of both objects. Each record has one field more, ``composition``
("seen" or "unseen"): whether training shows what the captions say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchbench.scenes.edition.pictures import Drawings, shared_pictures
from benchbench.scenes.edition.plan import TEST_PICTURES, Plan, Written, picture_name
from benchbench.scenes.items import attribute_items, crops, relation_items
from benchbench.scenes.vocabulary import CATEGORIES, MENTIONED, PREDICATES

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.scenes.items import AttributeItems, RelationItems

RELATIONS, ATTRIBUTIONS = "visual_genome_relation.json", "visual_genome_attribution.json"
PROVIDES = (RELATIONS, ATTRIBUTIONS, TEST_PICTURES)
_SLOTS = 64
"""Objects get ids of their own: scene times this, plus slot."""


def pictures(plan: Plan) -> list[Drawings]:
    """Return the test pictures."""
    return [shared_pictures(plan)]


def write(folder: Path, plan: Plan) -> Written:
    """Write both files."""
    plan.progress("ARO items", 0, 2)
    relations = relation_records(plan, relation_items(plan.scenes))
    plan.progress("ARO items", 1, 2)
    attributions = attribution_records(plan, attribute_items(plan.scenes))
    out = Written()
    out.json(folder / RELATIONS, relations, len(relations))
    out.json(folder / ATTRIBUTIONS, attributions, len(attributions))
    plan.progress("ARO items", 2, 2)
    return out


def relation_records(plan: Plan, items: RelationItems) -> list[dict[str, Any]]:
    """Records of ``visual_genome_relation.json``, one per item."""
    shared = _shared(plan, items)
    for k, record in enumerate(shared):
        predicate = PREDICATES[items.predicate[k]].name
        subject, thing = (CATEGORIES[c].name for c in items.categories[k])
        record |= {
            "relation_info": {"name": predicate, "object": {"name": thing}},
            "relation_name": predicate,
            "primary_object_id": record["image_id"] * _SLOTS + int(items.slots[k, 0]),
            "primary_object_name": subject,
        }
    return shared


def attribution_records(plan: Plan, items: AttributeItems) -> list[dict[str, Any]]:
    """Records of ``visual_genome_attribution.json``, one per item."""
    shared = _shared(plan, items)
    for k, record in enumerate(shared):
        first, second = (CATEGORIES[c].name for c in items.categories[k])
        record |= {
            "attributes": [MENTIONED[a] for a in items.attributes[k]],
            "obj1_name": first,
            "obj2_name": second,
        }
    return shared


def _shared(plan: Plan, items: RelationItems | AttributeItems) -> list[dict[str, Any]]:
    """The fields that both files have."""
    boxes = crops(plan.sight, items.scene, items.slots).tolist()
    numbers = plan.scenes.index[items.scene].tolist()
    rows = zip(items.captions(), boxes, numbers, items.unseen.tolist(), strict=True)
    return [
        {
            "image_id": number,
            "image_path": picture_name(number),
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
