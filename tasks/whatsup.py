"""What'sUp: prepositions of place, in photographs alike but for them (Kamath et al., 2023)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from benchbench.data.whatsup import CONTROLLED, FOLDER, read_controlled, read_photographs
from benchbench.types import DataFile, Metric, TaskInfo

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchbench.types import Item

CODE = "amitakamath/whatsup_vlms"
SOURCE = f"{CODE}, Controlled_Images.evaluate_scores"
INFO = TaskInfo(
    name="whatsup",
    title="What'sUp, A and B",
    version=1,
    protocol="matching",
    headline="individual",
    metrics=(
        Metric("individual", "subsets", by="subset", source=f"{SOURCE}; Table 1 averages A and B"),
        Metric(
            "pair",
            "subsets",
            by="subset",
            all_of="pair",
            source=f"{SOURCE}: both photographs of opposite prepositions",
        ),
        Metric(
            "set",
            "subsets",
            by="subset",
            all_of="set",
            source=f"{SOURCE}: all four photographs of two objects",
        ),
        Metric("micro", "items"),
    ),
    files=(
        DataFile(f"{FOLDER}/{CONTROLLED['A']}", "412 items", f"{CODE}, README: Google Drive"),
        DataFile(f"{FOLDER}/{CONTROLLED['B']}", "408 items", f"{CODE}, README: Google Drive"),
        DataFile(f"{FOLDER}/controlled_images/", "412 photographs", "controlled_images.tar.gz"),
        DataFile(f"{FOLDER}/controlled_clevr/", "408 photographs", "controlled_clevr.tar.gz"),
    ),
    paper=(
        "Kamath, Hessel and Chang, 'What's \"up\" with vision-language models? Investigating their "
        "struggle with spatial reasoning', EMNLP 2023"
    ),
    license="MIT (repository)",
    measures=(
        "Whether a model tells on from under, left from right, in front of from behind, where the "
        "two objects are the same in all four photographs of a set. Chance is 25 (individual), "
        "6.3 (pair) and 0.4 (set)."
    ),
    tags=("subset", "preposition", "set", "pair"),
    size="820 items",
    suites=("compositional", "spatial"),
    quirks=(
        "whatsup.coco and whatsup.gqa are its two data sets of other people's photographs, with "
        "two captions an item.",
        "Official files were not at hand: fields are those of its loaders, counts those of its "
        "paper, and no edition of it is called official.",
    ),
)


class WhatsUp:
    """A photograph of a set of four, and four captions that differ in the preposition."""

    info = INFO

    def items(self, root: Path) -> list[Item]:
        """Return the items of A, then of B, each in the order of its file."""
        return read_controlled(root)

    @property
    def variants(self) -> Mapping[str, Photographs]:
        """Return the data sets of COCO's and of GQA's photographs."""
        return {"coco": COCO, "gqa": GQA}


@dataclass(frozen=True, slots=True)
class Photographs:
    """A photograph, and two captions with opposite prepositions."""

    info: TaskInfo
    folder: str
    """The relations of the photographs."""
    files: Mapping[str, str]
    """Subset → file."""
    image: str
    """Name of a photograph, with ``{}`` for its id."""

    def items(self, root: Path) -> list[Item]:
        """Return the items of one object, then of two, each in the order of its file."""
        return read_photographs(root, self.folder, dict(self.files), self.image)


def _info(
    name: str, title: str, size: str, files: Mapping[str, str], photographs: DataFile
) -> TaskInfo:
    return replace(
        INFO,
        name=f"whatsup.{name}",
        title=f"What'sUp, {title}",
        headline="individual",
        metrics=(
            Metric("individual", "subsets", by="subset", source="Table 1 averages one and two"),
            Metric("micro", "items"),
        ),
        files=(
            *(DataFile(f"{FOLDER}/{file}", n, f"{CODE}, README") for file, n in files.items()),
            photographs,
        ),
        license=f"MIT (repository); {title}, CC BY 4.0 (photographs' own licences apply)",
        measures=(
            "Whether a model tells where in the photograph an object is, or how two objects stand "
            "to each other. Chance is 50."
        ),
        tags=("subset", "preposition"),
        size=size,
        quirks=INFO.quirks[1:],
    )


COCO = Photographs(
    _info(
        "coco",
        "COCO",
        "2,687 items",
        {"coco_qa_one_obj.json": "2,247 items", "coco_qa_two_obj.json": "440 items"},
        DataFile("val2017/", "COCO photographs", "images.cocodataset.org/zips/val2017.zip"),
    ),
    "val2017",
    {"COCO, one": "coco_qa_one_obj.json", "COCO, two": "coco_qa_two_obj.json"},
    "{:012}.jpg",
)
GQA = Photographs(
    _info(
        "gqa",
        "GQA",
        "1,451 items",
        {"vg_qa_one_obj.json": "1,160 items", "vg_qa_two_obj.json": "291 items"},
        DataFile(
            "VG_100K/",
            "photographs of Visual Genome, ID.jpg",
            "vg_images/ of its vg_images.tar.gz, renamed",
        ),
    ),
    "VG_100K",
    {"GQA, one": "vg_qa_one_obj.json", "GQA, two": "vg_qa_two_obj.json"},
    "{}.jpg",
)
TASK = WhatsUp()
