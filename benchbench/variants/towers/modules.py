"""The small CLIP in torch's own modules: names of weights and arithmetic are open_clip's.

open_clip takes twice as long to import as torch does, for architectures that these towers do not
need. Weights, their order and random initialisation, outputs and gradients are equal to those of
``open_clip.CLIP`` to the bit, so that either can be read as the other
(tests/variants/towers/test_modules.py).
"""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.functional import layer_norm

from benchbench.variants.towers.stem import stem_tower

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

MLP_RATIO = 4
INITIAL_SCALE = math.log(1 / 0.07)
"""The logarithm of the first logit scale (Radford et al., CLIP, 2021)."""


class LayerNorm(nn.LayerNorm):
    """A layer norm whose output has its input's type, under ``torch.autocast`` too."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise [..., width]."""
        found = layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        return found.to(x.dtype)


class Block(nn.Module):
    """A residual block: attention, then two linear layers, each after a layer norm."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.ln_1 = LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.ln_2 = LayerNorm(width)
        layers: list[tuple[str, nn.Module]] = [
            ("c_fc", nn.Linear(width, MLP_RATIO * width)),
            ("gelu", nn.GELU()),
            ("c_proj", nn.Linear(MLP_RATIO * width, width)),
        ]
        self.mlp = nn.Sequential(OrderedDict(layers))

    def forward(self, x: Tensor, attn_mask: Tensor | None) -> Tensor:
        """Transform [n, tokens, width], with a mask that is added to the attention."""
        mask = None if attn_mask is None else attn_mask.to(x.dtype)
        y = self.ln_1(x)
        x = x + self.attn(y, y, y, need_weights=False, attn_mask=mask)[0]
        return x + self.mlp(self.ln_2(x))  # type: ignore[no-any-return]


class Transformer(nn.Module):
    """Residual blocks, one after another."""

    def __init__(self, width: int, layers: int, heads: int) -> None:
        super().__init__()
        self.resblocks = nn.ModuleList(Block(width, heads) for _ in range(layers))

    def forward(self, x: Tensor, attn_mask: Tensor | None = None) -> Tensor:
        """Transform [n, tokens, width], with a mask [tokens, tokens] that is added."""
        for block in self.resblocks:
            x = block(x, attn_mask)
        return x


class VisionTower(nn.Module):
    """A vision transformer with a class token, on square patches of a square image."""

    def __init__(
        self, image_size: int, patch_size: int, width: int, layers: int, heads: int, output_dim: int
    ) -> None:
        super().__init__()
        self.image_size = (image_size, image_size)
        self.grid_size = (image_size // patch_size, image_size // patch_size)
        self.conv1: nn.Module = nn.Conv2d(3, width, patch_size, stride=patch_size, bias=False)
        scale, patches = width**-0.5, math.prod(self.grid_size)
        self.class_embedding = nn.Parameter(scale * torch.randn(width))
        self.positional_embedding = nn.Parameter(scale * torch.randn(1 + patches, width))
        self.patch_dropout = nn.Identity()
        self.ln_pre = LayerNorm(width)
        self.transformer = Transformer(width, layers, heads)
        self.ln_post = LayerNorm(width)
        self.proj = nn.Parameter(scale * torch.randn(width, output_dim))

    def tokens(self, images: Tensor) -> Tensor:
        """Transform [n, 3, height, width] → [n, 1 + patches, width], the class token first."""
        x = self.conv1(images).flatten(2).transpose(1, 2)
        start = self.class_embedding.expand(len(x), 1, -1).to(x.dtype)
        x = torch.cat([start, x], dim=1) + self.positional_embedding.to(x.dtype)
        return self.transformer(self.ln_pre(x))  # type: ignore[no-any-return]

    def pool(self, tokens: Tensor) -> Tensor:
        """Project the class token, [n, 1 + patches, width] → [n, dim]."""
        return self.ln_post(tokens)[:, 0] @ self.proj  # type: ignore[no-any-return]

    def forward(self, images: Tensor) -> Tensor:
        """Encode [n, 3, height, width] → [n, dim], not of unit length."""
        return self.pool(self.tokens(images))


class Trunk(nn.Module):
    """A vision tower under the name that it has where open_clip finds it through timm."""

    def __init__(self, trunk: VisionTower) -> None:
        super().__init__()
        self.image_size = trunk.image_size
        self.trunk = trunk

    def forward(self, images: Tensor) -> Tensor:
        """Encode [n, 3, height, width] → [n, dim], not of unit length."""
        return self.trunk(images)  # type: ignore[no-any-return]


class CLIP(nn.Module):
    """A small CLIP: a vision tower, and a causal text tower pooled at the end-of-text token."""

    text_pool_type = "argmax"

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Initialise the weights at random, from torch's global generator.

        Args:
            config: one of this folder's, as open_clip reads it.
        """
        super().__init__()
        dim, text = config["embed_dim"], config["text_cfg"]
        self.visual = _vision(config["vision_cfg"], dim)
        width, length = text["width"], text["context_length"]
        # The order of the draws, and that of the weights, is open_clip's.
        embedding = nn.Embedding(text["vocab_size"], width)
        self.transformer = Transformer(width, text["layers"], text["heads"])
        self.token_embedding = embedding
        self.positional_embedding = nn.Parameter(torch.empty(length, width))
        self.ln_final = LayerNorm(width)
        self.text_projection = nn.Parameter(torch.empty(width, dim))
        mask = torch.full((length, length), -math.inf).triu_(1)
        self.register_buffer("attn_mask", mask, persistent=False)
        self.logit_scale = nn.Parameter(torch.ones([]) * INITIAL_SCALE)
        self._initialise_text(width, text["layers"])

    def _initialise_text(self, width: int, layers: int) -> None:
        """Initialise the text tower's weights (Radford et al., CLIP, 2021)."""
        scale = width**-0.5
        nn.init.normal_(self.token_embedding.weight, std=0.02)
        nn.init.normal_(self.positional_embedding, std=0.01)
        block: Any
        for block in self.transformer.resblocks:
            nn.init.normal_(block.attn.in_proj_weight, std=scale)
            nn.init.normal_(block.attn.out_proj.weight, std=scale * (2 * layers) ** -0.5)
            nn.init.normal_(block.mlp.c_fc.weight, std=(2 * width) ** -0.5)
            nn.init.normal_(block.mlp.c_proj.weight, std=scale * (2 * layers) ** -0.5)
        nn.init.normal_(self.text_projection, std=scale)

    def encode_image(self, images: Tensor) -> Tensor:
        """Encode [n, 3, height, width] → [n, dim], not of unit length."""
        return self.visual(images)  # type: ignore[no-any-return]


def _vision(config: Mapping[str, Any], dim: int) -> nn.Module:
    if "timm_model_name" in config:
        return Trunk(stem_tower(VisionTower, dim))
    return VisionTower(
        config["image_size"],
        config["patch_size"],
        config["width"],
        config["layers"],
        config["width"] // config["head_width"],
        dim,
    )
