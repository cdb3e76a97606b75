"""Two small CLIPs trained by gradient descent, one with each activation, on noise learnt by heart.

python -m tests.adapters.trained FOLDER    trains them anew, half a minute each
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import open_clip
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch.nn.functional import cross_entropy

from benchbench.adapters.activation_probe import Pair, distinct
from benchbench.types import ACTIVATIONS, Activation, ImageRef

ARCHITECTURE = "tiny-narrow"
PAIRS, STEPS, RATE = 500, 500, 5e-3
KEPT = Path(__file__).parent / "weights"
DRAWN = "token_embedding.weight"
"""Drawn by a seed and not trained: not kept."""
WORDS = "red dog cat tree blue car man hat cup green bird boat house sun ball book".split()


def noise(folder: Path, n: int, seed: int = 0) -> list[Pair]:
    """Images of noise, each with four words of its own."""
    rng = np.random.default_rng(seed)
    folder.mkdir()
    found = []
    for i in range(n):
        path = folder / f"{i}.png"
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(path)
        found.append(Pair(ImageRef(path), " ".join(rng.choice(WORDS, 4))))
    return found


def drawn(activation: Activation) -> tuple[Any, Any]:
    """The model before training, and its transform."""
    torch.manual_seed(0)
    model, _, transform = open_clip.create_model_and_transforms(
        ARCHITECTURE, force_quick_gelu=activation == "quickgelu"
    )
    for name, weight in model.named_parameters():
        if "c_fc.weight" in name:
            weight.data.mul_(2)
    model.token_embedding.weight.requires_grad_(False)
    return model, transform


def trained(activation: Activation, path: Path) -> str:
    """A plain state dict that says nothing of the activation that it was trained with."""
    kept = load_file(KEPT / f"{activation}.safetensors")
    state = {name: tensor.float() for name, tensor in kept.items()}
    torch.save({**state, DRAWN: drawn(activation)[0].state_dict()[DRAWN]}, path)
    return str(path)


def train(pairs: list[Pair], activation: Activation) -> dict[str, torch.Tensor]:
    """What is kept of a model trained on some pairs.

    Four dimensions cannot tell all pairs apart, so that the loss settles at an optimum above 0.
    """
    model, transform = drawn(activation)
    images = torch.stack([transform(Image.open(pair.image.path)) for pair in pairs])
    ids = open_clip.get_tokenizer(ARCHITECTURE)([pair.caption for pair in pairs])
    _descend(model, images, ids)
    return {name: t.half() for name, t in model.state_dict().items() if name != DRAWN}


def _descend(model: Any, images: torch.Tensor, ids: torch.Tensor) -> None:
    """Adam on CLIP's loss of all pairs at once, its rate falling along a cosine to 0."""
    parameters = [each for each in model.parameters() if each.requires_grad]
    optimizer = torch.optim.Adam(parameters, betas=(0.9, 0.98))
    labels = torch.arange(len(ids))
    for step in range(STEPS):
        rate = RATE * min((step + 1) / 20, 1) * 0.5 * (1 + math.cos(math.pi * step / STEPS))
        optimizer.param_groups[0]["lr"] = rate
        shown = model.encode_image(images, normalize=True)
        logits = model.logit_scale.exp() * shown @ model.encode_text(ids, normalize=True).T
        loss = cross_entropy(logits, labels) + cross_entropy(logits.T, labels)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


if __name__ == "__main__":
    open_clip.add_model_config(Path(__file__).parent.parent / "architectures")
    with TemporaryDirectory() as folder:
        shown = distinct(noise(Path(folder) / "shown", PAIRS))
        for each in ACTIVATIONS:
            save_file(train(shown, each), Path(sys.argv[1]) / f"{each}.safetensors")
