"""Write twins in Winoground's format (Thrush et al., CVPR 2022): two images, two captions, same
words.

``examples.jsonl`` has upstream's fields ``id, image_0, image_1, caption_0, caption_1,
collapsed_tag``; images are ``images/NAME.png``. A pair is a scene and its twin. Between them either
the direction of a relation is reversed ("Object": nouns change places), or two objects exchange
their attributes ("Relation", upstream's name for a change of anything but nouns). A caption is true
of its own image and false of everything in the other image.

Reader: ``tasks/winoground.py``. Both together: ``tests/scenes/test_round_trips.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchbench.scenes.edition.images import Drawings, shared_images
from benchbench.scenes.edition.plan import TEST_IMAGES, Plan, WrittenFiles, image_name
from benchbench.scenes.items import attribute_items, relation_items

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.scenes.items import AttributeItems, RelationItems

EXAMPLES = "examples.jsonl"
PROVIDES = (EXAMPLES, TEST_IMAGES)


def images(plan: Plan) -> list[Drawings]:
    """Return the test images."""
    return [shared_images(plan)]


def write(folder: Path, plan: Plan) -> WrittenFiles:
    """Write the examples."""
    plan.progress("pairs of twins", 0, 1)
    out = WrittenFiles()
    out.lines(folder / EXAMPLES, examples(plan))
    plan.progress("pairs of twins", 1, 1)
    return out


def examples(plan: Plan) -> list[dict[str, Any]]:
    """Return the records of ``examples.jsonl``: at most one of a kind for each pair of twins."""
    kinds = (
        ("Object", relation_items(plan.scenes, whole=True)),
        ("Relation", attribute_items(plan.scenes, whole=True)),
    )
    found = [
        (index, kind, *captions)
        for kind, items in kinds
        for index, captions in _opposites(plan, items).items()
    ]
    return [
        {
            "id": number,
            "image_0": image_name(index).removesuffix(".png"),
            "image_1": image_name(index + 1).removesuffix(".png"),
            "caption_0": first,
            "caption_1": second,
            "collapsed_tag": kind,
        }
        for number, (index, kind, first, second) in enumerate(sorted(found))
    ]


def _opposites(plan: Plan, items: RelationItems | AttributeItems) -> dict[int, tuple[str, str]]:
    """Return, by even twin, its true caption and its odd twin's.

    Each of the two captions is the other scene's false caption.
    """
    said: dict[int, set[tuple[str, str]]] = {}
    rows = zip(plan.scenes.index[items.scene].tolist(), items.captions(), strict=True)
    for index, captions in rows:
        said.setdefault(index, set()).add(captions)
    found = {}
    for index in sorted(index for index in said if index % 2 == 0):
        turned = {(false, true) for true, false in said.get(index + 1, ())}
        if both := said[index] & turned:
            found[index] = min(both)
    return found
