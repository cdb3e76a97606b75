"""``lerp:A,B,WEIGHT``: mix the weights of two checkpoints of one architecture.

The weights are (1 − w)·A + w·B, as WiSE-FT interpolates (Wortsman et al., 'Robust fine-tuning of
zero-shot models', CVPR 2022). A and B are specifications of any families whose models are one torch
module. They may differ in their weights alone: modules and their settings, activation, tokenizer
and preprocessing are the same.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from benchbench.adapters.trimming import SAMPLE_CAPTIONS
from benchbench.checkpoints.digests import module_sha256
from benchbench.errors import ModelError, UsageError
from benchbench.registry import load_model, supported_options
from benchbench.types import LOAD_EXTRAS, DualEncoder, LoadOptions, ModelFamily

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PIL.Image import Image
    from torch import Tensor, nn

    from benchbench.types import ModelManifest, Role, Similarity, TextBatch

EQUAL_FIELDS = ("activation", "tokenizer", "preprocessing", "context_length", "dtype", "similarity")
"""Fields of two manifests that have to be equal."""
SOURCE_ATTRIBUTES = {"name_or_path"}
"""Attributes of transformers' modules that name their source."""
USAGE = "Type lerp:A,B,WEIGHT, e.g. lerp:openclip:ViT-B-32/openai,tuned.pt,0.5"


@runtime_checkable
class Blendable(Protocol):
    """A model whose embeddings are computed by one module and its weights."""

    @property
    def module(self) -> nn.Module:
        """The module; weights copied into it take effect."""
        ...


