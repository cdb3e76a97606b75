"""SVO-Probes: images that differ in subject, verb or object (Hendricks and Nematzadeh, 2021)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from benchbench.data.cells import number, read_table
from benchbench.types import Claim, DataFile, ImageRef, Item, Metric, TaskInfo

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchbench.data.records import Record

FOLDER = "svo_probes"
FILE = f"{FOLDER}/svo_probes.csv"
KINDS = {"subj_neg": "subject", "verb_neg": "verb", "obj_neg": "object"}
"""Column → what differs in the negative image."""
COLUMNS = ("sentence", "pos_triplet", "neg_triplet", "pos_image_id", "neg_image_id", *KINDS)
CODE = "google-deepmind/svo_probes"
INFO = TaskInfo(
    name="svo-probes",
    title="SVO-Probes",
    version=1,
    protocol="matching",
    headline="pairwise",
    metrics=(
        Metric(
            "pairwise",
            "kinds",
            by="kind",
            ties="wrong",
            judgement="image",
            source="Oh et al., 'Preserving Multi-Modal Capabilities …', EMNLP 2024 (vl_compo), and "
            "others that evaluate CLIP: the sentence prefers the positive image",
        ),
        Metric("micro", "items", ties="wrong", judgement="image"),
    ),
    files=(
        DataFile(FILE, "about 36,800 rows", f"{CODE}, README"),
        DataFile(f"{FOLDER}/images/", "ID.jpg", "the addresses in the file (pos_url, neg_url)"),
    ),
    paper=(
        "Hendricks and Nematzadeh, 'Probing Image-Language Transformers for Verb Understanding', "
        "Findings of ACL 2021"
    ),
    license="CC BY 4.0 (annotations); images found by a web search, with their own licences",
    measures=(
        "Whether a sentence finds its image beside one with another subject, verb or object: verbs "
        "are the hardest. Chance is 50."
    ),
    tags=("kind",),
    size="about 36,800 items",
    suites=("compositional",),
    quirks=(
        "Images are addresses on the web, and many are gone: scores of different years are over "
        "different items. --on-missing skip leaves them out and counts them.",
        "svo-probes.decisions calls each pair true or false, as its paper does.",
        "Official files were not at hand: fields are those of its README, and no edition of it is "
        "called official.",
    ),
)


class SVOProbes:
    """A sentence, its image, and an image of another triplet."""

    info = INFO

    def items(self, root: Path) -> list[Item]:
        """Return one item per row; the positive image comes first."""
        return [
            Item(
                id=str(row.index),
                images=tuple(_image(root, row, side) for side in ("pos", "neg")),
                captions=(row.text("sentence"),),
                target=(0, -1),
                cluster=_cluster(row),
                tags={"kind": _kind(row)},
            )
            for row in read_table(root / FILE, COLUMNS)
        ]

    @property
    def variants(self) -> Mapping[str, SVODecisions]:
        """Return the task whose pairs are judged one by one: decisions."""
        return {"decisions": SVODecisions()}


class SVODecisions:
    """The same sentences with either image, each pair called true or false on its own."""

    info = replace(
        INFO,
        name="svo-probes.decisions",
        title="SVO-Probes, decisions",
        protocol="verification",
        headline="auroc",
        metrics=(
            Metric("auroc", "labels", by="label", judgement="area", ties="share"),
            Metric(
                "accuracy",
                "labels",
                by="label",
                judgement="own threshold",
                ties="wrong",
                source="Hendricks and Nematzadeh: mean of the accuracies of positive and "
                "negative pairs, decided by a probability of one half",
            ),
        ),
        measures=(
            "Whether a model calls a sentence true with its image and false with another. Chance "
            "is 50. auroc needs no threshold; accuracy needs a model that decides."
        ),
        size="about 73,600 pairs",
        suites=(),
        quirks=(INFO.quirks[0], INFO.quirks[2]),
    )

    def items(self, root: Path) -> list[Claim]:
        """Return two pairs per row, the positive one first."""
        return [
            Claim(
                id=f"{row.index}/{side}",
                image=_image(root, row, side),
                caption=row.text("sentence"),
                label=side == "pos",
                cluster=_cluster(row),
                tags={"kind": _kind(row)},
            )
            for row in read_table(root / FILE, COLUMNS)
            for side in ("pos", "neg")
        ]


def _image(root: Path, row: Record, side: str) -> ImageRef:
    return ImageRef(root / FOLDER / "images" / f"{number(row, f'{side}_image_id')}.jpg")


def _cluster(row: Record) -> str:
    return f"{FOLDER}/{number(row, 'pos_image_id')}"


def _kind(row: Record) -> str:
    """Return what differs in the negative image."""
    found = [kind for column, kind in KINDS.items() if row.text(column).strip().lower() == "true"]
    if len(found) != 1:
        raise row.wrong("subj_neg", "and verb_neg, obj_neg: exactly one should be True")
    return found[0]


TASK = SVOProbes()
