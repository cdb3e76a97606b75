"""A folder in transformers' format → model, image processor and tokenizer, or one error.

transformers draws at random whatever a file of weights lacks, and makes up a tokenizer whose
vocabulary is not there, in silence or nearly; neither passes here.
"""

from __future__ import annotations

import logging
import pickle
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from benchbench.errors import ModelError, WeightsUnavailable
from benchbench.models.huggingface.adapters import merged
from benchbench.models.huggingface.folder import (
    CONFIG,
    SAFE,
    VOCABULARIES,
    Folder,
    first_line,
    has_safetensors,
    pickles,
    refuse_code,
)
from benchbench.models.huggingface.towers import Towers, towers_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchbench.types import LoadOptions

OPTIONAL = ({"sentencepiece": "sentencepiece", "protobuf": "google.protobuf"}, {"timm": "timm"})
"""Packages that some checkpoints need, those together that are needed together → what to import."""

NAMED = 5
"""Weights that an error names of each kind."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a folder held."""

    folder: Folder
    config: Mapping[str, Any]
    """``config.json``."""
    model: Any
    """In fp32, on the CPU."""
    processor: Any
    """Of images."""
    tokenizer: Any
    towers: Towers
    trained: bool = True
    """False where not one weight came from the file."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What of the loading is to be recorded."""

    def positions(self) -> int | None:
        """Tokens that the text tower has positions for, where it has a table of them."""
        table = self._table("position_embedding", "position_embeddings")
        if table is None or table.padding_idx is None:
            return table and int(table.num_embeddings)
        return int(table.num_embeddings - table.padding_idx - 1)  # RoBERTa counts from beyond it

    def vocabulary(self) -> int | None:
        """Ids that the text tower knows, where it has a table of them."""
        table = self._table("token_embedding", "word_embeddings")
        return table and int(table.num_embeddings)

    def _table(self, *names: str) -> Any:
        """The text tower's embedding of one of these names."""
        from torch.nn import Embedding

        tower = getattr(self.model, "text_model", None) or getattr(self.model, "text_encoder", None)
        for name, module in tower.named_modules() if tower else ():
            if isinstance(module, Embedding) and name.rpartition(".")[2] in names:
                return module
        return None


def load_checkpoint(folder: Folder, adapter: Folder | None, options: LoadOptions) -> Loaded:
    """Load what ``hf:`` runs.

    Raises:
        WeightsUnavailable: a part is missing or damaged.
        UnknownName: a kind of model that is not in the table of towers.
        ModelError: code or pickles that are not trusted, weights that do not fill the model.
    """
    if folder.is_adapter:
        raise ModelError(f"{folder} is an adapter itself: name the checkpoint that it belongs to.")
    config = folder.json(CONFIG)
    refuse_code(folder, options)
    own_code = options.trust_remote_code and "AutoModel" in (config.get("auto_map") or {})
    name, towers = ("AutoModel", Towers()) if own_code else towers_of(config, str(folder))
    model, report = _model(folder, name, options)
    lacking = report["missing_keys"] + report["mismatched_keys"]
    settings = _account(folder, type(model).__name__, config, report, options)
    if own_code:
        settings["code_sha256"] = folder.sha256("*.py")
    trained = len(lacking) < len(model.state_dict())
    if adapter is not None:
        with _loading(f"the adapter {adapter}"), _quietly():
            model, settings["adapter"] = merged(model, adapter, options)
    return Loaded(
        folder,
        config,
        model,
        _processor(folder, options),
        _tokenizer(folder, options),
        towers,
        trained=trained,
        settings=settings,
    )


def _model(folder: Folder, name: str, options: LoadOptions) -> tuple[Any, dict[str, list[Any]]]:
    """The model in fp32, and transformers' account of its weights; what it lacks is drawn."""
    import torch
    import transformers

    kind = getattr(transformers, name, None)
    if kind is None:
        raise ModelError(
            f"{folder} needs {name}, which transformers {transformers.__version__} does not have: "
            "pip install --upgrade transformers"
        )
    further = {"trust_remote_code": True} if options.trust_remote_code else {}
    with (
        _loading(f"the weights of {folder}"),
        _quietly(),
        torch.random.fork_rng(devices=[]),
        _safe(folder, options) as path,
    ):
        torch.manual_seed(options.seed)
        model, report = kind.from_pretrained(
            path,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
            use_safetensors=True,
            torch_dtype=torch.float32,
            **further,
        )
    return model, {what: sorted(report[what]) for what in report}


