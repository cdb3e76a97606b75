"""Identify a file of weights: its architecture, activation and preprocessing.

The evidence for each is the open_clip_config.json beside the file, metadata of safetensors, the
marks of OpenAI's archives, the digest of a published file, or the user's option. Evidence that
contradicts itself is an error, and so is none at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchbench.checkpoints import architectures
from benchbench.checkpoints.activations import (
    USER,
    Evidence,
    agreed_evidence,
    configuration_evidence,
    missing_activation,
)
from benchbench.checkpoints.state_dict import other_library
from benchbench.errors import ModelError, UnknownName, UsageError
from benchbench.failures import first_line
from benchbench.files import parse_json, read_text
from benchbench.types import ACTIVATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchbench.checkpoints.architectures import PublishedTag
    from benchbench.checkpoints.containers import Contents
    from benchbench.checkpoints.state_dict import StateDict
    from benchbench.types import LoadOptions

CONFIG = "open_clip_config.json"
MAX_LISTED = 8
MAX_SIZE, MAX_LAYERS = 10**7, 10**3
"""The largest number in a configuration, and of layers; the largest published towers have 56."""
TRUST = "trust_remote_code"
"""A key of ``tokenizer_kwargs`` that open_clip passes on to transformers."""


@dataclass(frozen=True, slots=True)
class CheckpointFile:
    """A file to read."""

    path: Path
    what: str
    """As it was typed."""
    name: str
    """The specification."""
    folder: Path | None = None
    """The one whose open_clip_config.json describes the file."""
    tokenizer: str | None = None
    """The key of the tokenizer in open_clip, if not the configuration's."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The architecture, activation and preprocessing of a file, with the evidence."""

    architecture: str
    """open_clip's name, or that of the configuration's file."""
    architecture_from: str
    activation: Evidence
    config: str
    """The key of the configuration in open_clip: its name, or ``local-dir:FOLDER``."""
    preprocessing: Mapping[str, Any] = field(default_factory=dict)
    """For ``open_clip.create_model_and_transforms``; empty for its own choice."""
    preprocessing_from: str = CONFIG
    note: str = ""
    """Shown above every number."""

    @property
    def settings(self) -> dict[str, str]:
        """The evidence for each, for the manifest."""
        return {
            "architecture_from": self.architecture_from,
            "activation_from": self.activation.source,
            "preprocessing_from": self.preprocessing_from,
            **({"note": self.note} if self.note else {}),
        }


def identify(
    file: CheckpointFile, contents: Contents, weights: StateDict, options: LoadOptions
) -> Identity:
    """Identify a file by all evidence there is.

    Raises:
        UnknownName: open_clip has no such architecture.
        UsageError: nothing names the architecture, or the activation; or the user contradicts it.
        ModelError: the file contradicts itself, or its configuration is damaged.
    """
    evidence = [*_by_options(options), *_by_metadata(contents, file), *_by_openai_numbers(weights)]
    if file.folder:
        return _by_configuration(file, file.folder, evidence, options)
    tags = architectures.published_tags(file.path)
    evidence += _by_digest(tags)
    name, source = _architecture(file, contents, weights, tags, options)
    known = architectures.architecture_names()
    if name not in known:
        hint = "List them: benchbench list models openclip"
        raise UnknownName("open_clip architecture", name, known, hint)
    config = architectures.config_of(name)
    if found := agreed_evidence([*evidence, *configuration_evidence(config, name)], file.what):
        preprocessing, preprocessing_from = architectures.preprocessing_of(name, tags)
        return Identity(name, source, found, name, preprocessing, preprocessing_from)
    raise missing_activation(file.what, name, f"{file.what} --arch {name}")


def _by_configuration(
    file: CheckpointFile, folder: Path, evidence: Sequence[Evidence], options: LoadOptions
) -> Identity:
    """Identify a file by the open_clip_config.json beside it.

    open_clip reads a configuration without an activation as GELU, and writes the same one for
    weights that were fine-tuned from OpenAI's. So it is GELU, with a note, where the configuration
    is published, and no evidence where it lies on this machine.
    """
    if options.architecture:
        raise UsageError(
            f"{file.what} has an architecture of its own, in {CONFIG}: leave out --arch, or "
            "move the weights to another folder."
        )
    name = f"local-dir:{folder}"
    config = _read_configuration(folder)
    if found := agreed_evidence([*evidence, *configuration_evidence(config, CONFIG)], file.what):
        return Identity(CONFIG, CONFIG, found, name)
    if not file.tokenizer:
        raise missing_activation(file.what, CONFIG, file.what)
    note = f"{CONFIG} of {file.what} names no activation: read as GELU, as open_clip reads it."
    return Identity(CONFIG, CONFIG, Evidence(f"{CONFIG}'s silence", "gelu"), name, note=note)


