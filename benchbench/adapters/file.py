"""Weights on this machine: ``file:PATH``, or the path alone.

A file seldom says what it is. What it does say is taken: the record of ``benchbench train``, an
open_clip_config.json, metadata of safetensors, the marks of OpenAI's archives, the digest of a
published file. The rest is asked for (``--arch``, ``--activation``), and never guessed; whose word
decided is in the manifest.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.adapters.openclip import OpenClip
from benchbench.checkpoints.containers import check_folder, header_of, read_contents
from benchbench.checkpoints.factory import create_random, loading, tokenizer_of
from benchbench.checkpoints.identity import CONFIG, Source, identify
from benchbench.checkpoints.state_dict import find_weights
from benchbench.checkpoints.weights import fill
from benchbench.errors import ModelError, WeightsUnavailable
from benchbench.files import expanded, parse_json
from benchbench.registry import bundled_methods, heeded_by, load_model
from benchbench.types import ModelFamily

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchbench.checkpoints.containers import Contents
    from benchbench.types import LoadOptions, Model

TRANSFORMERS = ("config.json", "adapter_config.json")
"""Either tells a folder of transformers, or of an adapter to one."""
OURS = "benchbench"
"""Key of the record that ``benchbench train`` leaves in a safetensors header."""
NAMES = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin",
    "open_clip_pytorch_model.pth",
    "model.safetensors",
    "pytorch_model.bin",
    "pytorch_model.pth",
    "model.pth",
)
"""Of weights beside an open_clip_config.json, in open_clip's own order."""


def load(rest: str, options: LoadOptions) -> Model:
    """Load a file, or a folder with a configuration and weights.

    Raises:
        WeightsUnavailable: it is not there.
        UsageError: the architecture or the activation has to be named, or contradicts the file.
        ModelError: no weights, not all of them, or others; or more than tensors.
    """
    path = expanded(rest)
    if path.is_dir():
        return _load_folder(path, rest, options)
    if record := header_of(path).get(OURS):
        return load_model(f"{_method_of(record, rest)}:{_as_path(path)}", options)
    folder = path.parent if path.name in NAMES and (path.parent / CONFIG).is_file() else None
    return load_source(Source(path, rest, f"file:{rest}", folder), options)


def _method_of(record: str, what: str) -> str:
    """Return the family whose variant ``benchbench train`` wrote.

    Raises:
        ModelError: the header is damaged, or names what is no bundled method: any other family
            could run code.
    """
    try:
        method = str(parse_json(record)["variant"]).partition(":")[0]
    except (ValueError, LookupError, TypeError) as error:
        raise ModelError(f"The header of {what} is damaged: {error}.") from error
    if method not in (there := bundled_methods()):
        raise ModelError(
            f"The header of {what} names '{method}', which is no bundled method. A header may "
            f"name {', '.join(there)}."
        )
    return method


def _as_path(path: Path) -> str:
    """Return a path that a method does not take for the name of one of its variants."""
    text = str(path)
    return text if "/" in text or path.suffix == ".safetensors" else f"./{text}"


def _load_folder(folder: Path, what: str, options: LoadOptions) -> Model:
    if (folder / CONFIG).is_file():
        return load_configured(folder, f"file:{what}", options)
    if _is_transformers(folder):
        return load_model(f"hf:{what}", options)
    there = sorted(each.name for each in folder.iterdir())[:6]
    raise ModelError(
        f"{what} is a folder without {CONFIG} or {TRANSFORMERS[0]}. It holds "
        f"{', '.join(there) or 'nothing'}. Name the file of weights in it."
    )


def load_configured(folder: Path, name: str, options: LoadOptions) -> OpenClip:
    """Load a folder with an open_clip_config.json.

    Raises:
        UsageError, ModelError, WeightsUnavailable: as ``load``.
    """
    if not folder.is_dir():
        raise WeightsUnavailable(f"There is no folder {folder}.")
    check_folder(folder)
    if not (folder / CONFIG).is_file():
        raise ModelError(f"{folder} has no {CONFIG}. Name the file of weights: PATH --arch ARCH.")
    return load_source(Source(weights_in(folder), str(folder), name, folder), options)


def load_published(repository: str, name: str, options: LoadOptions) -> OpenClip:
    """Load ``ORG/REPO`` of the Hugging Face hub, which has an open_clip_config.json.

    Raises:
        WeightsUnavailable: it is neither cached nor to be fetched.
        UsageError, ModelError: as ``load``.
    """
    from open_clip.pretrained import download_pretrained_from_hf

    schema = f"hf-hub:{repository}"
    with loading(schema, uses_hub=True):
        config = Path(download_pretrained_from_hf(repository, filename=CONFIG))
        weights = Path(download_pretrained_from_hf(repository))
    return load_source(Source(weights, schema, name, config.parent, schema), options)


def weights_in(folder: Path) -> Path:
    """The file of weights beside an open_clip_config.json.

    Raises:
        WeightsUnavailable: there is none, or there are several of other names.
    """
    if known := [folder / name for name in NAMES if (folder / name).is_file()]:
        return known[0]
    found = sorted(
        p for end in ("safetensors", "bin", "pth", "pt") for p in folder.glob(f"*.{end}")
    )
    if len(found) == 1:
        return found[0]
    some = ", ".join(each.name for each in found[:6])
    raise WeightsUnavailable(
        f"{folder} has several files of weights: {some}. Name one {NAMES[0]}."
        if found
        else f"{folder} has a {CONFIG}, but no weights beside it."
    )


def load_source(source: Source, options: LoadOptions) -> OpenClip:
    """Load a file's weights into what it is taken for.

    Raises:
        UsageError, ModelError, WeightsUnavailable: as ``load``.
    """
    contents = read_contents(source.path, trust_pickle=options.trust_pickle)
    weights = find_weights(contents.tree, source.what)
    identity = identify(source, contents, weights, options)
    model, transform = create_random(
        identity.config,
        options,
        force_quick_gelu=identity.activation.activation == "quickgelu",
        load_weights=False,
        **identity.preprocessing,
    )
    left = fill(
        model,
        weights.state,
        partial=options.allow_partial,
        seed=options.seed,
        what=f"{source.what} does not fit {identity.architecture}",
    )
    return OpenClip(
        model,
        transform,
        tokenizer_of(source.tokenizer or identity.config),
        name=source.name,
        architecture=identity.architecture,
        weights=source.path.name,
        options=options,
        config=identity.config,
        settings={
            **_container(contents),
            **weights.settings,
            **identity.settings,
            **left,
            **_notes(identity.settings, left),
        },
    )


def _notes(*said: Mapping[str, Any]) -> dict[str, str]:
    """One note of several."""
    notes = " ".join(each["note"] for each in said if "note" in each)
    return {"note": notes} if notes else {}


def _container(contents: Contents) -> dict[str, Any]:
    unpickled = {"unpickled": True} if contents.unpickled else {}
    return {"container": contents.container, **unpickled}


def _is_transformers(folder: Path) -> bool:
    return not (folder / CONFIG).is_file() and any((folder / n).is_file() for n in TRANSFORMERS)


def _heeded(rest: str) -> frozenset[str]:
    """As the family that a folder, or a file of ours, is handed to."""
    path = expanded(rest)
    if _is_transformers(path):
        return heeded_by(f"hf:{rest}")
    return frozenset({"architecture", "activation", "allow_partial", "trust_pickle"})


FAMILY = ModelFamily(
    name="file",
    usage={
        "file:PATH": "weights on this machine, with --arch where they do not say (or PATH alone)",
    },
    load=load,
    options=_heeded,
)
