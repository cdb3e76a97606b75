"""Structure-CLIP (Huang et al., AAAI 2024; arXiv 2305.06152): semantic negatives and triples.

Pictures are told from captions with words swapped along the caption's scene graph, and the
caption's triples are embedded beside it (``knowledge``). Triples come from the caption by
``scenegraph.parse``, at test time too: a caption of no known form has none, and is then embedded by
the text tower alone. Trained on photographs, it reads free text by a tagger, then and ever after.

The paper adds to InfoNCE a hinge on the swapped captions (margin 0.2), its code another one on text
embeddings without triples. Here one smooth hinge (``contrast.swap_loss``) does for both. Without
triples the same class is the controls: plain CLIP, and NegCLIP with random swaps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.functional import normalize

from benchbench.variants.adapter import family
from benchbench.variants.contrast import MOST_SCALE, gathered, info_nce, swap_loss
from benchbench.variants.features import text_embeddings
from benchbench.variants.knowledge import KnowledgeEncoder
from benchbench.variants.texts import Reader, Texts
from benchbench.variants.variant import Batch, Loss, Variant

if TYPE_CHECKING:
    from torch import Tensor

    from benchbench.types import Role, Similarity

SOURCE = "Huang et al., Structure-CLIP, AAAI 2024 (arXiv 2305.06152)"


class Contrastive(nn.Module):
    """CLIP's towers, InfoNCE, and whatever of negatives and triples a variant has."""

    def __init__(
        self,
        clip: Any,
        *,
        swap_weight: float = 0.0,
        swap_sharpness: float = 10.0,
        knowledge_weight: float = 0.0,
        knowledge_layers: int = 2,
    ) -> None:
        """Put an objective on towers.

        Args:
            clip: an ``open_clip.CLIP``; it is trained in place.
            swap_weight: of the loss on swapped captions; 0 leaves them out.
            swap_sharpness: of that loss.
            knowledge_weight: λ of the knowledge encoder; 0 leaves it out.
            knowledge_layers: of its transformer.
        """
        super().__init__()
        self.clip = clip
        self.swap_weight, self.swap_sharpness = swap_weight, swap_sharpness
        self.knowledge_weight = knowledge_weight
        self.similarity: Similarity = "dot" if knowledge_weight else "cosine"
        self.knowledge: KnowledgeEncoder | None = None
        if knowledge_weight:
            vocabulary, width = clip.token_embedding.weight.shape
            heads = clip.transformer.resblocks[0].attn.num_heads
            dim = clip.text_projection.shape[1]
            self.knowledge = KnowledgeEncoder(vocabulary, width, knowledge_layers, heads, dim)

    def reader(self, tokenizer: Any) -> Reader:
        """With triples where the knowledge encoder reads them."""
        return Reader(tokenizer, with_triples=self.knowledge is not None)

    def forward(self, batch: Batch, step: int) -> Loss:
        """InfoNCE, and the loss on swapped captions."""
        images = self.encode_images(batch.images, "scene")
        return self.contrasted(images, self.encode_texts(batch.texts, "scene"), batch)

    def contrasted(self, images: Tensor, texts: Tensor, batch: Batch) -> Loss:
        """The same, of pictures and captions that are embedded already: [n, dim] each."""
        images, texts = gathered(images), gathered(texts)
        scale = self.clip.logit_scale.exp().clamp(max=MOST_SCALE)
        contrast = info_nce(images, texts, scale)
        parts, total = {"contrast": contrast.detach()}, contrast
        if self.swap_weight and batch.negatives is not None and batch.has_negative is not None:
            swapped = gathered(self.encode_texts(batch.negatives, "scene"))
            there = gathered(batch.has_negative.to(images.dtype)) > 0
            true, false = (images * texts).sum(dim=1), (images * swapped).sum(dim=1)
            swaps = swap_loss(true, false, there, self.swap_sharpness)
            told = ((true > false) & there).sum() / there.sum().clamp(min=1)
            parts |= {"swaps": swaps.detach(), "told_apart": told.detach()}
            total = total + self.swap_weight * swaps
        return Loss(total, parts)

    def encode_images(self, images: Tensor, role: Role) -> Tensor:
        """[n, dim], of unit length."""
        return normalize(self.clip.encode_image(images).float(), dim=-1)

    def encode_texts(self, texts: Texts, role: Role) -> Tensor:
        """[n, dim]; of unit length but for what triples add."""
        embedded = normalize(text_embeddings(self.clip, texts.ids).float(), dim=-1)
        if self.knowledge is None or texts.triples is None:
            return embedded
        return torch.add(embedded, self.knowledge(texts.triples), alpha=self.knowledge_weight)


_SWAPS = {"swap_weight": 2.0, "swap_sharpness": 10.0}
_KNOWLEDGE = {"knowledge_weight": 0.2, "knowledge_layers": 2}

DIFFERS = (
    "triples are an input at test time, too: they are parsed from every candidate caption, and one "
    "of no known form has none, unless photographs were trained on: then a tagger reads captions, "
    "there and at test time; embeddings of captions are not of unit length, and are "
    "compared by dot product; swapped captions enter by a softplus of their margin rather than by "
    "hinges; the knowledge encoder has two layers, not six."
)

VARIANTS = (
    Variant(
        "structclip",
        "semantic negatives and the Knowledge-Enhanced Encoder",
        SOURCE,
        Contrastive,
        {**_SWAPS, **_KNOWLEDGE},
        differs=DIFFERS,
        negatives="semantic",
    ),
    Variant(
        "structclip:negatives",
        "Structure-CLIP's semantic negatives without its knowledge encoder",
        SOURCE,
        Contrastive,
        _SWAPS,
        negatives="semantic",
    ),
    Variant(
        "structclip:knowledge",
        "Structure-CLIP's knowledge encoder without its negatives",
        SOURCE,
        Contrastive,
        _KNOWLEDGE,
    ),
)

FAMILY = family(VARIANTS)
