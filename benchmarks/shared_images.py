"""Time four suites over the same COCO photographs: one command against four.

    python -m benchmarks.shared_images --coco COCO_FOLDER

COCO_FOLDER holds ``coco_karpathy_test_with_photo.json`` and the photographs that it names.
Retrieval and order read it as it is. SugarCrepe and SugarCrepe++ are written in their own formats
over the same photographs, their false captions being shuffles of true ones: what is measured is
time. All photographs are shared, captions in part. Each command is a process of its own with an
empty store of encodings; the four commands have one each, so that none profits from another.
Printed are seconds, the CPU's too, and the ratio.
"""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
from tabulate import tabulate

from benchbench.cache import CACHE_VARIABLE

TASKS = ("coco-retrieval", "coco-order", "sugarcrepe", "sugarcrepe-pp")
CREPE = ("add_att", "add_obj", "replace_att", "replace_obj", "replace_rel", "swap_att", "swap_obj")


def write_suites(coco: Path, root: Path) -> None:
    """Write the four suites over the photographs of a folder."""
    entries = json.loads((coco / "coco_karpathy_test_with_photo.json").read_text("utf-8"))
    (root / "coco_karpathy_test.json").write_text(json.dumps(entries), "utf-8")
    (root / "val2017").mkdir(parents=True)
    dice = random.Random(0)
    parts: list[dict[str, dict[str, object]]] = [{} for _ in CREPE]
    double: list[dict[str, object]] = []
    for i, entry in enumerate(entries):
        photograph = (coco / "images" / entry["image"]).resolve()
        for place in (root / entry["image"], root / "val2017" / photograph.name):
            place.parent.mkdir(exist_ok=True)
            place.symlink_to(photograph)
        for j, caption in enumerate(entry["caption"][:4]):
            words = caption.split()
            record: dict[str, object] = {
                "filename": photograph.name,
                "caption": caption,
                "negative_caption": " ".join(dice.sample(words, len(words))),
            }
            part = parts[(4 * i + j) % len(CREPE)]
            part[str(len(part))] = record
            double.append({"id": len(double), "caption2": entry["caption"][j - 1], **record})
    for name, part in zip(CREPE, parts, strict=True):
        (root / f"{name}.json").write_text(json.dumps(part), "utf-8")
    (root / "sugarcrepe_pp").mkdir()
    for k, name in enumerate(CREPE[2:]):
        place = root / "sugarcrepe_pp" / f"{name}.json"
        place.write_text(json.dumps(double[k :: len(CREPE[2:])]), "utf-8")


def timed(cache: Path, *words: str) -> tuple[float, float]:
    """Return the seconds, and the CPU's, that a command takes with a cache folder."""
    begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "benchbench", *words],
        env={**os.environ, CACHE_VARIABLE: str(cache)},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - begin, cpu


@click.command()
@click.option("--coco", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--model", default="openclip:ViT-B-32/untrained", show_default=True)
def main(coco: Path, model: str) -> None:
    """Run the commands; print a table."""
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        root = top / "data"
        root.mkdir()
        write_suites(coco, root)
        captions = str(root / "coco_karpathy_test.json")
        timed(top / "freezing", "data", "freeze-order", captions, "--tagger", "auto")
        how = ["--model", model, "--data-root", str(root), "--quiet"]
        apart = [
            timed(top / task, "eval", "--task", task, *how, "--out", str(top / "apart"))
            for task in TASKS
        ]
        tasks = [word for task in TASKS for word in ("--task", task)]
        once = timed(top / "once", "eval", *tasks, *how, "--out", str(top / "once runs"))
    rows = [*zip(TASKS, *zip(*apart, strict=True), strict=True)]
    rows.append(("four commands", sum(s for s, _ in apart), sum(c for _, c in apart)))
    rows.append(("one command", *once))
    click.echo(tabulate(rows, ("", "seconds", "CPU seconds"), floatfmt=".1f"))
    click.echo(f"one command: {once[0] / rows[-2][1]:.2f} of four, CPU {once[1] / rows[-2][2]:.2f}")


if __name__ == "__main__":
    main()
