"""CREPE: CSV files of crops with a caption and a list of hard negatives."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from tests.suites import photograph

if TYPE_CHECKING:
    from pathlib import Path

BOX = {"x": "2", "y": "1", "width": "10", "height": "9"}


def table(path: Path, rows: list[dict[str, str]]) -> None:
    """Write a CSV file, its index first, as pandas does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["", *rows[0]])
        writer.writeheader()
        writer.writerows({"": str(i), **row} for i, row in enumerate(rows))


def write(root: Path) -> None:
    """Write two rows a file."""
    for name in ("71", "72"):
        photograph(root / "VG_100K" / f"{name}.jpg")
    here = root / "crepe"
    for kind in ("atom", "swap", "negate"):
        for n in range(4, 13):
            rows = [
                {
                    "image_id": name,
                    "caption": f"cup {name} on table with {n} legs",
                    "hard_negs": str([f"{kind} {i} on table's {n} legs" for i in range(5)]),
                    **BOX,
                }
                for name in ("71", "72")
            ]
            file = f"prod_vg_hard_negs_{kind}_complexity_{n}.csv"
            table(here / "prod_hard_negatives" / kind / file, rows)
    for data in ("cc12m", "yfcc", "laion"):
        for split in ("seen", "unseen"):
            rows = [
                {
                    "image_id": name,
                    "caption": f"{split} cup {name} on table",
                    "valid_hard_negs_atom": str([f"{split} jug {i} on table" for i in range(3)]),
                    "valid_hard_negs_comp": str([f"{split} wet cup {i}" for i in range(2)]),
                    **BOX,
                }
                for name in ("71", "72")
            ]
            file = f"syst_vg_hard_negs_{split}_compounds_in_{data}.csv"
            table(here / "syst_hard_negatives" / file, rows)
