"""Time a second evaluation, all of whose inputs are stored: `python -m benchmarks.warm_runs`.

Synthetic files of VG-Relation's official size: 5,316 JPEGs of 800 × 600 pixels and about 100 kB,
all different, and 23,937 items. A command on a handful of items is the start: imports and weights.
What a second run takes beyond it is the engine's own: files looked at, encodings read, scores,
contents, intervals, the run's file. CPU seconds are user and system time of all threads: on a
shared machine they vary less than the clock.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image

from benchbench.cache import CACHE_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ITEMS, IMAGES, PAIRS = 23_937, 5_316, 13_353
SIZE = (800, 600)
GRAIN, QUALITY = 25, 45
OBJECTS, RELATIONS = 1_600, 48
HANDFUL = "8"
PARTS = (
    ("edition", "benchbench.item_sets", "resolve_edition"),
    ("items", "benchbench.item_sets", "_all_items"),
    ("survey of image files", "benchbench.item_sets", "survey"),
    ("images from the store", "benchbench.embedding.encoder", "encode_images"),
    ("captions from the store", "benchbench.embedding.encoder", "encode_captions"),
    ("scores and outcomes", "benchbench.protocols.matching.Matching", "answer"),
    ("digests of contents", "benchbench.evaluation", "with_contents"),
    ("the run's file", "benchbench.evaluation", "write_run"),
    ("evaluation, the rest", "benchbench.evaluation", "evaluate"),
    ("scorecard", "benchbench.analysis.scorecard", "scorecard"),
)
"""A part's name and the function whose CPU seconds, less those of the parts in it, it is."""


class Measured(NamedTuple):
    """What one command took."""

    seconds: float
    cpu: float
    peak: float
    """Megabytes."""

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s, {self.cpu:.1f} CPU seconds, peak {self.peak:,.0f} MB"