@contextmanager
def _safe(folder: Folder, options: LoadOptions) -> Iterator[Path]:
    """The folder with safetensors: unpickled here, as tensors alone unless it is trusted.

    transformers' releases differ in what they unpickle, and 5 does not even where it is told to.
    """
    import torch
    from safetensors.torch import save_file

    if has_safetensors(folder):
        yield folder.path
        return
    state: dict[str, Any] = {}
    for path in pickles(folder):
        state |= torch.load(path, map_location="cpu", weights_only=not options.trust_pickle)
    tensors = {
        name: each.detach().clone().contiguous()
        for name, each in state.items()
        if isinstance(each, torch.Tensor)
    }
    with TemporaryDirectory() as made:
        for path in (*folder.path.glob("*.json"), *folder.path.glob("*.py")):
            (Path(made) / path.name).symlink_to(path)
        save_file(tensors, Path(made) / SAFE[0], {"format": "pt"})
        yield Path(made)


def _account(
    folder: Folder,
    name: str,
    config: Mapping[str, Any],
    report: Mapping[str, Sequence[Any]],
    options: LoadOptions,
) -> dict[str, Any]:
    """What is recorded of weights that do not fill a model; nothing where they do.

    Raises:
        ModelError: naming them, unless they are allowed.
    """
    shapes = [
        f"{key} {tuple(there)} for {tuple(here)}" for key, there, here in report["mismatched_keys"]
    ]
    missing, unread = list(report["missing_keys"]), list(report["unexpected_keys"])
    if not (missing or unread or shapes or report["error_msgs"]):
        return {}
    found = [("missing", missing), ("of another shape", shapes), ("not the model's", unread)]
    said = "; ".join(f"{len(keys)} {what} ({_some(keys)})" for what, keys in found if keys)
    said += "".join(f"; {message}" for message in report["error_msgs"])
    if not options.allow_partial:
        listed = " or ".join(config.get("architectures") or ["no class"])
        raise ModelError(
            f"The weights of {folder} do not fill {name} (its config.json says {listed}): {said}. "
            "--allow-partial takes them, and draws what is missing at random."
        )
    drawn = missing + [key for key, _, _ in report["mismatched_keys"]]
    note = f"Weights do not fill the model: {said}."
    if drawn:
        note = f"Not a trained model: {len(drawn)} of its weights are random. {note}"
    return {"random": sorted(drawn), "unread": unread, "seed": options.seed, "note": note}


def _some(names: Sequence[str]) -> str:
    more = f", and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _processor(folder: Folder, options: LoadOptions) -> Any:
    """The image processor, on torchvision where there is one: transformers' own choice since 5.0.

    Earlier ones choose Pillow for most, whose resizing differs in the last digits: the manifest
    says which it was.
    """
    import transformers

    auto: Any = transformers.AutoImageProcessor
    new = int(transformers.__version__.partition(".")[0]) >= 5
    backend = {"backend": "torchvision"} if new else {}
    with _loading(f"the image processor of {folder}"), _quietly():
        return auto.from_pretrained(
            folder.path, trust_remote_code=options.trust_remote_code, **backend
        )


def _tokenizer(folder: Folder, options: LoadOptions) -> Any:
    """The tokenizer.

    Raises:
        WeightsUnavailable: its files are not there (transformers would make an empty one up).
    """
    from transformers import AutoTokenizer

    found = {path.name for pattern in VOCABULARIES for path in folder.path.glob(pattern)}
    if not found - {"tokenizer_config.json", "special_tokens_map.json"}:
        raise WeightsUnavailable(
            f"{folder} has no tokenizer: a tokenizer.json, vocabulary or *.model file. Copy that "
            "of the checkpoint it was trained from."
        )
    with _loading(f"the tokenizer of {folder}"), _quietly():
        return AutoTokenizer.from_pretrained(
            folder.path, trust_remote_code=options.trust_remote_code
        )


@contextmanager
def _loading(what: str) -> Iterator[None]:
    """Turn whatever transformers, torch and safetensors raise into one error."""
    from safetensors import SafetensorError

    known = (OSError, RuntimeError, ValueError, ImportError, LookupError, EOFError, TypeError)
    try:
        yield
    except (*known, AttributeError, pickle.UnpicklingError, SafetensorError) as error:
        if "Weights only load failed" in str(error):
            raise ModelError(
                f"Cannot load {what}: the file holds more than tensors, and reading it may run "
                "any code. Ask for safetensors; or, if you trust who made it: --trust-pickle."
            ) from error
        raise WeightsUnavailable(f"Cannot load {what}: {_reason(error)}.") from error


def _reason(error: BaseException) -> str:
    """What is missing to be installed, if that is it; else what the error says first."""
    text = str(error).lower()
    for packages in OPTIONAL:
        missing = [name for name, module in packages.items() if not _is_here(module)]
        if missing and any(name in text for name in packages):
            return f"it needs what is not installed: pip install {' '.join(missing)}"
    return first_line(error)


def _is_here(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


@contextmanager
def _quietly() -> Iterator[None]:
    """Without transformers' bars, log and plans: what matters of it is an error or a note here."""
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
