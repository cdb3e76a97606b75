"""ScenarioCLIP (arXiv 2511.20274; code: scenario-clip/ScenarioCLIP): three levels of an image.

Global (image ↔ caption or action), object (crop ↔ name) and relation (focused region ↔ "subject
predicate object") each have towers and a scale of their own, and an InfoNCE in which equal texts
are not negatives (an action's name is a negative of a captioned image, even of one that shows that
action). Moving averages of the towers teach across levels, as published: the global image teaches
its object's and its relation's, their names teach the global caption.

Published is the KL divergence between softmaxes over the *dimensions* of two embeddings. Those say
nothing here: embeddings of unit length are nearly uniform that way, and no dimension of one level
means what it means on another. So the two are compared by what they find in the batch
(``contrast.distillation_loss``): the image of an object should find the captions that the whole
image finds, a caption the crops and regions that its parts' names find. Equal names share the
teacher's mass, so that none of them is a false negative. A crop is taught only by an image that
shows it.

The averages decay by 0.999 (published 0.9995, after 2,000 steps in which they follow faster), from
less at the start: a run here is some thousand steps. In place of some captions' images stand whole
images with their action's name; half of the other whole ones come with a dense caption. Controls:
one tower on all three levels, as PyramidCLIP has (Gao et al., NeurIPS 2022); no teacher; no
actions.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.functional import normalize

from benchbench.variants.adapter import family
from benchbench.variants.contrast import (
    MAX_SCALE,
    distillation_loss,
    gather,
    info_nce,
    processes,
    rank,
)
from benchbench.variants.features import text_embeddings
from benchbench.variants.inputs import ACTION, OBJECT, RELATION, Input
from benchbench.variants.texts import CaptionReader, Texts, hash_ids, join_ids
from benchbench.variants.variant import TEACHER, Batch, Loss, NamedImages, Variant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from benchbench.types import Role, Similarity

SOURCE = "ScenarioCLIP, arXiv 2511.20274"
LEVEL_INPUTS: dict[Role, Input[NamedImages]] = {"object": OBJECT, "relation": RELATION}
PARTS: tuple[Role, ...] = tuple(LEVEL_INPUTS)
"""The levels below the global one, which is called "scene"."""


@dataclass(slots=True)
class _Level:
    """One level's embeddings of a batch, of all processes."""

    images: Tensor
    """[n, dim], of unit length."""
    texts: Tensor
    """[n, dim], of unit length."""
    there: Tensor
    """[n] bool"""
    within: Tensor
    """[n] bool: what is there and to be seen in the global image."""
    names: Tensor
    """[n] int64"""


