"""What is saved beside weights, and around their names: a file's tree → one state dict.

Nothing is chosen in silence: what was taken, what was left and what was cut off the names are
recorded in the manifest.
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
"""Where training scripts put the weights that they trained, in order of preference."""
AVERAGES = ("state_dict_ema", "ema_state_dict", "model_ema", "ema_model", "module_ema", "ema")
"""Where they put moving averages of these: taken only where there is nothing else."""
PREFIXES = ("module.", "_orig_mod.", "model.", "clip_model.", "clip.")
"""What wrappers put before every name: DistributedDataParallel, torch.compile, Lightning."""
COMPILED = "_orig_mod."
"""torch.compile's, which may stand inside a name, too."""
HARMLESS = {
    "attn_mask": "the causal mask, which follows from the context length",
    "position_ids": "0, 1, 2, …, as older transformers kept them",
    "input_resolution": "a number of OpenAI's archives",
    "context_length": "a number of OpenAI's archives",
    "vocab_size": "a number of OpenAI's archives",
    "n_averaged": "how many steps torch's AveragedModel has seen",
}
"""Last part of a name → why it may be dropped where a model has no place for it."""
OPENAI = {"input_resolution", "context_length", "vocab_size"}
"""Kept together by OpenAI's archives, and by nothing else."""
DEPTH = 3


@dataclass(frozen=True, slots=True)
class Weights:
    """A state dict, and how it was found in its file."""

    state: dict[str, Any]
    """Name → tensor; numbers of ``HARMLESS`` names are among them."""
    entry: str = ""
    """Path of keys to it: ``state_dict``; "" where the file is nothing else."""
    left: tuple[str, ...] = ()
    """Other state dicts of the file, which were not taken."""
    cut: tuple[str, ...] = ()
    """Prefixes that were taken off every name."""

    @property
    def is_openais(self) -> bool:
        """Whether they come from one of OpenAI's archives, which say so by three numbers."""
        return self.state.keys() >= OPENAI

    @property
    def settings(self) -> dict[str, Any]:
        """For the manifest: only what there was to choose."""
        said = {"entry": self.entry, "entries_left": [*self.left], "prefixes_cut": [*self.cut]}
        return {name: value for name, value in said.items() if value}


def find_weights(tree: Any, what: str) -> Weights:
    """The state dict of a file.

    Args:
        tree: what the file holds.
        what: the file, for errors.

    Raises:
        ModelError: there is none, one without values to copy, or two of its names become one.
    """
    found = dict(_state_dicts(tree, ""))
    if not found:
        raise ModelError(f"{what} holds no weights, but {_described(tree)}.")
    entry = next(iter(found))
    if odd := [f"{name} ({kind})" for name, each in found[entry].items() if (kind := _odd(each))]:
        raise ModelError(
            f"{what} holds tensors whose values cannot be copied as they are: "
            f"{', '.join(odd[:4])}{', …' * (len(odd) > 4)}. Save dense tensors: tensor.to_dense()."
        )
    state, cut = _unwrapped(found[entry], what)
    return Weights(state, entry, tuple(found)[1:], cut)


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
    """Whether a name is one of the leftovers that carry no weights.

    >>> is_harmless("transformer.resblocks.0.attn_mask"), is_harmless("text_projection")
    (True, False)
    """
    return name.rpartition(".")[2] in HARMLESS


def _state_dicts(tree: Any, entry: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Path of keys → state dict, the preferred first."""
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


def _unwrapped(state: dict[str, Any], what: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Without the prefixes that all names share."""
    cut: list[str] = []
    names = {name: name for name in state}
    while prefix := _shared([name for name in names.values() if not is_harmless(name)]):
        cut.append(prefix)
        names = {name: short.removeprefix(prefix) for name, short in names.items()}
    if any(COMPILED in short for short in names.values()):
        cut.append(COMPILED)
        names = {name: short.replace(COMPILED, "") for name, short in names.items()}
    counts = Counter(names.values())
    if twice := [name for name, short in names.items() if counts[short] > 1]:
        raise ModelError(f"{what} names the same weights twice: {', '.join(twice[:4])}.")
    return {short: state[name] for name, short in names.items()}, tuple(cut)


def _shared(names: list[str]) -> str | None:
    return next((p for p in PREFIXES if names and all(n.startswith(p) for n in names)), None)


def _described(tree: Any) -> str:
    if isinstance(tree, Mapping):
        some = ", ".join(re.sub(r"\s+", " ", str(key))[:40] for key in list(tree)[:6])
        return f"a dictionary of {some}" if some else "an empty dictionary"
    return f"a {type(tree).__name__}"
