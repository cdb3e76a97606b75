"""RelCLIP (Zhu et al., EMNLP 2022): relational contrastive learning over regions.

L = CE over predicates + ½ (InfoNCE(v_sp, t_sp) + InfoNCE(v_po, t_po)). Features of subject, object
and union boxes are pooled from the vision tower's patches. v_sp comes from subject and union; t_sp
is the text tower's embedding of "subject predicate". v_po comes from object and union; t_po is the
embedding of "predicate object". Predicates of which one implies the other, and vague ones, are
not used as negatives (``pairs``). The paper's code is not public.

Choices of this implementation:

- Object labels are an input, as the text tower's embeddings of their names. The boxes' relative
  positions are an input, too (``geometry``).
- The classifier is open-vocabulary: a predicate's logit is a dot product with the embedding of its
  name.
- No layer has both names as its input. The terms of subject and object are added, so that no score
  belongs to a pair of names, and triples that are not in the training data are scored alike.
- Most pairs of an image are unrelated, which a softmax over predicates cannot express. So
  p(predicate | pair) = p(related) · p(predicate | related); unrelated pairs are training data, too.
- CLIP's InfoNCE on captions and a classification of boxes by name (for SGCls) are added.

Distant supervision is implemented in the data (``training.pairs``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.functional import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    logsigmoid,
    normalize,
)

from benchbench.variants.adapter import family
from benchbench.variants.contrast import MAX_SCALE, gather, processes, sum_processes
from benchbench.variants.geometry import LENGTH, compare_boxes, nearness, unions
from benchbench.variants.inputs import PAIR_TARGETS, REGIONS
from benchbench.variants.pairs import NO_PAIR
from benchbench.variants.patches import patch_map, pool_regions, resize
from benchbench.variants.structclip import StructCLIP
from benchbench.variants.variant import Batch, Loss, Variant

if TYPE_CHECKING:
    from torch import Tensor

    from benchbench.variants.pairs import PairTargets, Regions

SOURCE = (
    "Zhu et al., RelCLIP: Adapting Language-Image Pretraining for Visual Relationship Detection "
    "via Relational Contrastive Learning, EMNLP 2022"
)
UNION_CELLS = 2
"""Union boxes are pooled into 2 × 2 cells, which keeps left and right, above and below."""


class RelCLIP(StructCLIP):
    """CLIP's towers with a head for relations."""

    def __init__(
        self,
        clip: Any,
        *,
        zoom: int = 2,
        width: int = 192,
        caption_weight: float = 0.5,
        contrast_weight: float = 1.0,
        name_weight: float = 0.5,
        grey: bool = False,
    ) -> None:
        """Add a relation head to CLIP's towers.

        Args:
            clip: what ``towers.build`` returns; it is trained in place.
            zoom: images are enlarged to this multiple of the towers' input size, for small boxes.
            width: width of the head's hidden layers.
            caption_weight: weight of the loss on captions (InfoNCE).
            contrast_weight: weight of the relational contrastive loss.
            name_weight: weight of the loss on boxes' names.
            grey: show a grey image for every one to the relation head: a control without
                visual input. Captions are still contrasted with the images themselves.
        """
        super().__init__(clip)
        self.caption_weight, self.contrast_weight = caption_weight, contrast_weight
        self.name_weight, self.grey = name_weight, grey
        dim = clip.text_projection.shape[1]
        size = clip.visual.image_size
        self.side = zoom * (size[0] if isinstance(size, tuple) else size)
        self.head = RelationHead(dim, width)

    def forward(self, batch: Batch, step: int | Tensor) -> Loss:
        """Return all losses; ``batch.inputs`` hold regions and their annotations."""
        regions, told = batch.inputs[REGIONS], batch.inputs[PAIR_TARGETS]
        names, phrases = (self.encode_texts(t, "object") for t in (told.names, told.phrases))
        maps = self._maps(regions)
        views = self.head.views(maps, regions, names)
        related, logits = self.head.scores(views, phrases)
        pairs, right = pair_loss(related, logits, told)
        rcl = self._relational(views, regions, told)
        called = name_loss(self._names(maps, regions, names), regions)
        captions = super().forward(batch, step)
        parts = {"pairs": pairs, "relational": rcl, "names": called, "predicates_right": right}
        total = pairs + self.contrast_weight * rcl + self.name_weight * called
        total = total + self.caption_weight * captions.total
        shares = sum_processes(torch.stack([part.float() for part in parts.values()])) / processes()
        return Loss(total, captions.parts | dict(zip(parts, shares, strict=True)))

    def log_predicates(self, regions: Regions, names: Tensor, phrases: Tensor) -> Tensor:
        """Return the log-probability of each predicate for each pair.

        Args:
            regions: n images, p pairs.
            names: [objects, dim], unit length: embeddings of the labels' names.
            phrases: [predicates, dim], of unit length.

        Returns:
            [n, p, predicates]: a pair's probabilities add up to the probability that it is related.
        """
        views = self.head.views(self._maps(regions), regions, names)
        related, logits = self.head.scores(views, phrases)
        return logsigmoid(related.float())[..., None] + logits.float().log_softmax(dim=-1)

    def log_names(self, regions: Regions, names: Tensor) -> Tensor:
        """Return log-probabilities of each name for each box, [n, k, objects], without labels."""
        logits = self._names(self._maps(regions), regions, names)
        return logits.float().log_softmax(dim=-1)

    def _maps(self, regions: Regions) -> Tensor:
        images = resize(regions.images, self.side)
        return patch_map(self.clip, torch.zeros_like(images) if self.grey else images)

    def _names(self, maps: Tensor, regions: Regions, names: Tensor) -> Tensor:
        scale = self.clip.logit_scale.exp().clamp(max=MAX_SCALE)
        logits: Tensor = scale * self.head.seen(maps, regions.boxes) @ names.to(maps.dtype).T
        return logits

    def _relational(
        self, views: tuple[Tensor, Tensor], regions: Regions, told: PairTargets
    ) -> Tensor:
        """Return the mean of both relational losses, on the first r pairs of each image."""
        r = told.spoken.shape[1]
        ends = torch.gather(regions.labels, 1, regions.ends[:, :r].flatten(1))
        ends = ends.reshape(-1, 2)
        predicate = told.predicates[:, :r].reshape(-1)
        scale = self.clip.logit_scale.exp().clamp(max=MAX_SCALE)
        losses = []
        for side, texts in enumerate((told.subject_phrases, told.object_phrases)):
            read = self.encode_texts(texts, "relation")[told.spoken[..., side].reshape(-1)]
            shown = self.head.spoken(views, side)[:, :r].flatten(0, 1).float()
            # Indices are gathered in the embeddings' dtype.
            numbers = torch.stack([ends[:, side], predicate], dim=1).to(shown.dtype)
            shown, read, numbers = (gather(each) for each in (shown, read, numbers))
            kept = numbers[:, 1] >= 0
            name, kind = numbers[kept].long().unbind(dim=1)
            no_negative = (name[:, None] == name) & told.alike[kind][:, kind] | told.vague[kind]
            losses.append(masked_info_nce(shown[kept], read[kept], scale, no_negative))
        return (losses[0] + losses[1]) / 2


