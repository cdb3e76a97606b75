"""Build open_clip's models and tokenizers, and turn every failure into one kind of error."""

from __future__ import annotations

import logging
import math
import pickle
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from benchbench.checkpoints.hub import is_unreachable, offline_if_unreachable
from benchbench.checkpoints.quick_tokens import quicken
from benchbench.checkpoints.vocabularies import is_empty
from benchbench.errors import WeightsUnavailable
from benchbench.failures import first_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

    from benchbench.types import LoadOptions

MASK = "attn_mask"
"""open_clip's causal mask: a buffer that no state dict has."""


def create(
    architecture: str, tag: str | None, options: LoadOptions, **settings: Any
) -> tuple[Any, Any]:
    """Return a model on the CPU, in its precision, and its transform.

    Args:
        architecture: open_clip's name, or ``local-dir:FOLDER`` with an open_clip_config.json.
        tag: the tag of published weights; None for random ones.
        options: for the precision.
        settings: passed on to ``open_clip.create_model_and_transforms``.

    Raises:
        WeightsUnavailable: something is neither cached nor to be downloaded, or cannot be read.
    """
    import open_clip

    what = f"the weights '{tag}' of {architecture}" if tag else architecture
    with load_errors(what, uses_hub=bool(tag) or names_hub(architecture)):
        model, _, transform = open_clip.create_model_and_transforms(
            architecture, tag, precision=options.precision, device="cpu", **settings
        )
    return model, transform


def create_random(architecture: str, options: LoadOptions, **settings: Any) -> tuple[Any, Any]:
    """Return the same with weights drawn by ``options.seed``; torch's generator is unchanged."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        return create(
            architecture, None, options, pretrained_image=False, pretrained_text=False, **settings
        )


def create_on_meta(
    architecture: str, options: LoadOptions, **settings: Any
) -> tuple[Any, Any] | None:
    """Return the same without values; None for an architecture that needs values to be built."""
    import open_clip
    import torch

    if "hf_model_name" in _text_config(architecture):
        return None
    try:
        with mute_open_clip(), torch.device("meta"):
            model, _, transform = open_clip.create_model_and_transforms(
                architecture,
                None,
                precision=options.precision,
                device="meta",
                pretrained_image=False,
                pretrained_text=False,
                **settings,
            )
    except Exception:  # a real error comes again when the model is built with values
        logging.debug("%s cannot be built on meta", architecture, exc_info=True)
        return None
    return model, transform


def can_allocate(model: nn.Module) -> bool:
    """Return whether a state dict and causal masks are all that a model on ``meta`` lacks.

    Tied weights and other buffers that no state dict has (rotary embeddings, positions) are built
    with values only.
    """
    from open_clip import CLIP
    from open_clip.transformer import TextTransformer

    tied = len(list(model.parameters())) < len(list(model.named_parameters(remove_duplicate=False)))
    saved = model.state_dict()
    computed = [name for name, _ in model.named_buffers() if name not in saved]
    owners = [model.get_submodule(name.rpartition(".")[0]) for name in computed]
    masks = all(name.rpartition(".")[2] == MASK for name in computed)
    return not tied and masks and all(isinstance(each, CLIP | TextTransformer) for each in owners)


def allocate(model: nn.Module) -> None:
    """Move a model from ``meta`` to the CPU: masks are computed, weights are to be loaded."""
    import torch

    saved = model.state_dict()
    masks = {name: each for name, each in model.named_buffers() if name not in saved}
    model.to_empty(device="cpu")
    for name, mask in masks.items():
        values = torch.full(mask.shape, -math.inf, dtype=mask.dtype).triu_(1)
        owner, _, last = name.rpartition(".")
        setattr(model.get_submodule(owner), last, values)


def tokenizer_of(architecture: str, context_length: int | None = None) -> Any:
    """Return an architecture's tokenizer: list of strings → ids [n, context].

    Args:
        architecture: open_clip's name, ``local-dir:FOLDER`` or ``hf-hub:ORG/REPO``.
        context_length: by default the configuration's.

    Raises:
        WeightsUnavailable: it is neither cached nor to be downloaded, or its vocabulary is missing.
    """
    import open_clip

    with load_errors(f"the tokenizer of {architecture}", uses_hub=names_hub(architecture)):
        found = quicken(open_clip.get_tokenizer(architecture, context_length=context_length))
    inner = getattr(found, "tokenizer", None)
    if inner is not None and is_empty(inner):
        raise WeightsUnavailable(
            f"The tokenizer of {architecture} has no vocabulary: its tokenizer.json, vocabulary or "
            "*.model file is missing. Copy the tokenizer files of the checkpoint that it was "
            "fine-tuned from."
        )
    return found


def names_hub(architecture: str) -> bool:
    """Return whether the text tower or tokenizer comes from the Hugging Face hub."""
    text = _text_config(architecture)
    return "hf_tokenizer_name" in text or "hf_model_name" in text


def _text_config(architecture: str) -> dict[str, Any]:
    import open_clip

    config: dict[str, Any] = open_clip.get_model_config(architecture) or {}
    return config.get("text_cfg", {})  # type: ignore[no-any-return]


@contextmanager
def load_errors(what: str, *, uses_hub: bool) -> Iterator[None]:
    """Turn whatever open_clip, torch, safetensors and the hub raise into one error."""
    from safetensors import SafetensorError

    known = (OSError, RuntimeError, ValueError, ImportError, LookupError, EOFError, TypeError)
    try:
        with (
            mute_open_clip(),
            refuse_remote_code(),
            offline_if_unreachable() if uses_hub else nullcontext(),
        ):
            yield
    except (*known, pickle.UnpicklingError, SafetensorError) as error:
        if is_unreachable(error):
            raise WeightsUnavailable(
                f"Cannot load {what}: not in the cache, and the hub cannot be reached from here "
                "(or HF_HUB_OFFLINE is set). Download it once where there is a network, and copy "
                "the folder that HF_HOME names; or try the path with openclip:ARCH/untrained."
            ) from error
        raise WeightsUnavailable(f"Cannot load {what}: {first_line(error)}.") from error


@contextmanager
def refuse_remote_code() -> Iterator[None]:
    """Refuse a tokenizer's own code instead of waiting on the terminal for a yes."""
    from transformers import dynamic_module_utils

    before = dynamic_module_utils.TIME_OUT_REMOTE_CODE
    dynamic_module_utils.TIME_OUT_REMOTE_CODE = 0
    try:
        yield
    finally:
        dynamic_module_utils.TIME_OUT_REMOTE_CODE = before


@contextmanager
def mute_open_clip() -> Iterator[None]:
    """Silence open_clip's warning of random weights: the run's own banner has it."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(before)
