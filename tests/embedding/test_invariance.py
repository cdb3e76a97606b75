"""An input's encoding is the same to the bit in every batch: stored ones equal new ones."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch

from benchbench.embedding import Encoder, filling
from benchbench.embedding.filling import batch_rows
from benchbench.products import products_are_invariant
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


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_no_encoding_depends_on_threads_or_on_few_rows(threads: int) -> None:
    if not products_are_invariant():  # tests/test_products.py: they are, on Intel's processors
        pytest.skip("products depend on rows here, and no promise is made")
    model = load_model(LARGE, LoadOptions())
    texts = [f"caption {i}" for i in range(40)]
    before = torch.get_num_threads()
    try:
        whole = Encoder(model, batch_size=32, workers=1).captions(texts).embedded
        torch.set_num_threads(threads)
        for n in (1, 16, 17, 33):
            some = Encoder(model, batch_size=32, workers=1).captions(texts[:n]).embedded
            assert np.array_equal(some.take(texts[:n]), whole.take(texts[:n]))
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(("device", "dtype"), [("cpu", "fp32"), ("cpu", "bf16"), ("mps", "fp32")])
def test_no_batch_is_filled_up_above_its_size(device: str, dtype: str) -> None:
    for size in range(1, 70):
        rows = batch_rows(device, size, dtype)
        filled = {rows.filled(n) for n in range(1, size + 1)}
        assert max(filled) == size
        assert min(filled) == rows.least


def test_batches_have_whole_multiples_where_products_depend_on_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(filling, "products_are_invariant", lambda: False)
    assert batch_rows("cpu", 32, "fp32") == (16, 16)
    assert batch_rows("cpu", 24, "fp32") == (24, 24)
