"""Scenario retrieval: images and their dense captions search each other (ScenarioCLIP)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.data.records import source_image
from benchbench.data.scenarioclip import METADATA, read_images
from benchbench.protocols.shared_metrics import retrieval_metrics
from benchbench.types import DataFile, Entry, Gallery, ImageRef, TaskInfo

if TYPE_CHECKING:
    from pathlib import Path


class ScenarioRetrieval:
    """Retrieval between images and their one dense caption, which describes the whole scene."""

    info = TaskInfo(
        name="scenario-retrieval",
        title="Scenario retrieval",
        version=1,
        protocol="retrieval",
        headline="R@1",
        metrics=retrieval_metrics(),
        files=(
            DataFile(
                path=METADATA,
                what="images with action, dense caption, objects and relations, and the images "
                "where it names them",
                source="benchbench scenes export; the authors' own files as "
                "scenario-clip/ScenarioCLIP makes them (utils/combine.py)",
            ),
        ),
        paper="'ScenarioCLIP', arXiv 2511.20274",
        license="of the images that the file names",
        measures=(
            "Whether an image finds the sentence that tells its whole scene among those of all "
            "others, and the sentence its image. On the drawn world scenes come in twins with "
            "the roles or the attributes of two things exchanged, so that a bag of words may find "
            "the pair but not the one."
        ),
        tags=("action", "direction"),
        size="no published files",
        suites=("retrieval",),
        quirks=(
            "Dense captions often exceed a model's context: what is beyond it is cut off, and "
            "counted in the output.",
            "Captions that are equal to the letter are one candidate, true of all their images.",
            "On the drawn world no two dense captions are alike, and at most four of 1,000 are "
            "true of another image, too.",
            "Upstream re-shuffles its split between fitting and testing; here the file is the "
            "split.",
            "With --limit the images and captions left out are no candidates: fewer of them make "
            "every score higher.",
        ),
    )

    def items(self, root: Path) -> list[Entry]:
        """Return one entry per image."""
        gallery = Gallery("test")
        return [
            Entry(
                id=image.id,
                image=ImageRef(root / image.image),
                captions=(image.dense_caption,),
                cluster=source_image(image.image),
                gallery=gallery,
                tags={"gallery": gallery.name, "action": image.action},
            )
            for image in read_images(root)
        ]


TASK = ScenarioRetrieval()
