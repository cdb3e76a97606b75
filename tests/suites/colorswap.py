"""ColorSwap as in its authors' archive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.suites import dump, photograph

if TYPE_CHECKING:
    from pathlib import Path

PAIRS = [
    ("a red box by a blue cup", "a blue box by a red cup"),
    ("a green hat and a white dog", "a white hat and a green dog"),
    ("a black bird on a pink wall", "a pink bird on a black wall"),
]


def write(root: Path) -> None:
    """Write ``test.json`` and its images; ids leave gaps, as the official ones do."""
    records = []
    for n, (one, other) in enumerate(PAIRS):
        names = [f"images/img_{2 * n + 9}_{i}.png" for i in (1, 2)]
        for name in names:
            photograph(root / "colorswap" / name)
        records.append(
            {
                "id": 2 * n + 9,
                "caption_1": one,
                "caption_2": other,
                "image_1": names[0],
                "image_2": names[1],
                "image_source": "midjourney",
                "caption_source": "human",
            }
        )
    dump(root / "colorswap" / "test.json", records)
