"""MMVP-VLM: pairs of images that CLIP sees as one, for nine visual patterns (Tong et al., 2024)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.data.cells import number, read_table
from benchbench.data.records import first_existing
from benchbench.errors import MalformedData
from benchbench.protocols.shared_metrics import both_sides
from benchbench.types import DataFile, ImageRef, Item, Metric, TaskInfo

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.data.records import Record

FOLDER = "mmvp_vlm"
QUESTIONS = f"{FOLDER}/Questions.csv"
IMAGES = (f"{FOLDER}/MLLM_VLM Images/", f"{FOLDER}/MMVP_VLM_Images/")
COLUMNS = ("Question ID", "Type", "Statement")
CODE = "tsb0601/MMVP, scripts/evaluate_vlm.py"


class MMVPVLM:
    """Items of two images and two captions; each caption belongs to one image."""

    info = TaskInfo(
        name="mmvp-vlm",
        title="MMVP-VLM",
        version=1,
        protocol="matching",
        headline="patterns",
        metrics=(
            Metric(
                "patterns",
                "patterns",
                by="pattern",
                ties="wrong",
                judgement="image",
                source=f"{CODE}: both statements prefer their own image",
            ),
            *both_sides(f"image: {CODE}; the other two: Thrush et al., Winoground"),
        ),
        files=(
            DataFile(QUESTIONS, "270 statements, two a pair", "hub data set MMVP/MMVP_VLM"),
            DataFile(IMAGES[0], "270 images in a folder a pattern", "the same", IMAGES[1:]),
        ),
        paper=(
            "Tong, Liu, Zhai, Ma, LeCun and Xie, 'Eyes Wide Shut? Exploring the Visual "
            "Shortcomings of Multimodal LLMs', CVPR 2024"
        ),
        license="MIT (repository)",
        measures=(
            "Whether a model tells apart images that CLIP's tower puts together, in orientation, "
            "presence, state, quantity, position, colour, structure, text or viewpoint. Chance is "
            "25 (patterns, text, image) and 16.7 (group)."
        ),
        tags=("pattern",),
        size="135 pairs",
        suites=("compositional",),
        quirks=(
            "15 pairs a pattern: a pattern's score moves in steps of 6.7 points, and its interval "
            "is about 45 points wide.",
            "The pairs were chosen because OpenAI's ViT-L/14 gets them wrong: it scores below what "
            "other towers do.",
            "Captions are 'a photo of ' and the statement, as upstream.",
            "Official files were not at hand: fields are those of its script, and no edition of it "
            "is called official.",
        ),
    )

    def items(self, root: Path) -> list[Item]:
        """Return one item per pair of rows, in the order of the file."""
        rows = read_table(root / QUESTIONS, COLUMNS)
        if len(rows) % 2:
            raise MalformedData(f"{root / QUESTIONS} has {len(rows)} rows, and rows go in pairs.")
        folder = root / first_existing(root, *IMAGES)
        return [_item(folder, *pair) for pair in zip(rows[::2], rows[1::2], strict=True)]


def _item(folder: Path, first: Record, second: Record) -> Item:
    numbers = [number(each, "Question ID") for each in (first, second)]
    if numbers[0] % 2 != 1 or numbers[1] != numbers[0] + 1:
        raise second.wrong("Question ID", f"should follow {numbers[0]}, the odd one of its pair")
    pattern = first.checked_path("Type", first.text("Type"))
    if second.text("Type") != pattern:
        raise second.wrong("Type", f"should be '{pattern}', that of its pair")
    return Item(
        id=str(numbers[0]),
        images=tuple(ImageRef(folder / pattern / f"{n}.jpg") for n in numbers),
        captions=tuple(f"a photo of {each.text('Statement')}" for each in (first, second)),
        target=(0, 1),
        cluster=f"{FOLDER}/{numbers[0]}",
        tags={"pattern": pattern},
    )


TASK = MMVPVLM()
