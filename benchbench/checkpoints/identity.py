"""What a file of weights is taken for, and by whose word: architecture, activation, preprocessing.

Each comes from what speaks of the file (an open_clip_config.json, metadata of safetensors, the
marks of OpenAI's archives, the digest of a published file) or from the user; two that contradict
each other are an error, and so is silence.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchbench.checkpoints import architectures
from benchbench.checkpoints.activations import USER, Word, ask, decide, is_open, stated
from benchbench.checkpoints.factory import first_line
from benchbench.checkpoints.weights import stranger
from benchbench.errors import ModelError, UnknownName, UsageError
from benchbench.files import parse_json, read_text
from benchbench.types import ACTIVATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchbench.checkpoints.architectures import Published
    from benchbench.checkpoints.containers import Contents
    from benchbench.checkpoints.state_dict import Weights
    from benchbench.types import LoadOptions

CONFIG = "open_clip_config.json"
SHOWN = 8
MOST, MOST_LAYERS = 10**7, 10**3
"""Of any number in a configuration, and of layers; the largest published towers have 56."""
TRUST = "trust_remote_code"
"""A key of ``tokenizer_kwargs`` that open_clip passes on to transformers unasked."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file to be read."""

    path: Path
    what: str
    """As it was typed."""
    name: str
    """The specification."""
    folder: Path | None = None
    """The one with the open_clip_config.json that speaks of it."""
    tokenizer: str | None = None
    """What open_clip finds the tokenizer by, where not by the configuration."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a file is taken for."""

    architecture: str
    """open_clip's name, or that of the configuration's file."""
    architecture_from: str
    activation: Word
    config: str
    """What open_clip finds the configuration by: the name, or ``local-dir:FOLDER``."""
    preprocessing: Mapping[str, Any] = field(default_factory=dict)
    """For ``open_clip.create_model_and_transforms``; empty for its own choice."""
    preprocessing_from: str = CONFIG
    note: str = ""
    """To be read above every number."""

    @property
    def settings(self) -> dict[str, str]:
        """For the manifest: whose word each is."""
        return {
            "architecture_from": self.architecture_from,
            "activation_from": self.activation.source,
            "preprocessing_from": self.preprocessing_from,
            **({"note": self.note} if self.note else {}),
        }


def identify(
    source: Source, contents: Contents, weights: Weights, options: LoadOptions
) -> Identity:
    """Take a file for what it says it is, and what the user says.

    Raises:
        UnknownName: open_clip has no such architecture.
        UsageError: nothing says the architecture, or the activation; or the user contradicts it.
        ModelError: the file contradicts itself, or its configuration is damaged.
    """
    words = _users(options) + _metadatas(contents, source) + _openais(weights)
    if source.folder:
        return _configured(source, source.folder, words, options)
    tags = architectures.published(source.path)
    words += _digests(tags)
    name, said_by = _architecture(source, contents, weights, tags, options)
    known = architectures.known()
    if name not in known:
        hint = "List them: benchbench list models openclip"
        raise UnknownName("open_clip architecture", name, known, hint)
    config = architectures.config_of(name)
    if word := decide([*words, *_configs(config, name)], source.what):
        preprocessing, preprocessed = architectures.preprocessing_of(name, tags)
        return Identity(name, said_by, word, name, preprocessing, preprocessed)
    raise ask(source.what, name, f"{source.what} --arch {name}")


def _configured(
    source: Source, folder: Path, words: Sequence[Word], options: LoadOptions
) -> Identity:
    """As the open_clip_config.json beside it says.

    open_clip reads its silence as GELU, and writes the same silence for weights that were
    fine-tuned from OpenAI's. So silence is GELU where it is published, with a note, and nobody's
    word where it lies on this machine.
    """
    if options.architecture:
        raise UsageError(
            f"{source.what} has an architecture of its own, in {CONFIG}: leave out --arch, or "
            "move the weights to another folder."
        )
    name = f"local-dir:{folder}"
    config = _checked(folder)
    if word := decide([*words, *_configs(config, CONFIG)], source.what):
        return Identity(CONFIG, CONFIG, word, name)
    if not source.tokenizer:
        raise ask(source.what, CONFIG, source.what)
    note = f"{CONFIG} of {source.what} names no activation: read as GELU, as open_clip reads it."
    return Identity(CONFIG, CONFIG, Word(f"{CONFIG}'s silence", "gelu"), name, note=note)


def _checked(folder: Path) -> dict[str, Any]:
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
    """Refuse towers that would take all memory, or for ever, to be built."""
    for tower in ("vision_cfg", "text_cfg"):
        for name, value in config[tower].items():
            most = MOST_LAYERS if name == "layers" else MOST
            if isinstance(value, int | float) and not abs(value) <= most:
                raise ValueError(f"{name} is {value}, and {most:,} is the most")


def _users(options: LoadOptions) -> list[Word]:
    return [Word(USER, options.activation)] if options.activation else []


def _metadatas(contents: Contents, source: Source) -> list[Word]:
    """The key ``activation`` of safetensors' metadata."""
    said = contents.metadata.get("activation")
    if said is None:
        return []
    for known in ACTIVATIONS:
        if said == known:
            return [Word("the file's metadata", known)]
    raise ModelError(
        f"The header of {source.what} names the activation '{said}', which is neither gelu nor "
        "quickgelu."
    )


def _openais(weights: Weights) -> list[Word]:
    return [Word("the marks of OpenAI's archives in it", "quickgelu")] if weights.is_openais else []


def _digests(tags: Sequence[Published]) -> list[Word]:
    said = architectures.activations_of(tags)
    source = f"its digest ({tags[0].architecture}/{tags[0].tag})" if tags else ""
    return [Word(source, "quickgelu" if quick else "gelu") for quick in sorted(said)]


def _configs(config: Mapping[str, Any], name: str) -> list[Word]:
    """What an architecture says, or leaves no choice in."""
    fixed = [] if is_open(config) else [Word(f"{name}, whose towers fix it", "gelu")]
    return stated(config, name) or fixed


def _architecture(
    source: Source,
    contents: Contents,
    weights: Weights,
    tags: Sequence[Published],
    options: LoadOptions,
) -> tuple[str, str]:
    """open_clip's name, and whose word that is."""
    told = contents.metadata.get("architecture")
    if told and options.architecture and told != options.architecture:
        raise UsageError(
            f"{source.what} says in its metadata that it is {told}, not {options.architecture}."
        )
    if options.architecture:
        return options.architecture, "--arch"
    if told:
        return told, "the file's metadata"
    if own := architectures.own_architecture(tags):
        return own, f"its digest ({tags[0].architecture}/{tags[0].tag})"
    if weights.is_openais and len(fits := architectures.fitting_openai(weights.state)) == 1:
        return fits[0], "the shapes of an archive of OpenAI's"
    raise _ask_architecture(source, weights)


def _ask_architecture(source: Source, weights: Weights) -> UsageError:
    """The error where nothing says the architecture, with what shapes can say."""
    if library := stranger(weights.state):
        return UsageError(f"The names of the weights in {source.what} are those of {library}.")
    fits = architectures.fitting(weights.state)
    some = ", ".join(fits[:SHOWN]) + (", …" if len(fits) > SHOWN else "")
    advice = (
        f"By their shapes they fit {some}."
        if fits
        else (
            f"None that open_clip can build offline fits their {len(weights.state)} tensors "
            "to the last shape (benchbench list models openclip)."
        )
    )
    return UsageError(
        f"Nothing says which architecture the weights in {source.what} are of. Type --arch NAME. "
        f"{advice}"
    )
