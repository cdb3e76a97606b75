"""A task of one's own: which side is lit?"""

from __future__ import annotations

from pathlib import Path

from benchbench import DataFile, ImageRef, Item, Metric, TaskInfo


class LeftRight:
    """Images named left-*.png and right-*.png."""

    info = TaskInfo(
        name="left-right",
        title="Left or right",
        version=1,
        protocol="matching",
        headline="micro",
        metrics=(Metric("micro", "items"),),
        files=(DataFile("images/", "images", "drawn by the test"),),
        paper="none",
        license="CC0",
        measures="Whether a model sees the lit side.",
    )

    def items(self, root: Path) -> list[Item]:
        """One item an image."""
        captions = ("the left side is lit", "the right side is lit")
        return [
            Item(
                id=path.stem,
                images=(ImageRef(path),),
                captions=captions,
                target=(0 if path.stem.startswith("left") else 1,),
                cluster=path.name,
            )
            for path in sorted((root / "images").glob("*.png"))
        ]


TASK = LeftRight()
