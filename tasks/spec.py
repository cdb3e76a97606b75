"""SPEC: size, position, existence and count, from images made for them (Peng et al., CVPR 2024)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.data.linking import linked
from benchbench.data.records import read_records
from benchbench.types import DataFile, ImageRef, Item, Metric, TaskInfo

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.data.records import Record

FOLDER = "spec"
SUBSETS = (
    "absolute_size",
    "relative_size",
    "absolute_spatial",
    "relative_spatial",
    "existence",
    "count",
)
FILES = {"image to text": "image2text.json", "text to image": "text2image.json"}
"""Direction → file."""
CODE = "wjpoom/SPEC"


class Spec:
    """An image and captions to choose from, or a caption and images to choose from."""

    info = TaskInfo(
        name="spec",
        title="SPEC",
        version=1,
        protocol="matching",
        headline="image-to-text",
        metrics=(
            Metric(
                "image-to-text",
                "subsets",
                by="subset",
                only=(("direction", "image to text"),),
                source=f"{CODE}, i2t_evaluate; its mean over subsets",
            ),
            Metric(
                "text-to-image",
                "subsets",
                by="subset",
                only=(("direction", "text to image"),),
                judgement="image",
                source=f"{CODE}, t2i_evaluate; its mean over subsets",
            ),
        ),
        files=(
            *(
                DataFile(
                    f"{FOLDER}/{subset}/{file}", "queries with candidates", f"{CODE}: data.zip"
                )
                for subset in SUBSETS
                for file in FILES.values()
            ),
            *(DataFile(f"{FOLDER}/{subset}/", "its images", "the same") for subset in SUBSETS),
        ),
        paper=(
            "Peng, Xie, You, Lan and Wu, 'Synthesize, Diagnose, and Optimize: Towards Fine-Grained "
            "Vision-Language Understanding', CVPR 2024"
        ),
        license="none stated (neither in the repository nor at the hub; generated images)",
        measures=(
            "Whether a model tells sizes, places, presence and counts in images that differ in "
            "nothing else. Chance is that of its candidates, 2 to 9 a query, and the same in both "
            "directions."
        ),
        tags=("subset", "direction"),
        size="about 30,000 items",
        suites=("compositional", "spatial"),
        quirks=(
            "No text at hand counts its items. The accuracies in its notebook are of 1,500 "
            "(absolute_size, relative_size), 2,000 (relative_spatial), 1,000 (existence) and some "
            "4,500 queries (absolute_spatial, count) in each direction.",
            "Queries with a candidate image in common are one cluster.",
            "Official files were not at hand: fields are those of its loaders, and no edition of "
            "it is called official.",
        ),
    )

    def items(self, root: Path) -> list[Item]:
        """Return the items by subset: queries that are images, then queries that are captions."""
        return [item for subset in SUBSETS for item in _subset(root / FOLDER / subset, subset)]


def _subset(folder: Path, subset: str) -> list[Item]:
    found = [
        (direction, record, *_shown(direction, record))
        for direction, file in FILES.items()
        for record in read_records(folder / file)
    ]
    clusters = linked(images for _, _, images, _ in found)
    return [
        Item(
            id=f"{subset}/{direction}/{record.index}",
            images=tuple(ImageRef(folder / image) for image in images),
            captions=captions,
            target=_target(record, len(images), len(captions)),
            cluster=f"{FOLDER}/{subset}/{cluster}",
            tags={"subset": subset, "direction": direction},
        )
        for (direction, record, images, captions), cluster in zip(found, clusters, strict=True)
    ]


def _shown(direction: str, record: Record) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the images and the captions of a query."""
    keys = tuple(record.texts("keys"))
    if len(keys) < 2:
        raise record.wrong("keys", "should hold two candidates or more, not 1")
    if direction == "image to text":
        return (record.relative_path("query"),), keys
    return tuple(record.checked_path("keys", key) for key in keys), (record.text("query"),)


def _target(record: Record, images: int, captions: int) -> tuple[int, ...]:
    """Return the target: the right caption of one image, or the one image of a caption."""
    label = record.integer("label")
    if not 0 <= label < max(images, captions):
        raise record.wrong("label", f"should be below {max(images, captions)}, not {label}")
    return (label,) if images == 1 else tuple(0 if i == label else -1 for i in range(images))


TASK = Spec()
