"""``benchbench train``: train a variant of the structure-aware family."""

from __future__ import annotations

import shlex
import sys
import time
from typing import Any

import click

from benchbench.cli import options
from benchbench.cli.output import say

SECONDS_BETWEEN_LINES = 15.0


@click.command("train")
@click.argument("variant")
@click.option(
    "--data",
    default="scenes",
    show_default=True,
    help="scenes, or photographs with captions, karpathy:FILE: coco_karpathy_train.json, or "
    "dataset_coco.json, whose training splits are taken.",
)
@click.option(
    "--backbone",
    default="small",
    show_default=True,
    help="small (random weights), a checkpoint of this command, or openclip:ARCH/TAG.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    default=0,
    show_default=True,
    help="The seed of new weights and of the order of examples.",
)
@click.option("--steps", type=options.COUNT, default=8000, show_default=True)
@click.option(
    "--max-minutes",
    "--minutes",
    "max_minutes",
    cls=options.RenamedOption,
    type=options.Number(min=0),
    help="Stop at the first validation after so many minutes; the same command resumes.",
)
@click.option(
    "--batch-size",
    "batch",
    type=click.IntRange(2, options.MAX_COUNT),
    default=64,
    show_default=True,
)
@click.option(
    "--lr",
    "--rate",
    "rate",
    cls=options.RenamedOption,
    type=options.Number(min=0, min_open=True),
    default=1e-3,
    show_default=True,
    help="Peak learning rate: a warm-up, then a cosine to 0.",
)
@click.option(
    "--pool",
    type=click.IntRange(0, options.MAX_COUNT),
    default=0,
    show_default=True,
    help="Train on so many drawn examples in epochs, the same for all seeds; 0: always new ones.",
)
@click.option("--validate-every", type=options.COUNT, default=1000, show_default=True)
@click.option(
    "--validation-scenes",
    type=click.IntRange(8, options.MAX_COUNT),
    help="Validate on so many drawn scenes: for a trial of a variant.  [default: the whole set]",
)
@options.device_option
@click.option("--precision", type=click.Choice(["fp32", "bf16"]), default="fp32", show_default=True)
@click.option("--workers", type=click.IntRange(0, 1024), help="Processes that prepare batches.")
@click.option("--out", metavar="DIR", help="The run's folder.  [default: training/VARIANT-SEED]")
def train_command(
    variant: str,
    out: str | None,
    device: str,
    workers: int | None,
    max_minutes: float | None,
    validation_scenes: int | None,
    **settings: Any,
) -> None:
    """Train one of the structure-aware variants, or resume a stopped run.

    VARIANT is a name of "benchbench list models": structclip, structclip:negatives, …; or a start
    of others: base, captioner, captioner:locked. They begin best from a captioner, towers trained
    to caption images: the bundled one, or your own:

    \b
    benchbench train structclip --backbone captioner:locked --steps 8000
    benchbench train captioner --steps 4000
    benchbench train structclip --backbone training/captioner-0/best.safetensors --steps 8000
    """
    from benchbench.registry import family_names
    from benchbench.training import Plan, train
    from benchbench.training.distributed import current_process

    plan = Plan(variant=variant, **settings)
    folder = out or f"training/{variant.replace(':', '-')}-{plan.seed}"
    line = _Line()
    try:
        best = train(
            plan,
            folder,
            device=device,
            workers=workers,
            minutes=max_minutes,
            validation_scenes=validation_scenes,
            progress=line,
        )
    except KeyboardInterrupt:
        click.echo("\nThe same command resumes from the last validation.", err=True)
        raise
    if not current_process().leads:
        return
    say(f"best  {best}")
    name = variant.partition(":")[0]
    use = f"eval --model {name}:{shlex.quote(str(best))} --task vg-relation"
    start = f"train structclip --backbone {shlex.quote(str(best))}"
    say(f"next  benchbench {use if name in family_names() else start}")


class _Line:
    """A progress printer: a line of the latest values every 15 seconds and at each validation."""

    def __init__(self) -> None:
        self._last = 0.0

    def __call__(self, step: int, steps: int, values: dict[str, float]) -> None:
        now = time.monotonic()
        if now - self._last < SECONDS_BETWEEN_LINES and "mean" not in values and step < steps:
            return
        self._last = now
        shown = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
        print(f"{step:,} of {steps:,}  {shown}", file=sys.stderr, flush=True)  # noqa: T201
