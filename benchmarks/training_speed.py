"""Training examples a second, and the share of what the towers alone would do.

The floor is a forward and a backward pass over pictures and captions that lie ready: no drawing, no
reading, no optimizer.

    python benchmarks/training_speed.py --device cuda --precision bf16 --batch-size 1024
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click
import torch

from benchbench.devices import choose_device, cpu_workers
from benchbench.training.drawn import DrawnWorld
from benchbench.training.feeding import Feed
from benchbench.training.optim import optimizer_of
from benchbench.training.plan import Plan
from benchbench.training.running import made_for
from benchbench.training.views import VIEWS
from benchbench.variants.catalogue import variant

if TYPE_CHECKING:
    from collections.abc import Callable


@click.command()
@click.option("--variants", default="clip,negclip,structclip", show_default=True)
@click.option("--device", default="auto", show_default=True)
@click.option("--precision", type=click.Choice(["fp32", "bf16"]), default="fp32")
@click.option("--batch-size", default=64, show_default=True)
@click.option("--steps", default=20, show_default=True)
@click.option("--workers", type=int, help="Processes that prepare batches.")
def main(
    variants: str, device: str, precision: Any, batch_size: int, steps: int, workers: int | None
) -> None:
    """Print a line a variant."""
    device = choose_device(device)
    workers = cpu_workers() - 1 if workers is None else workers
    for name in variants.split(","):
        plan = Plan(name, batch=batch_size, precision=precision)
        made = made_for(variant(name), plan)
        model: Any = made.model.to(device).train()
        optimizer = optimizer_of(model, plan)
        source = DrawnWorld(0, variant(name).splits, variant(name).negatives)
        views = [VIEWS[each] for each in variant(name).views]
        feed = Feed(source, made.reader, views, batch_size, made.size, device, made.preprocessing)
        batches = feed.batches(0, steps + 3, workers)
        ready = [next(batches) for _ in range(3)]

        def passed(
            batch: Any, model: Any = model, device: str = device, precision: Any = precision
        ) -> None:
            with torch.autocast(device.partition(":")[0], torch.bfloat16, precision == "bf16"):
                loss = model(batch, 0)
            model.zero_grad(set_to_none=True)
            loss.total.backward()

        def again(n: int, passed: Any = passed, ready: Any = ready) -> None:
            passed(ready[n % 3])

        again(0)
        floor = _rate(again, steps, device)

        def step(n: int, passed: Any = passed, batches: Any = batches, o: Any = optimizer) -> None:
            passed(next(batches))
            o.step()

        whole = _rate(step, steps, device)
        click.echo(
            f"{name:12} {whole * batch_size:9,.0f} examples/s   "
            f"{floor * batch_size:9,.0f} by the towers alone   {100 * whole / floor:.0f} %"
        )


def _rate(work: Callable[[int], None], steps: int, device: str) -> float:
    """Calls a second."""
    started = time.perf_counter()
    for number in range(steps):
        work(number)
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return steps / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