class RelationHead(nn.Module):
    """The relation head: embeddings and logits of pairs, from patches, boxes and names."""

    def __init__(self, dim: int, width: int) -> None:
        """Draw the weights from torch's generator.

        Args:
            dim: the dim of the towers' embeddings.
            width: the width of hidden layers.
        """
        super().__init__()
        self.union = nn.Linear(UNION_CELLS**2 * dim, width)
        self.place = nn.Sequential(
            nn.Linear(LENGTH + 2, width), nn.GELU(), nn.Linear(width, width, bias=False)
        )
        self.regions = nn.ModuleList(nn.Linear(dim, width, bias=False) for _ in range(2))
        self.names = nn.ModuleList(nn.Linear(dim, width, bias=False) for _ in range(2))
        self.mixed = nn.ModuleList(
            nn.Sequential(nn.GELU(), nn.Linear(width, width), nn.GELU()) for _ in range(2)
        )
        self.query = nn.ModuleList(nn.Linear(width, dim) for _ in range(2))
        self.related = nn.ModuleList(nn.Linear(width, 1) for _ in range(2))
        self.speech = nn.ModuleList(nn.Linear(width, dim, bias=False) for _ in range(2))
        self.predicate = nn.Linear(dim, dim)
        self.thing = nn.Linear(dim, dim, bias=False)

    def views(self, maps: Tensor, regions: Regions, names: Tensor) -> tuple[Tensor, Tensor]:
        """Return two features of each pair, its subject's and its object's: [n, p, width] each.

        Neither depends on the other object's name, nor on its pixels except in the union box.

        Args:
            maps: [n, dim, rows, columns].
            regions: boxes, labels and pairs of these images.
            names: [objects, dim], unit length.
        """
        rows = torch.arange(len(maps), device=maps.device)[:, None]
        ends, kind = regions.ends, maps.dtype
        boxes = [regions.boxes[rows, ends[..., side]] for side in range(2)]
        near = nearness(regions.boxes, regions.there)[rows, ends[..., 0], ends[..., 1]]
        place = torch.cat([compare_boxes(*boxes), near], dim=-1).to(kind)
        shared = self.place(place) + self.union(pool_regions(maps, unions(*boxes), UNION_CELLS))
        alone, named = pool_regions(maps, regions.boxes, 1), _even(names)[regions.labels].to(kind)
        found = []
        for side in range(2):
            own = self.regions[side](alone) + self.names[side](named)  # [n, k, width]
            found.append(self.mixed[side](shared + own[rows, ends[..., side]]))
        return found[0], found[1]

    def scores(self, views: tuple[Tensor, Tensor], phrases: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits of being related, [n, p], and of predicates, [n, p, predicates].

        Args:
            views: the result of ``views``.
            phrases: [predicates, dim], of unit length.
        """
        query = self.query[0](views[0]) + self.query[1](views[1])
        related = self.related[0](views[0]) + self.related[1](views[1])
        keys = self.predicate(_even(phrases).to(query.dtype))
        return related[..., 0], query @ keys.T / keys.shape[1] ** 0.5

    def spoken(self, views: tuple[Tensor, Tensor], side: int) -> Tensor:
        """Encode pairs as "subject predicate" or "predicate object": [n, p, dim], unit length."""
        return normalize(self.speech[side](views[side]), dim=-1)

    def seen(self, maps: Tensor, boxes: Tensor) -> Tensor:
        """Encode boxes for comparison with names: [n, k, dim], unit length."""
        return normalize(self.thing(pool_regions(maps, boxes, 1)), dim=-1)


def _even(embeddings: Tensor) -> Tensor:
    """Scale unit vectors to entries with a mean square of 1, as linear layers expect."""
    even: Tensor = embeddings * embeddings.shape[-1] ** 0.5
    return even


def pair_loss(related: Tensor, logits: Tensor, told: PairTargets) -> tuple[Tensor, Tensor]:
    """Return the negative log-likelihood of all pairs' annotations, per related pair.

    Args:
        related: [n, p], logits.
        logits: [n, p, predicates].
        told: the annotations.

    Returns:
        The loss, and the predicates' top-1 accuracy on related pairs.
    """
    positive, weight = told.predicates >= 0, told.weight * (told.predicates > NO_PAIR)
    count = _on_average(positive.sum())
    surprise = binary_cross_entropy_with_logits(
        related.float(), positive.float(), weight, reduction="sum"
    )
    chosen, truth = logits[positive].float(), told.predicates[positive]
    right = (chosen.argmax(dim=-1) == truth).sum() / count
    return (surprise + cross_entropy(chosen, truth, reduction="sum")) / count, right


def name_loss(logits: Tensor, regions: Regions) -> Tensor:
    """Return the cross-entropy of boxes' names, given logits [n, k, objects], per box."""
    there = regions.there
    lost = cross_entropy(logits[there].float(), regions.labels[there], reduction="sum")
    return lost / _on_average(there.sum())


def _on_average(count: Tensor) -> Tensor:
    """Return the mean of a count over processes, at least 1.

    A process's sum divided by it, averaged over processes as gradients are, is the mean over the
    whole batch.
    """
    return gather(count[None].float()).mean().clamp(min=1)


def masked_info_nce(images: Tensor, texts: Tensor, scale: Tensor, no_negative: Tensor) -> Tensor:
    """Return InfoNCE in both directions, without negatives that may be true.

    Args:
        images: [m, dim], of unit length.
        texts: [m, dim], of unit length; row i belongs to image i.
        scale: factor on similarities.
        no_negative: [m, m] bool: text j may be true of image i; the diagonal counts as true.

    Returns:
        A scalar: the mean of both directions; 0 where m is 0.
    """
    if not len(images):
        return images.sum() * 0
    own = torch.eye(len(images), dtype=torch.bool, device=images.device)
    logits = (scale * images @ texts.T).masked_fill(no_negative & ~own, float("-inf"))
    truth = torch.arange(len(logits), device=logits.device)
    return (cross_entropy(logits, truth) + cross_entropy(logits.T, truth)) / 2


_SETTINGS = {
    "zoom": 2,
    "width": 192,
    "caption_weight": 0.5,
    "contrast_weight": 1.0,
    "name_weight": 0.5,
}
_SPLITS = ("train", "train-dense")

DIFFERS = (
    "no code and no tables of the paper are public, and the architecture is this project's choice; "
    "boxes' places enter beside their looks and their names' embeddings; whether a pair is related "
    "is scored apart, with unrelated pairs to learn from; InfoNCE on captions and a classification "
    "of boxes by name are added; it is trained on dense scenes, too, which the controls are not. "
    "Relations are kept apart by their names: a pair's caption may stand among the negatives of "
    "another pair of which it is certainly true (18.7 % of anchors have such a one)."
)

VARIANTS = (
    Variant(
        "relclip",
        "relational contrastive learning over regions, all relations annotated",
        SOURCE,
        RelCLIP,
        _SETTINGS,
        differs=DIFFERS,
        views=("pairs",),
        data="scenes",
        splits=_SPLITS,
        validation="relations",
    ),
    Variant(
        "relclip:boxes",
        "a control: RelCLIP trained and tested on grey images, by boxes and names alone",
        SOURCE,
        RelCLIP,
        {**_SETTINGS, "grey": True},
        differs=f"{DIFFERS} Captions are contrasted with the images themselves, not grey ones.",
        views=("pairs",),
        data="scenes",
        splits=_SPLITS,
        validation="relations",
    ),
    Variant(
        "relclip:distant",
        "RelCLIP under distant supervision: relations guessed from names",
        SOURCE,
        RelCLIP,
        _SETTINGS,
        differs=DIFFERS,
        views=("distant pairs",),
        data="scenes",
        splits=_SPLITS,
        validation="relations",
    ),
)

FAMILY = family(VARIANTS)
