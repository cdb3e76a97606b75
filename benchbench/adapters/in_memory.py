"""Wrap a module under training as a model to evaluate, by the adapters of checkpoints.

A copy is evaluated: the module's modes, gradients and buffers never change, and what inference
leaves in a module (tensors without gradients in some cache) is left in the copy.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from benchbench.errors import ModelError, UsageError
from benchbench.failures import first_line
from benchbench.types import LoadOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from benchbench.types import Model, Precision

NAMES: dict[str, Precision] = {
    "torch.float32": "fp32",
    "torch.float16": "fp16",
    "torch.bfloat16": "bf16",
}


@dataclass(frozen=True, slots=True)
class ModuleWrapper:
    """The parts that an evaluation needs beside the module; each kind of module needs some."""

    architecture: str | None = None
    """open_clip's name, by which the tokenizer is found."""
    transform: Callable[[Any], Any] | None = None
    """Image → tensor, as at test time; by default the one of open_clip's model itself."""
    tokenizer: Any = None
    """open_clip's or transformers'."""
    processor: Any = None
    """transformers': of images, or with a tokenizer in it."""
    wrap: Callable[[Any], Model] | None = None
    """From the copy of a module of any other kind to a model."""

    def model(self, module: Any, name: str) -> Model:
        """Return a copy of a module, as a model of that name.

        Args:
            module: a module of open_clip or of transformers, one of benchbench's adapters around
                either, or the argument of ``wrap``; in DistributedDataParallel or compiled, too.
            name: the name of the manifest.

        Raises:
            UsageError: the kind is unknown, the weights are sharded, or a part is missing.
        """
        inner = _unwrap(module)
        if self.wrap is not None:
            return self.wrap(_copy(inner))
        given, inner = self._unwrap_adapter(inner)
        if _is_open_clip(inner):
            return _wrap_open_clip(_copy(inner), given, name)
        if hasattr(inner, "save_pretrained") and hasattr(inner, "config"):
            return _wrap_transformers(_copy(inner), given, name)
        raise UsageError(
            f"A {type(inner).__name__} is not a model of open_clip's or transformers', nor an "
            "adapter of either. Give wrap=, a function from it to a model (CONTRIBUTING.md, 'Add "
            "a model')."
        )

    def _unwrap_adapter(self, model: Any) -> tuple[ModuleWrapper, Any]:
        """Return the module of an adapter and its parts, as if given; or the module itself."""
        from benchbench.adapters.hf import HuggingFace
        from benchbench.adapters.openclip import OpenClip

        if isinstance(model, OpenClip):
            architecture = self.architecture or model.manifest.architecture
            given = replace(self, architecture=architecture, tokenizer=model.tokenizer)
            return given, model.clip
        if isinstance(model, HuggingFace):
            return replace(self, processor=model.processor, tokenizer=model.tokenizer), model.model
        return self, model


def _copy(module: Any) -> Any:
    """Copy a module, in evaluation mode.

    Raises:
        ModelError: a part cannot be copied, as a tensor with a gradient's history.
    """
    try:
        return deepcopy(module).eval()
    except (RuntimeError, TypeError) as error:
        raise ModelError(
            f"A {type(module).__name__} cannot be copied to be evaluated: {first_line(error)}. "
            "Detach the tensors that it keeps between steps."
        ) from error


def _unwrap(module: Any) -> Any:
    """Return the module inside the wrappers of parallel training and compilation.

    Raises:
        UsageError: the weights are sharded over processes.
    """
    kinds = {kind.__name__ for kind in type(module).__mro__}
    if kinds & {"FullyShardedDataParallel", "FSDPModule", "DeepSpeedEngine"}:
        raise UsageError(
            f"The weights of a {type(module).__name__} are sharded over processes. Save a "
            "checkpoint, and evaluate that: benchbench eval --model PATH --task TASK"
        )
    if "DistributedDataParallel" in kinds or "DataParallel" in kinds:
        return _unwrap(module.module)
    return _unwrap(module._orig_mod) if hasattr(module, "_orig_mod") else module


def _is_open_clip(module: Any) -> bool:
    return all(hasattr(module, name) for name in ("encode_image", "encode_text", "visual"))


def _options(weight: Tensor) -> LoadOptions:
    """Return the device and precision of a module, by one of its weights."""
    precision = NAMES.get(str(weight.dtype))
    if precision is None:
        raise UsageError(
            f"Weights of {weight.dtype} cannot be evaluated. Convert them to one of "
            f"{', '.join(NAMES)}."
        )
    return LoadOptions(str(weight.device), precision)


