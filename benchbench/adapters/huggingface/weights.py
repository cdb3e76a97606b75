"""Load weights in transformers' format: all of them, opened safely.

transformers draws at random what a file of weights lacks, nearly without a word; here that is an
error, and so are weights that the model lacks, unless ``--allow-partial`` allows both.
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
    Folder,
    has_safetensors,
    pickle_files,
)
from benchbench.checkpoints.containers import read_contents
from benchbench.checkpoints.state_dict import is_harmless
from benchbench.errors import ModelError, WeightsUnavailable
from benchbench.failures import first_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchbench.types import LoadOptions

OPTIONAL = ({"sentencepiece": "sentencepiece", "protobuf": "google.protobuf"}, {"timm": "timm"})
"""Packages that some checkpoints need, grouped as they are needed together → modules to import."""

MOST_NAMES = 5
"""The largest number of weights that an error names of each kind."""


@dataclass(frozen=True, slots=True)
class PretrainedModel:
    """A model of transformers with the weights of a file."""

    model: Any
    """On the CPU."""
    trained: bool = True
    """False where no weight came from the file."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """For the manifest."""


def read_model(
    kind: Any, folder: Folder, options: LoadOptions, dtype: str = "float32"
) -> PretrainedModel:
    """Read a model of transformers; missing weights, where allowed, are drawn by the seed.

    Args:
        kind: the class of transformers, or one of its auto classes.
        folder: of the weights.
        options: for the seed, and for what is trusted.
        dtype: torch's name of the precision.

    Raises:
        WeightsUnavailable: the weights are missing or damaged.
        ModelError: some are missing, of other shapes or unexpected; or they need unpickling.
    """
    import torch

    trust = {"trust_remote_code": True} if options.trust_remote_code else {}
    with (
        load_errors(f"the weights of {folder}"),
        torch.random.fork_rng(devices=[]),
        _safe(folder, options) as path,
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
    settings = _account(folder, type(model).__name__, found, options)
    lacking = len(found["missing_keys"]) + len(found["mismatched_keys"])
    return PretrainedModel(model, lacking < len(model.state_dict()), settings)


@contextmanager
def _safe(folder: Folder, options: LoadOptions) -> Iterator[Path]:
    """Yield the folder with safetensors: pickles are read here, as tensors alone unless trusted.

    transformers' releases differ in what they unpickle, and 5 does not even where it is allowed.
    """
    import torch
    from safetensors.torch import save_file

    if has_safetensors(folder):
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


def _account(
    folder: Folder,
    name: str,
    report: Mapping[str, Sequence[Any]],
    options: LoadOptions,
) -> dict[str, Any]:
    """Return the manifest's settings of weights that do not fit a model; empty where they do.

    Raises:
        ModelError: they are not allowed; the message names them.
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
            f"The weights of {folder} do not fill {name} (its config.json says {listed}): {gaps}. "
            "--allow-partial takes them, and draws what is missing at random."
        )
    drawn = missing + [key for key, _, _ in report["mismatched_keys"]]
    note = f"Weights do not fill the model: {gaps}."
    if drawn:
        note = f"Not a trained model: {len(drawn)} of its weights are random. {note}"
    return {"random": sorted(drawn), "unread": unread, "seed": options.seed, "note": note}


def _some(names: Sequence[str]) -> str:
    more = f", and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more


@contextmanager
def load_errors(what: str) -> Iterator[None]:
    """Turn whatever transformers, torch and safetensors raise into one error."""
    import pickle

    from safetensors import SafetensorError

    known = (OSError, RuntimeError, ValueError, ImportError, LookupError, EOFError, TypeError)
    try:
        with mute_transformers():
            yield
    except (*known, AttributeError, pickle.UnpicklingError, SafetensorError) as error:
        raise WeightsUnavailable(f"Cannot load {what}: {_reason(error)}.") from error


def _reason(error: BaseException) -> str:
    """Return which packages to install, if that is the reason; otherwise the first line."""
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
    """Silence transformers' progress bars, log and warnings of its plans."""
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
