"""Extract a state dict from a training script's file, match it with a model, and load it.

Every name and shape is accounted for: the manifest records which entry was taken, which were left,
which prefixes were cut, and, where gaps are allowed, which weights are random.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchbench.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from torch import Tensor, nn

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
"""The largest number of nested keys that are searched for a state dict."""
MAX_LISTED = 4
SCALARS = ("logit_scale", "logit_bias")
"""Saved with or without an axis of length 1, which means the same."""
OTHER_LIBRARIES = {
    "text_model.": "transformers (type hf:FOLDER, with its config.json)",
    "vision_model.": "transformers (type hf:FOLDER, with its config.json)",
}
"""Prefixes of names in another library's checkpoints → that library, and what to type for it."""


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
    if odd := [
        f"{name} ({kind})" for name, each in found[entry].items() if (kind := _copy_problem(each))
    ]:
        raise ModelError(
            f"{what} holds tensors whose values cannot be copied as they are: "
            f"{', '.join(odd[:4])}{', …' * (len(odd) > 4)}. Save dense tensors: tensor.to_dense()."
        )
    state, cut = _unwrap(found[entry], what)
    return StateDict(state, entry, tuple(found)[1:], cut)


def _copy_problem(value: Any) -> str:
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
    """Yield each path of keys with its state dict, the preferred first.

    Single numbers beside one, such as the best accuracy so far, may be tensors.
    """
    import torch

    tree = tree.state_dict() if isinstance(tree, torch.nn.Module) else tree
    if not isinstance(tree, Mapping) or entry.count(".") >= DEPTH:
        return
    tensors = [value for value in tree.values() if isinstance(value, torch.Tensor)]
    within: list[tuple[str, dict[str, Any]]] = []
    if all(each.numel() == 1 for each in tensors):  # else they are weights themselves
        for name in (*WEIGHTS, *AVERAGES):
            if name in tree:
                within += _state_dicts(tree[name], f"{entry}.{name}" if entry else name)
    if tensors and not within:
        yield entry, {str(name): value for name, value in tree.items()}
    yield from within


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


@dataclass(frozen=True, slots=True)
class StateDictMatch:
    """A state dict compared with a model's names and shapes."""

    state: dict[str, Tensor]
    """The tensors that fit."""
    missing: tuple[str, ...]
    """Names of the model that the file lacks."""
    unexpected: tuple[str, ...]
    """Names of the file that the model lacks."""
    differing: tuple[str, ...]
    """Other shapes: ``name [the file's] instead of [the model's]``."""

    @property
    def is_exact(self) -> bool:
        """Whether nothing is left over on either side."""
        return not (self.missing or self.unexpected or self.differing)


def match_state_dict(model: nn.Module, state: Mapping[str, Any]) -> StateDictMatch:
    """Compare a state dict with a model, after open_clip's conversions of other formats.

    Args:
        model: ``open_clip.CLIP`` or kin; may be on the device ``meta``.
        state: name → tensor, or a number of a harmless name.

    Raises:
        ModelError: the conversion of MobileCLIP's format fails.
    """
    import torch

    own = model.state_dict()
    given = {name: each for name, each in state.items() if name in own or not is_harmless(name)}
    given = _convert(model, given)
    given = {name: each for name, each in given.items() if name in own or not is_harmless(name)}
    for name in SCALARS:
        one = given.get(name)
        if isinstance(one, torch.Tensor) and name in own and one.numel() == own[name].numel() == 1:
            given[name] = one.reshape(own[name].shape)
    tensors = {name: each for name, each in given.items() if isinstance(each, torch.Tensor)}
    shared = [name for name in own if name in tensors]
    wrong = {name for name in shared if not _same_kind(tensors[name], own[name])}
    return StateDictMatch(
        state={name: tensors[name] for name in shared if name not in wrong},
        missing=tuple(name for name in own if name not in tensors),
        unexpected=tuple(name for name in given if name not in shared),
        differing=tuple(
            f"{name} {_kind(tensors[name])} instead of {_kind(own[name])}"
            for name in shared
            if name in wrong
        ),
    )


