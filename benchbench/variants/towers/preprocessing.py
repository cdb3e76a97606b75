"""Preprocess images that are squashed to their size, as open_clip does by torchvision.

Equal to ``open_clip.transform.image_transform_v2`` to the bit, without torchvision, which takes as
long to import as torch does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL.Image import Resampling

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PIL.Image import Image
    from torch import Tensor

DEFAULTS: dict[str, Any] = {
    "size": 224,
    "mode": "RGB",
    "mean": (0.48145466, 0.4578275, 0.40821073),
    "std": (0.26862954, 0.26130258, 0.27577711),
    "interpolation": "bicubic",
    "resize_mode": "shortest",
    "fill_color": 0,
}
"""Those of ``open_clip.transform.PreprocessCfg``."""
SQUASH = "squash"
"""The resize mode in which an image is resized to its size, whatever its aspect ratio."""


def preprocess_config(size: Any, preprocessing: Mapping[str, Any]) -> dict[str, Any]:
    """Complete the preprocessing of a model as open_clip does.

    Args:
        size: that of the vision tower, in pixels.
        preprocessing: whatever is not the default; other keys are left out.
    """
    known = {name: preprocessing.get(name) for name in DEFAULTS}
    given = {name: value for name, value in known.items() if value is not None}
    return {**DEFAULTS, "size": size, **given}


@dataclass(frozen=True, slots=True)
class Squash:
    """Resize, scale to 0 … 1, normalise: image → [3, height, width] float32."""

    size: tuple[int, int]
    """Height and width in pixels."""
    mean: Sequence[float]
    std: Sequence[float]
    interpolation: str = "bicubic"

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Squash:
        """Read open_clip's configuration, whose resize mode is squash."""
        size = config["size"]
        height, width = (size, size) if isinstance(size, int) else size
        return cls((height, width), config["mean"], config["std"], config["interpolation"])

    def __call__(self, image: Image) -> Tensor:
        """Preprocess one image."""
        height, width = self.size
        if image.size != (width, height):
            bilinear = self.interpolation == "bilinear"
            image = image.resize(
                (width, height), Resampling.BILINEAR if bilinear else Resampling.BICUBIC
            )
        pixels = torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1).contiguous()
        mean, std = (torch.tensor(each)[:, None, None] for each in (self.mean, self.std))
        return pixels.to(torch.float32).div_(255).sub_(mean).div_(std)
