"""Structure-CLIP (Huang et al., AAAI 2024; arXiv 2305.06152): semantic negatives and triples.

Images are told from captions with words swapped along the caption's scene graph, and the caption's
triples are embedded beside it (``knowledge``). Triples come from the caption by
``scenegraph.parse``, at test time too: a caption of no known form has none, and is then embedded by
the text tower alone. A model trained on photographs reads free text by a tagger, in training and
afterwards.

The paper adds to InfoNCE a hinge on the swapped captions (margin 0.2), on embeddings with triples;
its code adds five times another one (margin 0.1) on those without, which is what teaches the text
tower the order of words. ``structclip:published`` has both hinges. ``structclip`` has a smooth
hinge (``contrast.swap_loss``) in the place of either, and all semantic swaps of a caption.

Without triples the same class is the controls: plain CLIP, and NegCLIP with random swaps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.functional import normalize

from benchbench.variants.adapter import family
from benchbench.variants.contrast import (
    MAX_SCALE,
    gather,
    info_nce,
    mean_of,
    swap_hinge,
    swap_loss,
)
from benchbench.variants.features import text_embeddings
from benchbench.variants.knowledge import KnowledgeEncoder
from benchbench.variants.texts import CaptionReader, Texts
from benchbench.variants.variant import Batch, Loss, Variant

if TYPE_CHECKING:
    from torch import Tensor

    from benchbench.types import Role, Similarity

SOURCE = "Huang et al., Structure-CLIP, AAAI 2024 (arXiv 2305.06152)"


class StructCLIP(nn.Module):
    """CLIP's towers, InfoNCE, and whatever of negatives and triples a variant has."""

    def __init__(
        self,
        clip: Any,
        *,
        swap_weight: float = 0.0,
        swap_sharpness: float = 10.0,
        swap_margin: float = 0.0,
        plain_weight: float = 0.0,
        plain_margin: float = 0.0,
        columns: bool = False,
        knowledge_weight: float = 0.0,
        knowledge_layers: int = 2,
        knowledge_at_test: float | None = None,
        bag: bool = False,
        turned_percent: int = 0,
    ) -> None:
        """Put an objective on towers.

        Args:
            clip: what ``towers.build`` returns; it is trained in place.
            swap_weight: the weight of the loss on swapped captions; 0 leaves it out.
            swap_sharpness: the sharpness of that loss.
            swap_margin: where it is above 0, the loss is a hinge with this margin.
            plain_weight: the weight of the same loss on captions embedded without their triples.
            plain_margin: likewise, of that one.
            columns: whether swapped captions are further columns of the softmax.
            knowledge_weight: λ of the knowledge encoder; 0 leaves it out.
            knowledge_layers: the number of layers of its transformer.
            knowledge_at_test: λ at test time, where it is another.
            bag: whether a triple is embedded as h + r + t: a control.
            turned_percent: the percentage of captions whose triples have head and tail exchanged: a
                control.
        """
        super().__init__()
        self.clip = clip
        self.swap_weight, self.swap_margin = swap_weight, swap_margin
        self.plain_weight, self.plain_margin = plain_weight, plain_margin
        self.swap_sharpness, self.columns = swap_sharpness, columns
        self.knowledge_weight, self.knowledge_at_test = knowledge_weight, knowledge_at_test
        self.turned_percent = turned_percent
        self.similarity: Similarity = "dot" if knowledge_weight else "cosine"
        self.knowledge: KnowledgeEncoder | None = None
        if knowledge_weight:
            vocabulary, width = clip.token_embedding.weight.shape
            heads = clip.transformer.resblocks[0].attn.num_heads
            dim = clip.text_projection.shape[1]
            self.knowledge = KnowledgeEncoder(vocabulary, width, knowledge_layers, heads, dim, bag)

    def reader(self, tokenizer: Any) -> CaptionReader:
        """Return a reader, with triples where the knowledge encoder reads them."""
        triples = self.knowledge is not None
        return CaptionReader(tokenizer, with_triples=triples, turned_percent=self.turned_percent)

    def forward(self, batch: Batch, step: int | Tensor) -> Loss:
        """Return InfoNCE, and the losses on swapped captions."""
        images = self.encode_images(batch.images, "scene")
        return self.contrastive_loss(images, *self._read(batch.texts), batch)

    def contrastive_loss(self, images: Tensor, plain: Tensor, texts: Tensor, batch: Batch) -> Loss:
        """Return the same, of images and captions that are embedded already.

        Args:
            images: [n, dim].
            plain: [n, dim], of the captions without their triples.
            texts: [n, dim], with them.
            batch: for its swapped captions.
        """
        rows = len(images)
        images, plain, texts = gather(images), gather(plain), gather(texts)
        scale = self.clip.logit_scale.exp().clamp(max=MAX_SCALE)
        if batch.negatives is None or not (self.swap_weight or self.plain_weight or self.columns):
            contrast = info_nce(images, texts, scale)
            return Loss(contrast, {"contrast": contrast.detach()})
        false = self._read(batch.negatives.texts)
        false_plain, false_texts = (
            gather(batch.negatives.spread(each, rows)) for each in false
        )  # [n, most, dim]
        there = gather(batch.negatives.there(rows)) > 0
        more = (false_texts.flatten(0, 1), there.flatten()) if self.columns else None
        contrast = info_nce(images, texts, scale, more=more)
        loss = Loss(contrast, {"contrast": contrast.detach()})
        sides = (
            ("swaps", self.swap_weight, self.swap_margin, texts, false_texts),
            ("swaps_plain", self.plain_weight, self.plain_margin, plain, false_plain),
        )
        for name, weight, margin, right, wrong in sides:
            if weight or name == "swaps":
                self._add_swap_loss(loss, name, weight, margin, (images, right, wrong, there))
        return loss

    def _add_swap_loss(
        self, loss: Loss, name: str, weight: float, margin: float, told: tuple[Tensor, ...]
    ) -> None:
        """Add the loss on swapped captions, and the share of them that score below the true
        ones."""
        images, right, wrong, there = told
        true = (images * right).sum(dim=1)[:, None]
        false = (images[:, None] * wrong).sum(dim=2)  # [n, most]
        if margin:
            swaps = swap_hinge(true, false, there, margin)
        else:
            swaps = swap_loss(true, false, there, self.swap_sharpness)
        apart = name.replace("swaps", "told_apart")
        loss.parts[name] = swaps.detach()
        loss.parts[apart] = mean_of((true > false).to(images.dtype), there).detach()
        if weight:
            loss.total = loss.total + weight * swaps

    def encode_images(self, images: Tensor, role: Role) -> Tensor:
        """Encode images, [n, dim], of unit length."""
        return normalize(self.clip.encode_image(images).float(), dim=-1)

    def encode_texts(self, texts: Texts, role: Role) -> Tensor:
        """Encode captions, [n, dim]; of unit length but for the added triples."""
        return self._read(texts)[1]

    def _read(self, texts: Texts) -> tuple[Tensor, Tensor]:
        """Return captions without their triples, and with them: [n, dim] both."""
        plain = normalize(text_embeddings(self.clip, texts.ids).float(), dim=-1)
        if self.knowledge is None or texts.triples is None:
            return plain, plain
        at_test = self.knowledge_at_test
        weight = self.knowledge_weight if self.training or at_test is None else at_test
        return plain, torch.add(plain, self.knowledge(texts.triples), alpha=weight)


