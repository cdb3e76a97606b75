"""Load weights in transformers' format, safely and completely.

Where a file lacks weights, transformers initialises them at random and only logs a warning. Here,
missing and unexpected weights are an error, unless ``--allow-partial`` is set.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from benchbench.adapters.huggingface.folder import (
    CONFIG,
    SAFE,
    SAFE_FILES,
    Folder,
    has_safetensors,
    pickle_files,
)
from benchbench.checkpoints.containers import check_weights, read_contents
from benchbench.checkpoints.state_dict import is_harmless
from benchbench.errors import ModelError, WeightsUnavailable
from benchbench.failures import first_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchbench.types import LoadOptions

OPTIONAL = ({"sentencepiece": "sentencepiece", "protobuf": "google.protobuf"}, {"timm": "timm"})
"""Packages that some checkpoints need → their modules; those of one dict are needed together."""

MAX_NAMES = 5
"""Maximum number of weights of each kind listed in an error."""


@dataclass(frozen=True, slots=True)
class PretrainedModel:
    """A transformers model with loaded weights."""

    model: Any
    """On the CPU."""
    trained: bool = True
    """False where no weight came from the file."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """For the manifest."""


def read_model(
    kind: Any, folder: Folder, options: LoadOptions, dtype: str = "float32"
) -> PretrainedModel:
    """Load a transformers model; missing weights, if allowed, are random (``options.seed``).

    Args:
        kind: a model class of transformers, or one of its auto classes.
        folder: the checkpoint's folder.
        options: seed, whether weights may be missing, whether pickles and code are trusted.
        dtype: the name of a torch dtype.

    Raises:
        WeightsUnavailable: the weights are missing or damaged.
        ModelError: some are missing, of other shapes or unexpected; or they need unpickling.
    """
    import torch

    trust = {"trust_remote_code": True} if options.trust_remote_code else {}
    with (
        load_errors(f"the weights of {folder}"),
        torch.random.fork_rng(devices=[]),
        _safetensors_folder(folder, options) as path,
    ):
        torch.manual_seed(options.seed)
        model, report = kind.from_pretrained(
            path,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
            use_safetensors=True,
            torch_dtype=getattr(torch, dtype),
            **trust,
        )
    found = {what: sorted(report[what]) for what in report}
    found["unexpected_keys"] = [each for each in found["unexpected_keys"] if not is_harmless(each)]
    settings = _loading_report(folder, type(model).__name__, found, options)
    lacking = len(found["missing_keys"]) + len(found["mismatched_keys"])
    return PretrainedModel(model, lacking < len(model.state_dict()), settings)


@contextmanager
def _safetensors_folder(folder: Folder, options: LoadOptions) -> Iterator[Path]:
    """Yield a folder with safetensors: the checkpoint's, or a temporary copy of pickled weights.

    Pickles are read here, and only tensors in them unless ``options.trust_pickle`` is set:
    transformers' releases differ in what they unpickle, and release 5 never does.
    """
    import torch
    from safetensors.torch import save_file

    if has_safetensors(folder):
        for path in sorted(path for pattern in SAFE_FILES for path in folder.path.glob(pattern)):
            check_weights(path)
        yield folder.path
        return
    state: dict[str, Any] = {}
    for path in pickle_files(folder):
        tree = read_contents(path, trust_pickle=options.trust_pickle).tree
        if not isinstance(tree, Mapping):
            raise ModelError(
                f"{path} holds a {type(tree).__name__}, not weights by their names. Save "
                "a state dict."
            )
        state |= tree
    tensors = {
        name: each.detach().clone().contiguous()
        for name, each in state.items()
        if isinstance(each, torch.Tensor)
    }
    with TemporaryDirectory() as copy:
        for path in (*folder.path.glob("*.json"), *folder.path.glob("*.py")):
            (Path(copy) / path.name).symlink_to(path)
        save_file(tensors, Path(copy) / SAFE[0], {"format": "pt"})
        yield Path(copy)


def _loading_report(
    folder: Folder,
    name: str,
    report: Mapping[str, Sequence[Any]],
    options: LoadOptions,
) -> dict[str, Any]:
    """Return missing, mismatched and unexpected weights, for the manifest; {} if there are none.

    Raises:
        ModelError: there are some, and ``--allow-partial`` is not set; the message lists them.
    """
    shapes = [
        f"{key} {tuple(there)} for {tuple(here)}" for key, there, here in report["mismatched_keys"]
    ]
    missing, unread = list(report["missing_keys"]), list(report["unexpected_keys"])
    if not (missing or unread or shapes or report["error_msgs"]):
        return {}
    found = [("missing", missing), ("of another shape", shapes), ("not the model's", unread)]
    gaps = "; ".join(f"{len(keys)} {what} ({_some(keys)})" for what, keys in found if keys)
    gaps += "".join(f"; {message}" for message in report["error_msgs"])
    if not options.allow_partial:
        listed = " or ".join(folder.json(CONFIG).get("architectures") or ["no class"])
        raise ModelError(
            f"The weights of {folder} do not match {name} (its config.json says {listed}): {gaps}. "
            "--allow-partial loads them, and initialises what is missing at random."
        )
    drawn = missing + [key for key, _, _ in report["mismatched_keys"]]
    note = f"Weights do not fill the model: {gaps}."
    if drawn:
        note = f"Not a trained model: {len(drawn)} of its weights are random. {note}"
    return {"random": sorted(drawn), "unread": unread, "seed": options.seed, "note": note}


def _some(names: Sequence[str]) -> str:
    more = f", and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return ", ".join(names[:MAX_NAMES]) + more


@contextmanager
def load_errors(what: str) -> Iterator[None]:
    """Convert errors of transformers, torch and safetensors to WeightsUnavailable."""
    import pickle

    from safetensors import SafetensorError

    known = (OSError, RuntimeError, ValueError, ImportError, LookupError, EOFError, TypeError)
    try:
        with mute_transformers():
            yield
    except (*known, AttributeError, pickle.UnpicklingError, SafetensorError) as error:
        raise WeightsUnavailable(f"Cannot load {what}: {_reason(error)}.") from error


def _reason(error: BaseException) -> str:
    """Return the packages to install, if some are missing; otherwise the error's first line."""
    text = str(error).lower()
    for packages in OPTIONAL:
        missing = [name for name, module in packages.items() if not _is_here(module)]
        if missing and any(name in text for name in packages):
            return f"packages are missing: pip install {' '.join(missing)}"
    return first_line(error)


def _is_here(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


@contextmanager
def mute_transformers() -> Iterator[None]:
    """Silence transformers' progress bars and log, and FutureWarnings."""
    from transformers.utils import logging as transformers_logging

    theirs: Any = transformers_logging
    before, bars = logging.root.manager.disable, theirs.is_progress_bar_enabled()
    logging.disable(logging.ERROR)
    theirs.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        logging.disable(before)
        if bars:
            theirs.enable_progress_bar()
