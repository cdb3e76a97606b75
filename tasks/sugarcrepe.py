"""SugarCrepe: negatives written to be as plausible as the truth (Hsieh et al., NeurIPS 2023).

Writer, for the drawn world: ``scenes.edition.sugarcrepe``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from benchbench.data.karpathy import read_captioned, read_training
from benchbench.data.records import read_keyed_records
from benchbench.protocols.harnesses import CLIP_BENCHMARK, ITEMS, MIXED, first_caption
from benchbench.types import DataFile, Harness, ImageRef, Item, Metric, TaskInfo

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.data.records import Record
    from benchbench.types import Entry

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
CAPTIONS = "coco_karpathy_test.json"
"""COCO's captions for baselines that learn, where this file, or that of the training split, lies
beside the suite's: those of images that the suite does not have."""
SINCE_2023_11_18 = {
    "add_att.json": "012d88d729693d193760e6f3393b06a1cf874380a9db0062e937201199fe044d",
    "add_obj.json": "1b9d76b93139a937b8dc1ada92a4f05ecc821bb3c291d752428bafadd4bb0682",
    "replace_att.json": "9fe55fd4c0a9ad1f85d486d9f6d0215b41f867eb025026e7f7b5ce44352545ee",
    "replace_obj.json": "9d299600639947e9d15281a9ded1382b376cf4ea088a8d08a1314bfe76e81898",
    "replace_rel.json": "356bcc2fc4c6aed3f4d9fd50acc58489bb1fe70c28791f9368d4cbf9ea39cdc9",
    "swap_att.json": "7a7ce04e5c4c80412b48c6f0c1347fb1a2f5d54c0be6aa429b64d390e442f8d0",
    "swap_obj.json": "073cdb8e253d053614e80710834d9773b09dbc1dd0a412f6f9492262caa1dcad",
}
"""File → SHA-256, as at RAIVNLab/sugar-crepe@0047054b."""
SINCE_2023_06_23 = {
    **SINCE_2023_11_18,
    "swap_obj.json": "15624c2460f5c10e8720fca0f1c27ddd61998b3b8b10998ff007cd84ea8fd31a",
}
"""The same of the first release, whose swap_obj has 246 items: one with a wrong caption was taken
out at 546eb51."""

HARNESSES = (
    Harness(
        "SugarCrepe",
        "a share per subset",
        Metric("strict", "items", ties="wrong"),
        "RAIVNLab/sugar-crepe, main_eval.py, evaluate",
        by="subset",
    ),
    Harness(
        "CLIP_benchmark",
        "acc per subset",
        ITEMS,
        CLIP_BENCHMARK,
        by="subset",
        inputs=MIXED,
    ),
    *first_caption("SugarCrepe", "sugarcrepe"),
)


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
        harnesses=HARNESSES,
        official={
            "official-2023-11-18": SINCE_2023_11_18,
            "official-2023-06-23": SINCE_2023_06_23,
        },
        size="7,511 items",
        suites=("compositional",),
        quirks=(
            "In add_att and add_obj the negative is the caption and something more: there, read "
            "every score beside that of 'the shorter caption is true'. On the drawn world this "
            "rule scores 100, as does a model of n-grams; on the rest both score 48 to 52 (swap_* "
            "50), and 62 to 63 on all items. Compare swap_* and replace_*: --by subset.",
            "Ids are not contiguous within a subset; they are kept as published.",
            "blind:ngram learns from COCO's captions where coco_karpathy_train.json or, without "
            "it, coco_karpathy_test.json lies beside the files: from those of images that are not "
            "in SugarCrepe. People wrote them and the true captions, and a language model wrote "
            "the false ones, which shows: from 24,095 captions it scores 81.0 on "
            "official-2023-06-23, and OpenAI's ViT-B/32 76.6.",
        ),
    )

    def items(self, root: Path) -> list[Item]:
        """Return the items, subsets in alphabetical order, each in the order of its file."""
        return [
            _item(root, subset, key, record)
            for subset in SUBSETS
            for key, record in read_keyed_records(root / f"{subset}.json").items()
        ]

    def training(self, root: Path) -> list[Entry]:
        """Return images with COCO's captions that are not in SugarCrepe; none without their file.

        COCO's number tells images apart, whatever their folder and release.
        """
        entries = read_training(root, CAPTIONS)
        if not entries and (root / CAPTIONS).is_file():
            entries = read_captioned(root, CAPTIONS)
        own = {_number(item.cluster) for item in self.items(root)} if entries else set()
        return [entry for entry in entries if _number(entry.cluster) not in own]


def _number(name: str) -> str:
    """Return COCO's number of an image: 397133 of COCO_val2014_000000397133.jpg."""
    found = re.search(r"(\d+)\.\w+$", name)
    return found[1].lstrip("0") if found else name


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
