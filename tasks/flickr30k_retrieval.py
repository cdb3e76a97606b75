"""Flickr30k retrieval: images and captions search each other (Karpathy's test split)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.data.karpathy import read_captioned, read_training, stream_captioned
from benchbench.data.official import FLICKR30K
from benchbench.protocols.shared_metrics import retrieval_metrics
from benchbench.types import DataFile, TaskInfo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchbench.types import Entry

CAPTIONS = "flickr30k_test.json"


class Flickr30kRetrieval:
    """1,000 images and their 5,000 captions search each other."""

    info = TaskInfo(
        name="flickr30k-retrieval",
        title="Flickr30k caption retrieval",
        version=1,
        protocol="retrieval",
        headline="R@1",
        metrics=retrieval_metrics(),
        files=(
            DataFile(
                path=CAPTIONS,
                what="1,000 images with 5,000 captions, and the images where it names them "
                "(flickr30k-images/)",
                source="storage.googleapis.com/sfr-vision-language-research/datasets/"
                "flickr30k_test.json; images on request from shannon.cs.illinois.edu/"
                "DenotationGraph",
            ),
        ),
        paper=(
            "Young, Lai, Hodosh and Hockenmaier, 'From image descriptions to visual denotations', "
            "TACL 2014; the split is of Karpathy and Fei-Fei, 'Deep Visual-Semantic Alignments for "
            "Generating Image Descriptions', CVPR 2015"
        ),
        license="For research and education; the photographs belong to Flickr's users",
        measures=(
            "Whether an image finds one of its captions among all others, and a caption its "
            "image. A fifth of COCO's gallery: its numbers are higher, and do not compare with "
            "COCO's. A model which takes a caption for a bag of words can score high."
        ),
        content={"official": {CAPTIONS: (FLICKR30K,)}},
        tags=("direction",),
        size="1,000 images",
        suites=("retrieval",),
        quirks=(
            "Captions that are equal to the letter are one candidate, true of all their images.",
            "On the drawn world some images resemble each other: of the captions that state one "
            "relation of two things (630 of 1,000), 4 % are also true of another image, by the "
            "graphs of both. A perfect reader finds the right image for 98.0 of 100 of them.",
            "With --limit the images and captions left out are no candidates: fewer of them make "
            "every score higher.",
            f"Files of this format by another name (Flickr8k's): put one as {CAPTIONS} (a link "
            "will do) into a folder of its own; that folder names its numbers.",
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


TASK = Flickr30kRetrieval()
