"""Time training by part, in examples a second: data, towers alone, whole steps; on a CPU or a GPU.

    python -m benchmarks.training_speed --device cpu
    python -m benchmarks.training_speed --device cuda --precision bf16 --batch-size 512

Towers alone: a forward and a backward pass of the image tower over as many images, and of the text
tower over as many captions, as a batch of the variant has, at the resolution at which the
variant encodes them: no objective, no reading, no optimizer.
(ScenarioCLIP looks at one of two images in a quarter of the places: its share can exceed 100 %.)
Data: batches and nothing else, drawn as training draws them, and read from a pack where they can be
packed. Step: everything, from a pack. Share: of the towers' own rate; half of it is wanted.

A member's parts are measured in turns within one run, several times; medians are printed.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import click
import torch
from tabulate import tabulate

from benchbench.devices import choose_device, cpu_workers
from benchbench.training.batches import BatchBuilder
from benchbench.training.columns import VIEW_COLUMNS, Assembly
from benchbench.training.drawn_world import DrawnWorld
from benchbench.training.loop import build_optimizer
from benchbench.training.order import Order
from benchbench.training.pack_batches import PackedBatches, load_on_device
from benchbench.training.packs import Recipe, make
from benchbench.training.passes import arithmetic, passes_of
from benchbench.training.plan import Plan
from benchbench.training.running import build_for
from benchbench.training.views import VIEWS
from benchbench.variants.catalogue import variant, variants
from benchbench.variants.features import text_embeddings
from benchbench.variants.pairs import Regions
from benchbench.variants.patches import patch_map, resize
from benchbench.variants.texts import Texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchbench.training.packs import Pack
    from benchbench.variants.building import Build
    from benchbench.variants.variant import Batch, Variant

LATE_STEP = 10_000
"""A step at which all parts of every objective are at work."""
TARGET = 50
"""Percent of the towers' own rate."""


@click.command()
@click.option("--variants", "names", default="", help="With commas between; by default all.")
@click.option("--device", default="auto", show_default=True)
@click.option("--precision", type=click.Choice(["fp32", "bf16"]), default="fp32", show_default=True)
@click.option("--batch-size", default=64, show_default=True)
@click.option("--steps", default=10, show_default=True, help="Of each part, each time.")
@click.option("--times", default=3, show_default=True, help="That each part is measured.")
@click.option("--workers", type=int, help="That prepare live batches for a GPU.  [default: cores]")
def main(
    names: str, device: str, precision: str, batch_size: int, steps: int, times: int,
    workers: int | None,
) -> None:  # fmt: skip
    """Print a line for each variant: examples a second, and percent."""
    device = choose_device(device)
    if device == "cpu":
        workers = 0
        torch.set_num_threads(1)
    else:
        workers = cpu_workers() - 1 if workers is None else workers
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        packs: dict[tuple[bool, int], Pack] = {}
        for name in names.split(",") if names else variants():
            described = variant(name)
            key = described.twins, described.dense_percent
            if set(described.views) <= set(VIEW_COLUMNS) and key not in packs:
                packs[key] = _pack(Path(folder), *key, 4 * batch_size)
            bench = Bench(name, device, precision, batch_size, packs.get(key))
            rows.append([name, *bench.measure(steps, times, workers)])
            click.echo(f"{name}: {rows[-1][-2]}", err=True)
    head = ["variant", "live data", "packed data", "towers", "step", "share", "how"]
    click.echo(tabulate(rows, head, tablefmt="github"))


def _pack(folder: Path, twins: bool, dense: int, count: int) -> Pack:
    views = () if twins else tuple(sorted(VIEW_COLUMNS))
    recipe = Recipe(count=count, twins=twins, dense_percent=dense, views=views, turns=not twins)
    return make(folder / f"{twins}-{dense}", recipe, processes=cpu_workers())


