"""A vision transformer behind a convolutional stem, found by open_clip through timm's registry.

Patches of 16 pixels of a 64-pixel image are cut through most objects, and one linear layer must
then tell who stands where. Convolutions of stride 2 halve the image step by step instead (Xiao et
al., *Early convolutions help transformers see better*, NeurIPS 2021); everything behind them is
open_clip's own ``VisionTransformer``.
"""

from __future__ import annotations

from typing import Any

from torch import nn

CHANNELS = (32, 64, 128)
"""Of the convolutions of stride 2; a last one, of 2 × 2, leads to the transformer's width."""
STRIDE = 2 ** (len(CHANNELS) + 1)
"""Pixels along the side of what becomes one token."""


class ConvStem(nn.Sequential):
    """A patch embedding by convolutions: [n, 3, height, width] → [n, width, rows, columns]."""

    def __init__(self, width: int) -> None:
        """Draw the weights from torch's generator.

        Args:
            width: of the transformer.
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


def benchbench_stem_64(num_classes: int, **_: Any) -> nn.Module:
    """Build the vision tower of ``benchbench-small-2``.

    Args:
        num_classes: the dimension of its embeddings, as timm calls it.
    """
    from open_clip.transformer import VisionTransformer

    width = 128
    tower: nn.Module = VisionTransformer(
        image_size=64, patch_size=STRIDE, width=width, layers=4, heads=4, mlp_ratio=4.0,
        output_dim=num_classes,
    )  # fmt: skip
    tower.conv1 = ConvStem(width)
    return tower
