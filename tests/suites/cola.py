"""Cola's multi-object file: rows of two addresses of photographs and two captions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.suites import dump, photograph

if TYPE_CHECKING:
    from pathlib import Path

PLACE = "https://cs-people.bu.edu/array/data/vg_gqa_images"


def write(root: Path) -> None:
    """Write four rows."""
    rows = []
    for i in range(4):
        names = [photograph(root / "VG_100K" / f"23{2 * i + k}.jpg").name for k in (0, 1)]
        rows.append(
            [
                f"{PLACE}/{names[0]}",
                f"tall giraffe {i} by a small tree",
                f"{PLACE}/{names[1]}",
                f"small giraffe {i} by a tall tree",
            ]
        )
    dump(root / "cola" / "COLA_multiobjects_matching_benchmark.json", rows)
