"""COCO retrieval: images and captions search each other (Karpathy's test split)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.data.karpathy import read_captioned, read_training, stream_captioned
from benchbench.protocols.shared_metrics import retrieval_metrics
from benchbench.types import Content, DataFile, TaskInfo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchbench.types import Entry

CAPTIONS = "coco_karpathy_test.json"
SHA256 = "5b202a235ee2a4e13f82b984ef9293b8e2d34f9b1f92147bf8340580f20faf15"
"""SHA-256 of the file as published with BLIP (and copied by lezhang7/Enhance-FineGrained)."""


OFFICIAL = Content(
    records=5_000,
    distinct={("image",): 5_000, ("caption",): 24_855},
    total={"caption": 25_010},
    whole={("image", "caption"): "1d944d399b90d7f4"},
    pinned={
        0: {
            "image": "val2014/COCO_val2014_000000391895.jpg",
            "caption": "sha256:5b8c52182a973d0a",
        },
        9: {
            "image": "val2014/COCO_val2014_000000436141.jpg",
            "caption": "sha256:766fdb0204711f66",
        },
        -1: {
            "image": "val2014/COCO_val2014_000000074478.jpg",
            "caption": "sha256:d2bdd04747e6eb6d",
        },
    },
)
"""The same captions, written by another program."""


class COCORetrieval:
    """5,000 images search 24,855 distinct captions, and 25,010 captions search the images."""

    info = TaskInfo(
        name="coco-retrieval",
        title="COCO caption retrieval",
        version=1,
        protocol="retrieval",
        headline="R@1",
        metrics=retrieval_metrics(),
        files=(
            DataFile(
                path=CAPTIONS,
                what="5,000 images with 25,010 captions, and the images where it names them "
                "(val2014/)",
                source="storage.googleapis.com/sfr-vision-language-research/datasets/"
                "coco_karpathy_test.json; images.cocodataset.org/zips/val2014.zip",
            ),
        ),
        paper=(
            "Lin et al., 'Microsoft COCO: Common Objects in Context', ECCV 2014; the split is of "
            "Karpathy and Fei-Fei, 'Deep Visual-Semantic Alignments for Generating Image "
            "Descriptions', CVPR 2015"
        ),
        license="CC BY 4.0 (captions); the photographs' own licences apply",
        measures=(
            "Whether an image finds one of its captions among all others, and a caption its "
            "image. Captions of other images mostly name other things, so that a model which "
            "takes a caption for a bag of words can score high: what shows structure seen is a "
            "high score here beside a high one on coco-order."
        ),
        tags=("direction",),
        official={"official": {CAPTIONS: SHA256}},
        content={"official": {CAPTIONS: (OFFICIAL,)}},
        size="5,000 images",
        suites=("retrieval",),
        quirks=(
            "Captions that are equal to the letter are one candidate, true of all their images: "
            "155 of COCO's 25,010 repeat an earlier one. Harnesses that keep them apart count a "
            "hit on the other copy as wrong.",
            "Only an image's own captions are true of it, though many others would describe it "
            "as well (Chun et al., ECCV Caption, ECCV 2022).",
            "On the drawn world images resemble each other: of the captions that state one "
            "relation of two things (3,127 of 4,983), 14 % are also true of another image, by "
            "the graphs of both. A perfect reader finds the right image for 91.4 of 100 of "
            "them: the ceiling of t2i-R@1 is below 100 there "
            "(benchmarks/caption_ceiling.py).",
            "With --limit the images and captions left out are no candidates: fewer of them make "
            "every score higher.",
            f"Files of this format by another name: put one as {CAPTIONS} (a link will do) into a "
            "folder of its own; that folder names its numbers.",
        ),
    )

    def items(self, root: Path) -> list[Entry]:
        """Return one entry per image."""
        return read_captioned(root, CAPTIONS)

    def stream(self, root: Path) -> Iterator[Entry]:
        """Yield the same entries one by one."""
        return stream_captioned(root, CAPTIONS)

    def training(self, root: Path) -> list[Entry]:
        """Return the training split's images with captions; empty where its file is missing."""
        return read_training(root, CAPTIONS)


TASK = COCORetrieval()
