"""Check a model's manifest, similarity, logit scale and device before anything is computed."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from benchbench.types import DualEncoder, ModelManifest, scores_pairs

if TYPE_CHECKING:
    from collections.abc import Iterator


def description_problems(model: Any) -> Iterator[str]:
    """Yield the problems of a model's manifest, similarity, logit scale and device."""
    manifest = model.manifest
    if not isinstance(manifest, ModelManifest):
        yield f"manifest is {manifest!r}, not a ModelManifest"
        return
    yield from manifest_problems(manifest)
    yield from comparison_problems(model)
    yield from device_problems(model)


def manifest_problems(manifest: ModelManifest) -> Iterator[str]:
    """Yield the problems of a manifest by itself."""
    try:
        _ = manifest.fingerprint
    except (TypeError, ValueError) as error:
        yield f"the manifest holds what JSON cannot: {error}"
    digest = manifest.weights_sha256
    if not re.fullmatch("[0-9a-f]{64}", str(digest)) or len(set(digest)) == 1:
        yield (
            f"weights_sha256 is {digest!r}, which is not a digest; give it one of what computes: "
            "weights_sha256=benchbench.model_digest(module), or of its code: "
            "model_digest(Path(__file__))"
        )
    for name, least in (("context_length", 1), ("parameters", 0)):
        value = getattr(manifest, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            yield f"{name} is {value!r}; it should be a whole number from {least}"


def comparison_problems(model: Any) -> Iterator[str]:
    """Yield the problems of how a model compares images and captions."""
    stated = model.manifest.similarity
    if scores_pairs(model):
        if stated != "pairs":
            yield f"the manifest's similarity is {stated!r}, not 'pairs'"
        return
    if not isinstance(model, DualEncoder):
        return
    if model.similarity not in ("cosine", "dot"):
        yield f"similarity is {model.similarity!r}, neither 'cosine' nor 'dot'"
    if model.similarity != stated:
        yield f"similarity is {model.similarity!r}, but the manifest's is {stated!r}"
    if not _is_positive(model.logit_scale):
        yield f"logit_scale is {model.logit_scale!r}; it should be a finite, positive number"


def device_problems(model: Any) -> Iterator[str]:
    """Yield the problems of a model's device."""
    import torch

    try:
        torch.device(model.device)
    except (RuntimeError, TypeError):
        yield f"device is {model.device!r}, which torch does not know"


def _is_positive(value: Any) -> bool:
    try:
        return math.isfinite(value) and value > 0
    except TypeError:
        return False