class Bench:
    """One variant's parts."""

    def __init__(
        self, name: str, device: str, precision: str, batch: int, pack: Pack | None
    ) -> None:
        """Make the model, and what it is shown."""
        self.described, self.device, self.precision = variant(name), device, precision
        self.plan = Plan(name, batch=batch, precision=precision)  # type: ignore[arg-type]
        self.build = build_for(self.described, self.plan)
        self.model: Any = self.build.model.to(device).train()
        self.optimizer = build_optimizer(self.model, self.plan)
        self.live = _live(self.described, self.build, batch, device)
        self.packed: PackedBatches | None = None
        if pack is not None and set(self.described.views) <= set(VIEW_COLUMNS):
            assembly = Assembly(self.described, self.build.reader, self.build.preprocessing)
            order = Order(pack.recipe.count)
            feed = PackedBatches(pack, assembly, batch, device, order)
            self.packed = feed if device == "cpu" else load_on_device(feed)
        feeding = self.live if self.packed is None else self.packed
        self.passes = passes_of(self.model, feeding, device, precision, alone=True)

    def measure(self, steps: int, times: int, workers: int) -> list[str]:
        """Return the cells of its row."""
        far = LATE_STEP + (times + 2) * steps + 8
        live = self.live.batches(0, far, workers)
        read = live if self.packed is None else self.packed.batches(0, far, 0)
        parts: dict[str, Callable[[], None]] = {
            "live": _next(live),
            "packed": _next(read),
            "towers": self._towers(next(live)),
            "step": self._step(workers, far),
        }
        for work in parts.values():  # the first is slower; a GPU records its fourth step
            self._rate(work, 5)
        rates: dict[str, list[float]] = {name: [] for name in parts}
        for _ in range(times):
            for name, work in parts.items():
                rates[name].append(self._rate(work, steps))
        each = {name: median(found) * self.plan.batch for name, found in rates.items()}
        share = 100 * each["step"] / each["towers"]
        shown = [f"{each[name]:,.0f}" for name in ("live", "packed", "towers", "step")]
        if self.packed is None:
            shown[1] = "–"
        mark = "" if share >= TARGET else " (below)"
        return [*shown, f"{share:.0f} %{mark}", self.passes.note.partition(",")[0] or "one by one"]

    def _rate(self, work: Callable[[], None], steps: int) -> float:
        """Return calls a second; on a CPU, a second of one core, whoever else is at work there."""
        clock = time.process_time if self.device == "cpu" else time.perf_counter
        self._wait()
        started = clock()
        for _ in range(steps):
            work()
        self._wait()
        return steps / (clock() - started)

    def _wait(self) -> None:
        if self.device.startswith("cuda"):
            torch.cuda.synchronize()

    def _towers(self, batch: Batch) -> Callable[[], None]:
        """Return a pass over the images and captions of a batch, whatever they are for."""
        clip = self.model.clip
        views = batch.inputs.values()
        whole = [
            resize(each.images, self.model.side) for each in views if isinstance(each, Regions)
        ]
        others = [each for each in (batch, *views) if not isinstance(each, Regions)]
        images = [shown.images for shown in others if _seen(shown)]
        texts = [found.ids for found in _captions(batch)]
        weights = [p for p in clip.parameters() if p.requires_grad]

        def passed() -> None:
            with arithmetic(self.device, self.precision):
                seen = [clip.encode_image(each).float().square().mean() for each in images]
                seen += [patch_map(clip, each).float().square().mean() for each in whole]
                read = [text_embeddings(clip, ids).float().square().mean() for ids in texts]
                total = torch.stack([*seen, *read]).sum()
            for weight in weights:
                weight.grad = None
            total.backward()  # type: ignore[no-untyped-call]

        return passed

    def _step(self, workers: int, far: int) -> Callable[[], None]:
        """Return a whole step, from data to the optimizer."""
        shown, number = self.passes.shown(LATE_STEP, far, workers), LATE_STEP

        def step() -> None:
            nonlocal number
            self.passes(next(shown), number)
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.plan.clip_norm)
            self.optimizer.step()
            number += 1

        return step


def _live(described: Variant, build: Build, batch: int, device: str) -> BatchBuilder:
    source = DrawnWorld(
        0, described.splits, described.negatives, described.swaps, described.twins,
        described.dense_percent,
    )  # fmt: skip
    views = [VIEWS[each] for each in described.views]
    return BatchBuilder(source, build.reader, views, batch, build.size, device, build.preprocessing)


def _next(batches: Iterator[Batch]) -> Callable[[], None]:
    def work() -> None:
        next(batches)

    return work


def _seen(shown: Any) -> bool:
    return isinstance(getattr(shown, "images", None), torch.Tensor)


def _captions(batch: Batch) -> list[Texts]:
    """Return every set of captions in a batch: its own, swapped ones, names of views."""
    found = [batch.texts]
    if batch.negatives is not None and len(batch.negatives.texts):
        found.append(batch.negatives.texts)
    for each in batch.inputs.values():
        fields = [getattr(each, name) for name in getattr(each, "__slots__", ())]
        found += [value for value in fields if isinstance(value, Texts)]
    return found


if __name__ == "__main__":
    main()
