"""Encode captions on as few positions as they need, for models whose embeddings stay the same.

In a causal text tower pooled at the end-of-text token, later positions have no effect, so that a
batch may be cut to its longest caption. That is checked on real captions for each loaded model;
every other one runs on its full context.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn

    from benchbench.types import Precision

SAMPLE_CAPTIONS = (
    "a dog",
    "the horse is to the left of the man",
    "the crouched cat and the white book",
    "Two young guys with shaggy hair look at their hands while hanging out in the yard.",
    "A dirt path with a young person on a motor bike rests to the foreground of a verdant area "
    "with a bridge and a background of cloud-wreathed mountains.",
)
"""Captions of the lengths that tasks have, to check models with."""

TRIM_TOLERANCE: dict[Precision, float] = {"fp32": 1e-5, "fp16": 5e-3, "bf16": 3e-2}
"""Largest difference per coordinate of unit vectors by rounding."""


def exact_tower(model: Any, tokenizer: Any, precision: Precision) -> TextTower | None:
    """Return the text tower of an open_clip model, if trimming changes no embedding; else None.

    Args:
        model: ``open_clip.CLIP`` or kin, on its device.
        tokenizer: list of strings → ids [n, context].
        precision: by which rounding is tolerated.
    """
    tower = TextTower.of(model)
    if tower is None:
        return None
    ids = tokenizer(list(SAMPLE_CAPTIONS)).to(next(model.parameters()).device)
    full = unit(model.encode_text(ids))
    for i, caption in enumerate(ids.split(1)):
        trimmed = unit(tower.encode(caption[:, : tower.ends(caption)]))
        if (trimmed - full[i]).abs().max() > TRIM_TOLERANCE[precision]:
            return None
    return tower


class TextTower:
    """A causal text tower, run on fewer positions than its context has.

    ``functional_call`` shortens the positional embedding and the causal mask for one call, so
    that the arithmetic is open_clip's own.
    """

    def __init__(self, model: Any, tower: Any, prefix: str) -> None:
        self.module = tower
        """What holds the embeddings, the blocks and the projection."""
        self._call = _text_encoder(model)
        self._prefix = f"model.{prefix}"
        self._positions = tower.positional_embedding
        self._mask = tower.attn_mask
        self._pool = getattr(tower, "text_pool_type", None) or tower.pool_type
        self._eos: Any = getattr(tower, "text_eos_id", None) or getattr(tower, "eos_id", None)

    @classmethod
    def of(cls, model: Any) -> TextTower | None:
        """Return the text tower of a model; None where trimming cannot be exact."""
        import open_clip
        from open_clip.transformer import TextTransformer

        if isinstance(model, open_clip.CLIP):
            tower, prefix = model, ""
        elif isinstance(getattr(model, "text", None), TextTransformer):
            tower, prefix = model.text, "text."
        else:
            return None
        if tower.attn_mask is None or getattr(tower, "cls_emb", None) is not None:
            return None
        found = cls(model, tower, prefix)
        return found if found._pool in ("argmax", "eos") else None

    def ends(self, ids: Tensor) -> int:
        """Return the number of positions up to the last end-of-text token that pooling reads."""
        return int(self.lengths(ids).max())

    def lengths(self, ids: Tensor) -> Tensor:
        """Return the number of positions up to the end-of-text token of each caption: [n]."""
        read = ids if self._pool == "argmax" else (ids == self._eos).int()
        return read.argmax(dim=1) + 1

    def encode(self, ids: Tensor) -> Tensor:
        """Encode captions: [n, length] → [n, dim]."""
        from torch.func import functional_call

        length = ids.shape[1]
        shortened = {
            f"{self._prefix}positional_embedding": self._positions[:length],
            f"{self._prefix}attn_mask": self._mask[:length, :length],
        }
        return functional_call(self._call, shortened, (ids,), tie_weights=False)  # type: ignore[no-any-return]


def _text_encoder(model: Any) -> nn.Module:
    """Return a module whose forward pass is ``model.encode_text``."""
    from torch import nn

    class TextEncoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, ids: Tensor) -> Tensor:
            return self.model.encode_text(ids)  # type: ignore[no-any-return]

    return TextEncoder()


def unit(vectors: Tensor) -> Tensor:
    """Scale embeddings to unit length, in float32."""
    from torch.nn.functional import normalize

    return normalize(vectors.float(), dim=-1)
