"""Reports of made-up runs over files in ARO's format, and a reader of their data."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from benchbench.editions import resolve_edition
from benchbench.registry import load_task
from benchbench.types import Counts, MatchingOutcome
from tests.analysis.example_runs import made, manifest

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.types import Run

HOSTILE = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "a \u202egnihton\u202c b",
    "bell \x07 and \x1b[31mred\x1b[0m",
    "line\u2028separator",
    "كلب يركب حصانا",
    "</script><!-- ${7*7} {{7*7}} {% raw %}",
)
TYPES = {"f4": "<f4", "i4": "<i4", "u4": "<u4", "u2": "<u2", "u1": "u1"}


def aro_root(folder: Path, n: int = 60, captions: tuple[str, ...] = ()) -> Path:
    """Write VG-Relation's annotations and two images; hostile captions stand at the beginning."""
    (folder / "images").mkdir(parents=True)
    for name, colour in (("0.png", "navy"), ("1.png", "olive")):
        Image.new("RGB", (80, 60), colour).save(folder / "images" / name)
    texts = [(each, f"not {each}") for each in captions]
    texts += [(f"the dog is on the mat {i}", f"the mat is on the dog {i}") for i in range(n)]
    records = [
        {
            "image_path": f"{i // 3 % 2}.png" if i < 6 else f"missing-{i // 3}.png",
            "relation_name": ("on", "riding", "holding")[i % 3], "true_caption": one,
            "false_caption": other, "bbox_x": 4, "bbox_y": 6, "bbox_w": 50, "bbox_h": 40,
        }
        for i, (one, other) in enumerate(texts)
    ]  # fmt: skip
    (folder / "visual_genome_relation.json").write_text(json.dumps(records), "utf-8")
    return folder


def run_on(root: Path, name: str, seed: int, *, sees: bool = True, lift: float = 0.3) -> Run:
    """Return a run of random scores on the items of a root, some of them tied."""
    task = load_task("vg-relation")
    items = task.items(root)
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(len(items), 1, 2)).astype(np.float32)
    scores[:, 0, 0] += lift
    scores[rng.random(len(items)) < 0.1] = 0.25
    images = len({item.cluster for item in items})
    return replace(
        made(name, 0.5),
        model=manifest(name, sees=sees),
        edition=resolve_edition(task.info, root, with_images=False).name,
        counts=Counts(len(items), len(items), 0, images, 1, 1, images, 0, 0),
        outcomes=tuple(
            MatchingOutcome(
                item.id, item.cluster, item.tags, (0,), matrix, (False, bool(i % 9 == 0))
            )
            for i, (item, matrix) in enumerate(zip(items, scores, strict=True))
        ),
    )


def runs_on(root: Path) -> list[Run]:
    """Return three runs: two of models with images, one text-only, one hostile name."""
    return [
        run_on(root, "steady", 1),
        run_on(root, "<b onmouseover=alert(1)>&\u202eeman", 2, lift=0.8),
        run_on(root, "blind:length", 3, sees=False, lift=0.0),
    ]


def read_data(file: Path) -> Any:
    """Return the content of a script of data, as a browser would have it."""
    found = re.fullmatch(
        r'\(window\.benchbench \?\?= \{\}\)\["([^"]+)"\] = (.*);\n', file.read_text("ascii"), re.S
    )
    assert found
    assert found[1] == f"{file.parent.name}/{file.stem}"
    return json.loads(found[2])


def array(column: dict[str, str]) -> Any:
    """Return a column as an array."""
    return np.frombuffer(base64.b64decode(column["data"]), TYPES[column["type"]])
