"""A model of one's own: it compares the light on both sides, and knows two words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torchvision.transforms.functional import pil_to_tensor

from benchbench import LoadOptions, ModelFamily, ModelManifest, model_digest


class ColourCounter:
    """Embeds an image as (light left, light right), a phrase as which of the words it holds."""

    similarity: Literal["cosine"] = "cosine"
    logit_scale = 1.0
    device = "cpu"
    manifest = ModelManifest(
        name="colour-counter",
        architecture="two sums",
        weights="none",
        weights_sha256=model_digest(Path(__file__)),
        trained=True,
        activation="none",
        preprocessing={"size": [32, 32]},
        tokenizer="white space",
        context_length=77,
        dtype="fp32",
        parameters=0,
        similarity="cosine",
    )

    def transform(self, image: Any) -> torch.Tensor:
        pixels: torch.Tensor = pil_to_tensor(image.resize((32, 32)))
        return pixels.float() / 255

    def encode_images(self, batch: torch.Tensor, role: str) -> torch.Tensor:
        left, right = batch.chunk(2, dim=3)
        return torch.stack([left.mean((1, 2, 3)), right.mean((1, 2, 3))], dim=1) + 1e-3

    def token_ids(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        return [tuple(sum(word.encode()) for word in text.split()) for text in texts]

    def tokenize(self, texts: Sequence[str]) -> list[str]:
        return list(texts)

    def encode_texts(self, batch: list[str], role: str) -> torch.Tensor:
        words = [[float(word in text) for word in ("left", "right")] for text in batch]
        return torch.tensor(words) + 1e-3


def load(rest: str, options: LoadOptions) -> ColourCounter:
    """There is one of it."""
    return ColourCounter()


FAMILY = ModelFamily(
    name="colour-counter",
    usage={"colour-counter": "compares light left and right"},
    load=load,
)