def _convert(model: nn.Module, state: dict[str, Any]) -> dict[str, Any]:
    """Convert names as ``open_clip.factory.load_checkpoint`` does before it loads."""
    from open_clip.convert import convert_state_dict
    from open_clip.model import convert_to_custom_text_state_dict

    try:
        converted: dict[str, Any] = convert_state_dict(model, state)
        if "positional_embedding" in converted and not hasattr(model, "positional_embedding"):
            converted = convert_to_custom_text_state_dict(converted)
    except Exception as error:
        raise ModelError(
            f"The weights have some of MobileCLIP's names, and cannot be converted: {error!r}. "
            "Load them as the architecture that they were trained in: --arch."
        ) from error
    return converted


def _same_kind(given: Tensor, own: Tensor) -> bool:
    """Return whether shapes are equal, and both or neither floats.

    Integers in the place of floats would be read as if they were weights.
    """
    return given.shape == own.shape and given.is_floating_point() == own.is_floating_point()


def _kind(tensor: Tensor) -> str:
    whole = "" if tensor.is_floating_point() else f" of {str(tensor.dtype).rpartition('.')[2]}"
    return f"{list(tensor.shape)}{whole}"


def check_fit(found: StateDictMatch, *, partial: bool, what: str) -> None:
    """Refuse weights that do not fit a model.

    Args:
        found: the comparison.
        partial: whether some of the model's may stay random, and some of the file's unused.
        what: the file and the architecture, for errors.

    Raises:
        ModelError: names are missing or unexpected, or shapes differ.
    """
    if found.differing:
        raise ModelError(
            f"{what}: other shapes in {list_names(found.differing)}. Load it as the architecture "
            "that it was trained in."
        )
    if (found.missing or found.unexpected) and not (partial and found.state):
        raise ModelError(_gaps(found, what, partial))


def load_weights(model: nn.Module, found: StateDictMatch, *, seed: int) -> dict[str, Any]:
    """Copy weights into a model.

    Args:
        model: on the CPU; what the file lacks has random values, drawn by ``seed``.
        found: from ``match_state_dict``.
        seed: for the note.

    Returns:
        Settings for the manifest: names that stay random, names that were left out, and a note;
        empty where the fit is exact.
    """
    model.load_state_dict(found.state, strict=False)
    return _record(found, seed)


def _gaps(found: StateDictMatch, what: str, partial: bool) -> str:
    parts = [f"{what}:"]
    if found.missing:
        parts.append(f"it lacks {list_names(found.missing)}.")
    if found.unexpected:
        parts.append(f"There is no place for {list_names(found.unexpected)}.")
    if library := other_library(found.unexpected):
        parts.append(f"Such names are those of {library}.")
    elif partial:
        parts.append("None of its tensors fits, so that all weights would be random.")
    else:
        parts.append("To load what fits, and leave the rest random: --allow-partial.")
    return " ".join(parts)


def other_library(names: Iterable[str]) -> str | None:
    """Return the library that writes such names, and what to type for it; None if unknown."""
    joined = " ".join(names)
    return next((library for start, library in OTHER_LIBRARIES.items() if start in joined), None)


def _record(found: StateDictMatch, seed: int) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    notes = []
    if found.missing:
        settings |= {"random": [*found.missing], "seed": seed}
        notes.append(
            f"{list_names(found.missing)} stayed random (seed {seed}): the weights lack them"
        )
    if found.unexpected:
        settings["left_out"] = [*found.unexpected]
        notes.append(f"{list_names(found.unexpected)} of the file went unused")
    return {**settings, "note": "; ".join(notes) + "."} if notes else {}


def list_names(names: Sequence[str]) -> str:
    """Return the first few of many names, and how many there are.

    >>> list_names(["a", "b"]), list_names(list("abcdef"))
    ('2 tensors (a, b)', '6 tensors (a, b, c, d, …)')
    """
    some = ", ".join(names[:MAX_LISTED]) + (", …" if len(names) > MAX_LISTED else "")
    return f"{len(names)} tensor{'s' * (len(names) != 1)} ({some})"
