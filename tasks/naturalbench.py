"""NaturalBench: questions that two images answer differently (Li et al., NeurIPS 2024)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.data.linking import linked
from benchbench.data.records import read_records
from benchbench.types import DataFile, ImageRef, Metric, Prompt, TaskInfo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchbench.data.records import Record

FOLDER = "naturalbench"
CODE = "Baiqi-Li/NaturalBench, naturalbench_vqa.py"
TYPES = {
    "yes_no": (("Yes", "No"), "Please answer Yes or No."),
    "multiple_choice": (
        ("A", "B"),
        "Please output the letter corresponding to the correct option.",
    ),
}
"""Type of question → its answers, and what upstream puts after it."""


class NaturalBench:
    """Two images and two questions; each question has another answer on the other image."""

    info = TaskInfo(
        name="naturalbench",
        title="NaturalBench",
        version=1,
        protocol="answering",
        headline="group",
        metrics=(
            Metric(
                "group",
                "groups of four",
                ties="wrong",
                judgement="answer",
                all_of="group",
                source=f"{CODE}: G_Acc",
            ),
            Metric(
                "question",
                "questions on both images",
                ties="wrong",
                judgement="answer",
                all_of="question",
                source=f"{CODE}: Q_Acc",
            ),
            Metric(
                "image",
                "images under both questions",
                ties="wrong",
                judgement="answer",
                all_of="image",
                source=f"{CODE}: I_Acc",
            ),
            Metric("accuracy", "items", ties="wrong", judgement="answer", source=f"{CODE}: Acc"),
        ),
        files=(
            DataFile(
                f"{FOLDER}/train.jsonl",
                "1,900 groups: Question_0, Question_1, Image_0, Image_1, their answers, "
                "Question_Type, Source",
                "hub data set BaiqiL/NaturalBench, split train, its Parquet files unpacked: "
                f"benchbench data unpack FILES --out DIR/{FOLDER} --name train",
            ),
            DataFile(f"{FOLDER}/images/", "its images: Flickr30k, DOCCI", "the same"),
        ),
        paper=(
            "Li, Lin, Peng, Nyandwi, Jiang, Ma, Khanuja, Krishna, Neubig and Ramanan, "
            "'NaturalBench: Evaluating Vision-Language Models on Natural Adversarial Samples', "
            "NeurIPS 2024 Datasets and Benchmarks"
        ),
        license="Apache-2.0 (hub data set); images have the licences of their own data sets",
        measures=(
            "Whether a generative model looks: a model that answers a question alike on both "
            "images gets no question right. Chance is 6.3 (group), 25 (question, image), 50 "
            "(accuracy)."
        ),
        tags=("group", "question", "image", "type"),
        size="7,600 questions",
        suites=("questions",),
        quirks=(
            "For generative models alone (vqascore:…). The answer is the more probable of the two, "
            "where upstream generates text and searches it: a model that evades differs.",
            "Official files were not at hand: fields are those of its script, and no edition of it "
            "is called official.",
        ),
    )

    def items(self, root: Path) -> list[Prompt]:
        """Return four items a group: question 0 on images 0 and 1, then question 1."""
        folder = root / FOLDER
        records = read_records(folder / "train.jsonl")
        images = [[r.relative_path(f"Image_{i}") for i in (0, 1)] for r in records]
        found = zip(records, images, linked(images), strict=True)
        return [item for each in found for item in _items(folder, *each)]


def _items(folder: Path, record: Record, images: list[str], cluster: str) -> Iterator[Prompt]:
    kind, group = record.text("Question_Type"), str(record.index)
    if kind not in TYPES:
        raise record.wrong("Question_Type", f"should be {' or '.join(TYPES)}, not '{kind}'")
    options, suffix = TYPES[kind]
    for q in (0, 1):
        for i, image in enumerate(images):
            field = f"Image_{i}_Question_{q}"
            answer = record.text(field).strip()
            if answer not in options:
                raise record.wrong(field, f"should be {' or '.join(options)}, not '{answer}'")
            yield Prompt(
                id=f"{group}/q{q}_i{i}",
                image=ImageRef(folder / image),
                text=record.text(f"Question_{q}") + suffix,
                options=options,
                right=options.index(answer),
                cluster=f"{FOLDER}/{cluster}",
                tags={
                    "group": group,
                    "question": f"{group}/q{q}",
                    "image": f"{group}/i{i}",
                    "type": kind,
                },
            )


TASK = NaturalBench()
