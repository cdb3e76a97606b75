"""Weights into a model: every name and shape is accounted for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchbench.checkpoints.state_dict import is_harmless
from benchbench.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from torch import Tensor, nn

SHOWN = 4
SCALARS = ("logit_scale", "logit_bias")
"""Saved with or without an axis of length 1, which means the same."""
STRANGERS = {
    "text_model.": "transformers (type hf:FOLDER, with its config.json)",
    "vision_model.": "transformers (type hf:FOLDER, with its config.json)",
}
"""How names begin in another library's checkpoints → that library."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How a state dict's names and shapes lie over a model's."""

    state: dict[str, Tensor]
    """What goes in."""
    missing: tuple[str, ...]
    """The model's, which the file lacks."""
    unexpected: tuple[str, ...]
    """The file's, which the model has no place for."""
    differing: tuple[str, ...]
    """``name [there] instead of [model's]``."""

    @property
    def is_exact(self) -> bool:
        """Whether nothing is left over on either side."""
        return not (self.missing or self.unexpected or self.differing)


def fit(model: nn.Module, state: Mapping[str, Any]) -> Fit:
    """Lay a state dict over a model, with open_clip's conversions of older and others' formats.

    Args:
        model: ``open_clip.CLIP`` or kin; may be on the device ``meta``.
        state: name → tensor, or a number of a harmless name.
    """
    import torch

    own = model.state_dict()
    given = {name: each for name, each in state.items() if name in own or not is_harmless(name)}
    given = _converted(model, given)
    given = {name: each for name, each in given.items() if name in own or not is_harmless(name)}
    for name in SCALARS:
        one = given.get(name)
        if isinstance(one, torch.Tensor) and name in own and one.numel() == own[name].numel() == 1:
            given[name] = one.reshape(own[name].shape)
    tensors = {name: each for name, each in given.items() if isinstance(each, torch.Tensor)}
    shared = [name for name in own if name in tensors]
    wrong = {name for name in shared if not _agree(tensors[name], own[name])}
    return Fit(
        state={name: tensors[name] for name in shared if name not in wrong},
        missing=tuple(name for name in own if name not in tensors),
        unexpected=tuple(name for name in given if name not in shared),
        differing=tuple(
            f"{name} {_kind(tensors[name])} instead of {_kind(own[name])}"
            for name in shared
            if name in wrong
        ),
    )


def _converted(model: nn.Module, state: dict[str, Any]) -> dict[str, Any]:
    """As ``open_clip.factory.load_checkpoint`` does before it loads."""
    from open_clip.convert import convert_state_dict
    from open_clip.model import convert_to_custom_text_state_dict

    try:
        converted: dict[str, Any] = convert_state_dict(model, state)
        if "positional_embedding" in converted and not hasattr(model, "positional_embedding"):
            converted = convert_to_custom_text_state_dict(converted)
    except Exception as error:
        raise ModelError(f"Weights that resemble MobileCLIP's are none: {error!r}.") from error
    return converted


def _agree(given: Tensor, own: Tensor) -> bool:
    """The same shape, and of floats where floats belong: integers would be read as if weights."""
    return given.shape == own.shape and given.is_floating_point() == own.is_floating_point()


def _kind(tensor: Tensor) -> str:
    whole = "" if tensor.is_floating_point() else f" of {str(tensor.dtype).rpartition('.')[2]}"
    return f"{list(tensor.shape)}{whole}"


def fill(
    model: nn.Module, state: Mapping[str, Any], *, partial: bool, seed: int, what: str
) -> dict[str, Any]:
    """Put weights into a model.

    Args:
        model: with random weights drawn by ``seed``.
        state: name → tensor.
        partial: whether some may stay random, and some of the file's unused.
        seed: for the note.
        what: the file and the architecture, for errors.

    Returns:
        Settings for the manifest: what stays random, what was left out, and a note that says so.

    Raises:
        ModelError: naming what is missing, what is unexpected, and what differs in shape.
    """
    lying = fit(model, state)
    if lying.differing:
        raise ModelError(f"{what}: of other shapes are {named(lying.differing)}.")
    if (lying.missing or lying.unexpected) and not (partial and lying.state):
        raise ModelError(_gaps(lying, what, partial))
    model.load_state_dict(lying.state, strict=False)
    return _record(lying, seed)


def _gaps(lying: Fit, what: str, partial: bool) -> str:
    parts = [f"{what}:"]
    if lying.missing:
        parts.append(f"it lacks {named(lying.missing)}.")
    if lying.unexpected:
        parts.append(f"There is no place for {named(lying.unexpected)}.")
    if library := stranger(lying.unexpected):
        parts.append(f"Such names are those of {library}.")
    elif partial:
        parts.append("Not one of its tensors fits, so that all would be random.")
    else:
        parts.append("To load what fits, and leave the rest random: --allow-partial.")
    return " ".join(parts)


def stranger(names: Iterable[str]) -> str | None:
    """The other library whose names these are, and what to type for it."""
    joined = " ".join(names)
    return next((library for start, library in STRANGERS.items() if start in joined), None)


def _record(lying: Fit, seed: int) -> dict[str, Any]:
    said: dict[str, Any] = {}
    notes = []
    if lying.missing:
        said |= {"random": [*lying.missing], "seed": seed}
        notes.append(f"{named(lying.missing)} stayed random (seed {seed}): the weights lack them")
    if lying.unexpected:
        said["left_out"] = [*lying.unexpected]
        notes.append(f"{named(lying.unexpected)} of the file went unused")
    return {**said, "note": "; ".join(notes) + "."} if notes else {}


def named(names: Sequence[str]) -> str:
    """The first few of many, and how many.

    >>> named(["a", "b"]), named(list("abcdef"))
    ('2 tensors (a, b)', '6 tensors (a, b, c, d, …)')
    """
    some = ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
    return f"{len(names)} tensor{'s' * (len(names) != 1)} ({some})"
