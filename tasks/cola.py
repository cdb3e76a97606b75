"""Cola, multi-object setting: attributes bound to objects (Ray et al., NeurIPS 2023)."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from benchbench.data.linking import linked
from benchbench.data.records import read_rows
from benchbench.protocols.shared_metrics import both_sides
from benchbench.types import DataFile, ImageRef, Item, TaskInfo

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchbench.data.records import Record

FILE = "cola/COLA_multiobjects_matching_benchmark.json"
FIELDS = ("image 1", "caption 1", "image 2", "caption 2")


class Cola:
    """Items of two photographs and two captions; each caption belongs to one photograph."""

    info = TaskInfo(
        name="cola",
        title="Cola, multi-object",
        version=1,
        protocol="matching",
        headline="image",
        metrics=both_sides(
            "image: arijitray1993/COLA, ColaMultiObjAcc in scripts/eval.py; the other two: Thrush "
            "et al., Winoground"
        ),
        files=(
            DataFile(FILE, "210 items", "arijitray1993/COLA, data/"),
            DataFile(
                "VG_100K/",
                "218 photographs of Visual Genome, ID.jpg",
                "cs-people.bu.edu/array/data/vg_gqa_images/, as the file names them",
            ),
        ),
        paper=(
            "Ray, Radenovic, Dubey, Plummer, Krishna and Saenko, 'Cola: A Benchmark for "
            "Compositional Text-to-image Retrieval', NeurIPS 2023 Datasets and Benchmarks"
        ),
        license="MIT (annotations); Visual Genome, CC BY 4.0 (photographs' own licences apply)",
        measures=(
            "Whether captions find the photograph with their attributes on the right objects, "
            "where both photographs have these objects: the paper's score is image. Chance is 25 "
            "(text), 25 (image) and 16.7 (group)."
        ),
        size="210 items",
        suites=("compositional",),
        official={
            "official": {FILE: "e2846dcc958e3277813ca572bce53db96fd5dd65caaa57ccd20dc1ce51d73ec0"}
        },
        quirks=("210 items make an interval of about 13 points: most differences are noise.",),
    )

    def items(self, root: Path) -> list[Item]:
        """Return one item per row, in the order of the file."""
        records = read_rows(root / FILE, FIELDS)
        names = [_images(record) for record in records]
        clusters = linked(names)
        return [_item(root, *each) for each in zip(records, names, clusters, strict=True)]


def _images(record: Record) -> tuple[str, ...]:
    """Return the names of both photographs, without their address."""
    fields = ("image 1", "image 2")
    names = [PurePosixPath(record.text(field)).name for field in fields]
    return tuple(record.checked_path(f, n) for f, n in zip(fields, names, strict=True))


def _item(root: Path, record: Record, names: Sequence[str], cluster: str) -> Item:
    return Item(
        id=str(record.index),
        images=tuple(ImageRef(root / "VG_100K" / name) for name in names),
        captions=(record.text("caption 1"), record.text("caption 2")),
        target=(0, 1),
        cluster=cluster,
    )


TASK = Cola()
