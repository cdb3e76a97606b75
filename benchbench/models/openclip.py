"""open_clip's architectures and published weights: ``openclip:ARCH/TAG``.

Two things that open_clip leaves to its caller are settled here. The activation follows the
weights: ``ViT-B-32/openai`` is loaded with QuickGELU although its architecture says GELU, and
weights trained with GELU are refused under a ``-quickgelu`` architecture. Captions are trimmed to
the longest of their batch where that is exact (causal attention, pooled at the end-of-text
token), which is checked on real captions each time a model is loaded.
"""

from __future__ import annotations

import hashlib
import json
import logging
import pickle
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from benchbench.devices import inference
from benchbench.errors import ModelError, UnknownName, UsageError, WeightsUnavailable
from benchbench.models.digest import weights_sha256
from benchbench.models.hub import hub_if_reachable, is_unreachable
from benchbench.models.trimming import exact_tower
from benchbench.types import LoadOptions, ModelFamily, ModelManifest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor, nn

    from benchbench.types import Role, Similarity

UNTRAINED = "untrained"


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

        self.clip = model.eval().requires_grad_(False)
        self.tokenizer = tokenizer
        self.transform = transform
        self._dtype = open_clip.get_input_dtype(options.precision)
        digest = weights_sha256(model.state_dict())
        model.to(options.device)
        self.device = str(next(model.parameters()).device)
        self.logit_scale = float(model.logit_scale.exp().max())
        with inference():
            self._text = exact_tower(model, tokenizer, options.precision)
        self.manifest = ModelManifest(
            name=name,
            architecture=architecture,
            weights=weights,
            weights_sha256=digest,
            trained=trained,
            activation=activation_of(model),
            preprocessing=_as_json(model.visual.preprocess_cfg),
            tokenizer=_tokenizer_name(tokenizer),
            context_length=int(tokenizer.context_length),
            dtype=options.precision,
            parameters=sum(p.numel() for p in model.parameters()),
            similarity=self.similarity,
            settings={
                "captions_trimmed": self._text is not None,
                "config_sha256": _config_sha256(architecture),
                **(settings or {}),
            },
        )

    def encode_images(self, batch: Tensor, role: Role) -> Tensor:
        """[n, 3, height, width] → [n, dim]."""
        pictures = batch.to(self.device, self._dtype, non_blocking=True)
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
        ids = batch.to(self.device, non_blocking=True)
        if self._text is not None and ids.shape[1] < self.manifest.context_length:
            return self._text.encode(ids)
        return self.clip.encode_text(ids)  # type: ignore[no-any-return]


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


def activation_of(model: nn.Module) -> str:
    """The activations that are there, as modules: what runs, not what a configuration says."""
    named = {
        "QuickGELU": "quickgelu",
        "QuickGELUActivation": "quickgelu",
        "GELUTanh": "gelu-tanh",
        "PytorchGELUTanh": "gelu-tanh",
        "NewGELUActivation": "gelu-tanh",
        "GELUActivation": "gelu",
        "SiLUActivation": "silu",
    }
    found = set()
    for module in model.modules():
        kind = type(module).__name__
        if kind == "GELU":
            found.add("gelu-tanh" if module.approximate == "tanh" else "gelu")
        elif kind in named:
            found.add(named[kind])
        elif type(module).__module__ == "torch.nn.modules.activation" or "GELU" in kind:
            found |= {kind.lower()} - {"multiheadattention"}
    return "+".join(sorted(found)) or "unknown"


def _config_sha256(architecture: str) -> str:
    """Digest of an architecture's configuration, tokenizer settings included."""
    import open_clip

    record = json.dumps(open_clip.get_model_config(architecture), sort_keys=True)
    return hashlib.sha256(record.encode()).hexdigest()


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
        raise UnknownName(
            "open_clip architecture",
            architecture,
            known,
            "Type openclip:ARCH/TAG. List them: benchbench list models openclip",
        )
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


def names() -> list[str]:
    """Every architecture with each of its tags."""
    import open_clip

    return [f"openclip:{architecture}/{tag}" for architecture, tag in open_clip.list_pretrained()]


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
        model, transform = _create(
            architecture, None, options, pretrained_image=False, pretrained_text=False
        )
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

    quick = uses_quickgelu(architecture, tag)
    model, transform = _create(architecture, tag, options, force_quick_gelu=quick)
    return OpenClip(
        model,
        transform,
        _tokenizer(architecture),
        name=f"openclip:{architecture}/{tag}",
        architecture=architecture,
        weights=tag,
        options=options,
    )


def uses_quickgelu(architecture: str, tag: str) -> bool:
    """Whether a tag's weights run with QuickGELU under an architecture.

    The weights decide. Where the architecture alone asks for it, and has a sibling that does not,
    the weights belong to the sibling; without one, the architecture is what they were trained in.

    Raises:
        ModelError: naming the sibling.
    """
    import open_clip

    weights = bool(open_clip.get_pretrained_cfg(architecture, tag).get("quick_gelu"))
    config = bool((open_clip.get_model_config(architecture) or {}).get("quick_gelu"))
    sibling = architecture.replace("-quickgelu", "")
    if config and not weights and sibling != architecture:
        raise ModelError(
            f"The weights '{tag}' were trained with GELU; {architecture} would run them with "
            f"QuickGELU. Type openclip:{sibling}/{tag}."
        )
    return weights or config


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
        if is_unreachable(error):
            raise WeightsUnavailable(
                f"Cannot load {what}: not in the cache, and the hub cannot be reached from here "
                "(or HF_HUB_OFFLINE is set). Fetch it once where there is a network, and bring the "
                "folder that HF_HOME names; or try the path with openclip:ARCH/untrained."
            ) from error
        raise WeightsUnavailable(f"Cannot load {what}: {_first_line(error)}.") from error


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
    names=names,
)
