"""BiVLC as on its hub: Parquet shards with images inside, unpacked by ``benchbench``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from benchbench.data.unpacking import unpack
from tests.suites import photograph

if TYPE_CHECKING:
    from pathlib import Path

ROWS = [
    ("0.jpg", "A dog runs.", "A cat runs.", "n0.png", "replace", "obj"),
    ("0.jpg", "A dog runs.", "A dog and a man run.", "n1.png", "add", "obj"),
    ("1.jpg", "A red cup by a tin.", "A tin by a red cup.", "n2.png", "swap", "obj"),
    ("2.jpg", "A wet street.", "A dry street.", "n3.png", "replace", "att"),
]
"""Image, caption, negative_caption, negative_image, type, subtype."""
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def shards(folder: Path, originals: Path) -> list[Path]:
    """Write the rows as two Parquet files, as a hub stores them; return these."""
    paths = []
    for n, rows in enumerate((ROWS[:3], ROWS[3:])):
        stored = [
            [{"bytes": photograph(originals / row[k]).read_bytes(), "path": row[k]} for row in rows]
            for k in (0, 3)
        ]
        table = pa.table(
            {
                "image": pa.array(stored[0], IMAGE),
                "caption": [row[1] for row in rows],
                "negative_caption": [row[2] for row in rows],
                "negative_image": pa.array(stored[1], IMAGE),
                "type": [row[4] for row in rows],
                "subtype": [row[5] for row in rows],
            }
        )
        paths.append(folder / f"test-{n:05}-of-00002.parquet")
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, paths[-1])
    return paths


def write(root: Path) -> None:
    """Write the data set."""
    found = shards(root / "bivlc" / "data", root / "bivlc" / "originals")
    unpack(found, root / "bivlc", "test")
