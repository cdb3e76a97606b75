"""Measure the cosines of entities and regions under MSG-CLIP's printed loss.

    python -m benchmarks.collapse negclip msgclip msgclip:PATH

Minimised as printed, the loss of entities has its minimum at a one-bit code: every cosine near 1 or
−1, whatever is shown. For each model: mean and standard deviation of the cosines of all entities
with all groups of patches of their own image, the share of them beyond ±0.9, and how many matched
groups lie on the right object (chance is a half), on images of the validation split. ``--svg FILE``
draws the cosines' distributions.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import numpy as np
from tabulate import tabulate

from benchbench.atomic import atomic_write
from benchbench.errors import BenchbenchError, UsageError
from benchbench.registry import load_model
from benchbench.render.figures import svg
from benchbench.training.validation.alignment import build
from benchbench.variants import towers
from benchbench.variants.adapter import TrainedVariant
from benchbench.variants.texts import CaptionReader
from benchmarks.variants_figures import COLOURS, Axis, line, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchbench.training.validation.alignment import AlignmentSet
    from benchbench.types.arrays import Floats

ONE_BIT = 0.9
BINS = 40
WIDTH, PANEL, LEFT = 760, 90, 150
"""Pixels: of the figure, of a model's row, of its name."""


class Cosines(NamedTuple):
    """A model's cosines."""

    name: str
    cosines: Floats
    """The cosines of every entity with every group of its image."""
    right: float
    """Share of matched groups that lie on the right object."""


@click.command()
@click.argument("models", nargs=-1, required=True)
@click.option("--device", default="cpu", show_default=True)
@click.option("--scenes", type=int, help="Images to look at.  [default: the validation set's]")
@click.option("--svg", "figure", type=click.Path(path_type=Path), help="Where the figure goes.")
def main(models: Sequence[str], device: str, scenes: int | None, figure: Path | None) -> None:
    """Measure the cosines and print them; draw them where a figure is wanted."""
    try:
        found = [measure(name, device, scenes) for name in models]
    except BenchbenchError as error:
        click.echo(f"Error: {error}", err=True)
        raise SystemExit(error.exit_code) from error
    rows = [
        (each.name, each.cosines.mean(), each.cosines.std(),
         100 * (np.abs(each.cosines) > ONE_BIT).mean(), 100 * each.right)
        for each in found
    ]  # fmt: skip
    head = ("model", "mean cosine", "deviation", f"beyond ±{ONE_BIT}, %", "matched rightly, %")
    click.echo(tabulate(rows, head, floatfmt=(".0f", ".3f", ".3f", ".1f", ".1f")))
    if figure is not None:
        with atomic_write(figure) as temporary:
            temporary.write_text(draw_figure(found), "utf-8")


def measure(name: str, device: str, scenes: int | None = None) -> Cosines:
    """Measure the cosines of a model of the family.

    Args:
        name: as ``benchbench eval --model`` takes it.
        device: where it runs.
        scenes: how many images; by default the validation set's.

    Raises:
        UsageError: it is none of the family, and has no tokens to be matched with patches.
    """
    model: Any = load_model(name)
    if not isinstance(model, TrainedVariant):
        raise UsageError(f"{name} is not a bundled variant, nor a checkpoint of benchbench train.")
    clip = model.model.clip.to(device)
    paper: AlignmentSet = build(model.transform, scenes)
    tokenizer = towers.find_tokenizer(model.manifest.architecture)
    reader = CaptionReader(tokenizer, with_triples=False, with_spans=True)
    cosines, right, known = [], 0, 0
    for judged in paper.judged(clip, reader, device):
        cosines.append(judged.likeness[judged.pairs].cpu().double().numpy())
        right += int((judged.hits & judged.known).sum())
        known += int(judged.known.sum())
    return Cosines(name, np.concatenate(cosines), right / known)


def draw_figure(found: Sequence[Cosines]) -> str:
    """Return the distributions as SVG, a row a model."""
    across = Axis(-1.0, 1.0, LEFT, WIDTH - 20)
    edges = np.linspace(-1, 1, BINS + 1)
    parts = []
    for row, each in enumerate(found):
        share = np.histogram(each.cosines, edges)[0] / len(each.cosines)
        bottom = PANEL * (row + 1)
        parts.append(text(8, bottom - 30, each.name))
        parts.append(line((across.start, bottom), (across.end, bottom), 'stroke="var(--l)"'))
        wide = (across.end - across.start) / BINS
        for place, part in zip(edges[:-1], share / share.max(), strict=True):
            x, height = across.at(float(place)), float(part) * (PANEL - 20)
            parts.append(
                f'<rect x="{x:.1f}" y="{bottom - height:.1f}" width="{wide - 1:.1f}" '
                f'height="{height:.1f}" fill="{COLOURS[row % len(COLOURS)]}"/>'
            )
    bottom = PANEL * len(found)
    for tick in (-1.0, -0.5, 0.0, 0.5, 1.0):
        said = f"{tick:g}".replace("-", "−")
        parts.append(text(across.at(tick), bottom + 18, said, soft=True, anchor="middle"))
    said = "cosines of entities with groups of patches"
    parts.append(
        text((across.start + across.end) / 2, bottom + 38, said, soft=True, anchor="middle")
    )
    return svg(WIDTH, bottom + 46, "Distribution of cosines, by model", parts)


if __name__ == "__main__":
    main()
