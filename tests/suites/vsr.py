"""VSR: lines of captions that are true or false, in two splits of two parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.suites import dump_lines, photograph

if TYPE_CHECKING:
    from pathlib import Path

RELATIONS = ("behind", "touching", "left of", "congruent")


def write(root: Path) -> None:
    """Write both splits."""
    for split in ("random", "zeroshot"):
        for part, n in (("dev", 6), ("test", 12)):
            lines: list[dict[str, object]] = []
            for i in range(n):
                name = f"{split}{part}{i // 2}.jpg"
                photograph(root / "vsr" / "images" / name)
                relation = RELATIONS[i % 4]
                lines.append(
                    {
                        "image": name,
                        "image_link": f"http://images.cocodataset.org/train2017/{name}",
                        "caption": f"The cup {i} is {relation} the {part} plate.",
                        "label": i * i % 3 % 2,
                        "relation": relation,
                        "annotator_id": 1,
                    }
                )
            dump_lines(root / "vsr" / split / f"{part}.jsonl", lines)
