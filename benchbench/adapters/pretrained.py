"""Load configuration, processor and model of a folder through transformers, for pair scorers.

``huggingface/`` opens the files, as for ``hf:``.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from benchbench.adapters.huggingface.folder import CONFIG, Folder, folder_of, refuse_code
from benchbench.adapters.huggingface.weights import load_errors, read_model
from benchbench.checkpoints.activations import activation_of
from benchbench.checkpoints.digests import weights_sha256
from benchbench.errors import ModelError
from benchbench.types import ModelManifest

if TYPE_CHECKING:
    from collections.abc import Collection

    from benchbench.adapters.huggingface.weights import PretrainedModel
    from benchbench.types import LoadOptions

DTYPES = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16"}
"""Precision → torch's name."""


def open_folder(
    rest: str, family: str, options: LoadOptions, takes: Collection[str] | None = None
) -> tuple[Folder, Any]:
    """Open the folder or repository that is typed after ``family:``, and read its configuration.

    Args:
        rest: what was typed.
        family: for errors.
        options: for ``trust_remote_code``.
        takes: the supported types of model; None for any.

    Raises:
        UsageError: neither a repository nor a folder was typed.
        ModelError: the model is of another type, or has code that is not trusted.
        WeightsUnavailable: the configuration cannot be read.
    """
    from transformers import AutoConfig

    folder = folder_of(rest, options, family)
    kind = folder.json(CONFIG).get("model_type")
    if takes is not None and kind not in takes:
        classes = " or ".join(folder.json(CONFIG).get("architectures") or ["no class"])
        raise ModelError(
            f"Not for this family: {folder} holds a model of type '{kind}' ({classes}); {family}: "
            f"takes {', '.join(takes)}. List others: benchbench list models"
        )
    refuse_code(folder, options)
    with load_errors(f"the configuration of {folder}"):
        config = AutoConfig.from_pretrained(
            folder.path, trust_remote_code=options.trust_remote_code
        )
    return folder, config


def read_processor(folder: Folder, options: LoadOptions) -> Any:
    """Read a checkpoint's processor of images and captions.

    Raises:
        WeightsUnavailable: it cannot be read.
        ModelError: it lacks an image processor or a tokenizer.
    """
    from transformers import AutoProcessor

    with load_errors(f"the processor of {folder}"):
        processor = AutoProcessor.from_pretrained(  # type: ignore[no-untyped-call]
            folder.path, trust_remote_code=options.trust_remote_code
        )
    lacking = [part for part in ("image_processor", "tokenizer") if not hasattr(processor, part)]
    if lacking:
        raise ModelError(
            f"There is no {' and no '.join(lacking)} in {folder} ({type(processor).__name__} "
            "alone), so that images or captions cannot be preprocessed. Save its processor beside "
            "the model: processor.save_pretrained."
        )
    return processor


def read_pretrained(kind: Any, folder: Folder, options: LoadOptions) -> PretrainedModel:
    """Read a model in its precision, on its device, for inference; as ``weights.read_model``."""
    pretrained = read_model(kind, folder, options, DTYPES[options.precision])
    pretrained.model.eval().requires_grad_(False).to(options.device)
    return pretrained


def manifest(
    pretrained: PretrainedModel, processor: Any, options: LoadOptions, **fields: Any
) -> ModelManifest:
    """Return the manifest of a pair scorer.

    Args:
        pretrained: the model.
        processor: the processor of its images and captions.
        options: how it was loaded.
        fields: the scorer's own: ``name``, ``weights``, ``context_length``, and ``settings``, to
            which those of the model are added.
    """
    model, settings = pretrained.model, {**fields.pop("settings"), **pretrained.settings}
    return ModelManifest(
        architecture=type(model).__name__,
        weights_sha256=weights_sha256(model.state_dict()),
        trained=pretrained.trained,
        activation=activation_of(model),
        dtype=options.precision,
        parameters=sum(p.numel() for p in model.parameters()),
        similarity="pairs",
        settings=settings,
        **_describe(processor),
        **fields,
    )


def _describe(processor: Any) -> dict[str, Any]:
    """Return ``preprocessing`` and ``tokenizer``.

    The tokenizer is identified by a digest of its whole definition, or of its vocabulary.
    """
    tokenizer = processor.tokenizer
    inner = getattr(tokenizer, "backend_tokenizer", None)
    text = inner.to_str() if inner is not None else json.dumps(tokenizer.get_vocab())
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return {
        "preprocessing": json.loads(json.dumps(processor.image_processor.to_dict(), default=str)),
        "tokenizer": f"{type(tokenizer).__name__} {digest}",
    }
