"""Load weights into a model: every name and shape is accounted for."""

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
OTHER_LIBRARIES = {
    "text_model.": "transformers (type hf:FOLDER, with its config.json)",
    "vision_model.": "transformers (type hf:FOLDER, with its config.json)",
}
"""Prefixes of names in another library's checkpoints → that library, and what to type for it."""


@dataclass(frozen=True, slots=True)
class Fit:
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


def fit(model: nn.Module, state: Mapping[str, Any]) -> Fit:
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


def _agree(given: Tensor, own: Tensor) -> bool:
    """Return whether shapes are equal, and both or neither floats.

    Integers in the place of floats would be read as if they were weights.
    """
    return given.shape == own.shape and given.is_floating_point() == own.is_floating_point()


def _kind(tensor: Tensor) -> str:
    whole = "" if tensor.is_floating_point() else f" of {str(tensor.dtype).rpartition('.')[2]}"
    return f"{list(tensor.shape)}{whole}"


def check_fit(found: Fit, *, partial: bool, what: str) -> None:
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
            f"{what}: other shapes in {named(found.differing)}. Load it as the architecture that "
            "it was trained in."
        )
    if (found.missing or found.unexpected) and not (partial and found.state):
        raise ModelError(_gaps(found, what, partial))


def load_weights(model: nn.Module, found: Fit, *, seed: int) -> dict[str, Any]:
    """Copy weights into a model.

    Args:
        model: on the CPU; what the file lacks has random values, drawn by ``seed``.
        found: from ``fit``.
        seed: for the note.

    Returns:
        Settings for the manifest: names that stay random, names that were left out, and a note;
        empty where the fit is exact.
    """
    model.load_state_dict(found.state, strict=False)
    return _record(found, seed)


def _gaps(found: Fit, what: str, partial: bool) -> str:
    parts = [f"{what}:"]
    if found.missing:
        parts.append(f"it lacks {named(found.missing)}.")
    if found.unexpected:
        parts.append(f"There is no place for {named(found.unexpected)}.")
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


def _record(found: Fit, seed: int) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    notes = []
    if found.missing:
        settings |= {"random": [*found.missing], "seed": seed}
        notes.append(f"{named(found.missing)} stayed random (seed {seed}): the weights lack them")
    if found.unexpected:
        settings["left_out"] = [*found.unexpected]
        notes.append(f"{named(found.unexpected)} of the file went unused")
    return {**settings, "note": "; ".join(notes) + "."} if notes else {}


def named(names: Sequence[str]) -> str:
    """Return the first few of many names, and how many there are.

    >>> named(["a", "b"]), named(list("abcdef"))
    ('2 tensors (a, b)', '6 tensors (a, b, c, d, …)')
    """
    some = ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
    return f"{len(names)} tensor{'s' * (len(names) != 1)} ({some})"
