"""BiVLC: SugarCrepe with an image for each false caption (Miranda et al., NeurIPS 2024)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.data.official import BIVLC
from benchbench.data.records import read_records
from benchbench.protocols.shared_metrics import both_sides
from benchbench.types import DataFile, ImageRef, Item, Metric, TaskInfo

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.data.records import Record

FOLDER = "bivlc"
CODE = "IMirandaM/BiVLC, evaluate_BiVLC in src/CLIP_fine_tuning/CLIP_utils.py"


class BiVLC:
    """Items of a photograph, a generated image, and the caption of each."""

    info = TaskInfo(
        name="bivlc",
        title="BiVLC",
        version=1,
        protocol="matching",
        headline="group",
        metrics=(
            *both_sides(f"{CODE}: I2T, T2I, group"),
            Metric("group-macro", "types", by="type", ties="wrong", judgement="group"),
        ),
        files=(
            DataFile(
                f"{FOLDER}/test.jsonl",
                "2,933 items: image, caption, negative_caption, negative_image, type, subtype",
                "hub data set imirandam/BiVLC, split test, its Parquet files unpacked: benchbench "
                f"data unpack FILES --out DIR/{FOLDER} --name test",
            ),
            DataFile(f"{FOLDER}/images/", "its images: COCO val2017 and SDXL-DPO", "the same"),
        ),
        paper=(
            "Miranda, Salaberria, Agirre and Azkune, 'BiVLC: Extending Vision-Language "
            "Compositionality Evaluation with Text-to-Image Retrieval', NeurIPS 2024 Datasets and "
            "Benchmarks"
        ),
        license="MIT (captions, generated images); COCO, CC BY 4.0 (photographs' own licences)",
        measures=(
            "Whether each of two images finds its caption (text), each caption its image (image), "
            "and all four at once (group). Chance is 25, 25 and 16.7."
        ),
        content={"official": {f"{FOLDER}/test.jsonl": (BIVLC,)}},
        tags=("type", "subtype"),
        size="2,933 items",
        suites=("compositional",),
        quirks=(
            "The false caption's image is generated, the true one's a photograph: detectors of "
            "generated images and captions score without composition (its authors train such).",
            "No digest of its files is known: they are official by the captions and types of all "
            "items, as in its authors' published results.",
        ),
    )

    def items(self, root: Path) -> list[Item]:
        """Return one item per line; the photograph and its caption come first."""
        folder = root / FOLDER
        return [_item(folder, record) for record in read_records(folder / "test.jsonl")]


def _item(folder: Path, record: Record) -> Item:
    names = [record.relative_path(field) for field in ("image", "negative_image")]
    return Item(
        id=str(record.index),
        images=tuple(ImageRef(folder / name) for name in names),
        captions=(record.text("caption"), record.text("negative_caption")),
        target=(0, 1),
        cluster=f"{FOLDER}/{names[0]}",
        tags={"type": record.text("type"), "subtype": record.text("subtype")},
    )


TASK = BiVLC()
