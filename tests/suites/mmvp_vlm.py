"""MMVP-VLM: a CSV of statements in pairs, and a folder of images a pattern."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from tests.suites import photograph

if TYPE_CHECKING:
    from pathlib import Path

PATTERNS = (
    "Orientation", "Presence", "State", "Quantity", "Spatial", "Color", "Structural Character",
    "Text", "Camera Perspective",
)  # fmt: skip


def write(root: Path) -> None:
    """Write two pairs a pattern."""
    here, number = root / "mmvp_vlm", 0
    rows = [["Question ID", "Type", "Statement"]]
    for pattern in PATTERNS:
        for _ in range(4):
            number += 1
            photograph(here / "MLLM_VLM Images" / pattern / f"{number}.jpg")
            rows.append([str(number), pattern, f"a {pattern}, seen {number} times"])
    with (here / "Questions.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
