"""Captions of the test pictures as a Karpathy file, and their order negatives, frozen.

``coco_karpathy_test.json`` is a list of ``{"image": "images/000000.png", "caption": [five]}``; the
official file names pictures from the data root, too ("val2014/COCO_val2014_….jpg").
``coco_order_negatives.json`` is as ``benchbench.data.order`` says, with the captions' own tags.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.data.order import TaggedCaption, frozen
from benchbench.scenes.captions import captions
from benchbench.scenes.edition.plan import (
    TEST_PICTURES,
    Plan,
    Written,
    picture_name,
    records_digest,
)

if TYPE_CHECKING:
    from pathlib import Path

CAPTIONS, NEGATIVES = "coco_karpathy_test.json", "coco_order_negatives.json"
PROVIDES = (CAPTIONS, NEGATIVES, TEST_PICTURES)
TAGGER = "scenes: known tags"


def write(folder: Path, plan: Plan) -> Written:
    """Write both files."""
    plan.progress("captions", 0, 2)
    told = captions(plan.scenes)
    texts = told.texts()
    images = [f"{TEST_PICTURES}{picture_name(i)}" for i in plan.scenes.index.tolist()]
    records = [{"image": i, "caption": five} for i, five in zip(images, texts, strict=True)]
    out = Written()
    out.json(folder / CAPTIONS, records, len(records))
    plan.progress("captions", 1, 2)
    tagged = [
        (image, [_tagged(text, told.tagged(row, k)) for k, text in enumerate(texts[row])])
        for row, image in enumerate(images)
    ]
    digest = records_digest(records)
    content = frozen(tagged, tagger=TAGGER, source=CAPTIONS, source_digest=digest)
    out.json(folder / NEGATIVES, content, len(content["items"]))
    plan.progress("captions", 2, 2)
    return out


def _tagged(text: str, pairs: list[tuple[str, str]]) -> TaggedCaption:
    """The words as drawn are what any tagger would part them into."""
    return TaggedCaption(text, pairs, [word for word, _ in pairs])