class Blend:
    """A model with another's weights mixed into its own."""

    def __init__(self, model: DualEncoder, manifest: ModelManifest, logit_scale: float) -> None:
        """Wrap a model with mixed weights."""
        self._model = model
        self.manifest = manifest
        self.logit_scale = logit_scale
        self.device = model.device
        self.similarity: Similarity = model.similarity

    @property
    def module(self) -> nn.Module:
        """The module that computes."""
        return self._model.module  # type: ignore[attr-defined,no-any-return]

    def transform(self, image: Image) -> Tensor:
        """Preprocess an image as A does: [3, height, width]."""
        return self._model.transform(image)

    def encode_images(self, batch: Tensor, role: Role) -> Tensor:
        """Encode images: [n, 3, height, width] → [n, dim]."""
        return self._model.encode_images(batch, role)

    def token_ids(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Return A's token ids of each caption."""
        return self._model.token_ids(texts)

    def tokenize(self, texts: Sequence[str]) -> TextBatch:
        """Tokenize captions as A does."""
        return self._model.tokenize(texts)

    def encode_texts(self, batch: TextBatch, role: Role) -> Tensor:
        """Encode n captions: → [n, dim]."""
        return self._model.encode_texts(batch, role)


def load(rest: str, options: LoadOptions) -> Blend:
    """Load A and B, and mix B's weights into A's.

    Raises:
        UsageError: it is not typed A,B,WEIGHT with a finite number, or neither supports an option.
        ModelError: they differ in more than their weights, or one is not one torch module.
    """
    specifications, weight = _parse(rest)
    first, second = (_load_member(each, specifications, options) for each in specifications)
    a, b = module_of(first), module_of(second)
    if differences := [*_differences(first, second), *_structures(a, b)]:
        raise ModelError(
            f"{first.manifest.name} and {second.manifest.name} differ in more than their weights: "
            f"{'; '.join(differences[:6])}. Mix checkpoints that were trained from one."
        )
    mixed = {name: _mix(x, b.state_dict()[name], weight) for name, x in a.state_dict().items()}
    a.load_state_dict(mixed)
    scale = math.exp(
        _interpolate(math.log(first.logit_scale), math.log(second.logit_scale), weight)
    )
    return Blend(
        first,
        _manifest(first.manifest, second.manifest, module_sha256(a), weight, rest),
        first.logit_scale if weight == 0 else scale,
    )


def _parse(rest: str) -> tuple[tuple[str, str], float]:
    parts = rest.split(",")
    if len(parts) != 3 or not all(part.strip() for part in parts):
        raise UsageError(f"lerp:{rest} is not two models and a weight. {USAGE}")
    try:
        weight = float(parts[2])
    except ValueError:
        weight = math.nan
    if not math.isfinite(weight):
        raise UsageError(f"The weight of B is '{parts[2]}', no finite number. {USAGE}")
    return (parts[0].strip(), parts[1].strip()), weight


def _load_member(specification: str, both: Sequence[str], options: LoadOptions) -> DualEncoder:
    """Load one of the two with those options that its family supports."""
    supported = {each: supported_options(each) for each in both}
    given = {name for name in LOAD_EXTRAS if getattr(options, name)}
    if lost := given - frozenset().union(*supported.values()):
        typed = ", ".join(f"--{name.replace('_', '-')}" for name in sorted(lost))
        raise UsageError(f"Neither of {' and '.join(both)} takes {typed}. Leave it out.")
    plain = LoadOptions()
    unsupported: dict[str, Any] = {
        name: getattr(plain, name) for name in LOAD_EXTRAS if name not in supported[specification]
    }
    model = load_model(specification, replace(options, **unsupported))
    if not isinstance(model, DualEncoder):
        raise UsageError(f"{specification} is a pair scorer. Only dual encoders can be mixed.")
    return model


def module_of(model: DualEncoder) -> nn.Module:
    """Return the module that computes a model's embeddings.

    Raises:
        ModelError: there is no such module.
    """
    if isinstance(model, Blendable):
        return model.module
    raise ModelError(
        f"{model.manifest.name} is not one torch module whose weights can be reached. Those of "
        "openclip:, file: and hf: are, and of variants that are CLIP's towers alone."
    )


def _differences(a: DualEncoder, b: DualEncoder) -> list[str]:
    """Return the fields of two manifests that differ."""
    pairs = {name: (getattr(a.manifest, name), getattr(b.manifest, name)) for name in EQUAL_FIELDS}
    found = [f"{name} {one} and {other}" for name, (one, other) in pairs.items() if one != other]
    alike = found or a.token_ids(SAMPLE_CAPTIONS) == b.token_ids(SAMPLE_CAPTIONS)
    return found if alike else ["their tokenizers, which give captions different ids"]


def _structures(a: nn.Module, b: nn.Module) -> list[str]:
    """Return where two modules differ: shapes of weights, kinds and settings of layers."""
    one, other = _structure(a), _structure(b)
    return [
        f"{name or 'the model'} {one.get(name, 'absent')} and {other.get(name, 'absent')}"
        for name in {**one, **other}
        if one.get(name) != other.get(name)
    ]


def _structure(module: nn.Module) -> dict[str, str]:
    shapes = {name: str(list(each.shape)) for name, each in module.state_dict().items()}
    layers = {
        name: f"{type(each).__name__} {_layer_settings(each)}"
        for name, each in module.named_modules()
    }
    return {**layers, **shapes}


def _layer_settings(layer: nn.Module) -> dict[str, Any]:
    """Return a layer's own settings: heads, epsilon, pooling."""
    kinds = (str, int, float, tuple, type(None))
    return {
        name: value
        for name, value in vars(layer).items()
        if isinstance(value, kinds) and not name.startswith("_") and name not in SOURCE_ATTRIBUTES
    }


def _mix(a: Tensor, b: Tensor, weight: float) -> Tensor:
    """Return (1 − w)·a + w·b, in float32 at least; integers are A's."""
    if weight == 0 or not a.is_floating_point():
        return a
    return b if weight == 1 else (a.float() * (1 - weight) + b.float() * weight).to(a.dtype)


def _interpolate(a: float, b: float, weight: float) -> float:
    return (1 - weight) * a + weight * b


def _manifest(
    a: ModelManifest, b: ModelManifest, digest: str, weight: float, rest: str
) -> ModelManifest:
    notes = {"A": a.settings.get("note"), "B": b.settings.get("note")}
    remarks = [f"{name}: {note}" for name, note in notes.items() if note]
    if not 0 <= weight <= 1:
        remarks.append(f"weights are extrapolated: {weight:g} is beyond A or B.")
    settings: Mapping[str, Any] = {
        **a.settings,
        "a": _weights_record(a),
        "b": _weights_record(b),
        "weight": weight,
        **({"note": " ".join(remarks)} if remarks else {}),
    }
    return replace(
        a,
        name=f"lerp:{rest}",
        weights=f"(1 - {weight:g}) * {a.weights} + {weight:g} * {b.weights}",
        weights_sha256=digest,
        trained=a.trained and b.trained,
        settings=settings,
    )


def _weights_record(manifest: ModelManifest) -> dict[str, str]:
    """Return which weights were mixed, for the manifest."""
    return {"weights": manifest.weights, "weights_sha256": manifest.weights_sha256}


FAMILY = ModelFamily(
    name="lerp",
    usage={"lerp:A,B,WEIGHT": "weights of two checkpoints mixed: (1 - WEIGHT) of A, WEIGHT of B"},
    load=load,
    options=frozenset(LOAD_EXTRAS),
)
