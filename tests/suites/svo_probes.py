"""SVO-Probes: a CSV of a sentence with a positive and a negative image."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from tests.suites import photograph

if TYPE_CHECKING:
    from pathlib import Path

HEADER = (
    "sentence", "pos_triplet", "neg_triplet", "pos_url", "neg_url", "pos_image_id",
    "neg_image_id", "subj_neg", "verb_neg", "obj_neg",
)  # fmt: skip


def write(root: Path) -> None:
    """Write seven rows; two of them share a positive image."""
    here = root / "svo_probes"
    rows: list[tuple[str, ...]] = [HEADER]
    for i in range(7):
        ids = (i if i != 1 else 0, 20 + i)
        for number in ids:
            photograph(here / "images" / f"{number}.jpg")
        flags = [str(k == i % 3) for k in range(3)]
        rows.append(
            (
                f"A woman walks dog {i}.", f"woman,walk,dog{i}", f"woman,feed,dog{i}",
                f"http://a/{ids[0]}.jpg", f"http://a/{ids[1]}.jpg", *map(str, ids), *flags,
            )
        )  # fmt: skip
    with (here / "svo_probes.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
