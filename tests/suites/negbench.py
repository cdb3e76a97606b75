"""NegBench: CSV files of choices, and of captions to search by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.suites import photograph
from tests.suites.crepe import table

if TYPE_CHECKING:
    from pathlib import Path

CHOICES = {
    "COCO_val_mcq_llama3.1_rephrased.csv": "val2017/n{}.jpg",
    "VOC2007_mcq_llama3.1_rephrased.csv": "VOCdevkit/VOC2007/JPEGImages/n{}.jpg",
    "synthetic_mcq_llama3.1_rephrased.csv": "negbench/synthetic/n{}.jpg",
}
KINDS = ("positive", "negative", "hybrid")
SEARCHES = {
    "COCO_val_negated_retrieval_llama3.1_rephrased_affneg_true.csv": "A dog {}, {}, and no cat.",
    "COCO_val_retrieval.csv": "A dog {}, {}.",
}


def write(root: Path) -> None:
    """Write three sets of choices of four, one of two, and two files of captions."""
    here = root / "negbench" / "images"
    for file, name in CHOICES.items():
        rows = []
        for i in range(6):
            photograph(root / name.format(i // 2))
            captions = {f"caption_{k}": f"There is {i}, but no {k}." for k in range(4)}
            rows.append(
                {
                    "image_path": name.format(i // 2),
                    "correct_answer": str(i % 4 if "synthetic" in file else 0),
                    **captions,
                    "correct_answer_template": KINDS[i % 3],
                }
            )
        table(here / file, rows)
    binary = []
    for i in range(3):
        name = f"CheXpert-v1.0-small/valid/patient{i}/view1_frontal.jpg"
        photograph(root / name)
        binary.append(
            {
                "image_path": name,
                "caption_0": f"This shows edema {i}.",
                "caption_1": f"This shows no edema {i}.",
                "correct_answer": str(i % 2),
            }
        )
    table(here / "chexpert_binary_mcq.csv", binary)
    for file, text in SEARCHES.items():
        rows = [
            {
                "filepath": f"val2017/n{i}.jpg",
                "captions": str([text.format(i, k) for k in range(2)]),
            }
            for i in range(3)
        ]
        table(here / file, rows)
