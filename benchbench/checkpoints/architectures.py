"""Which of open_clip's architectures weights belong to, as far as that can be known.

A published file is known by its digest. Otherwise shapes tell which architectures would take the
weights: that is advice for an error message, never a choice, as shapes say nothing of the number of
heads, the activation or the preprocessing. Only for OpenAI's own archives is it enough.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from benchbench.checkpoints.factory import quiet
from benchbench.checkpoints.weights import fit
from benchbench.data.records import file_sha256

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from torch import nn

PREPROCESSING = ("mean", "std", "interpolation", "resize_mode")
SUPPLIERS: dict[str, Callable[[list[str]], str]] = {
    "openaipublic": lambda parts: parts[-2],
    "mlfoundations": lambda parts: parts[-1].rpartition(".")[0].rpartition("-")[2],
}
"""Part of a tag's address → where, among the parts of its path, the file's SHA-256 begins; as in
``open_clip.pretrained.download_pretrained_from_url``."""
SHORTEST = 8


class Published(NamedTuple):
    """Weights that open_clip knows."""

    architecture: str
    tag: str


def published(path: Path) -> list[Published]:
    """The tags under which open_clip publishes this very file."""
    digest = file_sha256(path)
    return [tag for start, tag in _digests() if digest.startswith(start)]


def _digests() -> Iterator[tuple[str, Published]]:
    """First digits of SHA-256 → tag, for those whose address has them."""
    import open_clip

    for architecture, tag in open_clip.list_pretrained():
        url = str(open_clip.get_pretrained_cfg(architecture, tag).get("url", ""))
        for supplier, digits in SUPPLIERS.items():
            parts = url.split("/")
            if supplier in url and len(parts) > 1 and _is_digest(digits(parts)):
                yield digits(parts), Published(architecture, tag)


def _is_digest(text: str) -> bool:
    return len(text) >= SHORTEST and not set(text) - set("0123456789abcdef")


def own_architecture(tags: Sequence[Published]) -> str | None:
    """The one whose configuration has the activation of the weights, among those they go by."""
    own = {
        each.architecture
        for each in tags
        if _quick(each) == bool(config_of(each.architecture).get("quick_gelu"))
    }
    return own.pop() if len(own) == 1 else None


def _quick(tag: Published) -> bool:
    import open_clip

    return bool(open_clip.get_pretrained_cfg(*tag).get("quick_gelu"))


def activations_of(tags: Sequence[Published]) -> set[bool]:
    """Whether published weights run with QuickGELU."""
    return {_quick(each) for each in tags}


def known() -> list[str]:
    """The names of all."""
    import open_clip

    names: list[str] = open_clip.list_models()
    return names


def config_of(architecture: str) -> dict[str, Any]:
    """An architecture's configuration, by name or ``local-dir:``; empty where there is none."""
    import open_clip

    return open_clip.get_model_config(architecture) or {}


def preprocessing_of(architecture: str, tags: Sequence[Published]) -> tuple[dict[str, Any], str]:
    """Mean, std and the like for ``open_clip.create_model_and_transforms``, and by whose word.

    open_clip prepares pictures for any local file as OpenAI did, also under architectures whose
    every published tag does otherwise (SigLIP, MobileCLIP). Where all tags agree, theirs is taken.

    Args:
        architecture: open_clip's name.
        tags: under which the very file is published.
    """
    import open_clip

    known = [*tags] or [
        Published(architecture, tag)
        for tag in open_clip.list_pretrained_tags_by_model(architecture)
    ]
    said = [open_clip.get_pretrained_cfg(*each) for each in known]
    ways = [{name: each[name] for name in PREPROCESSING if name in each} for each in said]
    if not ways or any(way != ways[0] for way in ways):
        why = f", as the published tags of {architecture} differ" if ways else ""
        return {}, f"open_clip's default{why}"
    source = "its published tag" if tags else f"all published tags of {architecture}"
    return {f"image_{name}": value for name, value in ways[0].items()}, source


def fitting(state: Mapping[str, Any], among: Iterable[str] | None = None) -> list[str]:
    """Architectures that take a state dict without a gap; those from a hub are not tried."""
    names = known() if among is None else among
    plausible = [name for name in names if _plausible(config_of(name), state)]
    return [name for name in plausible if _fits(name, state)]


def fitting_openai(state: Mapping[str, Any]) -> list[str]:
    """Those of them under which OpenAI's weights are published, with QuickGELU."""
    import open_clip

    tagged = open_clip.list_pretrained_models_by_tag("openai")
    return fitting(state, [name for name in tagged if config_of(name).get("quick_gelu")])


def _fits(architecture: str, state: Mapping[str, Any]) -> bool:
    try:
        return fit(on_meta(architecture), state).is_exact
    except Exception:  # advice only: what cannot be built without memory is left out
        logging.debug("%s cannot be built on meta", architecture, exc_info=True)
        return False


def on_meta(architecture: str) -> nn.Module:
    """A model of names and shapes alone."""
    import open_clip
    import torch

    with quiet(), torch.device("meta"):
        model: nn.Module = open_clip.create_model(
            architecture, None, device="meta", load_weights=False, pretrained_text=False
        )
    return model


def _plausible(config: Mapping[str, Any], state: Mapping[str, Any]) -> bool:
    """Whether a few shapes, read off the configuration, are the file's."""
    vision, text = config["vision_cfg"], config["text_cfg"]
    if text.get("hf_model_name"):
        return False
    expected: dict[str, tuple[int, ...]] = {
        "token_embedding.weight": (text.get("vocab_size", 49408), text.get("width", 512)),
        "positional_embedding": (
            text.get("context_length", 77) + bool(text.get("embed_cls")),
            text.get("width", 512),
        ),
    }
    if isinstance(vision.get("layers"), int) and not vision.get("timm_model_name"):
        patch, width = vision.get("patch_size", 16), vision.get("width", 768)
        expected["visual.conv1.weight"] = (width, 3, patch, patch)
    found = {name: state.get(name, state.get(f"text.{name}")) for name in expected}
    if found["token_embedding.weight"] is None:  # MobileCLIP's own names
        own = any(name.startswith("image_encoder.model.patch_emb") for name in state)
        return own and bool(vision.get("timm_model_name"))
    return all(getattr(found[name], "shape", None) == shape for name, shape in expected.items())
