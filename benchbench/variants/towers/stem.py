"""A vision transformer with a convolutional stem, for 64-pixel images.

Patches of 16 pixels would cut through most
objects of so small an image. The stem uses convolutions of stride 2 instead of one linear patch
embedding (Xiao et al., *Early convolutions help transformers see better*, NeurIPS 2021); the rest
is an ordinary vision transformer. open_clip builds it by its name in timm's registry.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable

    Tower = TypeVar("Tower", bound=Any)

CHANNELS = (32, 64, 128)
"""Output channels of the stride-2 convolutions; a final 2 × 2 one gives the transformer's width."""
STRIDE = 2 ** (len(CHANNELS) + 1)
"""Side of the square that becomes one token, in pixels."""


class ConvStem(nn.Sequential):
    """A patch embedding by convolutions: [n, 3, height, width] → [n, width, rows, columns]."""

    def __init__(self, width: int) -> None:
        """Initialise the weights at random, from torch's global generator.

        Args:
            width: the transformer's width.
        """
        layers: list[nn.Module] = []
        before = 3
        for channels in CHANNELS:
            layers += [nn.Conv2d(before, channels, 3, stride=2, padding=1), nn.GELU()]
            before = channels
        super().__init__(*layers, nn.Conv2d(before, width, 2, stride=2))
        for layer in self:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]


def stem_tower(make: Callable[..., Tower], dim: int) -> Tower:
    """Build the vision tower of ``benchbench-small-2``, [n, 3, 64, 64] → [n, dim].

    Args:
        make: the class of the vision transformer, open_clip's or ``modules.VisionTower``.
        dim: the dimension of the embeddings.
    """
    width = 128
    tower = make(image_size=64, patch_size=STRIDE, width=width, layers=4, heads=4, output_dim=dim)
    tower.conv1 = ConvStem(width)
    return tower


def benchbench_stem_64(num_classes: int, **_: Any) -> nn.Module:
    """Build the same of open_clip's modules, for timm's registry.

    Args:
        num_classes: the dimension of the embeddings; timm gives it this name.
    """
    from open_clip.transformer import VisionTransformer

    tower: nn.Module = stem_tower(partial(VisionTransformer, mlp_ratio=4.0), num_classes)
    return tower
