"""What scorers of pairs load of transformers: configuration, processor and model of a folder.

Which files, and how safely they are opened, is settled in ``huggingface/``, as for ``hf:``.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from benchbench.adapters.huggingface.folder import CONFIG, Folder, folder_of, refuse_code
from benchbench.adapters.huggingface.weights import loading, read_model
from benchbench.checkpoints.activations import activation_of
from benchbench.checkpoints.digests import weights_sha256
from benchbench.errors import ModelError
from benchbench.types import ModelManifest

if TYPE_CHECKING:
    from collections.abc import Collection

    from benchbench.adapters.huggingface.weights import Filled
    from benchbench.types import LoadOptions

DTYPES = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16"}
"""Precision → torch's name of it."""


def open_folder(
    rest: str, family: str, options: LoadOptions, takes: Collection[str] | None = None
) -> tuple[Folder, Any]:
    """The folder or repository that is typed after ``family:``, and its configuration.

    Args:
        rest: what was typed.
        family: for errors.
        options: of which ``trust_remote_code`` is heeded.
        takes: the types of model that will do; None for any.

    Raises:
        UsageError: nothing was typed, or what is no folder.
        ModelError: it is of another type, or brings code that is not trusted.
        WeightsUnavailable: it cannot be read.
    """
    from transformers import AutoConfig

    folder = folder_of(rest, options, family)
    kind = folder.json(CONFIG).get("model_type")
    if takes is not None and kind not in takes:
        said = " or ".join(folder.json(CONFIG).get("architectures") or ["no class"])
        raise ModelError(
            f"Not for this family: {folder} holds a model of type '{kind}' ({said}); {family}: "
            f"takes {', '.join(takes)}. List others: benchbench list models"
        )
    refuse_code(folder, options)
    with loading(f"the configuration of {folder}"):
        config = AutoConfig.from_pretrained(
            folder.path, trust_remote_code=options.trust_remote_code
        )
    return folder, config


def read_processor(folder: Folder, options: LoadOptions) -> Any:
    """What prepares a checkpoint's pictures and captions; a WeightsUnavailable where that fails."""
    from transformers import AutoProcessor

    with loading(f"the processor of {folder}"):
        processor = AutoProcessor.from_pretrained(  # type: ignore[no-untyped-call]
            folder.path, trust_remote_code=options.trust_remote_code
        )
    lacking = [part for part in ("image_processor", "tokenizer") if not hasattr(processor, part)]
    if lacking:
        raise ModelError(
            f"There is no {' and no '.join(lacking)} in {folder} ({type(processor).__name__} "
            "alone), so that nothing can be shown or read. Save its processor beside the model: "
            "processor.save_pretrained."
        )
    return processor


def read_filled(kind: Any, folder: Folder, options: LoadOptions) -> Filled:
    """A model in its precision and on its device, to be asked only; as ``weights.read_model``."""
    filled = read_model(kind, folder, options, DTYPES[options.precision])
    filled.model.eval().requires_grad_(False).to(options.device)
    return filled


def manifest(filled: Filled, processor: Any, options: LoadOptions, **further: Any) -> ModelManifest:
    """The manifest of a scorer of pairs.

    Args:
        filled: the model.
        processor: what prepares its pictures and captions.
        options: how it was loaded.
        further: what only the scorer knows: ``name``, ``weights``, ``context_length``, and
            ``settings``, to which those of filling are added.
    """
    model, settings = filled.model, {**further.pop("settings"), **filled.settings}
    return ModelManifest(
        architecture=type(model).__name__,
        weights_sha256=weights_sha256(model.state_dict()),
        trained=filled.trained,
        activation=activation_of(model),
        dtype=options.precision,
        parameters=sum(p.numel() for p in model.parameters()),
        similarity="pairs",
        settings=settings,
        **_described(processor),
        **further,
    )


def _described(processor: Any) -> dict[str, Any]:
    """``preprocessing`` and ``tokenizer``.

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
