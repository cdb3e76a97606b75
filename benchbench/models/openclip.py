"""open_clip's architectures and published weights: ``openclip:ARCH/TAG``.

Two things that open_clip leaves to its caller are settled here. The activation follows the
weights: ``ViT-B-32/openai`` is loaded with QuickGELU although its architecture says GELU, and
weights trained with GELU are refused under a ``-quickgelu`` architecture. Captions are trimmed to
the longest of their batch where that is exact (causal attention, pooled at the end-of-text
token), which is checked on real captions each time a model is loaded.
"""

from __future__ import annotations

import json
import logging
import pickle
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from benchbench.errors import ModelError, UnknownName, UsageError, WeightsUnavailable
from benchbench.models.digest import weights_sha256
from benchbench.models.hub import hub_if_reachable
from benchbench.types import LoadOptions, ModelFamily, ModelManifest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor, nn

    from benchbench.types import Precision, Role, Similarity

UNTRAINED = "untrained"

PROBES = (
    "a dog",
    "the horse is to the left of the man",
    "the crouched cat and the white book",
    "Two young guys with shaggy hair look at their hands while hanging out in the yard.",
    "A dirt path with a young person on a motor bike rests to the foreground of a verdant area "
    "with a bridge and a background of cloud-wreathed mountains.",
)
"""Captions of the lengths that tasks have, to check trimming on."""

TRIM_TOLERANCE: dict[Precision, float] = {"fp32": 1e-5, "fp16": 5e-3, "bf16": 3e-2}
"""Largest difference per coordinate of unit vectors that rounding explains."""


