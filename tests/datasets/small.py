"""A small data set in three files and two folders, and a server that has it."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from benchbench.datasets import names
from benchbench.datasets.manifest import Dataset, File, Folder, Link, Source
from benchbench.types import Content

if TYPE_CHECKING:
    import pytest

    from tests.datasets.server import Server


def jpeg(seed: int, size: tuple[int, int] = (40, 30)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (seed * 37 % 256, seed * 91 % 256, 80)).save(out, "JPEG")
    return out.getvalue()


def archive(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, content in files.items():
            file.writestr(name.replace("__", "/"), content)
    return out.getvalue()


PHOTOGRAPHS = archive(**{f"shared__{i}.jpg": jpeg(i) for i in range(3)})
IMAGES = archive(**{f"x__{i}.jpg": jpeg(i) for i in range(4)})
RELATIONS = json.dumps(
    [
        {
            "image_path": f"{i % 4}.jpg",
            "true_caption": "the cat is on the mat",
            "false_caption": "the mat is on the cat",
            "relation_name": "on",
            "bbox_x": 0,
            "bbox_y": 0,
            "bbox_w": 20 + i,
            "bbox_h": 20,
        }
        for i in range(8)
    ]
).encode()
NOTES = b"some notes\n"


def sha(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


PLACES = {
    "example.org/relations.json": RELATIONS,
    "example.org/notes.txt": NOTES,
    "drive.google.com/1k": IMAGES,
    "example.org/shared.zip": PHOTOGRAPHS,
}
SHARED_SET = Dataset(
    "photographs", "Photographs", "free", "nobody", "https://example.org",
    folders=(
        Folder(
            "shared/",
            (
                File(
                    "shared.zip",
                    (
                        Source("https://gone.example.org/shared.zip", "gone"),
                        Source("https://example.org/shared.zip", "for ever"),
                    ),
                    len(PHOTOGRAPHS),
                    sha(PHOTOGRAPHS),
                ),
            ),
            images=3, at_most=3, unpacked=100_000,
        ),
    ),
    shared=True,
)  # fmt: skip
SMALL_SET = Dataset(
    "small-set", "A small set", "free", "nobody", "https://example.org",
    files=(
        File(
            "visual_genome_relation.json",
            (Source("https://example.org/relations.json"),),
            content=Content(8, distinct={("image_path",): 4}),
        ),
        File("deep/notes.txt", (Source("https://example.org/notes.txt"),), len(NOTES), sha(NOTES)),
    ),
    folders=(
        Folder(
            "images/", (File("images.zip", (Source("gdrive://1k"),)),),
            images=4, at_most=4, unpacked=100_000, parts=("part1", "part2"),
        ),
    ),
    links=(Link("shared/", "photographs"),),
    tasks=("vg-relation",),
)  # fmt: skip
ASKED_SET = Dataset(
    "asked-set", "On request", "free", "nobody", "https://example.org",
    files=(File("asked.json", content=Content(8)),),
    access="manual", how="Write a letter.",
)  # fmt: skip


def use(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let these be all data sets."""
    sets = {each.name: each for each in (SHARED_SET, SMALL_SET, ASKED_SET)}
    monkeypatch.setattr(
        names, "_found", lambda: {name: (lambda each=each: each) for name, each in sets.items()}
    )


def publish(server: Server) -> str:
    """Serve the files as a mirror does; return its prefix."""
    for place, content in PLACES.items():
        server.serve(f"/{place}", content)
    return server.url


def bring(folder: Path) -> Path:
    """Write the files as ``wget --force-directories`` does."""
    for place, content in PLACES.items():
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder
