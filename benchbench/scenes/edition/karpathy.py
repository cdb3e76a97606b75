"""Write captions of the test images in Karpathy's format, and their frozen order negatives.

``coco_karpathy_test.json`` is a list of ``{"image": "images/000000.png", "caption": [five]}``. Like
the official file ("val2014/COCO_val2014_….jpg"), it names images from the data root.
``flickr30k_test.json`` has the same form: five captions in other phrasings, of the first 200
images. ``coco_karpathy_train.json`` and ``flickr30k_train.json`` have the captions of training
scenes, which are not drawn, in the same form. The frozen negatives (``coco_order_negatives.json``,
``….seed1.json``; likewise for Flickr30k) have the format of ``benchbench.data.order``, with the
captions' own tags, for five seeds.

Readers: ``data.karpathy``; of frozen negatives, ``data.order``. Both together:
``tests/scenes/test_round_trips.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchbench.data.order import TaggedCaption, freeze, frozen_name
from benchbench.data.records import records_digest
from benchbench.scenes.captions import PER_SCENE, captions
from benchbench.scenes.edition.images import Drawings, shared_images
from benchbench.scenes.edition.plan import TEST_IMAGES, Plan, WrittenFiles, image_name
from benchbench.scenes.sampling import sample

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.scenes.captions import SceneCaptions

COCO, FLICKR = "coco_karpathy_test.json", "flickr30k_test.json"
FLICKR_IMAGES = 200
TRAINING_IMAGES = "train/"
SEEDS = range(5)


def training_name(source: str) -> str:
    """Return the name of the training split's file, by the test split's."""
    return source.replace("_test.json", "_train.json")


PROVIDES = (
    *(
        name
        for source in (COCO, FLICKR)
        for name in (source, training_name(source), *(frozen_name(source, s) for s in SEEDS))
    ),
    TEST_IMAGES,
)
TAGGER = "scenes: known tags"


def images(plan: Plan) -> list[Drawings]:
    """Return the test images."""
    return [shared_images(plan)]


def write(folder: Path, plan: Plan) -> WrittenFiles:
    """Write both files of captions, the negatives of both, and both training splits."""
    first = plan.scenes.take(slice(FLICKR_IMAGES))
    training = sample("train", np.arange(plan.training))
    out = WrittenFiles()
    plan.progress("captions", 0, 2)
    _write_one(folder, out, COCO, captions(plan.scenes))
    _write_training(folder, out, COCO, captions(training))
    plan.progress("captions", 1, 2)
    _write_one(folder, out, FLICKR, captions(first, PER_SCENE))
    _write_training(folder, out, FLICKR, captions(training, PER_SCENE))
    plan.progress("captions", 2, 2)
    return out


def _write_one(folder: Path, out: WrittenFiles, name: str, stated: SceneCaptions) -> None:
    """Write a file of captions of the test images, from the first on, and its negatives."""
    tagged = tagged_captions(stated)
    records = [{"image": image, "caption": [c.text for c in five]} for image, five in tagged]
    out.json(folder / name, records, len(records))
    digest = records_digest(records)
    for seed in SEEDS:
        content = freeze(tagged, tagger=TAGGER, source=name, source_digest=digest, seed=seed)
        out.json(folder / frozen_name(name, seed), content, len(content["items"]))


def _write_training(folder: Path, out: WrittenFiles, test: str, stated: SceneCaptions) -> None:
    """Write the captions of training scenes, whose images are named and not drawn."""
    named = ((f"{TRAINING_IMAGES}{image_name(i)}", five) for i, five in enumerate(stated.texts()))
    records = [{"image": image, "caption": five} for image, five in named]
    out.json(folder / training_name(test), records, len(records))


def tagged_captions(stated: SceneCaptions) -> list[tuple[str, list[TaggedCaption]]]:
    """Return each image's file and its captions, by row.

    The words of a caption as drawn are its tokens.
    """
    return [
        (f"{TEST_IMAGES}{image_name(row)}", [_tagged(t, stated.tagged(row, k)) for k, t in each])
        for row, each in enumerate(map(enumerate, stated.texts()))
    ]


def _tagged(text: str, pairs: list[tuple[str, str]]) -> TaggedCaption:
    """Return a tagged caption, whose words as drawn are its tokens for any tagger."""
    return TaggedCaption(text, pairs, [word for word, _ in pairs])
