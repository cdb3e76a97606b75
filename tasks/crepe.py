"""CREPE: hard negatives of growing length, and of unseen compounds (Ma et al., CVPR 2023)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from benchbench.data.cells import number, read_table, strings
from benchbench.types import DataFile, ImageRef, Item, Metric, TaskInfo

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchbench.data.records import Record

FOLDER = "crepe"
HARD = {"cc12m": 325_000, "yfcc": 316_000, "laion": 309_000}
"""Systematicity set → its hard negatives, as the paper's abstract rounds them."""
NEGATIVES = ("atom", "swap", "negate")
COMPLEXITIES = tuple(range(4, 13))
BOX = ("x", "y", "width", "height")
CODE = "RAIVNLab/CREPE"
SOURCE = f"{CODE}, get_one2many_metrics in crepe_eval_utils.py: R@1"
NO_FILES = (
    "Official files were not at hand: names and columns are those of its scripts, and no edition "
    "of it is called official."
)
PHOTOGRAPHS = DataFile(
    "VG_100K/", "photographs of Visual Genome, ID.jpg", "visualgenome.org: both parts in one folder"
)


def _productivity(kind: str, complexity: int) -> str:
    name = f"prod_vg_hard_negs_{kind}_complexity_{complexity}.csv"
    return f"{FOLDER}/prod_hard_negatives/{kind}/{name}"


INFO = TaskInfo(
    name="crepe",
    title="CREPE, productivity",
    version=1,
    protocol="matching",
    headline="R@1",
    metrics=(
        Metric("R@1", "kinds of negatives", by="negatives", ties="wrong", source=SOURCE),
        Metric("complexities", "complexities", by="complexity", ties="wrong", source=SOURCE),
        Metric("micro", "items", ties="wrong"),
    ),
    files=(
        *(
            DataFile(_productivity(kind, n), "captions with five negatives", f"{CODE}, README")
            for kind in NEGATIVES
            for n in COMPLEXITIES
        ),
        PHOTOGRAPHS,
    ),
    paper=(
        "Ma, Hong, Gul, Gandhi, Gao and Krishna, 'CREPE: Can Vision-Language Foundation Models "
        "Reason Compositionally?', CVPR 2023"
    ),
    license="none stated in the repository; Visual Genome, CC BY 4.0 (photographs' own apply)",
    measures=(
        "Whether a crop finds its caption among five hard negatives, as captions grow from 4 to 12 "
        "atoms: other atoms, swapped ones, negated ones. Chance is 16.7."
    ),
    tags=("negatives", "complexity"),
    size="42,406 items",
    suites=("compositional",),
    quirks=(
        "Its paper counts 17,000 pairs of an image and a text. Items are captions by the kind of "
        "their negatives: 17,698 (atom), 7,405 (swap) and 17,303 (negate). These are what the "
        "percentages of 202 models are of that Oh et al. (2024) print.",
        "Captions are put together by templates: negations are easy to tell from the text alone.",
        "crepe.cc12m, crepe.yfcc and crepe.laion are its systematicity sets, which count for "
        "models trained on that data set alone.",
        NO_FILES,
    ),
)


class Crepe:
    """A crop, its caption, and five captions that differ in an atom, a swap or a negation."""

    info = INFO

    def items(self, root: Path) -> list[Item]:
        """Return the items by kind of negatives and complexity, each in the order of its file."""
        return [
            _item(root, f"{kind}/{n}", row, "hard_negs", {"negatives": kind, "complexity": str(n)})
            for kind in NEGATIVES
            for n in COMPLEXITIES
            for row in read_table(
                root / _productivity(kind, n), ("image_id", "caption", "hard_negs", *BOX)
            )
        ]

    @property
    def variants(self) -> Mapping[str, Systematicity]:
        """Return the systematicity sets by the data set that a model was trained on."""
        return {name: _systematicity(name) for name in HARD}


@dataclass(frozen=True, slots=True)
class Systematicity:
    """A crop, its caption, and hard negatives, whose compounds training data have or have not."""

    info: TaskInfo
    files: Mapping[str, str]
    """``seen`` and ``unseen`` → file."""

    def items(self, root: Path) -> list[Item]:
        """Return seen and then unseen compounds, with negatives of atoms, then of compounds."""
        columns = {kind: f"valid_hard_negs_{kind}" for kind in ("atom", "comp")}
        needed = ("image_id", "caption", *columns.values(), *BOX)
        return [
            _item(root, f"{split}/{kind}", row, column, {"negatives": kind, "compounds": split})
            for split, path in self.files.items()
            for kind, column in columns.items()
            for row in read_table(root / path, needed)
        ]


def _systematicity(data: str) -> Systematicity:
    files = {
        split: f"{FOLDER}/syst_hard_negatives/syst_vg_hard_negs_{split}_compounds_in_{data}.csv"
        for split in ("seen", "unseen")
    }
    info = replace(
        INFO,
        name=f"crepe.{data}",
        title=f"CREPE, systematicity ({data})",
        metrics=(
            Metric("R@1", "seen and unseen", by="compounds", ties="wrong", source=SOURCE),
            Metric("micro", "items", ties="wrong"),
        ),
        files=(
            *(DataFile(p, "captions with negatives", f"{CODE}, README") for p in files.values()),
            PHOTOGRAPHS,
        ),
        measures=(
            f"Whether a model trained on {data} finds captions of compounds that its training data "
            "lack as well as those of compounds that these have."
        ),
        tags=("negatives", "compounds"),
        size=f"{HARD[data]:,} hard negatives",
        suites=(),
        quirks=(
            "Its paper counts hard negatives, rounded, and not the captions that have them.",
            NO_FILES,
        ),
    )
    return Systematicity(info, files)


def _item(root: Path, where: str, row: Record, column: str, tags: Mapping[str, str]) -> Item:
    left, top, width, height = (number(row, name) for name in BOX)
    name = f"{number(row, 'image_id')}.jpg"
    return Item(
        id=f"{where}/{row.index}",
        images=(ImageRef(root / "VG_100K" / name, (left, top, left + width, top + height)),),
        captions=(row.text("caption"), *strings(row, column)),
        target=(0,),
        cluster=name,
        tags=tags,
    )


TASK = Crepe()
