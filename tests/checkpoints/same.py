"""What the tests of checkpoints share."""

from __future__ import annotations

from typing import Any

import open_clip
import torch

from benchbench.testing import CAPTIONS
from benchbench.types import LoadOptions

QUICK = LoadOptions(architecture="tiny", activation="quickgelu")


def assert_same(loaded: Any, model: Any, atol: float = 1e-5) -> None:
    pixels = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    ids = open_clip.get_tokenizer("tiny")(list(CAPTIONS))
    with torch.no_grad():
        images, texts = model.encode_image(pixels), model.encode_text(ids)
    ours = loaded.encode_texts(loaded.tokenize(CAPTIONS), "scene")
    assert torch.allclose(loaded.encode_images(pixels, "scene"), images, atol=atol)
    assert torch.allclose(ours, texts, atol=atol)
