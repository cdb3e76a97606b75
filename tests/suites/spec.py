"""SPEC: six subsets, each with queries both ways over the same images and captions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.suites import dump, photograph

if TYPE_CHECKING:
    from pathlib import Path

SUBSETS = {"absolute_size": 3, "relative_size": 3, "absolute_spatial": 4, "relative_spatial": 4,
           "existence": 2, "count": 5}  # fmt: skip
"""Subset → candidates."""


def write(root: Path) -> None:
    """Write two sets of images and captions a subset."""
    for subset, n in SUBSETS.items():
        here = root / "spec" / subset
        to_text, to_image = [], []
        for k in range(2):
            images = [f"image_{k}/{i}.jpg" for i in range(n)]
            captions = [f"a photo of {subset} {k}, case {i}" for i in range(n)]
            for name in images:
                photograph(here / name)
            for i in range(n):
                to_text.append({"query": images[i], "keys": captions, "label": i})
                to_image.append({"query": captions[i], "keys": images, "label": i})
        dump(here / "image2text.json", to_text)
        dump(here / "text2image.json", to_image)
