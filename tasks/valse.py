"""VALSE: captions against foils, for six linguistic phenomena (Parcalabescu et al., ACL 2022)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from benchbench.data.records import read_keyed_records
from benchbench.types import Claim, DataFile, ImageRef, Item, Metric, TaskInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from benchbench.data.records import Record

FOLDER = "valse"
PIECES = {
    "existence": 505,
    "plurals": 851,
    "counting-hard": 868,
    "counting-small-quant": 900,
    "counting-adversarial": 691,
    "relations": 535,
    "action-replacement": 648,
    "actant-swap": 949,
    "coreference-standard": 708,
    "coreference-hard": 104,
    "foil-it": 943,
}
"""Piece → its valid items."""
OFFICIAL = {
    "existence": "b20fca52eba86c544083d423345a2e28e60e601ef61c56c9ac1c73a95a3a6d18",
    "plurals": "43760db7fc8c6f2a21d3536d52f81539cb101f3370e8d2effb09de43d91486a3",
    "counting-hard": "2cc83615653675fb50914ce2d8ab4041cce1278eed7ac0abf6f319dbce5c967a",
    "counting-small-quant": "ca0645885b05738f6c6df2dffec70c669aaff64114017f33425821faab4bc374",
    "counting-adversarial": "0d23529308449c98b37a91048a865a5f377325eceb9accd73f2947bc512d12b0",
    "relations": "061fc557459c318ccd6734d07c21cfa5bf5ae87aa6b1110b8f5ec3d6b2911043",
    "action-replacement": "336ba134f29a3475d0508809067218909a6bd30f079c59309d19244eccb7917f",
    "actant-swap": "915294ac3ade7c4c067b1c6841d0db93b60cb8a61ac8e2fb6b125c2a1c0ca93a",
    "coreference-standard": "dae1d9eb018acb54e29a1c4983f3563f86ec3b6beb4037a261564270b0473e95",
    "coreference-hard": "ef54d8d971d9e0f264e07de08d9915c6e3d6129a2f239888f2b938f5c2eb4139",
    "foil-it": "6f6f0d7494271ed28f6e6f075c3ba36ba1bc45d00ecf7403920f060915130460",
}
"""Piece → SHA-256, as at Heidelberg-NLP/VALSE@2152d90."""
PAPER = "Parcalabescu et al."
AGREED = 2
"""Of three annotators, those who must have chosen the caption alone."""
INFO = TaskInfo(
    name="valse",
    title="VALSE",
    version=1,
    protocol="matching",
    headline="acc_r",
    metrics=(
        Metric(
            "acc_r",
            "pieces",
            by="piece",
            ties="wrong",
            source=f"{PAPER}: pairwise ranking accuracy; the paper prints each piece",
        ),
        Metric("micro", "items", ties="wrong"),
    ),
    files=(
        *(
            DataFile(f"{FOLDER}/{name}.json", f"{n:,} valid items", "Heidelberg-NLP/VALSE, data/")
            for name, n in PIECES.items()
        ),
        DataFile(
            f"{FOLDER}/images/",
            "the images that the files name, in one folder",
            "Visual7W, COCO val2017 and val2014, SWiG, VisDial v1.0 (field dataset)",
        ),
    ),
    paper=(
        "Parcalabescu, Cafagna, Muradjan, Frank, Calixto and Gatt, 'VALSE: A Task-Independent "
        "Benchmark for Vision and Language Models Centered on Linguistic Phenomena', ACL 2022"
    ),
    license="MIT (annotations); the images have the licences of their own data sets",
    measures=(
        "Whether a model prefers a caption to its foil, for existence, plurality, counting, "
        "spatial relations, actions and coreference, and for nouns (FOIL it!). Chance is 50. "
        "Text-only models are above chance on relations, actions and nouns (its paper)."
    ),
    tags=("piece", "phenomenon"),
    size="7,702 items",
    suites=("compositional",),
    official={"official": {f"{FOLDER}/{k}.json": v for k, v in OFFICIAL.items()}},
    quirks=(
        "Only valid items are read: those where at least 2 of 3 annotators chose the caption and "
        "not the foil.",
        "valse.decisions calls each caption and each foil true or false, by the model's own "
        "threshold (acc, p_c, p_f) and without one (auroc).",
    ),
)


class Valse:
    """A caption and its foil, over one image."""

    info = INFO

    def items(self, root: Path) -> list[Item]:
        """Return the valid items, pieces in the paper's order, each in the order of its file."""
        return [
            Item(
                id=f"{piece}/{record.index}",
                images=(_image(root, record),),
                captions=(record.text("caption"), record.text("foil")),
                target=(0,),
                cluster=record.text("image_file"),
                tags=_tags(piece, record),
            )
            for piece, record in _valid(root)
        ]

    @property
    def variants(self) -> Mapping[str, ValseDecisions]:
        """Return the task whose captions and foils are judged one by one: decisions."""
        return {"decisions": ValseDecisions()}


class ValseDecisions:
    """The same captions and foils, each called true or false on its own."""

    info = replace(
        INFO,
        name="valse.decisions",
        title="VALSE, decisions",
        protocol="verification",
        headline="auroc",
        metrics=(
            Metric("auroc", "labels", by="label", judgement="area", ties="share", source=PAPER),
            Metric(
                "acc",
                "captions and foils",
                judgement="own threshold",
                ties="wrong",
                source=f"{PAPER}; decided as upstream, by a probability of one half",
            ),
            Metric(
                "p_c",
                "captions",
                judgement="own threshold",
                ties="wrong",
                only=(("label", "true"),),
                source=f"{PAPER}: captions that are called true",
            ),
            Metric(
                "p_f",
                "foils",
                judgement="own threshold",
                ties="wrong",
                only=(("label", "false"),),
                source=f"{PAPER}: foils that are called false; min(p_c, p_f) stands below",
            ),
        ),
        measures=(
            "Whether a model calls VALSE's captions true and its foils false. Chance is 50. auroc "
            "needs no threshold; acc, p_c, p_f and min(p_c, p_f) need a model that decides: a "
            "matching head, a generative model."
        ),
        size="15,404 captions and foils",
        suites=(),
        quirks=INFO.quirks[:1],
    )

    def items(self, root: Path) -> list[Claim]:
        """Return the caption of each valid item, then its foil."""
        return [
            Claim(
                id=f"{piece}/{record.index}/{field}",
                image=_image(root, record),
                caption=record.text(field),
                label=field == "caption",
                cluster=record.text("image_file"),
                tags=_tags(piece, record),
            )
            for piece, record in _valid(root)
            for field in ("caption", "foil")
        ]


def _valid(root: Path) -> Iterator[tuple[str, Record]]:
    """Yield each piece and valid record."""
    for piece in PIECES:
        for record in read_keyed_records(root / FOLDER / f"{piece}.json").values():
            if record.record("mturk").integer("caption") >= AGREED:
                yield piece, record


def _image(root: Path, record: Record) -> ImageRef:
    return ImageRef(root / FOLDER / "images" / record.relative_path("image_file"))


def _tags(piece: str, record: Record) -> dict[str, str]:
    return {"piece": piece, "phenomenon": record.text("linguistic_phenomena")}


TASK = Valse()
