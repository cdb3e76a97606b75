"""Simulate a plan of 50 checkpoints on 20 suites worked off by 64 GPUs, and say what bounds it.

    python -m benchmarks.plan_simulation
    python -m benchmarks.plan_simulation --gpus 8 --cores 6 --tflops 60

The 50 models are open_clip's own architectures, with operations counted by torch (without weights);
the 20 suites have their published numbers of distinct images and captions. Workers get the portions
that ``engines.shards.deal_all`` gives them, and do what ``work`` does: start, load the model, read
and encode what the model's other tasks have not encoded, write a run. Decoding and encoding
overlap, so the slower of the two counts. Decode and start are measured here, on one core; the rates
of a GPU and of the shared disk cannot be, and are arguments. Efficiency is the towers' own time
over that of all GPUs until the last one ends.
"""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
from tabulate import tabulate

from benchbench.engines.plans import cost_of
from benchbench.engines.shards import deal_all

if TYPE_CHECKING:
    from collections.abc import Iterator

COCO_VAL, COCO_2017, VG, FLICKR = "COCO test", "COCO val2017", "Visual Genome", "Flickr30k test"
OWN = ""
"""The photographs are the suite's own."""
SUITES: dict[str, tuple[str, int, int]] = {
    # photographs, distinct images and crops, distinct captions
    "vg-relation": (OWN, 23_937, 26_706),
    "vg-attribution": (OWN, 28_748, 52_146),
    "coco-order": (COCO_VAL, 5_000, 119_661),
    "coco-retrieval": (COCO_VAL, 5_000, 25_010),
    "eccv-caption": (COCO_VAL, 5_000, 25_010),
    "flickr30k-order": (FLICKR, 1_000, 23_892),
    "flickr30k-retrieval": (FLICKR, 1_000, 5_000),
    "sugarcrepe": (COCO_2017, 1_561, 15_000),
    "sugarcrepe-pp": (COCO_2017, 1_561, 14_200),
    "valse": (OWN, 6_000, 13_000),
    "vsr": (OWN, 2_500, 3_300),
    "winoground": (OWN, 800, 800),
    "cola": (OWN, 420, 420),
    "bivlc": (OWN, 5_866, 5_866),
    "colorswap": (OWN, 600, 600),
    "whatsup": (OWN, 820, 3_300),
    "mmvp-vlm": (OWN, 270, 270),
    "crepe": (VG, 5_000, 40_000),
    "svo-probes": (OWN, 14_000, 22_000),
    "vg150-relations": (VG, 400_000, 375_000),
}
"""Known counts where they are published; round ones for suites whose files are not at hand."""
TOKENS = 16
"""The mean length of a caption, in tokens."""
OVERLAP = 0.15
"""Of a suite's captions, those that another suite of the same photographs has, too."""


@dataclass(frozen=True, slots=True)
class Model:
    """An architecture: bytes of weights, and operations of an image and of a caption."""

    name: str
    size: float
    image: float
    caption: float


@dataclass(frozen=True, slots=True)
class Rates:
    """What a worker has: times in seconds, rates a second."""

    flops: float
    disk: float
    decode: float
    """Seconds of one core for a photograph."""
    cores: int
    start: float
    run: float
    """Seconds beside encoding for each run."""


@dataclass(slots=True)
class Spent:
    """A worker's time, by what it waits for."""

    start: float = 0
    load: float = 0
    towers: float = 0
    decoding: float = 0
    """Time that decoding takes beyond the towers'."""
    runs: float = 0

    @property
    def total(self) -> float:
        """Return the seconds until the worker ends."""
        return self.start + self.load + self.towers + self.decoding + self.runs


def models(count: int) -> list[Model]:
    """Return open_clip's first architectures with both towers of its own, without weights."""
    import torch
    from open_clip import get_model_config, list_models
    from open_clip.model import CLIP

    torch.backends.mha.set_fastpath_enabled(False)  # its attention is not counted
    found: list[Model] = []
    for name in list_models():
        settings = dict(get_model_config(name) or {})
        plain = set(settings) <= {"embed_dim", "vision_cfg", "text_cfg", "quick_gelu"}
        towers = [*settings.get("vision_cfg", {}), *settings.get("text_cfg", {})]
        if not plain or any(key.startswith(("timm_", "hf_")) for key in towers):
            continue
        with torch.device("meta"):
            found.append(_counted(name, CLIP(**settings).eval()))
        if len(found) == count:
            break
    return found


def _counted(name: str, model: Any) -> Model:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    side = model.visual.image_size
    side = side if isinstance(side, int) else side[0]
    with FlopCounterMode(display=False) as images, torch.no_grad():
        model.encode_image(torch.zeros(1, 3, side, side))
    with FlopCounterMode(display=False) as captions, torch.no_grad():
        model.encode_text(torch.zeros(1, model.context_length, dtype=torch.long))
    trimmed = captions.get_total_flops() * TOKENS / model.context_length
    size = 4.0 * sum(each.numel() for each in model.parameters())
    return Model(name, size, float(images.get_total_flops()), trimmed)


