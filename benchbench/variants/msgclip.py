"""MSG-CLIP (Pattern Recognition 173, 2026, 112794): regions and entities aligned while training.

At inference it is plain CLIP, with not one parameter more. Training adds Multi-modal Scene Graph
Alignment, MSGA = 0.75 · EMA + 0.25 · TRA (``alignment``), between groups of an image's patches
(``regions``) and the entities and relations of its caption's scene graph (``spans``): each the mean
of its tokens in the space that both towers project to. The loss that its authors released detaches
its tensors, and so teaches nothing; here gradients reach both towers through both parts.

Without MSGA, and before the step that it starts at, this is NegCLIP: its control.

The printed loss of entities has its minimum at a one-bit code, all cosines near 1 or −1, and has no
negatives from other images. ``msgclip`` has it as printed;
``msgclip:contrast`` has InfoNCE between matched entities and regions across the batch in its place
(``contrast_losses``), and ``msgclip:oracle`` the same with the regions that the scene's own masks
give: what the idea is worth where the matching is right. Matches that begin by chance confirm
themselves; ``msgclip:attention`` matches nothing while it learns (``attention_losses``).

Pairs count where their cosine is over a threshold. The paper's 0.5 is for a CLIP that has seen
hundreds of millions of images; towers trained from nothing come to a scale of their own.
Threshold and first step are settings, and a threshold that nothing reaches stops the run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, normalize

from benchbench.errors import ModelError
from benchbench.variants.adapter import family
from benchbench.variants.alignment import (
    attention_losses,
    contrast_losses,
    entity_losses,
    mark_tokens,
    match_regions,
    means,
    number_groups,
    relation_losses,
)
from benchbench.variants.contrast import (
    MAX_SCALE,
    gather,
    mean_of,
    processes,
    shared_mean,
    sum_processes,
)
from benchbench.variants.features import image_tokens, text_tokens, vision_of
from benchbench.variants.inputs import MASKS
from benchbench.variants.regions import group_patches
from benchbench.variants.structclip import StructCLIP
from benchbench.variants.texts import CaptionReader, Texts
from benchbench.variants.variant import Loss, Variant

if TYPE_CHECKING:
    from benchbench.variants.spans import Spans
    from benchbench.variants.variant import Batch

SOURCE = "MSG-CLIP, Pattern Recognition 173, 2026, 112794"
WINDOW = 50
"""Steps that must have some match among them: a single small batch may be unlucky. The count starts
again where a stopped run resumes."""


class MSGCLIP(StructCLIP):
    """CLIP's towers, InfoNCE, swapped captions, and MSGA while training."""

    def __init__(
        self,
        clip: Any,
        *,
        swap_weight: float = 0.0,
        swap_sharpness: float = 10.0,
        msga_weight: float = 0.0,
        msga_start: int = 0,
        entity_share: float = 0.75,
        relation_share: float = 0.25,
        threshold: float = 0.5,
        regions: int = 6,
        contrast: bool = False,
        oracle: bool = False,
        attention: bool = False,
    ) -> None:
        """Put the objective on towers.

        Args:
            clip: what ``towers.build`` returns; it is trained in place.
            swap_weight: the weight of the loss on swapped captions.
            swap_sharpness: the sharpness of that loss.
            msga_weight: the weight of MSGA; 0 leaves it out.
            msga_start: the first step with MSGA, from 0.
            entity_share: the share of EMA in it.
            relation_share: the share of TRA in it.
            threshold: the cosine that a matched pair must exceed to count.
            regions: groups that an image's patches are shared out among.
            contrast: whether entities learn by InfoNCE across the batch; every match counts then.
            oracle: whether regions are where the scene's masks say, given as the view "masks".
            attention: whether entities learn by InfoNCE over images, to whose regions they attend.
        """
        super().__init__(clip, swap_weight=swap_weight, swap_sharpness=swap_sharpness)
        self.msga_weight, self.msga_start = msga_weight, msga_start
        self.entity_share, self.relation_share = entity_share, relation_share
        self.threshold, self.regions = threshold, regions
        self.contrast, self.oracle, self.attention = contrast, oracle, attention
        self._has_msga = msga_start == 0
        """Whether a recorded step computes MSGA; ``begin_phase`` sets it."""
        self._counts: Tensor | None = None
        """[3] int64: matched entities, all entities, and steps, since ``WINDOW`` was last full."""
        self._nearest: Tensor | None = None
        """The mean cosine of the nearest regions at the last step, a scalar."""

    def reader(self, tokenizer: Any) -> CaptionReader:
        """Return a reader, with spans where MSGA needs them."""
        return CaptionReader(tokenizer, with_triples=False, with_spans=self.msga_weight > 0)

    def begin_phase(self, step: int) -> int:
        """Set whether recorded steps compute MSGA, and return the phase: 1 with MSGA, otherwise 0.

        In a recorded step the number is a tensor, and a branch on it would wait for the device.
        """
        self._has_msga = step >= self.msga_start
        return int(self._has_msga)

    def forward(self, batch: Batch, step: int | Tensor) -> Loss:
        """Return NegCLIP's loss, and MSGA from its first step on.

        A step whose number is a tensor is of the phase that ``begin_phase`` set last, and the
        caller calls ``check_step`` after it.
        """
        with_msga = self._has_msga if isinstance(step, Tensor) else step >= self.msga_start
        if batch.texts.spans is None or not with_msga:
            return super().forward(batch, step)
        images, patches = image_tokens(self.clip, batch.images)
        texts, tokens = text_tokens(self.clip, batch.texts.ids)
        images, texts = (normalize(each.float(), dim=-1) for each in (images, texts))
        loss = self.contrastive_loss(images, texts, texts, batch)
        msga = self.alignment_loss(
            patches.float(), tokens.float(), batch.texts, batch.inputs.get(MASKS)
        )
        self._count_matches(msga.parts)
        if not isinstance(step, Tensor):
            self.check_step(step)
        total = loss.total + self.msga_weight * msga.total
        shown = ("msga_entities", "msga_relations", "matched", "nearest")
        return Loss(total, loss.parts | {name: msga.parts[name] for name in shown})

    def alignment_loss(
        self, patches: Tensor, tokens: Tensor, texts: Texts, masks: Tensor | None = None
    ) -> Loss:
        """Return MSGA, averaged over the matches of the whole batch.

        Args:
            patches: [n, patches, dim], projected.
            tokens: [n, length, dim], projected.
            texts: the captions, with spans.
            masks: [n, E, cells, cells]: where the entities are seen, for the oracle.

        Raises:
            ModelError: the regions are to come from masks, and there are none.
        """
        spans = texts.spans
        if spans is None:
            raise RuntimeError("MSGA needs the spans of captions")
        groups = self._groups(patches, masks)
        words = mark_tokens(spans.entities, tokens.shape[1])
        regions, entities = means(patches, groups), means(tokens, words)  # [n, R and E, dim]
        there = words.any(dim=2)
        pairs = there[:, :, None] & (groups.sum(dim=2) > 0)[:, None]  # [n, E, R]
        likeness = entities @ regions.transpose(1, 2)
        if self.oracle:
            chosen = pairs & torch.eye(*pairs.shape[1:], dtype=torch.bool, device=pairs.device)
        elif self.contrast or self.attention:
            chosen = match_regions(likeness, pairs)
        else:
            chosen = match_regions(likeness, pairs) & (likeness > self.threshold)
        if self.attention:
            ema = self._attention_loss(entities, regions, there, number_groups(texts.ids, words))
        elif self.contrast:
            ema = self._contrast_loss(entities, regions, chosen, number_groups(texts.ids, words))
        else:
            ema = shared_mean(entity_losses(likeness, pairs), chosen)
        tra = self._relation_loss(
            entities, chosen.to(regions.dtype) @ regions, tokens, spans, chosen
        )
        nearest = shared_mean(likeness.masked_fill(~pairs, -1.0).amax(dim=2), there)
        told = sum_processes(torch.stack([ema, tra, nearest])) / processes()
        counts = sum_processes(torch.stack([chosen.sum(), there.sum()]))
        parts = dict(zip(("msga_entities", "msga_relations", "nearest"), told, strict=True))
        parts |= {"matched": counts[0] / counts[1].clamp(min=1), "counts": counts}
        return Loss(self.entity_share * ema + self.relation_share * tra, parts)

    def _groups(self, patches: Tensor, masks: Tensor | None) -> Tensor:
        """Return which patches are in which region: [n, R, patches], from 0 to 1."""
        rows, columns = vision_of(self.clip).grid_size
        if not self.oracle:
            return group_patches(patches, (rows, columns), self.regions)
        if masks is None:
            raise ModelError("Regions from masks need drawn scenes, which say where objects are.")
        return adaptive_avg_pool2d(masks.float(), (rows, columns)).flatten(2)

    def _contrast_loss(
        self, entities: Tensor, regions: Tensor, chosen: Tensor, names: Tensor
    ) -> Tensor:
        """Return InfoNCE of the matches of all processes."""
        every = gather(chosen.to(entities.dtype)) > 0
        scale = self.clip.logit_scale.exp().clamp(max=MAX_SCALE)
        losses = contrast_losses(gather(entities), gather(regions), every, gather(names), scale)
        return mean_of(losses, every.any(dim=2))

    def _attention_loss(
        self, entities: Tensor, regions: Tensor, there: Tensor, names: Tensor
    ) -> Tensor:
        """Return InfoNCE of all processes' entities over their images."""
        every = gather(there.to(entities.dtype)) > 0
        scale = self.clip.logit_scale.exp().clamp(max=MAX_SCALE)
        losses = attention_losses(gather(entities), gather(regions), every, gather(names), scale)
        return mean_of(losses, every)

    def _relation_loss(
        self, entities: Tensor, regions: Tensor, tokens: Tensor, spans: Spans, chosen: Tensor
    ) -> Tensor:
        """Return TRA over every relation with a region at either end."""
        words, ends = (
            mark_tokens(spans.relations[..., 2:], tokens.shape[1]),
            spans.relations[..., :2],
        )
        losses = relation_losses(entities, means(tokens, words), regions, ends)
        matched_ends = chosen.any(dim=2).gather(1, ends.flatten(1)).view_as(ends)
        return shared_mean(losses, matched_ends & words.any(dim=2, keepdim=True))

    def _count_matches(self, parts: dict[str, Tensor]) -> None:
        """Add a step's matches to the window's in place, so that each replay adds them too."""
        counts = torch.cat([parts["counts"], torch.ones_like(parts["counts"][:1])])
        if self._counts is None or self._nearest is None:
            self._counts, self._nearest = (
                torch.zeros_like(counts),
                parts["nearest"].detach().clone(),
            )
        self._counts += counts
        self._nearest.copy_(parts["nearest"].detach())

    def check_step(self, step: int) -> None:
        """Stop where MSGA has had nothing to align for ``WINDOW`` steps.

        It reads the counts once a window, since reading them waits for the device.

        Raises:
            ModelError: not one match; the message says why.
        """
        if self._counts is None or self._nearest is None:
            return
        if step < self.msga_start or (step + 1 - self.msga_start) % WINDOW:
            return
        found, entities, steps = (int(each) for each in self._counts)
        self._counts.zero_()
        if found or steps < WINDOW:
            return
        if not entities:
            raise ModelError(
                f"No caption of the {WINDOW} steps up to {step} names an entity that could be "
                "matched: MSGA needs captions with scene graphs. Train negclip on this data."
            )
        raise ModelError(
            f"Not one of {entities:,} entities was matched in the {WINDOW} steps up to {step}: the "
            f"nearest regions have a cosine of {float(self._nearest):.2f} on average, and the "
            f"threshold is {self.threshold:g}. Lower the setting 'threshold', or raise "
            "'msga_start'."
        )


