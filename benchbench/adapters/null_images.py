"""A generative model's own prior: the probability of a caption, estimated by images of noise.

P(caption) is the mean of P(caption | image) over images without content (Lin et al., *Revisiting
the Role of Language Priors in Vision-Language Models*, ICML 2024, arXiv 2306.01879: Gaussian noise
serves as well as images of the training set). How many images, and which noise, is fixed here, and
recorded in the manifest.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image
    from torch import Tensor

    from benchbench.types import Features, ModelManifest, PairScorer, PreparedImage, TextBatch

COUNT = 3
SEED = 0
MEAN, DEVIATION = 0.5, 0.25
"""The distribution of each channel of each pixel, cut at black (0) and white (1)."""
SIDE = 336
"""Width and height where the model's own are unknown or not fixed."""


def null_images(processor: Any) -> list[Image]:
    """Return images of Gaussian noise, of the size that the model sees."""
    import numpy as np
    from PIL.Image import fromarray

    width, height = _size(processor)
    noise = np.random.Generator(np.random.PCG64(SEED)).normal(
        MEAN, DEVIATION, (COUNT, height, width, 3)
    )
    pixels = (noise.clip(0, 1) * 255).round().astype(np.uint8)
    return [fromarray(each) for each in pixels]


def describe_null_images(processor: Any) -> dict[str, Any]:
    """Return what determines the images of noise, for the manifest."""
    return {
        "null_images": "Gaussian noise",
        "count": COUNT,
        "seed": SEED,
        "mean": MEAN,
        "deviation": DEVIATION,
        "size": list(_size(processor)),
    }


def _size(processor: Any) -> tuple[int, int]:
    """Return the width and height of an image processor's results."""
    settings = processor.image_processor.to_dict()
    names = ("crop_size", "size") if settings.get("do_center_crop") else ("size",)
    size = next((dict(settings[name]) for name in names if settings.get(name)), {})
    side = size.get("shortest_edge") or SIDE
    if size.get("longest_edge"):  # numbers of pixels, not of an edge
        side = SIDE
    return int(size.get("width") or side), int(size.get("height") or side)


class NullImagePrior:
    """A scorer of captions by the log-mean of their probabilities given the images of noise."""

    by_image = False

    def __init__(self, scorer: PairScorer, images: Sequence[Image]) -> None:
        """Prepare to score.

        Args:
            scorer: the model, whose scores are logarithms of probabilities.
            images: the images of noise.
        """
        self._scorer = scorer
        self._images = images
        self._features: Sequence[Features] | None = None

    @property
    def manifest(self) -> ModelManifest:
        """Return the model's."""
        return self._scorer.manifest

    @property
    def device(self) -> str:
        """Return the model's."""
        return self._scorer.device

    def transform(self, image: Image) -> PreparedImage:
        """Return nothing: no image but the noise is read."""
        return ()

    def encode_images(self, images: Sequence[PreparedImage]) -> Sequence[Features]:
        """Return the features of the noise for each of n images."""
        if self._features is None:
            scorer = self._scorer
            self._features = scorer.encode_images([scorer.transform(one) for one in self._images])
        return [self._features] * len(images)

    def token_ids(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Return the model's ids of each caption."""
        return self._scorer.token_ids(texts)

    def tokenize(self, texts: Sequence[str]) -> TextBatch:
        """Tokenise captions as the model does."""
        return self._scorer.tokenize(texts)

    def score(self, features: Sequence[Features], batch: TextBatch) -> Tensor:
        """Score captions by log (1/K) Σ P(caption | noise): [n]."""
        import torch

        by_noise = [self._scorer.score([one] * len(features), batch) for one in features[0]]
        return torch.stack(by_noise).float().logsumexp(dim=0) - math.log(len(by_noise))
