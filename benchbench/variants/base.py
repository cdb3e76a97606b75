"""The start ``base``: an image tower trained on facts about its images. A privileged start.

An image's embedding is compared with that of a set of facts, the sum of a vector for each (a dog
that chases; a cat that is chased; a dog left of something; a red dog), by InfoNCE and against sets
in which two objects have exchanged their roles, or their attributes. The text tower is unchanged.

Published methods fine-tune a CLIP that was trained on 400 million images. Towers of random weights
learn structure from captions late or never: while the image's embedding does not hold positions,
the text tower gains nothing from word order; while the text tower ignores word order, the image
tower gains nothing from positions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import nn
from torch.nn.functional import normalize

from benchbench.variants.contrast import MAX_SCALE, gather, info_nce, swap_loss
from benchbench.variants.features import text_embeddings
from benchbench.variants.inputs import FACTS
from benchbench.variants.texts import CaptionReader
from benchbench.variants.variant import Batch, Loss, Variant

if TYPE_CHECKING:
    from torch import Tensor

    from benchbench.types import Role, Similarity
    from benchbench.variants.texts import Texts


class Base(nn.Module):
    """CLIP's towers, and a vector for each fact."""

    similarity: Similarity = "cosine"

    def __init__(self, clip: Any, *, facts: int, swap_weight: float, swap_sharpness: float) -> None:
        """Put the objective on towers.

        Args:
            clip: what ``towers.build`` returns; its image tower is trained in place.
            facts: how many there are.
            swap_weight: the weight of the loss on either kind of exchange.
            swap_sharpness: the sharpness of that loss.
        """
        super().__init__()
        self.clip = clip
        self.swap_weight, self.swap_sharpness = swap_weight, swap_sharpness
        self.table = nn.Linear(facts, clip.text_projection.shape[1], bias=False)
        for name, parameter in clip.named_parameters():
            parameter.requires_grad_(name.startswith("visual.") or name == "logit_scale")

    def reader(self, tokenizer: Any) -> CaptionReader:
        """Return a reader; captions are not used in training."""
        return CaptionReader(tokenizer, with_triples=False)

    def forward(self, batch: Batch, step: int) -> Loss:
        """Return InfoNCE between images and facts, and the losses on exchanged facts."""
        facts = batch.inputs[FACTS]
        images = gather(self.encode_images(batch.images, "scene"))
        true = gather(self.encode_facts(facts.true))
        contrast = info_nce(images, true, self.clip.logit_scale.exp().clamp(max=MAX_SCALE))
        right = (images * true).sum(dim=1)
        parts, total = {"contrast": contrast.detach()}, contrast
        for number, name in enumerate(facts.kinds):
            false = gather(self.encode_facts(facts.false[:, number]))
            there = gather(facts.there[:, number].to(images.dtype)) > 0
            loss = swap_loss(right, (images * false).sum(dim=1), there, self.swap_sharpness)
            parts[name] = loss.detach()
            total = total + self.swap_weight * loss
        return Loss(total, parts)

    def encode_images(self, images: Tensor, role: Role) -> Tensor:
        """Encode images, [n, dim], of unit length."""
        return normalize(self.clip.encode_image(images).float(), dim=-1)

    def encode_texts(self, texts: Texts, role: Role) -> Tensor:
        """Encode captions, [n, dim], of unit length; untrained."""
        return normalize(text_embeddings(self.clip, texts.ids).float(), dim=-1)

    def encode_facts(self, facts: Tensor) -> Tensor:
        """Encode facts, [n, facts] of 0 and 1 → [n, dim], of unit length."""
        return normalize(self.table(facts.to(self.table.weight.dtype)).float(), dim=-1)


VARIANTS = (
    Variant(
        "base",
        "an image tower trained on facts, who does what to whom: a privileged start",
        "benchbench",
        Base,
        {"facts": 3060, "swap_weight": 2.0, "swap_sharpness": 10.0},
        views=("facts",),
        data="scenes",
        validation="facts",
        start=True,
    ),
)
