"""VSR: is this spatial relation true of the photograph? (Liu, Emerson and Collier, TACL 2023).

Its paper and code test four fine-tuned or frozen encoders, and define no prompt. Generative models
are published with the question of InstructBLIP (Dai et al., NeurIPS 2023, appendix on instructions
for evaluation), which ranks the answers "true" and "false":
``vsr.questions`` and ``vsr.zeroshotquestions``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from benchbench.data.records import read_records
from benchbench.types import Claim, DataFile, ImageRef, Metric, Prompt, TaskInfo

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchbench.data.records import Record

FOLDER = "vsr"
SOURCE = "cambridgeltl/visual-spatial-reasoning"
PARTS = ("dev", "test")
COUNTS = {"random": (1097, 2195), "zeroshot": (340, 1222)}
"""Split → items of dev and test."""
SAME = {"random": 53.8, "zeroshot": 51.5}
"""Split → the percentage of captions of test that are true: 1,181 of 2,195, and 629 of 1,222."""
OFFICIAL = {
    "random": (
        "90de24b811597a913310d043758f1119a1ba9ebf1b1ca8f1e27c4907f01980d4",
        "8ade82a0b93ac9dc1e53f6cf1f11e9d5536776a3715102b6b4d27d4f81d551cc",
    ),
    "zeroshot": (
        "0abda42fe9333ab6a8671b32886738b5cfa6d37a8c277b56d8368c339c8dffce",
        "914d9156723b912d8f794b179248af865a68c5f81c9d8e3a21d007778cacaad4",
    ),
}
"""Split → SHA-256 of dev and test, as at cambridgeltl/visual-spatial-reasoning@b27a0af."""
METRICS = (
    Metric(
        "accuracy",
        "test items",
        judgement="fitted threshold",
        ties="wrong",
        source="Liu et al.: accuracy; the threshold is the one that is best on dev",
    ),
    Metric("auc", "labels", by="label", judgement="area", ties="share"),
    Metric("own-threshold", "test items", judgement="own threshold", ties="wrong"),
    Metric("macro", "relations", by="relation", judgement="fitted threshold", ties="wrong"),
)
QUESTION = 'Based on the image, is this statement true or false? "{}" Answer:'
ANSWERS = ("true", "false")
QUESTION_METRICS = (
    Metric(
        "accuracy",
        "test items",
        judgement="answer",
        ties="wrong",
        source="Dai et al., InstructBLIP: accuracy of the more probable answer",
    ),
    Metric("macro", "relations", by="relation", judgement="answer", ties="wrong"),
)


@cache
def _categories() -> Mapping[str, str]:
    """Return relation → the paper's category; one that has two there has the first."""
    text = (files("benchbench.data") / "lists" / "vsr_categories.json").read_text("utf-8")
    lists: dict[str, list[str]] = json.loads(text)["categories"]
    return {name: category for category in reversed(lists) for name in lists[category]}


def _info(split: str, name: str, title: str) -> TaskInfo:
    paths = [f"{FOLDER}/{split}/{part}.jsonl" for part in PARTS]
    return TaskInfo(
        name=name,
        title=title,
        version=1,
        protocol="verification",
        headline="accuracy",
        metrics=METRICS,
        files=(
            *(
                DataFile(path, f"{n:,} items", f"{SOURCE}, data/splits/")
                for path, n in zip(paths, COUNTS[split], strict=True)
            ),
            DataFile(
                f"{FOLDER}/images/",
                "photographs of COCO train2017 and val2017 that it uses",
                "its data/README.md: vsr_images.zip",
            ),
        ),
        paper="Liu, Emerson and Collier, 'Visual Spatial Reasoning', TACL 2023",
        license="Apache-2.0 (annotations); COCO, CC BY 4.0 (photographs' own licences apply)",
        measures=(
            "Whether a caption of one spatial relation between two objects is true. The threshold "
            f"is fitted to dev and scored on test, where {SAME[split]} % are true: who calls all "
            "of them true scores as much. auc needs no threshold, and its chance is 50."
        ),
        tags=("relation", "category"),
        size=f"{COUNTS[split][1]:,} items",
        suites=("compositional", "spatial"),
        official={"official-2023-03-22": dict(zip(paths, OFFICIAL[split], strict=True))},
        quirks=(
            "Left and right may be the object's own or the viewer's; people are right on 95.4 % of "
            "the items (its README).",
            "Images of dev are needed, too: the threshold comes from them.",
        ),
    )


@dataclass(frozen=True, slots=True)
class VSR:
    """A photograph, and a caption that is true or false of it."""

    info: TaskInfo
    split: str = "random"

    def items(self, root: Path) -> list[Claim]:
        """Return the items of dev, which fit the threshold, then those of test."""
        return [
            _item(root, part, record)
            for part in PARTS
            for record in read_records(root / FOLDER / self.split / f"{part}.jsonl")
        ]

    @property
    def variants(self) -> Mapping[str, VSR | VSRQuestions]:
        """Return the split whose test objects are in no training item, and both as questions."""
        if self.split != "random":
            return {}
        name, title = self.info.name, "VSR, zero-shot split"
        return {
            "zeroshot": VSR(_info("zeroshot", f"{name}.zeroshot", title), "zeroshot"),
            "questions": VSRQuestions(_as_questions(self.info, "questions"), "random"),
            "zeroshotquestions": VSRQuestions(
                _as_questions(_info("zeroshot", name, title), "zeroshotquestions"), "zeroshot"
            ),
        }


@dataclass(frozen=True, slots=True)
class VSRQuestions:
    """The same test items as questions to generative models; nothing is fitted to dev."""

    info: TaskInfo
    split: str

    def items(self, root: Path) -> list[Prompt]:
        """Return the items of test."""
        records = read_records(root / FOLDER / self.split / "test.jsonl")
        return [_question(_item(root, "test", record)) for record in records]


def _question(claim: Claim) -> Prompt:
    return Prompt(
        id=claim.id,
        image=claim.image,
        text=QUESTION.format(claim.caption),
        options=ANSWERS,
        right=0 if claim.label else 1,
        cluster=claim.cluster,
        tags=claim.tags,
    )


def _as_questions(info: TaskInfo, suffix: str) -> TaskInfo:
    """Return the card of a split's questions: without dev and its threshold."""
    kept = [file for file in info.files if not file.path.endswith("dev.jsonl")]
    return replace(
        info,
        name=f"{info.name}.{suffix}",
        title=f"{info.title}, as questions",
        protocol="answering",
        metrics=QUESTION_METRICS,
        files=tuple(kept),
        measures=(
            "Whether a generative model calls a caption of one spatial relation true or false "
            "where it is. Chance is 50."
        ),
        suites=("questions",),
        official={
            name: {path: digest for path, digest in digests.items() if "dev" not in path}
            for name, digests in info.official.items()
        },
        quirks=(
            info.quirks[0],
            "For generative models alone (vqascore:…). VSR's authors define no prompt: this is "
            "InstructBLIP's, and the more probable of true and false is the answer.",
        ),
    )


def _item(root: Path, part: str, record: Record) -> Claim:
    name, label = record.relative_path("image"), record.integer("label")
    if label not in (0, 1):
        raise record.wrong("label", f"should be 0 or 1, not {label}")
    relation = record.text("relation")
    return Claim(
        id=f"{part}/{record.index}",
        image=ImageRef(root / FOLDER / "images" / name),
        caption=record.text("caption"),
        label=label == 1,
        cluster=name,
        validation=part == "dev",
        tags={"relation": relation, "category": _categories().get(relation, "Unallocated")},
    )


TASK = VSR(_info("random", "vsr", "VSR, random split"))