class ScenarioCLIP(nn.Module):
    """Towers for images, objects and relations, contrasted each and taught by one another."""

    similarity: Similarity = "cosine"

    def __init__(
        self,
        clip: Any,
        *,
        shared: bool,
        action_percent: int,
        distill_weight: float,
        distill_sharpness: float,
        teacher_decay: float,
    ) -> None:
        """Put the objective on towers.

        Args:
            clip: an ``open_clip.CLIP``; it is trained in place.
            shared: one tower on all levels; otherwise each starts as a copy of ``clip``.
            action_percent: the percentage of whole images with their action among the global ones.
            distill_weight: the weight of the four distillations' mean; 0 leaves the teacher out.
            distill_sharpness: factor on the similarities that they compare.
            teacher_decay: the decay of the moving averages, per step.
        """
        super().__init__()
        self.clip = clip
        self.own = nn.ModuleDict({} if shared else {role: _copied(clip) for role in PARTS})
        self.scales = nn.ParameterDict(
            {role: nn.Parameter(clip.logit_scale.detach().clone()) for role in PARTS}
        )
        self.action_percent = action_percent
        self.distill_weight, self.distill_sharpness = distill_weight, distill_sharpness
        self.teacher_decay = teacher_decay
        self.teacher: nn.ModuleDict | None = None

    def reader(self, tokenizer: Any) -> CaptionReader:
        """Return a reader without triples."""
        return CaptionReader(tokenizer, with_triples=False)

    def load_state_dict(self, state_dict: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Make a teacher first where the weights have one: those of a run to be gone on with."""
        if self.teacher is None and any(name.startswith(f"{TEACHER}.") for name in state_dict):
            self.teacher = self._averages()
        return super().load_state_dict(state_dict, *args, **kwargs)

    def forward(self, batch: Batch, step: int) -> Loss:
        """Return the three contrasts, and the distillation between levels."""
        shown: dict[Role, NamedImages] = {"scene": self._images(batch)}
        shown |= {role: batch.inputs[key] for role, key in LEVEL_INPUTS.items()}
        levels = {role: self._level(each, role) for role, each in shown.items()}
        losses = {
            role: info_nce(each.images, each.texts, self.scale(role), each.names, each.there)
            for role, each in levels.items()
        }
        parts = {f"contrast_{role}": loss.detach() for role, loss in losses.items()}
        total = torch.stack(list(losses.values())).sum()
        if self.distill_weight:
            distillation = self._distillation(shown, levels, step)
            parts["distillation"] = distillation.detach()
            total = total + self.distill_weight * distillation
        return Loss(total, parts)

    def encode_images(self, images: Tensor, role: Role) -> Tensor:
        """Encode images by the role's tower, [n, dim], of unit length."""
        return _seen(self._tower(role), images)

    def encode_texts(self, texts: Texts, role: Role) -> Tensor:
        """Encode captions by the role's tower, [n, dim], of unit length."""
        return _read(self._tower(role), texts)

    def scale(self, role: str) -> Tensor:
        """Return the factor on a level's similarities."""
        scale: Tensor = self.scales.get(role, self.clip.logit_scale)
        return scale.exp().clamp(max=MAX_SCALE)

    def _tower(self, role: str) -> Any:
        return _of(self.own, role, self.clip)

    def _images(self, batch: Batch) -> NamedImages:
        """Return the global level's images: whole ones with actions first, then the captions' own.

        First in the batch of all processes: this one's rows may be all of one kind.
        """
        action = batch.inputs[ACTION]
        rows = len(batch.images)
        count = -(-rows * processes() * self.action_percent // 100) - rows * rank()
        count = min(max(count, 0), rows)
        whole = torch.arange(rows, device=batch.images.device) < count
        return NamedImages(
            images=torch.where(whole[:, None, None, None], action.images, batch.images),
            texts=Texts(join_ids(action.texts.ids[:count], batch.texts.ids[count:])),
            there=action.there,
            within=whole,
        )

    def _level(self, shown: NamedImages, role: Role) -> _Level:
        return _Level(
            images=gather(self.encode_images(shown.images, role)),
            texts=gather(self.encode_texts(shown.texts, role)),
            there=gather(shown.there),
            within=gather(shown.there & shown.within),
            names=gather(hash_ids(shown.texts.ids)),
        )

    def _distillation(
        self, shown: Mapping[Role, NamedImages], levels: Mapping[Role, _Level], step: int
    ) -> Tensor:
        """Return the mean of the four distillation losses."""
        towers, whole = self._followed(step), levels["scene"]
        with torch.no_grad():
            image = gather(_seen(towers["scene"], shown["scene"].images))
            own = {role: _of(towers, role, towers["scene"]) for role in PARTS}
            names = {role: gather(_read(own[role], shown[role].texts)) for role in PARTS}
        losses = []
        for role in PARTS:
            part = levels[role]
            taught = part.there & (part.within | whole.within)
            for student, master, among in (
                (part.images, image, whole.texts),
                (whole.texts, names[role], part.images),
            ):
                losses.append(
                    distillation_loss(student, master, among, self.distill_sharpness, taught)
                )
        return torch.stack(losses).mean()

    def _followed(self, step: int) -> nn.ModuleDict:
        """Return the averages, moved towards the weights of the last step."""
        if self.teacher is None:
            self.teacher = self._averages()
            return self.teacher
        start: Any = (1 + step) / (10 + step)
        replayed = isinstance(start, torch.Tensor)  # as a step's number then is
        decay = start.clamp(max=self.teacher_decay) if replayed else min(self.teacher_decay, start)
        with torch.no_grad():
            for role, tower in self.teacher.items():
                pairs = zip(tower.parameters(), self._tower(role).parameters(), strict=True)
                for mean, now in pairs:
                    mean.lerp_(now, 1 - decay)
        return self.teacher

    def _averages(self) -> nn.ModuleDict:
        towers = {"scene": self.clip, **self.own}
        copies = {role: deepcopy(tower) for role, tower in towers.items()}
        return nn.ModuleDict(copies).requires_grad_(False)


def _copied(clip: Any) -> Any:
    """Return a copy of the towers, without the scale: each level has its own."""
    copy = deepcopy(clip)
    del copy.logit_scale
    return copy


def _of(towers: nn.ModuleDict, role: str, otherwise: Any) -> Any:
    if role in towers:
        return towers[role]
    return otherwise


def _seen(tower: Any, images: Tensor) -> Tensor:
    return normalize(tower.encode_image(images).float(), dim=-1)


def _read(tower: Any, texts: Texts) -> Tensor:
    return normalize(text_embeddings(tower, texts.ids).float(), dim=-1)


_SETTINGS = {
    "action_percent": 25,
    "distill_weight": 1.0,
    "distill_sharpness": 10.0,
    "teacher_decay": 0.999,
}
DENSE = 50
"""Percent of the whole images of the global level that come with a dense caption."""


DIFFERS = (
    "levels teach one another by what each finds among the batch, not by softmaxes over an "
    "embedding's dimensions; a crop is taught only by an image that shows it; the averages that "
    "teach decay by 0.999 and by less at the start, not by 0.9995 after 2,000 steps; a quarter of "
    "the global level's images come with their action's name, the others with captions, dense ones "
    "among them; an action's name stands among the negatives of captions' images that show that "
    "action, too."
)


def _variant(name: str, title: str, **changes: Any) -> Variant:
    """Return the method, or a control with other settings."""
    return Variant(
        name,
        title,
        SOURCE,
        ScenarioCLIP,
        {"shared": False, **_SETTINGS, **changes},
        differs=DIFFERS,
        views=("action", "object", "relation"),
        data="scenes",
        validation="scenario",
        dense_percent=DENSE,
    )


VARIANTS = (
    _variant("scenarioclip", "towers for images, objects and relations, and a teacher"),
    _variant("scenarioclip:shared", "ScenarioCLIP with one tower on all three levels", shared=True),
    _variant("scenarioclip:alone", "ScenarioCLIP without the teacher", distill_weight=0.0),
    _variant("scenarioclip:captions", "ScenarioCLIP without actions", action_percent=0),
)

FAMILY = family(VARIANTS)