class OpenClip:
    """An open_clip dual encoder."""

    similarity: Similarity = "cosine"

    def __init__(
        self,
        model: Any,
        transform: Any,
        tokenizer: Any,
        *,
        name: str,
        architecture: str,
        weights: str,
        options: LoadOptions,
        trained: bool = True,
        settings: dict[str, Any] | None = None,
    ) -> None:
        """Wrap a model already in its precision; it is moved to the device here.

        Args:
            model: ``open_clip.CLIP`` or kin.
            transform: PIL picture → [3, height, width].
            tokenizer: list of strings → ids [n, context].
            name: the specification.
            architecture: open_clip's name for it.
            weights: where they came from.
            options: device and precision.
            trained: False where the weights are random.
            settings: anything else of the loading to be recorded.
        """
        import open_clip
        import torch

        self.clip = model.eval().requires_grad_(False)
        self.tokenizer = tokenizer
        self.transform = transform
        self._device = torch.device(options.device)
        self._dtype = open_clip.get_input_dtype(options.precision)
        digest = weights_sha256(model.state_dict())
        model.to(self._device)
        self.logit_scale = float(model.logit_scale.exp().max())
        self._text = _TextTower.of(model)
        if self._text is not None and not self._trimming_is_exact(options.precision):
            self._text = None
        self.manifest = ModelManifest(
            name=name,
            architecture=architecture,
            weights=weights,
            weights_sha256=digest,
            trained=trained,
            activation=_activation(model),
            preprocessing=_as_json(model.visual.preprocess_cfg),
            tokenizer=_tokenizer_name(tokenizer),
            context_length=int(tokenizer.context_length),
            dtype=options.precision,
            parameters=sum(p.numel() for p in model.parameters()),
            similarity=self.similarity,
            settings={"captions_trimmed": self._text is not None, **(settings or {})},
        )

    def encode_images(self, batch: Tensor, role: Role) -> Tensor:
        """[n, 3, height, width] → [n, dim]."""
        pictures = batch.to(self._device, self._dtype, non_blocking=True)
        return self.clip.encode_image(pictures)  # type: ignore[no-any-return]

    def token_ids(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Ids of each caption, special tokens included, untruncated."""
        return _untruncated_ids(self.tokenizer, list(texts))

    def tokenize(self, texts: Sequence[str]) -> Tensor:
        """[n, context], or [n, longest] where trimming is exact."""
        ids: Tensor = self.tokenizer(list(texts))
        return ids if self._text is None else ids[:, : self._text.ends(ids)]

    def encode_texts(self, batch: Tensor, role: Role) -> Tensor:
        """[n, length] → [n, dim]."""
        ids = batch.to(self._device, non_blocking=True)
        if self._text is not None and ids.shape[1] < self.manifest.context_length:
            return self._text.encode(ids)
        return self.clip.encode_text(ids)  # type: ignore[no-any-return]

    def _trimming_is_exact(self, precision: Precision) -> bool:
        import torch

        assert self._text is not None
        ids = self.tokenizer(list(PROBES)).to(self._device)
        with torch.inference_mode():
            full = _unit(self.clip.encode_text(ids))
            for i, caption in enumerate(ids.split(1)):
                trimmed = _unit(self._text.encode(caption[:, : self._text.ends(caption)]))
                if (trimmed - full[i]).abs().max() > TRIM_TOLERANCE[precision]:
                    return False
        return True


class _TextTower:
    """A causal text tower, run on fewer positions than its context has.

    ``functional_call`` shortens the positional embedding and the causal mask for one call, so
    that the arithmetic stays open_clip's own.
    """

    def __init__(self, model: Any, tower: Any, prefix: str) -> None:
        self._call = _text_encoder(model)
        self._prefix = f"model.{prefix}"
        self._positions = tower.positional_embedding
        self._mask = tower.attn_mask
        self._pool = getattr(tower, "text_pool_type", None) or tower.pool_type
        self._eos: Any = getattr(tower, "text_eos_id", None) or getattr(tower, "eos_id", None)

    @classmethod
    def of(cls, model: Any) -> _TextTower | None:
        """The text tower of a model, or None where nothing says that trimming could be exact."""
        import open_clip
        from open_clip.transformer import TextTransformer

        if isinstance(model, open_clip.CLIP):
            tower, prefix = model, ""
        elif isinstance(getattr(model, "text", None), TextTransformer):
            tower, prefix = model.text, "text."
        else:
            return None
        if tower.attn_mask is None or getattr(tower, "cls_emb", None) is not None:
            return None
        found = cls(model, tower, prefix)
        return found if found._pool in ("argmax", "eos") else None

    def ends(self, ids: Tensor) -> int:
        """Number of positions up to the last end-of-text token that pooling reads."""
        read = ids if self._pool == "argmax" else (ids == self._eos).int()
        return int(read.argmax(dim=1).max()) + 1

    def encode(self, ids: Tensor) -> Tensor:
        """[n, length] → [n, dim]."""
        from torch.func import functional_call

        length = ids.shape[1]
        shortened = {
            f"{self._prefix}positional_embedding": self._positions[:length],
            f"{self._prefix}attn_mask": self._mask[:length, :length],
        }
        return functional_call(self._call, shortened, (ids,), tie_weights=False)  # type: ignore[no-any-return]


def _text_encoder(model: Any) -> nn.Module:
    """A module whose forward pass is ``model.encode_text``."""
    from torch import nn

    class TextEncoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, ids: Tensor) -> Tensor:
            return self.model.encode_text(ids)  # type: ignore[no-any-return]

    return TextEncoder()


def _unit(vectors: Tensor) -> Tensor:
    from torch.nn.functional import normalize

    return normalize(vectors.float(), dim=-1)


def _untruncated_ids(tokenizer: Any, texts: list[str]) -> list[tuple[int, ...]]:
    """Ids as the tokenizer makes them before it cuts and pads."""
    if hasattr(tokenizer, "encode") and hasattr(tokenizer, "sot_token_id"):
        start, end = (tokenizer.sot_token_id,), (tokenizer.eot_token_id,)
        return [start + tuple(tokenizer.encode(text)) + end for text in texts]
    inner = getattr(tokenizer, "tokenizer", None)
    if inner is not None and hasattr(tokenizer, "clean_fn"):
        rows = inner([tokenizer.clean_fn(text) for text in texts], truncation=False)
        return [tuple(ids) for ids in rows["input_ids"]]
    raise ModelError(
        f"Cannot read untruncated ids from the tokenizer {type(tokenizer).__name__}, so "
        "truncated captions could not be counted."
    )


def _as_json(record: Any) -> Any:
    """Tuples as lists, so that a manifest equals itself when read back."""
    return json.loads(json.dumps(record))


def _tokenizer_name(tokenizer: Any) -> str:
    inner = getattr(tokenizer, "tokenizer", None)
    source = getattr(inner, "name_or_path", "")
    return f"{type(tokenizer).__name__}({source})" if source else type(tokenizer).__name__


def _activation(model: nn.Module) -> str:
    """The activations that are there, as modules: what runs, not what a configuration says."""
    known = {"QuickGELU": "quickgelu", "GELU": "gelu", "GELUTanh": "gelu-tanh", "SiLU": "silu"}
    known |= {"ReLU": "relu", "GELUActivation": "gelu", "QuickGELUActivation": "quickgelu"}
    found = {known[type(m).__name__] for m in model.modules() if type(m).__name__ in known}
    return "+".join(sorted(found)) or "unknown"


def load(rest: str, options: LoadOptions) -> OpenClip:
    """Load ``ARCH/TAG``, or ``ARCH/untrained`` with weights drawn by ``options.seed``.

    Raises:
        UnknownName: no such architecture or tag; the message lists what there is.
        UsageError: no tag was named.
        WeightsUnavailable: the tag's weights are not cached and cannot be fetched.
        ModelError: the weights were trained with another activation than the architecture's.
    """
    import open_clip

    architecture, _, tag = rest.rpartition("/")
    known = open_clip.list_models()
    if rest in known or (not architecture and tag not in known):
        architecture, tag = rest, ""
    if architecture not in known:
        hint = "List them: python -c 'import open_clip; print(open_clip.list_models())'"
        raise UnknownName("open_clip architecture", architecture, known, hint)
    tags = open_clip.list_pretrained_tags_by_model(architecture)
    if not tag:
        raise UsageError(
            f"openclip:{architecture} names no weights. {_tags_there(architecture, tags)}"
        )
    if tag == UNTRAINED:
        return _load_untrained(architecture, options)
    if tag not in tags:
        raise UnknownName(f"tag of {architecture}", tag, tags, _tags_there(architecture, tags))
    return _load_tag(architecture, tag, options)


def _tags_there(architecture: str, tags: Sequence[str]) -> str:
    there = ", ".join(tags) or "none published"
    return (
        f"Tags of {architecture}: {there}. "
        f"Or random weights: openclip:{architecture}/{UNTRAINED} --seed 0."
    )


def _load_untrained(architecture: str, options: LoadOptions) -> OpenClip:
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        model, transform = _create(architecture, None, options)
    return OpenClip(
        model,
        transform,
        _tokenizer(architecture),
        name=f"openclip:{architecture}/{UNTRAINED}",
        architecture=architecture,
        weights=f"random (seed {options.seed})",
        options=options,
        trained=False,
        settings={"seed": options.seed},
    )


def _load_tag(architecture: str, tag: str, options: LoadOptions) -> OpenClip:
    import open_clip

    quick_weights = bool(open_clip.get_pretrained_cfg(architecture, tag).get("quick_gelu"))
    quick_config = bool((open_clip.get_model_config(architecture) or {}).get("quick_gelu"))
    if quick_config and not quick_weights:
        plain = architecture.replace("-quickgelu", "")
        raise ModelError(
            f"The weights '{tag}' were trained with GELU; {architecture} would run them with "
            f"QuickGELU. Type openclip:{plain}/{tag}."
        )
    model, transform = _create(architecture, tag, options, force_quick_gelu=quick_weights)
    return OpenClip(
        model,
        transform,
        _tokenizer(architecture),
        name=f"openclip:{architecture}/{tag}",
        architecture=architecture,
        weights=tag,
        options=options,
    )


def _create(
    architecture: str, tag: str | None, options: LoadOptions, **settings: Any
) -> tuple[Any, Any]:
    import open_clip

    what = f"the weights '{tag}' of {architecture}" if tag else architecture
    with _loading(what, uses_hub=bool(tag) or _names_hub(architecture)):
        model, _, transform = open_clip.create_model_and_transforms(
            architecture, tag, precision=options.precision, device="cpu", **settings
        )
    return model, transform


def _tokenizer(architecture: str) -> Any:
    import open_clip

    with _loading(f"the tokenizer of {architecture}", uses_hub=_names_hub(architecture)):
        return open_clip.get_tokenizer(architecture)


def _names_hub(architecture: str) -> bool:
    """Whether the text side of an architecture comes from the Hugging Face hub."""
    import open_clip

    text = (open_clip.get_model_config(architecture) or {}).get("text_cfg", {})
    return "hf_tokenizer_name" in text or "hf_model_name" in text


@contextmanager
def _loading(what: str, *, uses_hub: bool) -> Iterator[None]:
    """Turn whatever open_clip, torch, safetensors and the hub raise into one error."""
    from safetensors import SafetensorError

    known = (OSError, RuntimeError, ValueError, ImportError, LookupError, EOFError)
    try:
        with _without_log(), hub_if_reachable() if uses_hub else nullcontext():
            yield
    except (*known, pickle.UnpicklingError, SafetensorError) as error:
        raise WeightsUnavailable(
            f"Cannot load {what}: {_first_line(error)}. Published files are fetched once and then "
            "cached; without a network, or with HF_HUB_OFFLINE set, only cached ones load."
        ) from error


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")


@contextmanager
def _without_log() -> Iterator[None]:
    """Silence open_clip's warning of random weights: the run's own banner says it better."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(before)


FAMILY = ModelFamily(
    name="openclip",
    usage={
        "openclip:ARCH/TAG": "an open_clip architecture with published weights",
        "openclip:ARCH/untrained": "the same with random weights (--seed), to try a pipeline",
    },
    load=load,
)