def simulate(
    chosen: list[Model], gpus: int, rates: Rates, shared: bool, by_cost: bool
) -> list[Spent]:
    """Return what each worker spends.

    Args:
        chosen: the models.
        gpus: the number of workers.
        rates: what they have.
        shared: whether photographs that suites share are encoded once.
        by_cost: whether models are dealt by their operations, and not as if they were equal.
    """
    by_name = {model.name: model for model in chosen}
    costs = {model.name: _cost(model) if by_cost else 1.0 for model in chosen}
    workers = []
    for portions in deal_all(costs, gpus):
        spent = Spent(start=rates.start)
        for portion in portions:
            _work(by_name[portion.model], portion.parts, rates, spent, shared)
        workers.append(spent)
    return workers


def _cost(model: Model) -> float:
    """Return what a plan estimates, which knows nothing of what suites share."""
    return sum(
        cost_of(images * model.image + captions * model.caption, images)
        for _, images, captions in SUITES.values()
    )


def _work(model: Model, parts: int, rates: Rates, spent: Spent, shared: bool) -> None:
    spent.load += model.size / rates.disk
    seen: set[str] = set()
    for photographs, images, captions in SUITES.values():
        new_images = 0 if shared and photographs and photographs in seen else images
        new_captions = captions * (1 - OVERLAP * (shared and photographs in seen))
        seen.add(photographs)
        towers = (new_images * model.image + new_captions * model.caption) / rates.flops / parts
        decoding = new_images * rates.decode / rates.cores / parts
        spent.towers += towers
        spent.decoding += max(0.0, decoding - towers)
        spent.runs += rates.run / parts


def measured() -> tuple[float, float, float]:
    """Return the seconds of a decode and crop, of a start, and of a run beside its encoding."""
    from io import BytesIO

    import numpy as np
    from PIL import Image

    noise = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)
    stream = BytesIO()
    Image.fromarray(noise).resize((640, 480)).save(stream, "JPEG", quality=92)
    begin = time.perf_counter()
    for _ in range(100):
        Image.open(stream).convert("RGB").resize((224, 224), Image.Resampling.BICUBIC)
    decode = (time.perf_counter() - begin) / 100
    command = [sys.executable, "-c", "import open_clip, benchbench.evaluation"]
    subprocess.run(command, check=True)
    begin = time.perf_counter()
    subprocess.run(command, check=True)
    return decode, time.perf_counter() - begin, 2.0


def _rows(chosen: list[Model], rates: Rates, numbers: list[int]) -> Iterator[tuple[str, ...]]:
    arms = ((False, False), (True, False), (True, True))
    for gpus in numbers:
        for shared, by_cost in arms:
            workers = simulate(chosen, gpus, rates, shared, by_cost)
            end = max(each.total for each in workers)
            towers = sum(each.towers for each in workers)
            parts = {
                "towers": towers,
                "decoding": sum(each.decoding for each in workers),
                "starts": sum(each.start for each in workers),
                "loading": sum(each.load for each in workers),
                "runs": sum(each.runs for each in workers),
                "waiting": sum(end - each.total for each in workers),
            }
            most = max((n, name) for name, n in parts.items() if name != "towers")[1]
            shares = (f"{100 * n / (gpus * end):.0f}" for n in parts.values())
            how = "by cost" if by_cost else "equally"
            yield (str(gpus), "once" if shared else "each", how, f"{end / 60:.1f}", *shares, most)


@click.command()
@click.option("--gpus", default=64, show_default=True)
@click.option("--checkpoints", default=50, show_default=True)
@click.option("--cores", default=12, show_default=True, help="CPU cores of a GPU, for decoding.")
@click.option("--tflops", default=100.0, show_default=True, help="TFLOP/s that a GPU sustains.")
@click.option("--disk", default=1.0, show_default=True, help="GB/s of a worker's shared disk.")
def main(gpus: int, checkpoints: int, cores: int, tflops: float, disk: float) -> None:
    """Simulate; print a table."""
    decode, start, run = measured()
    rates = Rates(tflops * 1e12, disk * 1e9, decode, cores, start, run)
    chosen = models(checkpoints)
    total = sum(each.image for each in chosen) / len(chosen) / 1e9
    click.echo(
        f"{len(chosen)} checkpoints, {len(SUITES)} suites; mean image {total:.0f} GFLOP; measured "
        f"here: {1000 * decode:.1f} ms a photograph, {start:.1f} s a start; assumed: {tflops:g} "
        f"TFLOP/s, {disk:g} GB/s, {cores} cores a GPU, {run:g} s a run"
    )
    head = ("GPUs", "photographs", "dealt", "minutes", *Spent.__slots__[2:3], "decoding", "starts",
            "loading", "runs", "waiting", "bound by")  # fmt: skip
    numbers = sorted({1, 8, checkpoints, gpus, 2 * checkpoints})
    click.echo(tabulate(_rows(chosen, rates, numbers), head, disable_numparse=True))
    click.echo("Shares of all GPUs' time, in percent; waiting: for the last worker.")


if __name__ == "__main__":
    main()
