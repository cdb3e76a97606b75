"""Embed images, patches, captions and tokens with the towers of a CLIP, open_clip's or ours.

The arithmetic is open_clip's own, but captions are padded only as far as their batch needs: a
causal tower pooled at the end-of-text token does not depend on later positions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from benchbench.errors import ModelError
from benchbench.variants.towers.modules import CLIP, VisionTower

if TYPE_CHECKING:
    from torch import Tensor


CAPTIONS_PER_PASS = 32
"""Captions in one pass on a CPU, where work on padding costs more than another pass."""


def vision_of(clip: Any) -> Any:
    """Return the vision transformer of a CLIP, also where open_clip has found it through timm."""
    return getattr(clip.visual, "trunk", clip.visual)


def check_backbone(clip: Any, name: str) -> None:
    """Refuse towers that the variants' objectives cannot be put on.

    Raises:
        ModelError: no CLIP of open_clip's with a vision transformer and a causal text tower.
    """
    if isinstance(clip, CLIP):
        return
    import open_clip
    from open_clip.transformer import VisionTransformer

    fits = (
        isinstance(clip, open_clip.CLIP)
        and isinstance(vision_of(clip), VisionTransformer)
        and clip.attn_mask is not None
        and clip.text_pool_type in ("argmax", "eos")
        and vision_of(clip).attn_pool is None
    )
    if not fits:
        raise ModelError(
            f"{name} cannot be a backbone: that takes a vision transformer and a causal text tower "
            "pooled at its end, as ViT-B-32 has."
        )


def image_tokens(clip: Any, images: Tensor) -> tuple[Tensor, Tensor]:
    """Encode images, and their patches in the same space.

    Args:
        clip: what ``check_backbone`` lets pass.
        images: [n, 3, height, width], normalised.

    Returns:
        [n, dim] and [n, patches, dim], row by row of the image; neither of unit length.
    """
    vision = vision_of(clip)
    if isinstance(vision, VisionTower):
        x = vision.tokens(images)
        patches = vision.ln_post(x)[:, 1:]  # first, as open_clip does: gradients add up in order
        return vision.pool(x), patches @ vision.proj
    out = vision.forward_intermediates(
        images, indices=1, normalize_intermediates=True, output_fmt="NLC"
    )
    return out["image_features"], out["image_intermediates"][0] @ vision.proj


def text_tokens(clip: Any, ids: Tensor) -> tuple[Tensor, Tensor]:
    """Encode captions, and their tokens in the same space.

    Args:
        clip: what ``check_backbone`` lets pass.
        ids: [n, length], at most as long as the context.

    Returns:
        [n, dim] and [n, length, dim]; neither of unit length.
    """
    pooled, x = _read(clip, ids)
    return project(clip, pooled), project(clip, x)


def text_embeddings(clip: Any, ids: Tensor) -> Tensor:
    """Encode captions, [n, dim]; a CPU takes those of similar length together."""
    if ids.device.type != "cpu" or len(ids) <= CAPTIONS_PER_PASS:
        return project(clip, _read(clip, ids)[0])
    ends = ends_of(clip, ids)
    order = ends.argsort()
    lots = [
        _read(clip, ids[lot, : int(ends[lot].max()) + 1])[0]
        for lot in torch.split(order, CAPTIONS_PER_PASS)
    ]
    return project(clip, torch.cat(lots)[order.argsort()])


def ends_of(clip: Any, ids: Tensor) -> Tensor:
    """Return the position of each caption's end, where it is pooled: [n]."""
    if clip.text_pool_type == "argmax":
        return ids.argmax(dim=1)
    return (ids == clip.text_eos_id).int().argmax(dim=1)  # type: ignore[no-any-return]


def _read(clip: Any, ids: Tensor) -> tuple[Tensor, Tensor]:
    """Return what ``CLIP.encode_text`` pools, [n, width], and the tokens, [n, length, width]."""
    length = ids.shape[1]
    x = clip.token_embedding(ids) + clip.positional_embedding[:length]
    x = clip.ln_final(clip.transformer(x, attn_mask=clip.attn_mask[:length, :length]))
    return x[torch.arange(len(x), device=x.device), ends_of(clip, ids)], x


def project(clip: Any, x: Tensor) -> Tensor:
    """Project from the text tower's width to the space shared with images."""
    from torch import nn

    if isinstance(clip.text_projection, nn.Linear):
        return clip.text_projection(x)  # type: ignore[no-any-return]
    return x @ clip.text_projection  # type: ignore[no-any-return]
