"""open_clip's models and tokenizers, asked so that whatever goes wrong is one error."""

from __future__ import annotations

import logging
import pickle
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from benchbench.checkpoints.hub import hub_if_reachable, is_unreachable
from benchbench.errors import WeightsUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchbench.types import LoadOptions


def create(
    architecture: str, tag: str | None, options: LoadOptions, **settings: Any
) -> tuple[Any, Any]:
    """A model on the CPU, in its precision, and its transform.

    Args:
        architecture: open_clip's name, or ``local-dir:FOLDER`` with an open_clip_config.json.
        tag: of published weights; None for random ones.
        options: for the precision.
        settings: passed on to ``open_clip.create_model_and_transforms``.

    Raises:
        WeightsUnavailable: something is neither cached nor to be fetched, or cannot be read.
    """
    import open_clip

    what = f"the weights '{tag}' of {architecture}" if tag else architecture
    with loading(what, uses_hub=bool(tag) or names_hub(architecture)):
        model, _, transform = open_clip.create_model_and_transforms(
            architecture, tag, precision=options.precision, device="cpu", **settings
        )
    return model, transform


def create_random(architecture: str, options: LoadOptions, **settings: Any) -> tuple[Any, Any]:
    """The same with weights drawn by ``options.seed``, and torch's generator left alone."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        return create(
            architecture, None, options, pretrained_image=False, pretrained_text=False, **settings
        )


def tokenizer_of(architecture: str) -> Any:
    """An architecture's tokenizer: list of strings → ids [n, context].

    Raises:
        WeightsUnavailable: it is neither cached nor to be fetched.
    """
    import open_clip

    with loading(f"the tokenizer of {architecture}", uses_hub=names_hub(architecture)):
        return open_clip.get_tokenizer(architecture)


def names_hub(architecture: str) -> bool:
    """Whether the text side of an architecture comes from the Hugging Face hub."""
    import open_clip

    text = (open_clip.get_model_config(architecture) or {}).get("text_cfg", {})
    return "hf_tokenizer_name" in text or "hf_model_name" in text


@contextmanager
def loading(what: str, *, uses_hub: bool) -> Iterator[None]:
    """Turn whatever open_clip, torch, safetensors and the hub raise into one error."""
    from safetensors import SafetensorError

    known = (OSError, RuntimeError, ValueError, ImportError, LookupError, EOFError, TypeError)
    try:
        with quiet(), unasked(), hub_if_reachable() if uses_hub else nullcontext():
            yield
    except (*known, pickle.UnpicklingError, SafetensorError) as error:
        if is_unreachable(error):
            raise WeightsUnavailable(
                f"Cannot load {what}: not in the cache, and the hub cannot be reached from here "
                "(or HF_HUB_OFFLINE is set). Fetch it once where there is a network, and bring the "
                "folder that HF_HOME names; or try the path with openclip:ARCH/untrained."
            ) from error
        raise WeightsUnavailable(f"Cannot load {what}: {first_line(error)}.") from error


def first_line(error: BaseException) -> str:
    """What an error says first, and what a first line announces; its type where it says nothing."""
    lines = (str(error).strip() or type(error).__name__).splitlines()
    announced = lines[0].endswith(":") and len(lines) > 1
    return " ".join(line.strip() for line in lines[: 1 + announced]).rstrip(".:")


@contextmanager
def unasked() -> Iterator[None]:
    """Refuse a tokenizer's own code, instead of waiting on the terminal for a yes."""
    from transformers import dynamic_module_utils

    before = dynamic_module_utils.TIME_OUT_REMOTE_CODE
    dynamic_module_utils.TIME_OUT_REMOTE_CODE = 0
    try:
        yield
    finally:
        dynamic_module_utils.TIME_OUT_REMOTE_CODE = before


@contextmanager
def quiet() -> Iterator[None]:
    """Silence open_clip's warning of random weights: the run's own banner says it better."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(before)
