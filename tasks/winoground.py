"""Winoground: two images, two captions of the same words (Thrush et al., CVPR 2022).

Its synthetic edition is written by ``benchbench.scenes.edition.winoground``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.data.official import WINOGROUND
from benchbench.data.records import read_records
from benchbench.protocols.harnesses import CLIP_BENCHMARK, MIXED, MTEB, UNIBENCH
from benchbench.protocols.shared_metrics import both_sides
from benchbench.types import DataFile, Harness, ImageRef, Item, TaskInfo

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.data.records import Record

PAPER = "Thrush et al., §3.2"
METRICS = both_sides(PAPER)
PRINTED = {"text": "text_acc", "image": "image_acc", "group": "accuracy"}
"""Metric → what mteb calls it."""
HARNESSES = (
    *(
        Harness("mteb", f"Winoground, {PRINTED[each.name]}", each, MTEB, first_of_equals=True)
        for each in METRICS
    ),
    *(
        Harness(
            "CLIP_benchmark",
            PRINTED[each.name].replace("accuracy", "acc"),
            each,
            CLIP_BENCHMARK,
            first_of_equals=True,
            inputs=MIXED,
        )
        for each in METRICS
    ),
    Harness("unibench", "winoground, correctness", METRICS[2], UNIBENCH),
)


class Winoground:
    """Items of two images and two captions; each caption belongs to one of the images."""

    info = TaskInfo(
        name="winoground",
        title="Winoground",
        version=1,
        protocol="matching",
        headline="group",
        metrics=METRICS,
        harnesses=HARNESSES,
        files=(
            DataFile("examples.jsonl", "400 items", "hub data set facebook/winoground (gated)"),
            DataFile("images/", "800 images", "images.zip of the same data set, unpacked"),
        ),
        paper=(
            "Thrush, Jiang, Bartolo, Singh, Williams, Kiela and Ross, 'Winoground: Probing Vision "
            "and Language Models for Visio-Linguistic Compositionality', CVPR 2022"
        ),
        license="META IMAGES RESEARCH LICENSE (images by Getty Images; not redistributable)",
        measures=(
            "Whether word order alone leads a model to the right image. Chance is 25 "
            "(text), 25 (image) and 16.7 (group). Some items need knowledge or fine perception "
            "rather than composition (Diwan et al., EMNLP 2022)."
        ),
        content={"official": {"examples.jsonl": (WINOGROUND,)}},
        tags=("type",),
        size="400 items",
        suites=("compositional",),
        quirks=(
            "400 items make an interval of about 8 points: most differences are noise.",
            "No digest of its file is known: it is official by the numbers of items and images.",
        ),
    )

    def items(self, root: Path) -> list[Item]:
        """Return one item per line."""
        return [_item(root, r) for r in read_records(root / "examples.jsonl")]


def _item(root: Path, record: Record) -> Item:
    names = [record.relative_path(f"image_{i}") for i in (0, 1)]
    return Item(
        id=str(record.integer("id")),
        images=tuple(ImageRef(root / "images" / f"{name}.png") for name in names),
        captions=(record.text("caption_0"), record.text("caption_1")),
        target=(0, 1),
        cluster=f"winoground/{record.integer('id')}",
        tags={"type": record.text("collapsed_tag")},
    )


TASK = Winoground()
