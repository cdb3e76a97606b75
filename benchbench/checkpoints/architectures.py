"""Find the open_clip architecture and the published tag that weights belong to.

A published file is identified by its digest. Otherwise shapes show which architectures would take
the weights: that is advice for an error message, never a choice, as the number of heads, the
activation and the preprocessing leave no trace in them. For OpenAI's own archives it is enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from benchbench.checkpoints.factory import create_on_meta
from benchbench.checkpoints.state_dict import match_state_dict
from benchbench.data.records import file_sha256
from benchbench.errors import ModelError
from benchbench.types import LoadOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

PREPROCESSING = ("mean", "std", "interpolation", "resize_mode")
SUPPLIERS: dict[str, Callable[[list[str]], str]] = {
    "openaipublic": lambda parts: parts[-2],
    "mlfoundations": lambda parts: parts[-1].rpartition(".")[0].rpartition("-")[2],
}
"""Part of a tag's address → where, among the parts of its path, the file's SHA-256 begins; as in
``open_clip.pretrained.download_pretrained_from_url``."""
MIN_DIGITS = 8


class PublishedTag(NamedTuple):
    """Weights that open_clip publishes."""

    architecture: str
    tag: str


def published_tags(path: Path) -> list[PublishedTag]:
    """Return the tags under which open_clip publishes this very file."""
    digest = file_sha256(path)
    return [tag for start, tag in _digests() if digest.startswith(start)]


def _digests() -> Iterator[tuple[str, PublishedTag]]:
    """Yield the first digits of SHA-256 and the tag, where a tag's address has them."""
    import open_clip

    for architecture, tag in open_clip.list_pretrained():
        url = str(open_clip.get_pretrained_cfg(architecture, tag).get("url", ""))
        for supplier, digits in SUPPLIERS.items():
            parts = url.split("/")
            if supplier in url and len(parts) > 1 and _is_digest(digits(parts)):
                yield digits(parts), PublishedTag(architecture, tag)


def _is_digest(text: str) -> bool:
    return len(text) >= MIN_DIGITS and not set(text) - set("0123456789abcdef")


def own_architecture(tags: Sequence[PublishedTag]) -> str | None:
    """Return the only architecture of the tags whose activation is that of the weights."""
    own = {
        each.architecture
        for each in tags
        if _quick(each) == bool(config_of(each.architecture).get("quick_gelu"))
    }
    return own.pop() if len(own) == 1 else None


def _quick(tag: PublishedTag) -> bool:
    import open_clip

    return bool(open_clip.get_pretrained_cfg(*tag).get("quick_gelu"))


def activations_of(tags: Sequence[PublishedTag]) -> set[bool]:
    """Return whether published weights run with QuickGELU: one value, or both."""
    return {_quick(each) for each in tags}


def architecture_names() -> list[str]:
    """Return the names of all architectures."""
    import open_clip

    names: list[str] = open_clip.list_models()
    return names


def config_of(architecture: str) -> dict[str, Any]:
    """Return an architecture's configuration, by name or ``local-dir:``; empty if unknown."""
    import open_clip

    return open_clip.get_model_config(architecture) or {}


def preprocessing_of(architecture: str, tags: Sequence[PublishedTag]) -> tuple[dict[str, Any], str]:
    """Return settings of ``open_clip.create_model_and_transforms``, and the evidence for them.

    open_clip preprocesses images for any local file as OpenAI did, also under architectures whose
    published tags all do otherwise (SigLIP, MobileCLIP). Where all tags agree, theirs is taken.

    Args:
        architecture: open_clip's name.
        tags: under which the very file is published.
    """
    import open_clip

    known = [*tags] or [
        PublishedTag(architecture, tag)
        for tag in open_clip.list_pretrained_tags_by_model(architecture)
    ]
    configs = [open_clip.get_pretrained_cfg(*each) for each in known]
    ways = [{name: each[name] for name in PREPROCESSING if name in each} for each in configs]
    if not ways or any(way != ways[0] for way in ways):
        why = f", as the published tags of {architecture} differ" if ways else ""
        return {}, f"open_clip's default{why}"
    source = "its published tag" if tags else f"all published tags of {architecture}"
    return {f"image_{name}": value for name, value in ways[0].items()}, source


def fitting_architectures(
    state: Mapping[str, Any], among: Iterable[str] | None = None
) -> list[str]:
    """Return architectures that a state dict fits exactly; those from a hub are not tried."""
    names = architecture_names() if among is None else among
    plausible = [name for name in names if _plausible(config_of(name), state)]
    return [name for name in plausible if _fits(name, state)]


def fitting_openai_architectures(state: Mapping[str, Any]) -> list[str]:
    """Return those under which OpenAI's weights are published, with QuickGELU."""
    import open_clip

    tagged = open_clip.list_pretrained_models_by_tag("openai")
    return fitting_architectures(
        state, [name for name in tagged if config_of(name).get("quick_gelu")]
    )


def _fits(architecture: str, state: Mapping[str, Any]) -> bool:
    """Return whether a state dict fits exactly; False where the architecture needs values.

    The answer is advice only: whatever fails is left out.
    """
    built = create_on_meta(architecture, LoadOptions(), load_weights=False)
    try:
        return built is not None and match_state_dict(built[0], state).is_exact
    except ModelError:
        return False


def _plausible(config: Mapping[str, Any], state: Mapping[str, Any]) -> bool:
    """Return whether a few shapes of the configuration are the file's."""
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
