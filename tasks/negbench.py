"""NegBench: captions with a negation, to choose from and to search by (Alhamoud et al., 2025)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from benchbench.data.cells import number, read_table, strings
from benchbench.protocols.shared_metrics import retrieval_metrics
from benchbench.types import DataFile, Entry, Gallery, ImageRef, Item, Metric, TaskInfo

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchbench.data.records import Record

FOLDER = "negbench/images"
CODE = "m1k2zoo/negbench"
WHERE = f"{CODE}, datasets.md: Google Drive"
PHOTOGRAPHS = (
    DataFile("val2017/", "COCO photographs", "images.cocodataset.org/zips/val2017.zip"),
    "MIT (repository); COCO, CC BY 4.0 (photographs' own licences apply)",
)
INFO = TaskInfo(
    name="negbench",
    title="NegBench, choices over COCO",
    version=1,
    protocol="matching",
    headline="accuracy",
    metrics=(
        Metric("accuracy", "items", source=f"{CODE}, evaluate_model in evaluation/mcq.py"),
        Metric("kinds", "kinds of answers", by="kind"),
    ),
    files=(
        DataFile(
            f"{FOLDER}/COCO_val_mcq_llama3.1_rephrased.csv", "images with four captions", WHERE
        ),
        PHOTOGRAPHS[0],
    ),
    paper=(
        "Alhamoud, Alshammari, Tian, Li, Torr, Kim and Ghassemi, 'Vision-Language Models Do Not "
        "Understand Negation', CVPR 2025"
    ),
    license=PHOTOGRAPHS[1],
    measures=(
        "Whether a model chooses the caption that is right about what is there and what is not: "
        "the right one affirms (positive), denies (negative) or does both (hybrid). Chance is 25."
    ),
    tags=("kind",),
    size="5,914 questions",
    suites=("negation",),
    quirks=(
        "negbench.voc2007, negbench.synthetic and negbench.chexpert are its other three sets of "
        "choices; negbench.retrieval searches by captions with a negation, negbench.plain by the "
        "same captions without.",
        "Paths of images are read as the files have them, from the data root; upstream asks to "
        "edit them to one's own folders.",
        "Official files were not at hand: columns are those of its loaders, and no edition of it "
        "is called official.",
    ),
)


BINARY = (
    "Whether a model chooses the caption that is right about what is there, or what is not, over "
    "the one that is wrong. Chance is 50."
)


@dataclass(frozen=True, slots=True)
class Choices:
    """An image, and captions of which one is right."""

    info: TaskInfo = INFO
    file: str = INFO.files[0].path
    options: int = 4

    def items(self, root: Path) -> list[Item]:
        """Return one item per row, in the order of the file."""
        captions = [f"caption_{i}" for i in range(self.options)]
        columns = ["image_path", *captions, "correct_answer"]
        columns += ["correct_answer_template"] * ("kind" in self.info.tags)
        return [self._item(root, row, captions) for row in read_table(root / self.file, columns)]

    def _item(self, root: Path, row: Record, captions: list[str]) -> Item:
        path, right = row.relative_path("image_path"), number(row, "correct_answer")
        if not 0 <= right < len(captions):
            raise row.wrong("correct_answer", f"should be below {len(captions)}, not {right}")
        kind = {"kind": row.text("correct_answer_template")} if "kind" in self.info.tags else {}
        return Item(
            id=str(row.index),
            images=(ImageRef(root / path),),
            captions=tuple(row.text(name) for name in captions),
            target=(right,),
            cluster=_cluster(path),
            tags=kind,
        )

    @property
    def variants(self) -> Mapping[str, Choices | Searches]:
        """Return the other sets of choices, and retrieval with and without negations."""
        return VARIANTS if self.info is INFO else {}


@dataclass(frozen=True, slots=True)
class Searches:
    """Photographs and their captions, which search each other."""

    info: TaskInfo

    def items(self, root: Path) -> list[Entry]:
        """Return one entry per row, in the order of the file."""
        gallery = Gallery("test")
        rows = read_table(root / self.info.files[0].path, ("filepath", "captions"))
        return [_entry(root, row, gallery) for row in rows]


def _entry(root: Path, row: Record, gallery: Gallery) -> Entry:
    path = row.relative_path("filepath")
    return Entry(
        id=str(row.index),
        image=ImageRef(root / path),
        captions=strings(row, "captions"),
        cluster=_cluster(path),
        gallery=gallery,
        tags={"gallery": gallery.name},
    )


def _cluster(path: str) -> str:
    """Return the name by which other tasks know an image of COCO val2017; else its path."""
    parts = PurePosixPath(path).parts
    return parts[-1] if "val2017" in parts else path


def _choices(
    name: str,
    title: str,
    file: str,
    images: DataFile,
    licence: str,
    size: str,
    options: int = 4,
    quirk: str = "",
) -> Choices:
    is_binary = options == 2
    info = replace(
        INFO,
        name=f"negbench.{name}",
        title=f"NegBench, choices over {title}",
        metrics=INFO.metrics[:1] if is_binary else INFO.metrics,
        files=(DataFile(f"{FOLDER}/{file}", "images with captions", WHERE), images),
        license=licence,
        measures=BINARY if is_binary else INFO.measures,
        tags=() if is_binary else INFO.tags,
        size=size,
        suites=(),
        quirks=(quirk, *INFO.quirks[1:]) if quirk else INFO.quirks[1:],
    )
    return Choices(info, info.files[0].path, options)


def _searches(name: str, title: str, file: str) -> Searches:
    return Searches(
        replace(
            INFO,
            name=f"negbench.{name}",
            title=f"NegBench, {title}",
            protocol="retrieval",
            headline="t2i-R@5",
            metrics=retrieval_metrics(),
            files=(DataFile(f"{FOLDER}/{file}", "images with captions", WHERE), PHOTOGRAPHS[0]),
            measures=(
                "Whether captions find their photograph where they also say what is not in it. "
                "Compare negbench.retrieval with negbench.plain: the paper prints R@5 of captions."
            ),
            tags=("direction",),
            size="5,000 images",
            suites=("negation", "retrieval") if name == "retrieval" else (),
            quirks=INFO.quirks[1:],
        )
    )


VARIANTS: Mapping[str, Choices | Searches] = {
    "voc2007": _choices(
        "voc2007",
        "VOC2007",
        "VOC2007_mcq_llama3.1_rephrased.csv",
        DataFile("VOCdevkit/", "photographs of VOC2007 test", "host.robots.ox.ac.uk/pascal/VOC"),
        "MIT (repository); photographs by Flickr's terms",
        "5,031 questions",
        quirk="Its paper counts 5,032 questions; the accuracies in its repository are of 5,031.",
    ),
    "synthetic": _choices(
        "synthetic",
        "generated images",
        "synthetic_mcq_llama3.1_rephrased.csv",
        DataFile("negbench/synthetic/", "generated images", WHERE),
        "MIT (repository)",
        "10,000 questions",
    ),
    "chexpert": _choices(
        "chexpert",
        "CheXpert",
        "chexpert_binary_mcq.csv",
        DataFile("CheXpert-v1.0-small/", "radiographs", "its data sheet; by agreement"),
        "MIT (repository); CheXpert, Stanford's research use agreement",
        "690 questions",
        options=2,
    ),
    "retrieval": _searches(
        "retrieval",
        "retrieval with negations",
        "COCO_val_negated_retrieval_llama3.1_rephrased_affneg_true.csv",
    ),
    "plain": _searches("plain", "retrieval without negations", "COCO_val_retrieval.csv"),
}
TASK = Choices()
