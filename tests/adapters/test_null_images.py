"""Images of noise, and the prior that they estimate."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from benchbench.adapters.null_images import NullImagePrior, describe_null_images, null_images
from tests.pair_scorers import HashScorer


def processor(**settings: Any) -> Any:
    return SimpleNamespace(image_processor=SimpleNamespace(to_dict=lambda: settings))


def test_noise_has_its_mean_and_deviation_and_is_the_same_each_time() -> None:
    seen = processor(size={"height": 384, "width": 256})
    noise = np.stack([np.asarray(image) for image in null_images(seen)]) / 255
    assert noise.shape == (3, 384, 256, 3)
    # A normal distribution of deviation 1/4, cut at 2 deviations on both sides.
    assert noise.mean() == pytest.approx(0.5, abs=1e-3)
    tail, density = math.erfc(math.sqrt(2)) / 2, math.exp(-2) / math.sqrt(2 * math.pi)
    variance = (1 - 2 * tail - 4 * density + 8 * tail) / 16
    assert noise.std() == pytest.approx(math.sqrt(variance), abs=1e-3)
    again = np.stack([np.asarray(image) for image in null_images(seen)]) / 255
    assert (noise == again).all()
    assert np.abs(np.corrcoef(noise.reshape(3, -1)) - np.eye(3)).max() < 0.01


@pytest.mark.parametrize(
    ("settings", "size"),
    [
        ({"size": {"height": 384, "width": 256}}, [256, 384]),
        ({"size": {"shortest_edge": 224}}, [224, 224]),
        (
            {
                "do_center_crop": True,
                "size": {"shortest_edge": 224},
                "crop_size": {"height": 200, "width": 210},
            },
            [210, 200],
        ),
        ({"size": {"shortest_edge": 3136, "longest_edge": 1003520}}, [336, 336]),
        ({}, [336, 336]),
    ],
)
def test_noise_is_of_the_size_that_the_model_sees(settings: Any, size: list[int]) -> None:
    assert describe_null_images(processor(**settings))["size"] == size
    assert null_images(processor(**settings))[0].size == tuple(size)


def test_the_prior_is_a_mean_of_probabilities_and_not_of_their_logarithms() -> None:
    class Logs(HashScorer):
        def score(self, features: Any, batch: Any) -> torch.Tensor:
            return super().score(features, batch).log()

    noise = [Image.new("RGB", (8, 8), (level, 0, 0)) for level in (0, 90, 200)]
    plain = HashScorer()
    prior = NullImagePrior(Logs(), noise)
    shown = prior.encode_images([prior.transform(Image.new("RGB", (4, 4)))] * 2)
    found = prior.score(shown, prior.tokenize(["a dog", "a cat"])).exp().tolist()
    features = plain.encode_images([plain.transform(one) for one in noise])
    for text, value in zip((b"a dog", b"a cat"), found, strict=True):
        each = plain.score(features, [text] * 3).tolist()
        assert value == pytest.approx(sum(each) / 3)
        assert max(each) - min(each) > 0.1
