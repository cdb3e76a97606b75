"""How each kind of transformers' dual encoders is asked for its embeddings.

One line a kind. Lengths are those that the text towers were trained on, where the tokenizer's files
say otherwise or nothing at all; positions beyond them were never learnt. A caption is padded to the
longest of its batch only where that was tried on the loaded model and changed nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchbench.errors import ModelError, UnknownName

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    Inputs = Mapping[str, Tensor]


def image_features(model: Any, pixels: Tensor) -> Tensor:
    """transformers' own, which since 5.0 come as the pooled part of an output: [n, dim]."""
    return _pooled(model.get_image_features(pixel_values=pixels))


def text_features(model: Any, inputs: Inputs) -> Tensor:
    """As ``image_features``: [n, dim]."""
    return _pooled(model.get_text_features(**inputs))


def _pooled(features: Any) -> Tensor:
    return getattr(features, "pooler_output", features)  # type: ignore[no-any-return]


def _contrasted_images(model: Any, pixels: Tensor) -> Tensor:
    """BLIP's ITC head, as ``BlipForImageTextRetrieval(use_itm_head=False)`` has it: [n, dim]."""
    return model.vision_proj(model.vision_model(pixel_values=pixels).last_hidden_state[:, 0])  # type: ignore[no-any-return]


def _contrasted_texts(model: Any, inputs: Inputs) -> Tensor:
    """The same of captions, the text encoder not looking at any picture: [n, dim]."""
    return model.text_proj(model.text_encoder(**inputs).last_hidden_state[:, 0])  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Towers:
    """How one class of models embeds."""

    images: Callable[[Any, Tensor], Tensor] = image_features
    texts: Callable[[Any, Inputs], Tensor] = text_features
    context: int | None = None
    """Tokens that the text tower was trained on; None where its tokenizer or positions say."""
    whole_context: bool = False
    """Whether captions are always padded to the context: the tower reads its padding."""
    masked: bool = True
    """Whether the text tower is told which positions are padding."""
    lower_case: bool = False
    """Whether captions are lower-cased here, whatever the tokenizer does."""


_SIGLIP = Towers(context=64, whole_context=True, masked=False, lower_case=True)
"""Zhai et al. 2023, Tschannen et al. 2025 (google-research/big_vision): 64 lower-cased tokens, all
of them attended to. SigLIP 2's checkpoints name Gemma's tokenizer, which keeps capitals."""

_BLIP = 35
"""Li et al. 2022 (salesforce/BLIP, ``models/blip_retrieval.py``), and ARO's evaluation of it."""

TOWERS: Mapping[str, Mapping[str, Towers]] = {
    "align": {"AlignModel": Towers(context=64)},  # as AlignProcessor pads
    "altclip": {"AltCLIPModel": Towers(context=77)},  # FlagAI's examples; positions go to 512
    "blip": {
        "BlipForImageTextRetrieval": Towers(_contrasted_images, _contrasted_texts, _BLIP),
        "BlipModel": Towers(context=_BLIP),
    },
    "chinese_clip": {"ChineseCLIPModel": Towers(context=52)},  # OFA-Sys/Chinese-CLIP, tokenize()
    "clip": {"CLIPModel": Towers()},
    "groupvit": {"GroupViTModel": Towers()},
    "metaclip_2": {"MetaClip2Model": Towers()},
    "siglip": {"SiglipModel": _SIGLIP},
    "vision-text-dual-encoder": {"VisionTextDualEncoderModel": Towers()},
}
"""A configuration's ``model_type`` → class of transformers → how that embeds."""

REFUSED: Mapping[str, str] = {
    "aimv2": "masks captions, in transformers, by what else is in their batch: where none is "
    "padded, words look at those after them",
    "blip-2": "compares a caption with each of a picture's query tokens and keeps the best, so "
    "that a picture is no one vector: a pair scorer runs it, itm:ORG/REPO or itm-itc:ORG/REPO",
    "siglip2": "is SigLIP 2 with pictures of their own shape (NaFlex), which are not one tensor "
    "size: take a checkpoint of fixed resolution, as google/siglip2-base-patch16-224",
}
"""Kinds that have two towers and still are not embedded here, and why."""


def towers_of(config: Mapping[str, Any], what: str) -> tuple[str, Towers]:
    """The class of transformers that a configuration is loaded as, and how that embeds.

    Args:
        config: of the checkpoint, as JSON has it.
        what: the checkpoint, for errors.

    Raises:
        ModelError: no dual encoder, or one that gives no vector for a picture.
        UnknownName: of a kind that is not in the table.
    """
    kind = str(config.get("model_type", ""))
    if kind in REFUSED:
        raise ModelError(f"{what}, of the kind '{kind}', {REFUSED[kind]}.")
    if kind not in TOWERS:
        listed = ", ".join(TOWERS)
        said = " or ".join(config.get("architectures") or ["no class"])
        hint = (
            f"{what} says it is {said}. Dual encoders that are known here: {listed}. One with "
            "code of its own is run by --trust-remote-code, if its config.json has an auto_map."
        )
        raise UnknownName("model_type", kind, TOWERS, hint)
    classes = TOWERS[kind]
    named = [name for name in config.get("architectures") or () if name in classes]
    name = named[0] if named else next(iter(classes))
    return name, classes[name]
