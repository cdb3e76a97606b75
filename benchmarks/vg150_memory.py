"""Evaluate relation detection on files of VG150's official size; print seconds and peak memory.

The annotations are drawn, the counts are the published ones: 26,446 test and 62,723 training
images, 150 objects (frequencies by Zipf's law), 50 predicates, 11.6 boxes and 6.2 relations an
image on average. All photographs are one small file under many names. The model computes next to
nothing, in 512 dimensions, so that what is measured is the engine.

Memory is the process's own (``RssAnon`` of Linux); pages of the store's files, which the system may
take back, are printed apart.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from benchbench import ModelManifest, evaluate, model_digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchbench.types import Role
    from benchbench.types.models import Similarity

TEST_IMAGES, TRAINING_IMAGES = 26_446, 62_723
OBJECTS, PREDICATES = 150, 50
BOXES, RELATIONS = 11.6, 6.2
DIMENSION, SIDE, CONTEXT = 512, 4, 64
PHOTOGRAPH = (500, 375)


class Hashes:
    """A dual encoder that embeds by fixed random products."""

    similarity: Similarity = "cosine"
    logit_scale, device = 100.0, "cpu"
    manifest = ModelManifest(
        name="hashes", architecture="none", weights="random (seed 0)",
        weights_sha256=model_digest(Path(__file__)),
        trained=False, parameters=0, activation="none", preprocessing={"size": [SIDE, SIDE]},
        tokenizer="UTF-8", context_length=CONTEXT, dtype="fp32", similarity="cosine",
    )  # fmt: skip

    def __init__(self) -> None:
        draw = torch.Generator().manual_seed(0)
        self._pixels = torch.randn(3 * SIDE * SIDE, DIMENSION, generator=draw)
        self._bytes = torch.randn(CONTEXT, DIMENSION, generator=draw)

    def transform(self, image: Image.Image) -> torch.Tensor:
        """Shrink: [3, side, side]."""
        small = np.asarray(image.resize((SIDE, SIDE)), np.float32)
        return torch.from_numpy(small / 255).permute(2, 0, 1)

    def encode_images(self, batch: torch.Tensor, role: Role) -> torch.Tensor:
        """Multiply: [n, dim]."""
        return batch.flatten(1) @ self._pixels

    def token_ids(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Return bytes."""
        return [tuple(text.encode()) for text in texts]

    def tokenize(self, texts: Sequence[str]) -> torch.Tensor:
        """Fill up: [n, context]."""
        rows = [text.encode()[:CONTEXT].ljust(CONTEXT) for text in texts]
        return torch.frombuffer(bytearray(b"".join(rows)), dtype=torch.uint8).view(-1, CONTEXT)

    def encode_texts(self, batch: torch.Tensor, role: Role) -> torch.Tensor:
        """Multiply: [n, dim]."""
        return torch.cos(batch.float() @ self._bytes)


def main() -> None:
    """Write the files, evaluate, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--test-images", type=int, default=TEST_IMAGES)
    parser.add_argument("--fresh", action="store_true", help="without the store of encodings")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        write_files(root, options.test_images, np.random.default_rng(0))
        with Memory() as memory:
            started = time.perf_counter()
            run = evaluate(
                Hashes(), "vg-relation-detection", data_root=root,
                progress=memory.progress, resume=not options.fresh,
            )  # fmt: skip
            seconds = time.perf_counter() - started
        counts = run.counts
        print(f"{counts.items:,} scenes, {counts.pictures:,} crops, {counts.captions:,} phrases")
        print(f"{seconds:,.0f} s; peak {memory.own:,.0f} MB, and {memory.files:,.0f} MB of files")


def write_files(root: Path, tests: int, draw: np.random.Generator) -> None:
    """Write annotations in the VG150 layout, and the photographs' names."""
    import h5py

    n = tests + TRAINING_IMAGES * tests // TEST_IMAGES
    boxes = np.clip(draw.gamma(4.0, BOXES / 4.0, n), 2, 62).astype(np.int64)
    relations = 1 + draw.poisson(RELATIONS - 1, n)
    box_ends, relation_ends = np.cumsum(boxes), np.cumsum(relations)
    image = np.repeat(np.arange(n), relations)
    inside = np.stack([draw.integers(0, boxes[image]) for _ in range(2)], axis=1)
    inside[:, 1] = np.where(
        inside[:, 0] == inside[:, 1], (inside[:, 1] + 1) % boxes[image], inside[:, 1]
    )
    frequency = 1 / np.arange(1, OBJECTS + 1)
    labels = 1 + draw.choice(OBJECTS, box_ends[-1], p=frequency / frequency.sum())
    arrays = {
        "split": np.where(np.arange(n) < tests, 2, 0),
        "img_to_first_box": box_ends - boxes,
        "img_to_last_box": box_ends - 1,
        "img_to_first_rel": relation_ends - relations,
        "img_to_last_rel": relation_ends - 1,
        "labels": labels[:, None],
        "boxes_1024": np.concatenate(
            [draw.integers(200, 560, (box_ends[-1], 2)), draw.integers(20, 400, (box_ends[-1], 2))],
            axis=1,
        ),
        "relationships": inside + (box_ends - boxes)[image, None],
        "predicates": 1 + draw.integers(0, PREDICATES, (len(image), 1)),
    }
    with h5py.File(root / "VG-SGG.h5", "w") as file:
        for name, values in arrays.items():
            file[name] = values.astype(np.int32)
    names: dict[str, Any] = {}
    for what, count in (("label", OBJECTS), ("predicate", PREDICATES)):
        names[f"{what}_to_idx"] = {f"{what}{i}": i for i in range(1, count + 1)}
        names[f"idx_to_{what}"] = {str(i): f"{what}{i}" for i in range(1, count + 1)}
    (root / "VG-SGG-dicts.json").write_text(json.dumps(names))
    width, height = PHOTOGRAPH
    images = [{"image_id": i + 1, "width": width, "height": height} for i in range(n)]
    (root / "image_data.json").write_text(json.dumps(images))
    (root / "VG_100K").mkdir()
    noise = draw.integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    Image.fromarray(noise).resize(PHOTOGRAPH).save(root / "photograph.jpg")
    for i in range(tests):
        (root / "VG_100K" / f"{i + 1}.jpg").hardlink_to(root / "photograph.jpg")


class Memory:
    """The highest memory while the block runs, in MB, looked at ten times a second."""

    own = files = 0.0

    def __enter__(self) -> Memory:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def progress(self, what: str, done: int, total: int) -> None:
        """Print how far it is, and the memory now."""
        if what == "scenes" and done:
            now = _resident()
            print(
                f"{done:,} of {total:,}: {now[0]:,.0f} MB and {now[1]:,.0f} MB of files", flush=True
            )

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            own, files = _resident()
            self.own, self.files = max(self.own, own), max(self.files, files)


def _resident() -> tuple[float, float]:
    """Return the process's own resident memory and that of mapped files, in MB."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    sizes = {line.partition(":")[0]: line.split()[1] for line in lines if line.startswith("Rss")}
    return int(sizes["RssAnon"]) / 1024, int(sizes["RssFile"]) / 1024


if __name__ == "__main__":
    main()
