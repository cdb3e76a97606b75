"""EqBen: images that differ in little, with a caption each (Wang et al., ICCV 2023)."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from benchbench.data.records import stream_records
from benchbench.protocols.shared_metrics import both_sides
from benchbench.types import DataFile, ImageRef, Item, Metric, TaskInfo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchbench.data.records import Record

FOLDER = "eqben"
FILE = f"{FOLDER}/eqben_subset_10percent_final.json"
IMAGES = f"{FOLDER}/image_subset/"
CODE = "Wangt-CN/EqBen"
SOURCE = f"{CODE}, cal_wino_score in src/eqben/eqben_acc.py"


class EqBen:
    """Items of two images and two captions; each caption belongs to one of the images."""

    info = TaskInfo(
        name="eqben",
        title="EqBen, 10 % subset",
        version=1,
        protocol="matching",
        headline="group-parts",
        metrics=(
            Metric(
                "group-parts",
                "parts",
                by="part",
                ties="wrong",
                judgement="group",
                source=f"{SOURCE}; evaluate_eqben_locally.py prints each part",
            ),
            Metric("text-parts", "parts", by="part", ties="wrong", source=SOURCE),
            Metric(
                "image-parts", "parts", by="part", ties="wrong", judgement="image", source=SOURCE
            ),
            *both_sides(SOURCE),
        ),
        files=(
            DataFile(
                FILE,
                "about 25,000 pairs, as its README counts",
                f"{CODE}, README: storage.googleapis.com/eqben-data/eqben_subset/",
            ),
            DataFile(IMAGES, "its images", "subset_image.tar.gz there (10 GB)"),
        ),
        paper=(
            "Wang, Lin, Li, Lin, Yang, Zhang, Liu and Wang, 'Equivariant Similarity for "
            "Vision-Language Foundation Models', ICCV 2023"
        ),
        license=(
            "MIT by its pyproject.toml (no licence file; Oh et al., EMNLP 2024, list Apache-2.0); "
            "frames of Action Genome, GEBC, YouCook2, Kubric"
        ),
        measures=(
            "Whether similarity follows a small change of the image: neighbouring frames of videos "
            "(ag, gebc, youcook2), drawn scenes that differ in an attribute, a count or a place "
            "(kubric_*), edited images (sd). Chance is 25 (text), 25 (image) and 16.7 (group)."
        ),
        tags=("part",),
        size="about 25,000 pairs",
        suites=("compositional",),
        quirks=(
            "Its README does not say whether a pair is an item. Of the whole set, a tenth of which "
            "this is, its script counts 251,048 items: 195,872 (ag), 45,849 (youcook2), 2,000 "
            "(each kubric_*), 1,814 (gebc) and 1,513 (sd).",
            "Frames of YouCook2 are published as NumPy arrays in BGR. They are read as .png files "
            "beside them, to be written once: PIL.Image.fromarray(numpy.load(file)[:, :, ::-1]).",
            "Items of one video share a cluster.",
            "Official files were not at hand: fields are those of its loaders, and no edition of "
            "it is called official.",
        ),
    )

    def items(self, root: Path) -> list[Item]:
        """Return one item per record, in the order of the file."""
        return list(self.stream(root))

    def stream(self, root: Path) -> Iterator[Item]:
        """Yield the same items one by one."""
        for record in stream_records(root / FILE):
            yield _item(root, record)


def _item(root: Path, record: Record) -> Item:
    paths = [PurePosixPath(record.relative_path(f"image{i}")) for i in (0, 1)]
    video = paths[0].parent
    shown = [path.with_suffix(".png") if path.suffix == ".npy" else path for path in paths]
    return Item(
        id=str(record.index),
        images=tuple(ImageRef(root / IMAGES / path) for path in shown),
        captions=tuple(record.text_or_texts(f"caption{i}")[0] for i in (0, 1)),
        target=(0, 1),
        cluster=f"{FOLDER}/{video if len(video.parts) > 1 else paths[0]}",
        tags={"part": paths[0].parts[0].removeprefix("eqben")},
    )


TASK = EqBen()
