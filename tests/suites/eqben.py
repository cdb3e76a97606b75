"""EqBen's 10 % subset: records in the style of Winoground, with the part in front of each path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.suites import dump, photograph

if TYPE_CHECKING:
    from pathlib import Path

PARTS = ("eqbenag", "eqbenyoucook2", "eqbenkubric_loc")


def write(root: Path) -> None:
    """Write three records a part; those of YouCook2 name arrays, whose .png files are there."""
    records = []
    for part in PARTS:
        for i in range(3):
            end = "npy" if "youcook2" in part else "png"
            names = [f"{part}/video{i // 2}/{i}_{k}.{end}" for k in (0, 1)]
            for name in names:
                path = root / "eqben" / "image_subset" / name
                photograph(path.with_suffix(".png"))
            records.append(
                {
                    "image0": names[0],
                    "image1": names[1],
                    "caption0": f"the person opens door {i} of {part}",
                    "caption1": f"the person shuts door {i} of {part}",
                }
            )
    dump(root / "eqben" / "eqben_subset_10percent_final.json", records)
