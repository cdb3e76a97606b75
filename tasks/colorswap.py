"""ColorSwap: two images, two captions whose colour words are swapped (Burapacheep et al., 2024)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.data.official import COLORSWAP
from benchbench.data.records import first_existing, read_records
from benchbench.protocols.shared_metrics import both_sides
from benchbench.types import DataFile, ImageRef, Item, TaskInfo

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.data.records import Record

FOLDER = "colorswap"
FILES = (f"{FOLDER}/test.json", f"{FOLDER}/test.jsonl")
"""As in the authors' archive, or unpacked from the hub."""


class ColorSwap:
    """Items of two images and two captions; each caption belongs to one of the images."""

    info = TaskInfo(
        name="colorswap",
        title="ColorSwap",
        version=1,
        protocol="matching",
        headline="group",
        metrics=both_sides("Burapacheep et al.: Winoground's three scores"),
        files=(
            DataFile(
                FILES[0],
                "300 items: id, caption_1, caption_2, image_1, image_2, and sources",
                "Top34051/colorswap, README: test.json of the archive; or hub data set "
                f"stanfordnlp/colorswap: benchbench data unpack FILES --out DIR/{FOLDER} --name "
                "test",
                instead=FILES[1:],
            ),
            DataFile(f"{FOLDER}/images/", "600 generated images", "images.zip of that archive"),
        ),
        paper=(
            "Burapacheep, Gaur, Bhatia and Thrush, 'ColorSwap: A Color and Word Order Dataset for "
            "Multimodal Evaluation', Findings of ACL 2024"
        ),
        license="MIT",
        measures=(
            "Whether a model binds colours to the right objects: the two captions have the same "
            "words, and only the colours change places. Chance is 25 (text), 25 (image) and 16.7 "
            "(group)."
        ),
        content={"official": dict.fromkeys(FILES, (COLORSWAP,))},
        optional_tags=("image_source", "caption_source"),
        size="300 items",
        suites=("compositional",),
        quirks=(
            "300 items make an interval of about 11 points: most differences are noise.",
            "No digest of its files is known: they are official by the ids and captions of all "
            "items, as in its authors' published answers.",
        ),
    )

    def items(self, root: Path) -> list[Item]:
        """Return one item per record, in the order of the file."""
        path = root / first_existing(root, *FILES)
        return [_item(path.parent, record) for record in read_records(path)]


def _item(folder: Path, record: Record) -> Item:
    names = [record.relative_path(f"image_{i}") for i in (1, 2)]
    sources = ("image_source", "caption_source")
    return Item(
        id=str(record.integer("id")),
        images=tuple(ImageRef(folder / name) for name in names),
        captions=(record.text("caption_1"), record.text("caption_2")),
        target=(0, 1),
        cluster=f"{FOLDER}/{record.integer('id')}",
        tags={name: record.text(name) for name in sources if record.has(name)},
    )


TASK = ColorSwap()
