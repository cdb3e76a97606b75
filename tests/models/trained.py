"""A small CLIP trained by gradient descent with either activation, on noise learnt by heart."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from PIL import Image
from torch.nn.functional import cross_entropy

from benchbench.models.probe import Pair
from benchbench.types import Activation, ImageRef

ARCHITECTURE = "tiny-narrow"
STEPS, RATE = 300, 5e-3
WORDS = "red dog cat tree blue car man hat cup green bird boat house sun ball book".split()


def noise(folder: Path, n: int, seed: int = 0) -> list[Pair]:
    """Pictures of noise, each with four words of its own."""
    rng = np.random.default_rng(seed)
    folder.mkdir()
    found = []
    for i in range(n):
        path = folder / f"{i}.png"
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(path)
        found.append(Pair(ImageRef(path), " ".join(rng.choice(WORDS, 4))))
    return found


def trained(pairs: list[Pair], activation: Activation, path: Path, seed: int = 0) -> str:
    """A plain state dict that says nothing of its activation.

    Four dimensions cannot tell all pairs apart, so that the loss settles at an optimum above 0.
    """
    torch.manual_seed(seed)
    model, _, transform = open_clip.create_model_and_transforms(
        ARCHITECTURE, force_quick_gelu=activation == "quickgelu"
    )
    for name, weight in model.named_parameters():
        if "c_fc.weight" in name:
            weight.data.mul_(2)
    model.token_embedding.weight.requires_grad_(False)
    pictures = torch.stack([transform(Image.open(pair.image.path)) for pair in pairs])
    ids = open_clip.get_tokenizer(ARCHITECTURE)([pair.caption for pair in pairs])
    _descend(model, pictures, ids)
    torch.save(model.state_dict(), path)
    return str(path)


def _descend(model: Any, pictures: torch.Tensor, ids: torch.Tensor) -> None:
    """Adam on CLIP's loss of all pairs at once, its rate falling along a cosine to 0."""
    parameters = [each for each in model.parameters() if each.requires_grad]
    optimizer = torch.optim.Adam(parameters, betas=(0.9, 0.98))
    labels = torch.arange(len(ids))
    for step in range(STEPS):
        rate = RATE * min((step + 1) / 20, 1) * 0.5 * (1 + math.cos(math.pi * step / STEPS))
        optimizer.param_groups[0]["lr"] = rate
        images = model.encode_image(pictures, normalize=True)
        logits = model.logit_scale.exp() * images @ model.encode_text(ids, normalize=True).T
        loss = cross_entropy(logits, labels) + cross_entropy(logits.T, labels)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
