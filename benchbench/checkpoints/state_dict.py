"""Extract one state dict from what a training script saved.

The manifest records which entry was taken, which were left, and which prefixes were cut.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchbench.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator

WEIGHTS = ("state_dict", "model_state_dict", "model", "module", "net")
"""Keys of weights in training scripts' files, in order of preference."""
AVERAGES = ("state_dict_ema", "ema_state_dict", "model_ema", "ema_model", "module_ema", "ema")
"""Keys of moving averages of weights: taken only where there is nothing else."""
PREFIXES = ("module.", "_orig_mod.", "model.", "clip_model.", "clip.")
"""Prefixes by wrappers: DistributedDataParallel, torch.compile, Lightning."""
COMPILED = "_orig_mod."
"""torch.compile's prefix, which may stand inside a name, too."""
HARMLESS = {
    "attn_mask": "the causal mask, which follows from the context length",
    "position_ids": "0, 1, 2, …, as older transformers kept them",
    "input_resolution": "a number of OpenAI's archives",
    "context_length": "a number of OpenAI's archives",
    "vocab_size": "a number of OpenAI's archives",
    "n_averaged": "the number of steps of torch's AveragedModel",
}
"""Last part of a name → what it is, and may be dropped where a model has no such name."""
OPENAI = {"input_resolution", "context_length", "vocab_size"}
"""Saved together by OpenAI's archives alone."""
DEPTH = 3


@dataclass(frozen=True, slots=True)
class StateDict:
    """A state dict, and its place in the file."""

    state: dict[str, Any]
    """Name → tensor; numbers of ``HARMLESS`` names are among them."""
    entry: str = ""
    """Path of keys to it: ``state_dict``; "" where it is the whole file."""
    left: tuple[str, ...] = ()
    """Other state dicts of the file, which were not taken."""
    cut: tuple[str, ...] = ()
    """Prefixes that were cut off every name."""

    @property
    def is_openais(self) -> bool:
        """Whether it comes from one of OpenAI's archives, by their three numbers."""
        return self.state.keys() >= OPENAI

    @property
    def settings(self) -> dict[str, Any]:
        """Settings for the manifest: those of a choice alone."""
        choices = {"entry": self.entry, "entries_left": [*self.left], "prefixes_cut": [*self.cut]}
        return {name: value for name, value in choices.items() if value}


def extract_state_dict(tree: Any, what: str) -> StateDict:
    """Return the state dict of a file.

    Args:
        tree: what the file holds.
        what: the file, for errors.

    Raises:
        ModelError: there is none, one without values to copy, or two of its names become one.
    """
    found = dict(_state_dicts(tree, ""))
    if not found:
        raise ModelError(
            f"{what} holds no weights, but {_describe(tree)}. Save a model's state_dict()."
        )
    entry = next(iter(found))
    if odd := [f"{name} ({kind})" for name, each in found[entry].items() if (kind := _odd(each))]:
        raise ModelError(
            f"{what} holds tensors whose values cannot be copied as they are: "
            f"{', '.join(odd[:4])}{', …' * (len(odd) > 4)}. Save dense tensors: tensor.to_dense()."
        )
    state, cut = _unwrap(found[entry], what)
    return StateDict(state, entry, tuple(found)[1:], cut)


def _odd(value: Any) -> str:
    """Return what keeps a tensor's values from being copied; an empty string where nothing does."""
    import torch

    if not isinstance(value, torch.Tensor):
        return ""
    kinds = {
        "without data, on the device meta": value.is_meta,
        "nested": value.is_nested,
        "quantized": value.is_quantized,
        str(value.layout).rpartition(".")[2]: value.layout is not torch.strided,
    }
    return next((kind for kind, holds in kinds.items() if holds), "")


def is_harmless(name: str) -> bool:
    """Return whether a name belongs to no weights.

    >>> is_harmless("transformer.resblocks.0.attn_mask"), is_harmless("text_projection")
    (True, False)
    """
    return name.rpartition(".")[2] in HARMLESS


def _state_dicts(tree: Any, entry: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each path of keys with its state dict, the preferred first."""
    import torch

    tree = tree.state_dict() if isinstance(tree, torch.nn.Module) else tree
    if not isinstance(tree, Mapping) or entry.count(".") >= DEPTH:
        return
    if any(isinstance(value, torch.Tensor) for value in tree.values()):
        yield entry, {str(name): value for name, value in tree.items()}
        return
    for name in (*WEIGHTS, *AVERAGES):
        if name in tree:
            yield from _state_dicts(tree[name], f"{entry}.{name}" if entry else name)


def _unwrap(state: dict[str, Any], what: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Cut the prefixes that all names share.

    Raises:
        ModelError: two names become one.
    """
    cut: list[str] = []
    names = {name: name for name in state}
    while prefix := _common_prefix([name for name in names.values() if not is_harmless(name)]):
        cut.append(prefix)
        names = {name: short.removeprefix(prefix) for name, short in names.items()}
    if any(COMPILED in short for short in names.values()):
        cut.append(COMPILED)
        names = {name: short.replace(COMPILED, "") for name, short in names.items()}
    counts = Counter(names.values())
    if twice := [name for name, short in names.items() if counts[short] > 1]:
        raise ModelError(
            f"{what} names the same weights twice: {', '.join(twice[:4])}. Save one of each."
        )
    return {short: state[name] for name, short in names.items()}, tuple(cut)


def _common_prefix(names: list[str]) -> str | None:
    return next((p for p in PREFIXES if names and all(n.startswith(p) for n in names)), None)


def _describe(tree: Any) -> str:
    if isinstance(tree, Mapping):
        some = ", ".join(re.sub(r"\s+", " ", str(key))[:40] for key in list(tree)[:6])
        return f"a dictionary of {some}" if some else "an empty dictionary"
    return f"a {type(tree).__name__}"