def _read_configuration(folder: Path) -> dict[str, Any]:
    try:
        config: Any = parse_json(read_text(folder / CONFIG))["model_cfg"]
        if not all(isinstance(config[each], dict) for each in ("vision_cfg", "text_cfg")):
            raise TypeError("vision_cfg and text_cfg should be objects")
        _check_sizes(config)
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ModelError(f"{folder / CONFIG} describes no model: {first_line(error)}.") from error
    if TRUST in config["text_cfg"].get("tokenizer_kwargs", ()):
        raise ModelError(
            f"{folder / CONFIG} is refused: its tokenizer_kwargs set {TRUST}, so that code of the "
            f"folder would run. Remove {TRUST} from it."
        )
    return {**config}


def _check_sizes(config: Mapping[str, Any]) -> None:
    """Refuse towers that would take all memory, or hours, to build."""
    for tower in ("vision_cfg", "text_cfg"):
        for name, value in config[tower].items():
            most = MAX_LAYERS if name == "layers" else MAX_SIZE
            if isinstance(value, int | float) and not abs(value) <= most:
                raise ValueError(f"{name} is {value}, and {most:,} is the most")


def _by_options(options: LoadOptions) -> list[Evidence]:
    return [Evidence(USER, options.activation)] if options.activation else []


def _by_metadata(contents: Contents, file: CheckpointFile) -> list[Evidence]:
    """Return the evidence of the key ``activation`` in safetensors' metadata."""
    value = contents.metadata.get("activation")
    if value is None:
        return []
    for known in ACTIVATIONS:
        if value == known:
            return [Evidence("the file's metadata", known)]
    raise ModelError(
        f"The header of {file.what} names the activation '{value}', which is neither gelu nor "
        "quickgelu. Write one of them into it, or remove it and type --activation."
    )


def _by_openai_numbers(weights: StateDict) -> list[Evidence]:
    if not weights.is_openais:
        return []
    return [Evidence("the marks of OpenAI's archives in it", "quickgelu")]


def _by_digest(tags: Sequence[PublishedTag]) -> list[Evidence]:
    quick = architectures.activations_of(tags)
    source = f"its digest ({tags[0].architecture}/{tags[0].tag})" if tags else ""
    return [Evidence(source, "quickgelu" if each else "gelu") for each in sorted(quick)]


def _architecture(
    file: CheckpointFile,
    contents: Contents,
    weights: StateDict,
    tags: Sequence[PublishedTag],
    options: LoadOptions,
) -> tuple[str, str]:
    """Return open_clip's name, and the source of the evidence for it."""
    named = contents.metadata.get("architecture")
    if named and options.architecture and named != options.architecture:
        raise UsageError(
            f"{file.what} says in its metadata that it is {named}, not {options.architecture}. "
            f"Leave out --arch, or type --arch {named}."
        )
    if options.architecture:
        return options.architecture, "--arch"
    if named:
        return named, "the file's metadata"
    if own := architectures.own_architecture(tags):
        return own, f"its digest ({tags[0].architecture}/{tags[0].tag})"
    if (
        weights.is_openais
        and len(fits := architectures.fitting_openai_architectures(weights.state)) == 1
    ):
        return fits[0], "the shapes of an archive of OpenAI's"
    raise _missing_architecture(file, weights)


def _missing_architecture(file: CheckpointFile, weights: StateDict) -> UsageError:
    """Return the error where nothing names the architecture, with those that the shapes fit."""
    if library := other_library(weights.state):
        return UsageError(f"The names of the weights in {file.what} are those of {library}.")
    fits = architectures.fitting_architectures(weights.state)
    some = ", ".join(fits[:MAX_LISTED]) + (", …" if len(fits) > MAX_LISTED else "")
    advice = (
        f"By their shapes they fit {some}."
        if fits
        else (
            f"None that open_clip can build offline fits their {len(weights.state)} tensors "
            "to the last shape (benchbench list models openclip)."
        )
    )
    return UsageError(
        f"Nothing says which architecture the weights in {file.what} are of. Type --arch NAME. "
        f"{advice}"
    )
