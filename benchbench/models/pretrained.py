"""Models of transformers, from a folder or the hub: whole, safe to open, or not at all.

Nothing is unpickled (safetensors, or tensors alone), no code of a repository is run unless that was
allowed, weights that a checkpoint lacks are named instead of drawn at random unnoticed, and a name
that is neither cached nor to be fetched is one error.
"""

from __future__ import annotations

import hashlib
import json
import logging
import pickle
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.errors import ModelError, UsageError, WeightsUnavailable
from benchbench.models.hub import hub_if_reachable, is_unreachable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from benchbench.types import LoadOptions

NAMED = 5
"""Missing weights that a message names."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a checkpoint is."""

    name: str
    """Of a folder, or of a repository of the hub."""
    is_folder: bool

    def __str__(self) -> str:
        """As messages say it."""
        return f"the folder {self.name}" if self.is_folder else f"{self.name} of the hub"


def source_of(rest: str, family: str) -> Source:
    """The folder or repository that is typed after ``family:``.

    Raises:
        UsageError: nothing, a folder that is not there, or one without a model of transformers.
    """
    if not rest:
        raise UsageError(f"{family}: names no checkpoint. Type {family}:ORG/REPO or {family}:PATH.")
    path = Path(rest).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file():
            there = ", ".join(sorted(file.name for file in path.iterdir())[:8]) or "nothing"
            raise UsageError(
                f"The folder {path} has no config.json, so it holds no model of transformers. "
                f"There is: {there}. Type {family}:PATH with what save_pretrained wrote."
            )
        return Source(str(path), is_folder=True)
    if path.exists():
        raise UsageError(f"{path} is a file. Type {family}:PATH with the folder that it is in.")
    if rest.startswith((".", "/", "~")) or rest.count("/") != 1:
        raise UsageError(
            f"There is no folder {path}. Type {family}:PATH with a folder that save_pretrained "
            f"wrote, or {family}:ORG/REPO with a repository of the hub."
        )
    return Source(rest, is_folder=False)


def read_config(source: Source, options: LoadOptions, takes: Collection[str] | None = None) -> Any:
    """A checkpoint's configuration.

    Args:
        source: where it is.
        options: of which ``trust_remote_code`` is heeded.
        takes: the types of model that will do; None for any.

    Raises:
        ModelError: it is of another type.
        WeightsUnavailable: it cannot be read.
    """
    from transformers import AutoConfig

    with loading(f"the configuration of {source}", source):
        config = AutoConfig.from_pretrained(
            source.name, trust_remote_code=options.trust_remote_code
        )
    if takes is not None and config.model_type not in takes:
        made = f" ({', '.join(config.architectures)})" if config.architectures else ""
        raise ModelError(
            f"Not for this family: {source} holds a model of type '{config.model_type}'{made}; it "
            f"takes {', '.join(takes)}. List others: benchbench list models"
        )
    return config


def read_processor(source: Source, options: LoadOptions) -> Any:
    """What prepares a checkpoint's pictures and captions; a WeightsUnavailable where that fails."""
    from transformers import AutoProcessor

    with loading(f"the processor of {source}", source):
        processor = AutoProcessor.from_pretrained(  # type: ignore[no-untyped-call]
            source.name, trust_remote_code=options.trust_remote_code
        )
    lacking = [part for part in ("image_processor", "tokenizer") if not hasattr(processor, part)]
    if lacking:
        raise ModelError(
            f"There is no {' and no '.join(lacking)} in {source} ({type(processor).__name__} "
            "alone), so that nothing can be shown or read. Save its processor beside the model: "
            "processor.save_pretrained."
        )
    return processor


def read_model(kind: Any, source: Source, options: LoadOptions) -> tuple[Any, dict[str, Any]]:
    """A checkpoint's model on its device, and what a manifest's settings must say of it.

    Args:
        kind: the class of transformers that the weights are to fill.
        source: where they are.
        options: device, precision, ``allow_partial`` (what is lacking is drawn with ``seed``),
            ``trust_remote_code``.

    Raises:
        ModelError: weights are lacking, or of other shapes.
        WeightsUnavailable: they cannot be read.
    """
    import torch

    dtype = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
    with loading(f"the weights of {source}", source), torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        model, report = kind.from_pretrained(
            source.name,
            dtype=dtype[options.precision],
            output_loading_info=True,
            weights_only=True,
            ignore_mismatched_sizes=True,  # they are told with those that are missing
            trust_remote_code=options.trust_remote_code,
        )
    settings = _lacking(report, source, options)
    return model.eval().requires_grad_(False).to(options.device), settings


def _lacking(report: Mapping[str, Any], source: Source, options: LoadOptions) -> dict[str, Any]:
    """A note of the weights that stayed random; a ModelError where that was not allowed."""
    shapes = [str(each[0]) for each in report.get("mismatched_keys", ())]
    lacking = sorted({*report["missing_keys"], *shapes})
    if not lacking:
        return {}
    more = f" and {len(lacking) - NAMED} more" if len(lacking) > NAMED else ""
    named = f"{', '.join(lacking[:NAMED])}{more}"
    if options.allow_partial:
        note = f"Weights that the checkpoint lacks are random (seed {options.seed}): {named}."
        return {"note": note, "random_weights": lacking}
    surplus = ", ".join(sorted(report["unexpected_keys"])[:NAMED])
    unused = f" It has weights that the model does not: {surplus}." if surplus else ""
    raise ModelError(
        f"Weights of the model are lacking, or have another shape, in {source}: {named}.{unused} "
        "Is it a checkpoint for another purpose? --allow-partial takes it, with those weights "
        "random."
    )


@contextmanager
def loading(what: str, source: Source) -> Iterator[None]:
    """Turn whatever transformers, torch, safetensors and the hub raise into one error."""
    from safetensors import SafetensorError

    known = (OSError, RuntimeError, ValueError, TypeError, ImportError, LookupError, EOFError)
    try:
        with _quiet(), nullcontext() if source.is_folder else hub_if_reachable():
            yield
    except (*known, pickle.UnpicklingError, SafetensorError) as error:
        if not source.is_folder and is_unreachable(error):
            raise WeightsUnavailable(
                f"Cannot load {what}: not in the cache, and the hub cannot be reached from here "
                "(or HF_HUB_OFFLINE is set). Fetch it once where there is a network, and bring the "
                "folder that HF_HOME names; or type a local folder's path instead."
            ) from error
        line = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        raise WeightsUnavailable(f"Cannot load {what}: {line}.") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence reports and bars of loading: what matters of them is said in errors and notes."""
    import transformers.utils.logging

    its_logging: Any = transformers.utils.logging
    before = logging.root.manager.disable
    with ExitStack() as stack:
        if its_logging.is_progress_bar_enabled():
            its_logging.disable_progress_bar()
            stack.callback(its_logging.enable_progress_bar)
        stack.callback(logging.disable, before)
        logging.disable(logging.ERROR)
        yield


def described(processor: Any) -> dict[str, Any]:
    """``preprocessing`` and ``tokenizer`` of a manifest.

    The tokenizer goes by a digest of all that it does, where it can tell.
    """
    tokenizer = processor.tokenizer
    inner = getattr(tokenizer, "backend_tokenizer", None)
    told = inner.to_str() if inner is not None else json.dumps(tokenizer.get_vocab())
    digest = hashlib.sha256(told.encode()).hexdigest()[:16]
    return {
        "preprocessing": json.loads(json.dumps(processor.image_processor.to_dict(), default=str)),
        "tokenizer": f"{type(tokenizer).__name__} {digest}",
    }
