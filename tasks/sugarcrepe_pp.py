"""SugarCrepe++: two wordings of the truth against one falsehood (Dumpala et al., NeurIPS 2024)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.data.records import read_records
from benchbench.types import DataFile, ImageRef, Metric, Paraphrases, TaskInfo

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.data.records import Record

FOLDER = "sugarcrepe_pp"
SUBSETS = {
    "replace_att": 788,
    "replace_obj": 1652,
    "replace_rel": 1406,
    "swap_att": 666,
    "swap_obj": 245,
}
OFFICIAL = {
    "replace_att": "6826413592894754eeca02aeebbcbbc8b95a7456998abcc714e71c033ce6fe87",
    "replace_obj": "5c6dc499ec8f511a8aa4ec1b7b5eb0eca90317488abe36ec39573355e2d361ab",
    "replace_rel": "040fb95d3f0619bf515db60879e99709a87a5e9b4f524ec3403b127243480fd4",
    "swap_att": "450d0fd9fcad3e6f44950dc634e7f901ab1c6d9c60a569ade5ae8ffb3d203ad8",
    "swap_obj": "5f33cae824de431a7ecd3c5de6301f689815f9497aa36d96b154bbaf117b201b",
}
"""Subset → SHA-256, as at Sri-Harsha/scpp@c083bbf."""
PAPER = "Dumpala et al.: both true captions above the false one"


class SugarCrepePP:
    """A photograph, two true captions of one meaning, and a false one close to the first."""

    info = TaskInfo(
        name="sugarcrepe-pp",
        title="SugarCrepe++",
        version=1,
        protocol="paraphrases",
        headline="image-text",
        metrics=(
            Metric(
                "image-text",
                "subsets",
                by="subset",
                ties="wrong",
                judgement="true above false",
                source=f"{PAPER} (image-to-text task; the paper prints each subset)",
            ),
            Metric(
                "text-only",
                "subsets",
                by="subset",
                ties="wrong",
                judgement="paraphrase",
                source="Dumpala et al.: the true captions nearer to each other than to the "
                "false one (text-only task)",
            ),
            Metric("image-text-micro", "items", ties="wrong", judgement="true above false"),
            Metric("text-only-micro", "items", ties="wrong", judgement="paraphrase"),
        ),
        files=(
            *(
                DataFile(f"{FOLDER}/{name}.json", f"{n:,} items", "Sri-Harsha/scpp, data/")
                for name, n in SUBSETS.items()
            ),
            DataFile("val2017/", "COCO photographs", "images.cocodataset.org/zips/val2017.zip"),
        ),
        paper=(
            "Dumpala, Jaiswal, Sastry, Milios, Oore and Sajjad, 'SUGARCREPE++ Dataset: "
            "Vision-Language Model Sensitivity to Semantic and Lexical Alterations', NeurIPS 2024 "
            "Datasets and Benchmarks"
        ),
        license="CC BY 4.0 (annotations); COCO, CC BY 4.0 (photographs' own licences apply)",
        measures=(
            "Whether meaning rather than wording decides: the second true caption has other words, "
            "the false one nearly the same. Chance is 33.3 for both scores. text-only reads no "
            "image: it is of the text tower alone, by cosine."
        ),
        tags=("subset",),
        size="4,757 items",
        suites=("compositional",),
        official={"official": {f"{FOLDER}/{k}.json": v for k, v in OFFICIAL.items()}},
        quirks=(
            "Its first true and its false captions are SugarCrepe's, whose items it shares, "
            "without the add_* subsets.",
        ),
    )

    def items(self, root: Path) -> list[Paraphrases]:
        """Return the items, subsets in alphabetical order, each in the order of its file."""
        return [
            _item(root, subset, record)
            for subset in SUBSETS
            for record in read_records(root / FOLDER / f"{subset}.json")
        ]


def _item(root: Path, subset: str, record: Record) -> Paraphrases:
    name = record.relative_path("filename")
    return Paraphrases(
        id=f"{subset}/{record.integer('id')}",
        image=ImageRef(root / "val2017" / name),
        true=(record.text("caption"), record.text("caption2")),
        false=(record.text("negative_caption"),),
        cluster=name,
        tags={"subset": subset},
    )


TASK = SugarCrepePP()
