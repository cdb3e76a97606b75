"""NaturalBench: lines of two questions and two images, unpacked from its hub's tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.suites import dump_lines, photograph

if TYPE_CHECKING:
    from pathlib import Path


def write(root: Path) -> None:
    """Write four groups: three of yes and no, one of A and B; two share an image."""
    here = root / "naturalbench"
    lines: list[dict[str, object]] = []
    for g in range(4):
        names = [f"images/{max(g, 1)}a.jpg", f"images/{g}b.jpg"]
        for name in names:
            photograph(here / name)
        yes, no = ("A", "B") if g == 3 else ("Yes", "No")
        lines.append(
            {
                "Question_0": f"Is dog {g} asleep?",
                "Question_1": f"Is dog {g} awake?",
                "Image_0": names[0],
                "Image_1": names[1],
                "Image_0_Question_0": yes,
                "Image_1_Question_0": no,
                "Image_0_Question_1": no,
                "Image_1_Question_1": yes,
                "Question_Type": "multiple_choice" if g == 3 else "yes_no",
                "Source": "drawn",
            }
        )
    dump_lines(here / "train.jsonl", lines)
