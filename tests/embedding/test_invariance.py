"""An input's encoding is the same to the bit in every batch: stored ones equal new ones."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from benchbench.embedding import Encoder
from benchbench.embedding.stored import batch_rows
from benchbench.registry import load_model
from benchbench.types import DualEncoder, ImageRef, LoadOptions

LARGE = "openclip:ViT-B-32/untrained"
CAPTIONS = [f"{'a very ' * (i % 5)}small caption of {i}" for i in range(90)]


@pytest.mark.parametrize("name", ["structclip", LARGE, "tiny"])
def test_no_encoding_depends_on_its_batch(
    name: str, tiny: str, shapes: Path, request: pytest.FixtureRequest
) -> None:
    model = load_model(tiny if name == "tiny" else name, LoadOptions())
    assert isinstance(model, DualEncoder)
    paths = sorted((shapes / "images").iterdir())[:9]
    crops, sizes = (4, (5, 17, 36)) if name != LARGE else (2, (5,))  # it takes its time
    refs = [ImageRef(path, (0, 0, 60 + i, 90)) for path in paths for i in range(crops)]
    whole = Encoder(model, batch_size=32, workers=1)
    images, captions = whole.images(refs), whole.captions(CAPTIONS).embedded
    shuffled = random.Random(0)
    for size in sizes:
        some = shuffled.sample(refs, size)
        again = Encoder(model, batch_size=32, workers=1).images(some)
        assert np.array_equal(again.take(some), images.take(some))
        texts = shuffled.sample(CAPTIONS, 2 * size)
        encoded = Encoder(model, batch_size=16, workers=1).captions(texts).embedded
        assert np.array_equal(encoded.take(texts), captions.take(texts))


@pytest.mark.parametrize("device", ["cpu", "cuda:0", "mps"])
def test_rows_divide_a_batch(device: str) -> None:
    for size in range(1, 70):
        assert size % batch_rows(device, size) == 0
