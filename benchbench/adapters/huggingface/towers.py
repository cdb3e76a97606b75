"""The methods by which each class of dual encoder in transformers embeds images and captions.

Lengths are those of the text towers' training, where the tokenizer's files have another or none;
positions beyond them were never trained. A caption is padded to the longest of its batch only where
a check of the loaded model shows that this changes nothing.
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
    """Return transformers' own features, since 5.0 the pooled part of an output: [n, dim]."""
    return _pooled(model.get_image_features(pixel_values=pixels))


def text_features(model: Any, inputs: Inputs) -> Tensor:
    """Return the same of captions: [n, dim]."""
    return _pooled(model.get_text_features(**inputs))


def _pooled(features: Any) -> Tensor:
    return getattr(features, "pooler_output", features)  # type: ignore[no-any-return]


def _blip_image_features(model: Any, pixels: Tensor) -> Tensor:
    """Return BLIP's ITC head, as ``BlipForImageTextRetrieval(use_itm_head=False)``: [n, dim]."""
    return model.vision_proj(model.vision_model(pixel_values=pixels).last_hidden_state[:, 0])  # type: ignore[no-any-return]


def _blip_text_features(model: Any, inputs: Inputs) -> Tensor:
    """Return the same of captions, without cross-attention: [n, dim]."""
    return model.text_proj(model.text_encoder(**inputs).last_hidden_state[:, 0])  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Towers:
    """How one class of models embeds."""

    images: Callable[[Any, Tensor], Tensor] = image_features
    texts: Callable[[Any, Inputs], Tensor] = text_features
    context: int | None = None
    """Tokens of the text tower's training; None where its tokenizer or positions limit them."""
    whole_context: bool = False
    """Whether captions are always padded to the context: the tower attends to padding."""
    masked: bool = True
    """Whether the text tower takes an attention mask."""
    lower_case: bool = False
    """Whether captions are lower-cased before the tokenizer."""


_SIGLIP = Towers(context=64, whole_context=True, masked=False, lower_case=True)
"""Zhai et al. 2023, Tschannen et al. 2025 (google-research/big_vision): 64 lower-cased tokens, all
of them attended to. SigLIP 2's checkpoints name Gemma's tokenizer, which keeps capitals."""

_BLIP = 35
"""Li et al. 2022 (salesforce/BLIP, ``models/blip_retrieval.py``), and ARO's evaluation of it."""

TOWERS: Mapping[str, Mapping[str, Towers]] = {
    "align": {"AlignModel": Towers(context=64)},  # as AlignProcessor pads
    "altclip": {"AltCLIPModel": Towers(context=77)},  # FlagAI's examples; positions go to 512
    "blip": {
        "BlipForImageTextRetrieval": Towers(_blip_image_features, _blip_text_features, _BLIP),
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
    "aimv2": "masks captions, in transformers, by the rest of their batch: where none is padded, "
    "words attend to later ones",
    "blip-2": "compares a caption with each of an image's query tokens and keeps the best, so that "
    "an image is not one vector: a pair scorer runs it, itm:ORG/REPO or itm-itc:ORG/REPO",
    "siglip2": "is SigLIP 2 with images of their own shape (NaFlex), which are not one tensor "
    "size: use a checkpoint of fixed resolution, as google/siglip2-base-patch16-224",
}
"""Kinds with two towers that are not supported → why, and what to use."""


def towers_of(config: Mapping[str, Any], what: str) -> tuple[str, Towers]:
    """Return the class of transformers for a configuration, and how it embeds.

    Args:
        config: the config of the checkpoint, as JSON has it.
        what: the checkpoint, for errors.

    Raises:
        ModelError: the kind embeds no image as one vector.
        UnknownName: the kind is not in the table.
    """
    kind = str(config.get("model_type", ""))
    if kind in REFUSED:
        raise ModelError(f"{what}, of the kind '{kind}', {REFUSED[kind]}.")
    if kind not in TOWERS:
        listed = ", ".join(TOWERS)
        named = " or ".join(config.get("architectures") or ["no class"])
        hint = (
            f"{what} is, by its config.json, {named}. Supported dual encoders: {listed}. One with "
            "code of its own runs with --trust-remote-code, if its config.json has an auto_map."
        )
        raise UnknownName("model_type", kind, TOWERS, hint)
    classes = TOWERS[kind]
    own = [name for name in config.get("architectures") or () if name in classes]
    name = own[0] if own else next(iter(classes))
    return name, classes[name]
