"""Load a file of weights into one record: the model, and the sources of all its settings.

Each step is a module: the file's contents (``containers``), its identity (``identity``), a model
without values (``factory``), and the weights in their places (``state_dict``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.checkpoints.containers import check_folder, read_contents
from benchbench.checkpoints.factory import (
    allocate,
    can_allocate,
    create_on_meta,
    create_random,
    load_errors,
    tokenizer_of,
)
from benchbench.checkpoints.identity import CONFIG, CheckpointFile, identify
from benchbench.checkpoints.state_dict import (
    check_fit,
    extract_state_dict,
    load_weights,
    match_state_dict,
)
from benchbench.errors import ModelError, WeightsUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from benchbench.checkpoints.containers import Contents
    from benchbench.checkpoints.identity import Identity
    from benchbench.types import LoadOptions

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
"""Names of weights beside an open_clip_config.json, in open_clip's own order."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model of open_clip with the weights of a file."""

    name: str
    """The specification."""
    architecture: str
    """open_clip's name, or that of the configuration's file."""
    config: str
    """The key of the configuration in open_clip: its name, or ``local-dir:FOLDER``."""
    weights: str
    """The file's name, without its folder."""
    model: nn.Module
    """On the CPU, in the precision of the options."""
    transform: Any
    """PIL image → [3, height, width]."""
    tokenizer: Any
    """List of strings → ids [n, context]."""
    settings: Mapping[str, Any]
    """For the manifest: the container, what was chosen in it, and the evidence for each choice."""


def read_checkpoint(file: CheckpointFile, options: LoadOptions) -> Checkpoint:
    """Read a file of weights in open_clip's layout.

    Raises:
        WeightsUnavailable: the file is missing, or cannot be read.
        UsageError: the options name no architecture or activation where the file names none, or
            contradict the file.
        ModelError: no weights, not all of them, or another model's; or more than tensors.
    """
    contents = read_contents(file.path, trust_pickle=options.trust_pickle)
    found = extract_state_dict(contents.tree, file.what)
    identity = identify(file, contents, found, options)
    model, transform, gaps = _build(identity, found.state, file.what, options)
    return Checkpoint(
        name=file.name,
        architecture=identity.architecture,
        config=identity.config,
        weights=file.path.name,
        model=model,
        transform=transform,
        tokenizer=tokenizer_of(file.tokenizer or identity.config),
        settings={
            **_container(contents),
            **found.settings,
            **identity.settings,
            **gaps,
            **_notes(identity.settings, gaps),
        },
    )


def read_folder(folder: Path, name: str, options: LoadOptions) -> Checkpoint:
    """Read a folder with an open_clip_config.json and weights beside it.

    Raises:
        UsageError, ModelError, WeightsUnavailable: as ``read_checkpoint``.
    """
    if not folder.is_dir():
        raise WeightsUnavailable(f"There is no folder {folder}.")
    check_folder(folder)
    if not (folder / CONFIG).is_file():
        raise ModelError(f"{folder} has no {CONFIG}. Name the file of weights: PATH --arch ARCH.")
    file = CheckpointFile(weights_in(folder), str(folder), name, folder)
    return read_checkpoint(file, options)


def read_repository(repository: str, name: str, options: LoadOptions) -> Checkpoint:
    """Read ``ORG/REPO`` of the Hugging Face hub, with an open_clip_config.json in it.

    Raises:
        WeightsUnavailable: the repository is not cached and cannot be downloaded.
        UsageError, ModelError: as ``read_checkpoint``.
    """
    from open_clip.pretrained import download_pretrained_from_hf

    schema = f"hf-hub:{repository}"
    with load_errors(schema, uses_hub=True):
        config = Path(download_pretrained_from_hf(repository, filename=CONFIG))
        weights = Path(download_pretrained_from_hf(repository))
    return read_checkpoint(CheckpointFile(weights, schema, name, config.parent, schema), options)


def weights_in(folder: Path) -> Path:
    """Return the file of weights beside an open_clip_config.json.

    Raises:
        WeightsUnavailable: there is none, or there are several with other names than open_clip's.
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
        f"{folder} has several files of weights: {some}. Rename one to {NAMES[0]}."
        if found
        else f"{folder} has a {CONFIG}, but no weights beside it. Add {NAMES[0]}."
    )


def _build(
    identity: Identity, state: Mapping[str, Any], what: str, options: LoadOptions
) -> tuple[nn.Module, Any, dict[str, Any]]:
    """Return the model with its weights, its transform, and the settings that name any gaps.

    Random weights are drawn only where some of them stay, or where the architecture cannot be built
    without values.
    """
    settings = {
        "force_quick_gelu": identity.activation.activation == "quickgelu",
        "load_weights": False,
        **identity.preprocessing,
    }
    mismatch = f"{what} does not fit {identity.architecture}"
    built = create_on_meta(identity.config, options, **settings)
    if built is not None:
        placement = match_state_dict(built[0], state)
        check_fit(placement, partial=options.allow_partial, what=mismatch)
        if placement.is_exact and can_allocate(built[0]):
            allocate(built[0])
            return *built, load_weights(built[0], placement, seed=options.seed)
    model, transform = create_random(identity.config, options, **settings)
    placement = match_state_dict(model, state)
    check_fit(placement, partial=options.allow_partial, what=mismatch)
    return model, transform, load_weights(model, placement, seed=options.seed)


def _notes(*settings: Mapping[str, Any]) -> dict[str, str]:
    """Join the notes of several settings."""
    notes = " ".join(each["note"] for each in settings if "note" in each)
    return {"note": notes} if notes else {}


def _container(contents: Contents) -> dict[str, Any]:
    unpickled = {"unpickled": True} if contents.unpickled else {}
    return {"container": contents.container, **unpickled}
