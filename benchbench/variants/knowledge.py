"""Structure-CLIP's Knowledge-Enhanced Encoder (Huang et al., AAAI 2024; arXiv 2305.06152).

A caption's triples (h, r, t) are embedded as e = h + r − t (as a control, h + r + t: a bag, which
cannot say who does what); a transformer reads them as a set; its
projection, of unit length, is added to the caption's embedding with weight λ, and the sum is not
brought back to unit length: the score is a dot product.

Here h, r and t are means of token embeddings of the encoder's own, so that any phrase has one; the
mean over the triples is projected. A caption without triples keeps its embedding as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.functional import normalize

if TYPE_CHECKING:
    from torch import Tensor


class KnowledgeEncoder(nn.Module):
    """Triples → [n, dim] of unit length, or zero where a caption has none."""

    def __init__(
        self, vocabulary: int, width: int, layers: int, heads: int, dim: int, bag: bool = False
    ) -> None:
        """Draw the weights from torch's generator.

        Args:
            vocabulary: number of token ids.
            width: the width of the embeddings and the transformer.
            layers: the number of layers of the transformer; six in the paper.
            heads: the number of heads of its attention.
            dim: the dim of captions' embeddings.
            bag: whether tails are added like heads.
        """
        super().__init__()
        self.sign = 1.0 if bag else -1.0
        self.entity = nn.Embedding(vocabulary + 1, width, padding_idx=0)
        self.relation = nn.Embedding(vocabulary + 1, width, padding_idx=0)
        layer = nn.TransformerEncoderLayer(
            width, heads, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True
        )
        self.transformer = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(width)
        self.projection = nn.Linear(width, dim, bias=False)
        for table in (self.entity, self.relation):
            nn.init.normal_(table.weight, std=0.5)
            with torch.no_grad():
                table.weight[0].zero_()

    def forward(self, triples: Tensor) -> Tensor:
        """Embed the triples of n captions.

        Args:
            triples: [n, most, 3, longest] ids, one higher than the tokenizer's; 0 fills up.
        """
        head, relation, tail = triples.unbind(dim=2)
        there = head[..., 0] > 0  # [n, most]
        edges = _mean(self.entity, head) + _mean(self.relation, relation)
        edges = edges + self.sign * _mean(self.entity, tail)  # [n, most, width]
        some = there.any(dim=1, keepdim=True)
        # Attention over nothing at all would be NaN; such captions attend to all and count as zero.
        x = self.transformer(edges, src_key_padding_mask=~(there | ~some))
        weight = there[..., None].to(x.dtype)
        pooled = (self.norm(x) * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1)
        return normalize(self.projection(pooled).float(), dim=-1) * some


def _mean(table: nn.Embedding, ids: Tensor) -> Tensor:
    """Return the mean embedding of the ids that are not padding: […, length] → [..., width]."""
    count = (ids > 0).sum(dim=-1, keepdim=True).clamp(min=1)
    return table(ids).sum(dim=-2) / count  # type: ignore[no-any-return]
