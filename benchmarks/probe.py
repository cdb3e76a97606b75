"""Test the activation probe on small models trained with either activation.

    python benchmarks/probe.py --steps 300 --seeds 2 --pairs 500 --pairs 2000

Trains a small CLIP on drawn scenes with GELU and with QuickGELU, from the same weights on the same
batches, and asks of each which it was: on pairs that it was trained on, and on others. Beside the
probe's advice stands what the lower loss alone would say where its interval excludes 0.
"""

from __future__ import annotations

import json
import logging
import math
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import click
import numpy as np
import open_clip
import torch
from PIL import Image
from torch.nn.functional import cross_entropy

from benchbench.adapters.activation_probe import (
    DECIDING_MEASURE,
    Pair,
    ProbeResult,
    distinct,
    probe,
)
from benchbench.training.drawn_world import DrawnWorld
from benchbench.training.loop import build_optimizer
from benchbench.training.plan import Plan
from benchbench.training.rendering import cut_parts, draw_on
from benchbench.types import ACTIVATIONS, Activation, ImageRef, LoadOptions
from benchbench.variants import towers

NAME, SIZE, WIDTH = "probed", 32, 64
OTHERS = 10**7
"""The number of the first example that training never shows."""


@click.command()
@click.option("--steps", default=300, show_default=True)
@click.option("--batch-size", default=64, show_default=True)
@click.option("--seeds", default=2, show_default=True)
@click.option("--layers", default=4, show_default=True, help="Of the image tower; captions half.")
@click.option("--examples", default=20_000, show_default=True, help="Different ones to train on.")
@click.option("--pairs", multiple=True, default=[500, 2000], show_default=True)
def main(
    steps: int, batch_size: int, seeds: int, layers: int, examples: int, pairs: tuple[int, ...]
) -> None:
    """Print a line for each question, then the table."""
    logging.disable(logging.WARNING)
    table: Counter[tuple[str, int, str, str]] = Counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _register(folder, layers)
        shown, others = (_pairs(folder / each, start, max(pairs)) for each, start in
                         (("shown", 0), ("others", OTHERS)))  # fmt: skip
        for seed in range(seeds):
            for activation in ACTIVATIONS:
                path = _train(folder, activation, seed, steps, batch_size, examples)
                for where, found in (("trained on", shown), ("others", others)):
                    for n in pairs:
                        options = LoadOptions(architecture=NAME)
                        probed = probe(str(path), options, found[:n])
                        click.echo(f"{seed} {activation:9} {where:10} {_line(probed)}")
                        for rule, said in (("probe", probed.evidence), ("loss", _lower(probed))):
                            table[where, n, rule, _judged(said, activation)] += 1
    click.echo("\n| pairs | of them | by | right | silent | wrong |\n|---|---:|---|---:|---:|---:|")
    for where, n, rule in dict.fromkeys(key[:3] for key in table):
        counts = " | ".join(str(table[where, n, rule, j]) for j in ("right", "silent", "wrong"))
        click.echo(f"| {where} | {n} | {rule} | {counts} |")


def _register(folder: Path, layers: int) -> None:
    """Register a small CLIP with the tokenizer of ``benchbench-small``."""
    towers.register()
    config: dict[str, Any] = {
        "embed_dim": WIDTH,
        "vision_cfg": {
            "image_size": SIZE, "layers": layers, "width": WIDTH, "head_width": 32, "patch_size": 8
        },
        "text_cfg": {
            "context_length": 48, "vocab_size": 4098, "width": WIDTH, "heads": 2,
            "layers": layers // 2, "tokenizer_kwargs": {"bpe_path": str(towers.MERGES)},
        },
    }  # fmt: skip
    (folder / f"{NAME}.json").write_text(json.dumps(config))
    open_clip.add_model_config(folder)


def _examples(numbers: Any) -> tuple[torch.Tensor, list[str]]:
    """Return images, [n, 3, size, size] uint8, and captions."""
    found = DrawnWorld().examples(numbers)
    if found.scenes is None:
        raise RuntimeError("the drawn world gave no scenes")
    images = draw_on(found.scenes, 2 * SIZE, "cpu")
    return cut_parts(images, torch.from_numpy(found.boxes), SIZE), [
        each.text for each in found.captions
    ]


def _pairs(folder: Path, start: int, n: int) -> list[Pair]:
    folder.mkdir()
    pixels, captions = _examples(np.arange(start, start + 2 * n))
    for number, image in enumerate(pixels):
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(folder / f"{number}.png")
    found = [Pair(ImageRef(folder / f"{k}.png"), each) for k, each in enumerate(captions)]
    return distinct(found)[:n]


def _train(
    folder: Path, activation: Activation, seed: int, steps: int, batch: int, examples: int
) -> Path:
    """Train, and return a plain state dict that does not name its activation."""
    torch.manual_seed(seed)
    model, _, _ = open_clip.create_model_and_transforms(
        NAME, force_quick_gelu=activation == "quickgelu"
    )
    plan = Plan("clip", steps=steps, batch=batch, warmup=min(200, steps // 4))
    optimizer, tokenizer = build_optimizer(model, plan), open_clip.get_tokenizer(NAME)
    mean, deviation = (
        torch.tensor(each)[:, None, None]
        for each in (open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD)
    )
    labels = torch.arange(batch)
    for step in range(steps):
        pixels, captions = _examples((step * batch + np.arange(batch)) % examples)
        for group in optimizer.param_groups:
            group["lr"] = plan.learning_rate_at(step)
        images = model.encode_image((pixels / 255 - mean) / deviation, normalize=True)
        texts = model.encode_text(tokenizer(captions), normalize=True)
        logits = model.logit_scale.exp() * images @ texts.T
        loss = (cross_entropy(logits, labels) + cross_entropy(logits.T, labels)) / 2
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), plan.clip_norm)
        optimizer.step()
        with torch.no_grad():
            model.logit_scale.clamp_(max=math.log(100))
    path = folder / f"{activation}-{seed}.pt"
    torch.save(model.state_dict(), path)
    return path


def _lower(probed: ProbeResult) -> str | None:
    return next(each for each in probed.measures if each.name == DECIDING_MEASURE).better_reading


def _judged(said: str | None, activation: str) -> str:
    return "silent" if said is None else "right" if said == activation else "wrong"


def _line(probed: ProbeResult) -> str:
    loss = next(each for each in probed.measures if each.name == DECIDING_MEASURE)
    apart, place = loss.difference, probed.minimum
    return (
        f"{probed.pairs:5} pairs, loss {loss.gelu:.3f}: quickgelu {apart.value:+.4f} "
        f"[{apart.low:+.4f}, {apart.high:+.4f}], least at {place.value:+.2f} "
        f"[{place.low:+.2f}, {place.high:+.2f}]"
    )


if __name__ == "__main__":
    main()
