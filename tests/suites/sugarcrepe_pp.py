"""SugarCrepe++: five lists of records with two true captions and a false one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.suites import dump, photograph

if TYPE_CHECKING:
    from pathlib import Path

SUBSETS = ("replace_att", "replace_obj", "replace_rel", "swap_att", "swap_obj")


def write(root: Path) -> None:
    """Write three items a subset; two of them share a photograph."""
    for k, subset in enumerate(SUBSETS):
        records = [
            {
                "id": i,
                "filename": photograph(root / "val2017" / f"{k}{i // 2}.jpg").name,
                "caption": f"A cat {k} sits on plant {i}.",
                "caption2": f"Cat {k} is sitting upon the plant {i}.",
                "negative_caption": f"A plant {i} sits on cat {k}.",
            }
            for i in range(3)
        ]
        dump(root / "sugarcrepe_pp" / f"{subset}.json", records)