def _wrap_open_clip(module: Any, given: ModuleWrapper, name: str) -> Model:
    from benchbench.adapters.openclip import OpenClip
    from benchbench.checkpoints.factory import tokenizer_of

    if given.architecture is None and given.tokenizer is None:
        raise UsageError(
            "An open_clip model has no tokenizer of its own. Give its architecture, as "
            "architecture='ViT-B-32', or tokenizer=open_clip.get_tokenizer(…)."
        )
    architecture, context = given.architecture or type(module).__name__, _context_length(module)
    tokenizer = given.tokenizer or tokenizer_of(architecture, context)
    if context not in (None, tokenizer.context_length):
        raise UsageError(
            f"The tokenizer gives {tokenizer.context_length} tokens a caption, the model takes "
            f"{context}. Give tokenizer=open_clip.get_tokenizer(…, context_length={context})."
        )
    return OpenClip(
        module,
        _transform(module, given.transform),
        tokenizer,
        name=name,
        architecture=architecture,
        weights="in training",
        options=_options(_computing_weight(module)),
    )


def _context_length(module: Any) -> int | None:
    """Return the tokens that a text tower of open_clip's own takes; None for any other's."""
    from open_clip import CLIP
    from open_clip.transformer import TextTransformer

    tower = module if isinstance(module, CLIP) else getattr(module, "text", None)
    known = isinstance(tower, CLIP | TextTransformer)
    return int(tower.context_length) if tower is not None and known else None


def _computing_weight(module: Any) -> Tensor:
    """Return a weight in the precision that open_clip computes in.

    Under its ``fp16`` and ``bf16``, embeddings and normalisations stay in float32.
    """
    import torch

    weights: list[Tensor] = list(module.parameters())
    return next((each for each in weights if each.dtype is not torch.float32), weights[0])


def _transform(module: Any, given: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
    """Return the transform, and record it in the copy's settings where its own is another.

    Raises:
        UsageError: there is none, or it gives another image each time.
    """
    import torch
    from open_clip.transform import PreprocessCfg, image_transform_v2

    config = getattr(module.visual, "preprocess_cfg", None)
    own: Any = image_transform_v2(PreprocessCfg(**config), is_train=False) if config else None
    if given is None:
        if own is None:
            raise UsageError("The model has no preprocessing of its own. Give transform=.")
        return own  # type: ignore[no-any-return]
    image = _noise()
    results = [given(image) for _ in range(4)]
    if any(not torch.equal(results[0], each) for each in results[1:]):
        raise UsageError(
            "The transform gives another image each time: it is the one for training. Give the "
            "one for validation (the third of open_clip.create_model_and_transforms)."
        )
    if own is None or not torch.equal(results[0], own(image)):
        module.visual.preprocess_cfg = {"transform": repr(given)}
    return given


def _noise() -> Any:
    """Return an image that every crop or flip changes."""
    import numpy as np
    from PIL import Image

    values = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    return Image.fromarray(values)


def _wrap_transformers(module: Any, given: ModuleWrapper, name: str) -> Model:
    """Wrap a module as if from a folder with configuration, processor and tokenizer."""
    from benchbench.adapters.hf import HuggingFace
    from benchbench.adapters.huggingface.checkpoint import (
        TransformersCheckpoint,
        read_image_processor,
        read_tokenizer,
    )
    from benchbench.adapters.huggingface.folder import CONFIG, Folder
    from benchbench.adapters.huggingface.towers import towers_of

    options = _options(next(module.parameters()))
    parts = {
        "tokenizer": given.tokenizer or getattr(given.processor, "tokenizer", None),
        "processor": getattr(given.processor, "image_processor", given.processor),
    }
    for lacking in (part for part, each in parts.items() if each is None):
        raise UsageError(
            f"A {type(module).__name__} needs a {lacking} to be evaluated: give processor=, of "
            "transformers' AutoProcessor (or AutoImageProcessor, and tokenizer=)."
        )
    module.config.architectures = [type(module).__name__]
    with TemporaryDirectory() as where:
        for part in (module.config, *parts.values()):
            part.save_pretrained(where)
        folder = Folder(Path(where), "in training")
        config = folder.json(CONFIG)
        _, towers = towers_of(config, name)
        processor, tokenizer = (read(folder, options) for read in
                                (read_image_processor, read_tokenizer))  # fmt: skip
        loaded = TransformersCheckpoint(folder, config, module, processor, tokenizer, towers)
        return HuggingFace(loaded, name=name, options=options)