_SETTINGS = {
    "swap_weight": 2.0,
    "swap_sharpness": 10.0,
    "msga_weight": 0.5,
    "msga_start": 500,
    "threshold": 0.2,
    "regions": 6,
}

DIFFERS = (
    "images are cut into groups of patches by what the towers make of them at each step, not "
    "into segments made beforehand; pairs count from a cosine of 0.2, not 0.5; the alignment "
    "begins at step 500; gradients flow through it, which the released loss stops; it is added to "
    "NegCLIP's loss with a softplus for swapped captions. Minimised as printed, the loss of "
    "entities goes to a one-bit code: after 690 steps of it the cosines of entities and regions "
    "have a standard deviation of 0.84 and 47 % lie beyond ±0.9 (NegCLIP: 0.12 and none), and "
    "fewer than half of the matched regions lie on the right object (benchmarks/collapse.py)."
)

VARIANTS = (
    Variant(
        "msgclip",
        "regions aligned with entities and relations while training; plain CLIP after",
        SOURCE,
        MSGCLIP,
        {**_SETTINGS, "entity_share": 0.75, "relation_share": 0.25},
        differs=DIFFERS,
        negatives="random",
        validation="alignment",
    ),
    Variant(
        "msgclip:contrast",
        "MSG-CLIP with InfoNCE between matched entities and regions: the repair",
        SOURCE,
        MSGCLIP,
        {**_SETTINGS, "entity_share": 0.75, "relation_share": 0.25, "contrast": True},
        differs=DIFFERS,
        negatives="random",
        validation="alignment",
    ),
    Variant(
        "msgclip:attention",
        "MSG-CLIP with InfoNCE between entities and images, by attention to regions: a second "
        "repair",
        SOURCE,
        MSGCLIP,
        {**_SETTINGS, "entity_share": 0.75, "relation_share": 0.25, "attention": True},
        differs=DIFFERS,
        negatives="random",
        validation="alignment",
    ),
    Variant(
        "msgclip:oracle",
        "MSG-CLIP with InfoNCE and regions from the scene's masks: a control",
        SOURCE,
        MSGCLIP,
        {
            **_SETTINGS,
            "entity_share": 0.75,
            "relation_share": 0.25,
            "contrast": True,
            "oracle": True,
        },
        differs=DIFFERS,
        negatives="random",
        validation="alignment",
        views=("masks",),
        data="scenes",
    ),
    Variant(
        "msgclip:entities",
        "MSG-CLIP's alignment of entities (EMA) without that of relations",
        SOURCE,
        MSGCLIP,
        {**_SETTINGS, "entity_share": 0.75, "relation_share": 0.0},
        differs=DIFFERS,
        negatives="random",
        validation="alignment",
    ),
    Variant(
        "msgclip:relations",
        "MSG-CLIP's alignment of relations (TRA) without that of entities",
        SOURCE,
        MSGCLIP,
        {**_SETTINGS, "entity_share": 0.0, "relation_share": 0.25},
        differs=DIFFERS,
        negatives="random",
        validation="alignment",
    ),
)

FAMILY = family(VARIANTS)
