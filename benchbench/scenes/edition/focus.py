"""Focused regions: an image in which two objects are highlighted (ScenarioCLIP, arXiv 2511.20274).

Upstream keeps the two objects of a relation, weights by a Gaussian (σ = 100 pixels) around each
mask's centre, and blurs the rest (σ = 2), in images of 640 pixels. Here both σ scale with the
image. Our reading of the method: the objects' own pixels stay; everything else is blurred, and
fades to black by the greater of the two Gaussians. All arithmetic is in integers, so that the
pixels are the same on every platform.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from benchbench.types.arrays import Flags, Pixels

Words = npt.NDArray[np.uint16]

LIGHT_SIGMA, BLUR_SIGMA, UPSTREAM_SIDE = 100, 2, 640

_ONE, _HALF, _BYTE = 256, np.uint16(128), np.uint16(8)


def blur(image: Pixels) -> Pixels:
    """Blur an image, [height, width, 3], by a Gaussian of σ = 2 · longest side / 640.

    The edges are repeated.
    """
    weights = blur_weights(max(image.shape[:2]))
    reach = len(weights) // 2
    for axis in (0, 1):
        margin = [(reach, reach) if each == axis else (0, 0) for each in range(3)]
        wide = np.pad(image, margin, mode="edge").astype(np.uint16)
        total = np.full(image.shape, _HALF, dtype=np.uint16)
        for shift, weight in enumerate(weights):
            stop = shift + image.shape[axis]
            total += (wide[shift:stop] if axis == 0 else wide[:, shift:stop]) * weight
        image = (total >> _BYTE).astype(np.uint8)
    return image


@lru_cache(maxsize=4)
def blur_weights(side: int) -> tuple[np.uint16, ...]:
    """Return the weights of the blur along one axis, for an image of that longest side.

    Their number is odd; their sum is 256.
    """
    sigma = BLUR_SIGMA * side / UPSTREAM_SIDE
    reach = max(1, int(3 * sigma))
    shape = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    weights = np.rint(shape / shape.sum() * _ONE).astype(np.int64)
    weights[reach] += _ONE - weights.sum()
    return tuple(np.uint16(weight) for weight in weights)


def focus(image: Pixels, blur: Pixels, masks: tuple[Flags, Flags]) -> Pixels:
    """Return the image with light on two objects.

    Args:
        image: [height, width, 3]
        blur: the image after ``blur``, [height, width, 3].
        masks: [height, width] each, the visible pixels of the objects; neither mask is empty.

    Returns:
        [height, width, 3]
    """
    light = np.maximum(*(_light(mask) for mask in masks))[..., None]
    dim = ((blur * light + _HALF) >> _BYTE).astype(np.uint8)
    return np.where((masks[0] | masks[1])[..., None], image, dim)


def _light(mask: Flags) -> Words:
    """Return the light of a mask, [height, width]: 256 at its centre, a Gaussian around it."""
    rows, columns = np.nonzero(mask)
    middle = ((2 * int(at.sum()) + len(at)) // (2 * len(at)) for at in (rows, columns))
    table = falloff(max(mask.shape))
    down, right = (
        table[np.abs(np.arange(length) - centre)]
        for length, centre in zip(mask.shape, middle, strict=True)
    )
    return np.asarray((down[:, None] * right[None, :]) >> _BYTE, dtype=np.uint16)


@lru_cache(maxsize=4)
def falloff(side: int) -> npt.NDArray[np.uint32]:
    """Return 256 times the Gaussian at each distance in pixels, [side], σ = 100 · side / 640."""
    sigma = LIGHT_SIGMA * side / UPSTREAM_SIDE
    shape = np.exp(-(np.arange(side) ** 2) / (2 * sigma**2))
    return np.asarray(np.rint(_ONE * shape), dtype=np.uint32)
