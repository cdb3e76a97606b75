"""SugarCrepe: negatives written to be as plausible as the truth (Hsieh et al., NeurIPS 2023).

Writer, for the drawn world: ``scenes.edition.sugarcrepe``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.data.records import read_keyed_records
from benchbench.types import DataFile, ImageRef, Item, Metric, TaskInfo

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.data.records import Record

SUBSETS = {
    "add_att": 692,
    "add_obj": 2062,
    "replace_att": 788,
    "replace_obj": 1652,
    "replace_rel": 1406,
    "swap_att": 666,
    "swap_obj": 245,
}
SOURCE = "RAIVNLab/sugar-crepe, data/"


class SugarCrepe:
    """A photograph, its caption, and one that differs in an object, an attribute or a relation."""

    info = TaskInfo(
        name="sugarcrepe",
        title="SugarCrepe",
        version=1,
        protocol="matching",
        headline="sugarcrepe-paper",
        metrics=(
            Metric(
                name="sugarcrepe-paper",
                meaning="items of all subsets",
                ties="wrong",
                source="Hsieh et al., Table 5 (a micro-average)",
            ),
            Metric(
                name="macro",
                meaning="subsets",
                by="subset",
                ties="wrong",
            ),
        ),
        files=(
            *(DataFile(f"{name}.json", f"{n:,} items", SOURCE) for name, n in SUBSETS.items()),
            DataFile("val2017/", "COCO photographs", "images.cocodataset.org/zips/val2017.zip"),
        ),
        paper=(
            "Hsieh, Zhang, Ma, Kembhavi and Krishna, 'SugarCrepe: Fixing Hackable Benchmarks for "
            "Vision-Language Compositionality', NeurIPS 2023 Datasets and Benchmarks"
        ),
        license="MIT (annotations); COCO, CC BY 4.0 (photographs' own licences apply)",
        measures=(
            "Whether a model prefers a true caption to a fluent one that is false of the image. "
            "Chance is 50. Its authors filtered the photographs' negatives until two readers "
            "of the text alone (for grammar, for plausibility) were at chance; what they did not "
            "look at may still tell, above all length: see below."
        ),
        tags=("subset",),
        quirks=(
            "In add_att and add_obj the negative is the caption and something more: there, read "
            "every score beside that of 'the shorter caption is true'. On the drawn world this "
            "rule scores 100, as does a model of n-grams; on the rest both score 48 to 52 (swap_* "
            "50), and 62 to 63 on all items. Compare swap_* and replace_*: --by subset.",
            "Ids are not contiguous within a subset; they are kept as published.",
        ),
    )

    def items(self, root: Path) -> list[Item]:
        """Return the items, subsets in alphabetical order, each in the order of its file."""
        return [
            _item(root, subset, key, record)
            for subset in SUBSETS
            for key, record in read_keyed_records(root / f"{subset}.json").items()
        ]


def _item(root: Path, subset: str, key: str, record: Record) -> Item:
    name = record.relative_path("filename")
    return Item(
        id=f"{subset}/{key}",
        images=(ImageRef(root / "val2017" / name),),
        captions=(record.text("caption"), record.text("negative_caption")),
        target=(0,),
        cluster=name,
        tags={"subset": subset},
    )


TASK = SugarCrepe()