def main() -> None:
    """Write the files, evaluate twice, print what each run and each part took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, help="a folder to write to; else a temporary one")
    parser.add_argument("--model", default="clip")
    parser.add_argument("--share", type=float, default=1.0, help="of the official size")
    parser.add_argument("--rounds", type=int, default=3, help="of starts and second runs")
    parser.add_argument("--parts", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.parts:
        print_parts(options.parts)
        return
    with TemporaryDirectory(dir=options.work) as temporary:
        work = options.work or Path(temporary)
        root = work / "vg-relation"
        if not root.exists():
            write_files(root, options.share)
        report(root, options.model, options.rounds, work / "cache", Path(temporary) / "runs")


def report(root: Path, model: str, rounds: int, cache: Path, out: Path) -> None:
    """Evaluate a model on the files of a root, again and again; print what that took."""
    command = ["eval", "--model", model, "--task", "vg-relation", "--data-root", str(root)]
    command += ["--out", str(out / "run.parquet")]
    small = [*command[:-1], str(out / "few.parquet"), "--limit", HANDFUL]
    measure(small, cache)
    print(f"first run: {measure(command, cache)}", flush=True)
    start = min((measure(small, cache) for _ in range(rounds)), key=lambda each: each.cpu)
    print(f"start ({HANDFUL} items): {start}", flush=True)
    second = min((measure(command, cache) for _ in range(rounds)), key=lambda each: each.cpu)
    print(f"second run: {second}")
    more = (second.seconds - start.seconds, second.cpu - start.cpu)
    print(f"beyond the start: {more[0]:.1f} s, {more[1]:.1f} CPU seconds", flush=True)
    measure(command, cache, ["-m", "benchmarks.warm_runs", "--parts"])


def measure(
    arguments: Sequence[str], cache: Path, by: Sequence[str] = ("-m", "benchbench")
) -> Measured:
    """Return what a command took, in a process of its own with a cache of its own."""
    environment = {**os.environ, CACHE_VARIABLE: str(cache)}
    started = time.perf_counter()
    shown = None if "--parts" in by else subprocess.DEVNULL
    process = subprocess.Popen(
        [sys.executable, *by, *arguments], stdout=shown, stderr=shown, env=environment
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)}: exit code {process.returncode}")
    seconds = time.perf_counter() - started
    return Measured(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def print_parts(arguments: Sequence[str]) -> None:
    """Run a command in this process; print the CPU seconds of each of its parts."""
    from benchbench.cli import main as command

    own = dict.fromkeys((name for name, _, _ in PARTS), 0.0)
    inner = [0.0]
    for name, place, function in PARTS:
        holder, _, rest = place.partition(".Matching")
        module: Any = importlib.import_module(holder)
        there = module.Matching if place.endswith(".Matching") and not rest else module
        setattr(there, function, _timed(name, getattr(there, function), own, inner))
    started = time.process_time()
    command(list(arguments), standalone_mode=False)
    total = time.process_time() - started
    for name, seconds in own.items():
        print(f"{seconds:6.2f}  {name}")
    print(f"{total - sum(own.values()):6.2f}  everything else: imports, weights, text")


def _timed(
    name: str, function: Callable[..., Any], own: dict[str, float], inner: list[float]
) -> Callable[..., Any]:
    """Return the function, whose CPU seconds without those of timed ones in it are added up."""

    def timed(*arguments: Any, **options: Any) -> Any:
        inner.append(0.0)
        started = time.process_time()
        try:
            return function(*arguments, **options)
        finally:
            spent = time.process_time() - started
            own[name] += spent - inner.pop()
            inner[-1] += spent

    return timed


def write_files(root: Path, share: float = 1.0, seed: int = 0) -> None:
    """Write images and annotations in ARO's format, of a share of the official size."""
    draw = np.random.default_rng(seed)
    images = max(1, round(IMAGES * share))
    (root / "images").mkdir(parents=True)
    grain = draw.normal(0, GRAIN, (SIZE[1] + 300, SIZE[0] + 300, 1)).astype(np.float32)
    for i in range(images):
        few = Image.fromarray(draw.integers(0, 256, (12, 16, 3), np.uint8))
        y, x = draw.integers(0, 300, 2)
        shade = np.asarray(few.resize(SIZE, Image.Resampling.BICUBIC), np.float32)
        pixels = np.clip(shade + grain[y : y + SIZE[1], x : x + SIZE[0]], 0, 255)
        photograph = Image.fromarray(pixels.astype(np.uint8))
        photograph.save(root / "images" / f"{2_310_000 + 7 * i}.jpg", quality=QUALITY)
    pairs = [_pair(draw) for _ in range(max(1, round(PAIRS * share)))]
    records = [
        _record(draw, f"{2_310_000 + 7 * int(image)}.jpg", *pairs[i % len(pairs)])
        for i, image in enumerate(np.sort(draw.integers(0, images, round(ITEMS * share))))
    ]
    (root / "visual_genome_relation.json").write_text(json.dumps(records))


def _pair(draw: np.random.Generator) -> tuple[str, str, str]:
    """Return a relation, and the names of two different objects."""
    one, other = draw.choice(OBJECTS, 2, replace=False)
    return f"relation {draw.integers(RELATIONS)}", f"thing {one}", f"thing {other}"


def _record(
    draw: np.random.Generator, image: str, relation: str, one: str, other: str
) -> dict[str, Any]:
    left, top = (int(draw.integers(0, side // 2)) for side in SIZE)
    width, height = (int(draw.integers(60, side // 2)) for side in SIZE)
    return {
        "image_id": int(image.partition(".")[0]),
        "true_caption": f"the {one} is {relation} the {other}",
        "false_caption": f"the {other} is {relation} the {one}",
        "relation_info": {"object": other, "name": relation},
        "primary_object_id": int(draw.integers(10**6)),
        "primary_object_name": one,
        "bbox_x": left, "bbox_y": top, "bbox_w": width, "bbox_h": height,
        "relation_name": relation,
        "image_path": image,
    }  # fmt: skip


if __name__ == "__main__":
    main()