_SWAPS = {"swap_weight": 2.0, "swap_sharpness": 10.0}
_PLAIN = {"plain_weight": 2.0}
_KNOWLEDGE = {"knowledge_weight": 0.2, "knowledge_layers": 2}
_HINGES = {"swap_weight": 1.0, "swap_margin": 0.2, "plain_weight": 5.0, "plain_margin": 0.1}
SEMANTIC = 3
"""Semantic swaps of a caption, at most: hardly any drawn caption has more."""

DIFFERS = (
    "triples are an input at test time, too: they are parsed from every candidate caption, and one "
    "of no known form has none, unless photographs were trained on: then a tagger reads captions, "
    "there and at test time; embeddings of captions are not of unit length, and are "
    "compared by dot product; swapped captions enter by a softplus of their margin rather than by "
    "hinges, both with the caption's triples and without; all semantic swaps of a caption are "
    "used, up to three; the knowledge encoder has two layers, not six."
)

MIXED = (
    "neither the paper nor its code trains this loss: InfoNCE, and the hinge of 0.2 on captions "
    "with their triples, are the paper's; the hinge of 0.1, five-fold, on captions without them is "
    "the code's, which has a hinge on the hardest caption of the batch in place of InfoNCE. The "
    "knowledge encoder has two layers, not six."
)

VARIANTS = (
    Variant(
        "structclip",
        "semantic negatives and the Knowledge-Enhanced Encoder",
        SOURCE,
        StructCLIP,
        {**_SWAPS, **_PLAIN, **_KNOWLEDGE},
        differs=DIFFERS,
        negatives="semantic",
        swaps=SEMANTIC,
    ),
    Variant(
        "structclip:negatives",
        "Structure-CLIP's semantic negatives without its knowledge encoder",
        SOURCE,
        StructCLIP,
        _SWAPS,
        differs=DIFFERS,
        negatives="semantic",
        swaps=SEMANTIC,
    ),
    Variant(
        "structclip:knowledge",
        "Structure-CLIP's knowledge encoder without its negatives",
        SOURCE,
        StructCLIP,
        _KNOWLEDGE,
        differs=DIFFERS,
    ),
    Variant(
        "structclip:published",
        "Structure-CLIP with the hinges of its paper and its code, and one swap of a caption",
        SOURCE,
        StructCLIP,
        {**_HINGES, **_KNOWLEDGE},
        differs=MIXED,
        negatives="semantic",
    ),
    Variant(
        "structclip:bag",
        "a control: triples as a bag, h + r + t, which cannot say who does what",
        SOURCE,
        StructCLIP,
        {**_SWAPS, **_PLAIN, **_KNOWLEDGE, "bag": True},
        differs=DIFFERS,
        negatives="semantic",
        swaps=SEMANTIC,
    ),
    Variant(
        "structclip:shuffled",
        "a control: triples of half of the captions have head and tail exchanged",
        SOURCE,
        StructCLIP,
        {**_SWAPS, **_PLAIN, **_KNOWLEDGE, "turned_percent": 50},
        differs=DIFFERS,
        negatives="semantic",
        swaps=SEMANTIC,
    ),
)

FAMILY = family(VARIANTS)
