"""Decisions of four CLIPs on BiVLC, in both directions, one CSV file a model.

Published by BiVLC's authors (Miranda et al., NeurIPS 2024 Datasets and Benchmarks; MIT) at
IMirandaM/BiVLC@84f0d17, ``results/BiVLC_MODEL.csv``: both captions, type and subtype, and whether
each image prefers its caption (``text_score_i0``, ``_i1``) and each caption its image
(``image_score_c0``, ``_c1``). Images are recorded as Python objects, without a name, so that rows
are matched by both captions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.errors import MalformedData
from benchbench.importing.answers import Answer, right_of
from benchbench.importing.readers.bivlc import BivlcReader, ModelFiles

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

STEM = "BiVLC_"
SIDES = ("text_score_i0", "text_score_i1", "image_score_c0", "image_score_c1")
WHOLE = {"text_score": SIDES[:2], "image_score": SIDES[2:], "group_score": SIDES}
"""Column → the decisions that must all be right."""
COLUMNS = ("caption", "negative_caption", "type", "subtype", *SIDES, *WHOLE)


class BivlcSuiteReader:
    """BiVLC's own items."""

    title = "decisions of four CLIPs on BiVLC in both directions, by its authors (CSV)"
    task = "bivlc"
    source = BivlcReader.source
    files: Mapping[str, str] = {
        f"{STEM}CLIP_COCO.csv": "f92c085fba9b2b8d00f27725c86cf69286d935527293b0adc3edeb24b515a46d",
        f"{STEM}CLIP_TROHN-Img.csv": "ba141342134ee48f2cd620a78acc4f3b"
        "04fc9d7703fc2e6ecce18aa3d7dd917c",
        f"{STEM}CLIP_TROHN-Text.csv": "d6fe25e5ea7f8e1386557e76429cefff"
        "ae4a30a0f699f5686fbaa76c8dfe4b9b",
        f"{STEM}ViT-B-32.csv": "a16d196aa1ad012f826b002fc59df56926ab08bed68eae33f96ceec5cdb48c82",
    }

    def paths(self, path: Path) -> list[Path]:
        """Return the file, or every file of that name in a folder."""
        return FILES.paths(path)

    def read(self, path: Path, fields: Mapping[str, str]) -> Iterator[Answer]:
        """Read the decisions of each model."""
        for where, model, row in FILES.rows(path, COLUMNS):
            yield Answer(
                where, model, None, caption=row["caption"], foil=row["negative_caption"],
                sides=_sides(row, where),
            )  # fmt: skip


def _sides(row: Mapping[str, str], where: str) -> tuple[bool | None, ...]:
    """Return the four decisions, which the row's own totals must agree with."""
    try:
        right = {name: right_of(row[name]) for name in (*SIDES, *WHOLE)}
    except ValueError as error:
        raise MalformedData(f"{where}: {error}.") from error
    for name, parts in WHOLE.items():
        if right[name] is not all(right[part] for part in parts):
            raise MalformedData(
                f"{where}: {name} is {row[name]}, and {', '.join(parts)} say otherwise."
            )
    return tuple(right[name] for name in SIDES)


FILES = ModelFiles(STEM)
READER = BivlcSuiteReader()
