"""``file:PATH`` or a path alone: load weights on this machine, by the adapter that fits them.

A file of ``benchbench train`` is loaded by its method, a folder of transformers by ``hf:``. All
else has open_clip's layout, and ``benchbench.checkpoints`` identifies it; what nothing names is
never guessed, but typed (``--arch``, ``--activation``). The manifest has the evidence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.adapters.openclip import OWN_OPTIONS, OpenClip
from benchbench.checkpoints.checkpoint import NAMES, read_checkpoint, read_folder
from benchbench.checkpoints.containers import header_of
from benchbench.checkpoints.identity import CONFIG, CheckpointFile
from benchbench.errors import ModelError
from benchbench.files import expand_path, parse_json
from benchbench.registry import bundled_methods, load_model, supported_options
from benchbench.types import ModelFamily

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.types import LoadOptions, Model

TRANSFORMERS = ("config.json", "adapter_config.json")
"""A folder with either is transformers', or an adapter's."""
OURS = "benchbench"
"""Key of the record that ``benchbench train`` writes into a safetensors header."""


def load(rest: str, options: LoadOptions) -> Model:
    """Load a file, or a folder with a configuration and weights.

    Raises:
        WeightsUnavailable: the file or folder is missing.
        UsageError: the architecture or the activation has to be typed, or contradicts the file.
        ModelError: no weights, not all of them, or another model's; or more than tensors.
    """
    path = expand_path(rest)
    if path.is_dir():
        return _load_folder(path, rest, options)
    if record := header_of(path).get(OURS):
        return load_model(f"{_family_of(record, rest)}:{_as_path(path)}", options)
    folder = path.parent if path.name in NAMES and (path.parent / CONFIG).is_file() else None
    file = CheckpointFile(path, rest, f"file:{rest}", folder)
    return OpenClip.of(read_checkpoint(file, options), options)


def _family_of(record: str, what: str) -> str:
    """Return the family whose variant ``benchbench train`` wrote.

    Raises:
        ModelError: the header is damaged, or names no bundled method: any other family could run
            code.
    """
    try:
        method = str(parse_json(record)["variant"]).partition(":")[0]
    except (ValueError, LookupError, TypeError) as error:
        raise ModelError(
            f"The header of {what} is damaged: {error}. Copy or train the file again."
        ) from error
    if method not in (there := bundled_methods()):
        raise ModelError(
            f"The header of {what} names '{method}', which is not a bundled method. Those are "
            f"{', '.join(there)}."
        )
    return method


def _as_path(path: Path) -> str:
    """Return a path that no method reads as the name of a variant."""
    text = str(path)
    return text if "/" in text or path.suffix == ".safetensors" else f"./{text}"


def _load_folder(folder: Path, what: str, options: LoadOptions) -> Model:
    if (folder / CONFIG).is_file():
        return OpenClip.of(read_folder(folder, f"file:{what}", options), options)
    if _is_transformers(folder):
        return load_model(f"hf:{what}", options)
    there = sorted(each.name for each in folder.iterdir())[:6]
    raise ModelError(
        f"{what} is a folder without {CONFIG} or {TRANSFORMERS[0]}. It holds "
        f"{', '.join(there) or 'nothing'}. Name the file of weights in it."
    )


def _is_transformers(folder: Path) -> bool:
    return not (folder / CONFIG).is_file() and any((folder / n).is_file() for n in TRANSFORMERS)


def _supported_options(rest: str) -> frozenset[str]:
    """Return the options of the family that loads a folder; a file's own are all but code."""
    path = expand_path(rest)
    if _is_transformers(path):
        return supported_options(f"hf:{rest}")
    return OWN_OPTIONS | {"architecture", "activation", "allow_partial", "trust_pickle"}


FAMILY = ModelFamily(
    name="file",
    usage={
        "file:PATH": "weights on this machine, with --arch if the file names none (or PATH alone)",
    },
    load=load,
    options=_supported_options,
)
