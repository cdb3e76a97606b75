"""Time and memory of `benchbench data verify` at official size: `python -m benchmarks.verifying`.

Synthetic files with the counts of the official ones: VG-Relation's 23,937 and VG-Attribution's
28,748 items over 5,316 JPEG files, and VG150's 108,073 image records with as many JPEG files. A
tenth of them, and three times as many, tell whether memory grows with the number of items. At
official size the digest of VG150's ``image_data.json`` differs, as it must: that is the one line
marked DIFFERS there.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import h5py
import numpy as np
from PIL import Image

SIZE = (200, 150)
SEEDS = 8
"""Distinct JPEG files; all others are hard links to them, as one may have 65,000."""
DIFFERS = 1


def main() -> None:
    """Write the files, verify them in a process of their own, print time and peak memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, help="a folder to write to; else a temporary one")
    parser.add_argument("--shares", type=float, nargs="+", default=[0.1, 1.0, 3.0])
    options = parser.parse_args()
    for share in options.shares:
        with TemporaryDirectory(dir=options.work) as work:
            counts = _write(Path(work) / "root", share)
            seconds, busy, peak = _measured(Path(work) / "root")
            print(f"{counts}: {seconds:.1f} s, {busy:.1f} s of them busy, peak {peak:.0f} MB")


def _write(root: Path, share: float) -> str:
    jpegs = _jpegs(root)
    images = round(5_316 * share)
    relations, attributions = round(23_937 * share), round(28_748 * share)
    _aro(root / "aro", images, relations, attributions, jpegs)
    rows = round(108_073 * share)
    _vg150(root, rows, jpegs)
    items = f"{relations:,} + {attributions:,} items on {images:,} images"
    return f"{items}; {rows:,} records with as many images"


def _jpegs(root: Path) -> list[Path]:
    root.mkdir(parents=True)
    paths = [root / f".{seed}.jpeg" for seed in range(SEEDS)]
    for seed, path in enumerate(paths):
        noise = np.random.default_rng(seed).integers(0, 256, (*SIZE[::-1], 3), np.uint8)
        Image.fromarray(noise).save(path, "JPEG")
    return paths


def _aro(root: Path, images: int, relations: int, attributions: int, jpegs: list[Path]) -> None:
    (root / "images").mkdir(parents=True)
    for i in range(images):
        os.link(jpegs[i % SEEDS], root / "images" / f"{i}.jpg")
    # pairs of captions, so that as many are distinct as in the official files
    _records(root / "visual_genome_relation.json", relations, images, 26_706 / 23_937, "relation")
    images = min(images, round(4_517 * relations / 23_937))
    _records(
        root / "visual_genome_attribution.json", attributions, images, 52_146 / 28_748, "attribute"
    )


def _records(path: Path, n: int, images: int, distinct: float, kind: str) -> None:
    pairs = round(n * distinct / 2)
    box = {"bbox_x": 3, "bbox_y": 5, "bbox_w": 90, "bbox_h": 80}
    records = []
    for i in range(n):
        a, b = f"thing{i % pairs}", f"other{i % pairs}"
        captions = {
            "true_caption": f"the {a} is on the {b}",
            "false_caption": f"the {b} is on the {a}",
        }
        further = (
            {"relation_name": f"relation {i % 48}"}
            if kind == "relation"
            else {"attributes": ["red", f"shade {i % 117}"]}
        )
        records.append({"image_path": f"{i % images}.jpg", **captions, **box, **further})
    path.write_text(json.dumps(records))


def _vg150(root: Path, rows: int, jpegs: list[Path]) -> None:
    (root / "VG_100K").mkdir()
    (root / "vg150").mkdir()
    for i in range(rows):
        os.link(jpegs[i % SEEDS], root / "VG_100K" / f"{i + 1}.jpg")
    (root / "vg150" / "VG_100K").symlink_to("../VG_100K")
    records = [{"image_id": i + 1, "width": SIZE[0], "height": SIZE[1]} for i in range(rows)]
    (root / "vg150" / "image_data.json").write_text(json.dumps(records))
    tables: dict[str, dict[str, object]] = {}
    for what, n in (("label", 150), ("predicate", 50)):
        tables[f"{what}_to_idx"] = {f"{what} {i}": i for i in range(1, n + 1)}
        tables[f"idx_to_{what}"] = {str(i): f"{what} {i}" for i in range(1, n + 1)}
    (root / "vg150" / "VG-SGG-dicts.json").write_text(json.dumps(tables))
    _graphs(root / "vg150" / "VG-SGG.h5", rows)


def _graphs(path: Path, rows: int) -> None:
    """Write ten boxes and six relations an image; every fourth image is of the test split."""
    boxes, relations = 10, 6
    rng = np.random.default_rng(0)
    first_box, first_relation = np.arange(rows) * boxes, np.arange(rows) * relations
    middles = rng.integers(200, 500, (rows * boxes, 2))
    extents = rng.integers(20, 200, (rows * boxes, 2))
    ends = np.stack([np.arange(relations), np.arange(relations) + 1], axis=1)
    with h5py.File(path, "w") as file:
        file["split"] = np.where(np.arange(rows) % 4 == 0, 2, 0)
        file["img_to_first_box"], file["img_to_last_box"] = first_box, first_box + boxes - 1
        file["img_to_first_rel"] = first_relation
        file["img_to_last_rel"] = first_relation + relations - 1
        file["labels"] = rng.integers(1, 151, (rows * boxes, 1))
        file["boxes_1024"] = np.concatenate([middles, extents], axis=1)
        file["relationships"] = (first_box[:, None, None] + ends).reshape(-1, 2)
        file["predicates"] = rng.integers(1, 51, (rows * relations, 1))


def _measured(root: Path) -> tuple[float, float, float]:
    """Return a verification's seconds, seconds of computation, and peak memory in megabytes.

    It runs in a process of its own; imports are included.
    """
    command = [sys.executable, "-m", "benchbench", "data", "verify", "aro", "vg150"]
    started = time.perf_counter()
    with (root.parent / "errors").open("w+") as errors:
        process = subprocess.Popen(
            [*command, "visual-genome", "--root", str(root)],
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        if os.waitstatus_to_exitcode(status) not in (0, DIFFERS):
            errors.seek(0)
            raise SystemExit(errors.read())
    return seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


if __name__ == "__main__":
    main()
