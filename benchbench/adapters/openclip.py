"""``openclip:ARCH/TAG``: evaluate open_clip's architectures and published weights.

open_clip leaves two choices to its caller:

- The activation. Here it is the one that the weights were trained with: ``ViT-B-32/openai`` is
  loaded with QuickGELU although its architecture has GELU, and weights trained with GELU are
  refused under a ``-quickgelu`` architecture.
- The padding of captions. Here a batch is padded only to its longest caption, if that gives the
  same embeddings (causal attention, pooled at the end-of-text token). Loading a model checks this
  on real captions.
"""

from __future__ import annotations

import hashlib
import json
from copy import copy
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.adapters.acceleration import OPTIONS, accelerated, acceleration
from benchbench.adapters.prefix_sharing import Forest, prefix_tower
from benchbench.adapters.trimming import exact_tower
from benchbench.checkpoints.activations import activation_of
from benchbench.checkpoints.checkpoint import read_folder, read_repository
from benchbench.checkpoints.digests import module_sha256
from benchbench.checkpoints.factory import create, create_random, tokenizer_of
from benchbench.checkpoints.vocabularies import vocabulary_sha256
from benchbench.devices import inference
from benchbench.errors import ModelError, UnknownName, UsageError
from benchbench.files import expand_path
from benchbench.types import LoadOptions, ModelFamily, ModelManifest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from benchbench.checkpoints.checkpoint import Checkpoint
    from benchbench.types import Role, Similarity

UNTRAINED = "untrained"
HUB, FOLDER = "hf-hub", "local-dir"
SCHEMAS = (HUB, FOLDER)
"""Prefixes by which open_clip finds a configuration and weights outside its own list."""

OWN_OPTIONS = OPTIONS | {"share_prefixes"}
"""Load options for any weights."""

CACHED_CAPTIONS = 65_536
"""Captions whose ids are cached, because ``token_ids`` and ``tokenize`` both need them."""


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
        config: str | None = None,
        trained: bool = True,
        settings: dict[str, Any] | None = None,
    ) -> None:
        """Wrap a model whose weights are in ``options.precision``, and move it to the device.

        Args:
            model: ``open_clip.CLIP``, or a model with the same methods.
            transform: PIL image → [3, height, width].
            tokenizer: list of strings → ids [n, context].
            name: the model's specification, as typed.
            architecture: open_clip's name for it.
            weights: the weights' tag or source.
            options: device and precision.
            config: open_clip's name of the configuration, if it is not ``architecture``.
            trained: False where the weights are random.
            settings: further settings for the manifest.
        """
        import open_clip

        self.clip = model.eval().requires_grad_(False)
        self.tokenizer = _with_cache(tokenizer)
        self.transform = transform
        self._dtype = open_clip.get_input_dtype(options.precision)
        model.to(options.device)
        digest = module_sha256(model)
        self.device = str(next(model.parameters()).device)
        self._encode_images = accelerated(model.encode_image, model, options)
        self.logit_scale = float(model.logit_scale.exp().max())
        with inference():
            self._text = exact_tower(model, tokenizer, options.precision)
            self._trees = (
                prefix_tower(model, self.tokenizer, options.precision, name)
                if options.share_prefixes
                else None
            )
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
                "config_sha256": _config_sha256(config or architecture),
                **_vocabulary(tokenizer),
                **acceleration(options),
                **({"share_prefixes": True} if self._trees else {}),
                **(settings or {}),
            },
        )

    @classmethod
    def of(cls, checkpoint: Checkpoint, options: LoadOptions) -> OpenClip:
        """Wrap a checkpoint."""
        return cls(
            checkpoint.model,
            checkpoint.transform,
            checkpoint.tokenizer,
            name=checkpoint.name,
            architecture=checkpoint.architecture,
            weights=checkpoint.weights,
            options=options,
            config=checkpoint.config,
            settings={**checkpoint.settings},
        )

    @property
    def by_prefix(self) -> bool:
        """Whether captions that begin alike should share a batch."""
        return self._trees is not None

    @property
    def module(self) -> nn.Module:
        """The torch module: ``open_clip.CLIP``, or a model with the same methods."""
        return self.clip  # type: ignore[no-any-return]

    def encode_images(self, batch: Tensor, role: Role) -> Tensor:
        """Encode images: [n, 3, height, width] → [n, dim]."""
        pixels = batch.to(self.device, self._dtype, non_blocking=True)
        return self._encode_images(pixels)

    def token_ids(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Return the ids of each caption, special tokens included, untruncated."""
        return _untruncated_ids(self.tokenizer, list(texts))

    def tokenize(self, texts: Sequence[str]) -> Any:
        """Tokenize captions: [n, context], or [n, longest] where trimming is exact, or as trees."""
        if self._trees is not None:
            return self._trees.plant(texts)
        ids: Tensor = self.tokenizer(list(texts))
        return ids if self._text is None else ids[:, : self._text.ends(ids)]

    def encode_texts(self, batch: Tensor | Forest, role: Role) -> Tensor:
        """Encode captions: [n, length], or trees of n → [n, dim]."""
        if isinstance(batch, Forest):
            assert self._trees is not None
            return self._trees.encode(batch, self.device)
        ids = batch.to(self.device, non_blocking=True)
        if self._text is not None and ids.shape[1] < self.manifest.context_length:
            return self._text.encode(ids)
        return self.clip.encode_text(ids)  # type: ignore[no-any-return]


def _with_cache(tokenizer: Any) -> Any:
    """Return open_clip's own tokenizer with a cache; any other one unchanged."""
    from open_clip.tokenizer import SimpleTokenizer

    if not isinstance(tokenizer, SimpleTokenizer):
        return tokenizer
    found: Any = copy(tokenizer)
    found.encode = lru_cache(maxsize=CACHED_CAPTIONS)(found.encode)
    return found


def _untruncated_ids(tokenizer: Any, texts: list[str]) -> list[tuple[int, ...]]:
    """Return ids before the tokenizer truncates and pads."""
    if hasattr(tokenizer, "encode") and hasattr(tokenizer, "sot_token_id"):
        start, end = (tokenizer.sot_token_id,), (tokenizer.eot_token_id,)
        return [start + tuple(tokenizer.encode(text)) + end for text in texts]
    inner = getattr(tokenizer, "tokenizer", None)
    if inner is not None and hasattr(tokenizer, "clean_fn"):
        rows = inner([tokenizer.clean_fn(text) for text in texts], truncation=False)
        return [tuple(ids) for ids in rows["input_ids"]]
    raise ModelError(
        f"Cannot read untruncated ids from the tokenizer {type(tokenizer).__name__}, so "
        "truncated captions cannot be counted. Use a tokenizer of open_clip or of transformers."
    )


def _as_json(record: Any) -> Any:
    """Convert tuples to lists, so that a manifest is equal to itself after a JSON round trip."""
    return json.loads(json.dumps(record))


def _tokenizer_name(tokenizer: Any) -> str:
    """Return a tokenizer's kind, and the repository that it comes from: never a folder."""
    inner = getattr(tokenizer, "tokenizer", None)
    source = str(getattr(inner, "name_or_path", ""))
    known = source and not Path(source).is_dir()
    return f"{type(tokenizer).__name__}({source})" if known else type(tokenizer).__name__


def _vocabulary(tokenizer: Any) -> dict[str, str]:
    """Return the digest of a tokenizer of transformers; open_clip's own has one vocabulary."""
    inner = getattr(tokenizer, "tokenizer", tokenizer)
    return {"tokenizer_sha256": vocabulary_sha256(inner)} if hasattr(inner, "get_vocab") else {}


def _config_sha256(architecture: str) -> str:
    """Return the SHA-256 of an architecture's configuration, tokenizer settings included."""
    import open_clip

    record = json.dumps(open_clip.get_model_config(architecture), sort_keys=True)
    return hashlib.sha256(record.encode()).hexdigest()


def load(rest: str, options: LoadOptions) -> OpenClip:
    """Load ``ARCH/TAG``, ``ARCH/untrained``, ``hf-hub:ORG/REPO`` or ``local-dir:FOLDER``.

    The weights of ``ARCH/untrained`` are random, with the seed ``options.seed``.

    Raises:
        UnknownName: no such architecture or tag; the message lists those there are.
        UsageError: no tag was typed.
        WeightsUnavailable: the tag's weights are not cached and cannot be downloaded.
        ModelError: the weights were trained with another activation than the architecture's.
    """
    import open_clip

    schema, colon, where = rest.partition(":")
    if colon and schema in SCHEMAS:
        return _load_configured(schema, where, options)
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
    """Return every architecture with each of its tags; untrained where it has none."""
    import open_clip

    published = open_clip.list_pretrained()
    others = sorted({*open_clip.list_models()} - {architecture for architecture, _ in published})
    tagged = [*published, *((architecture, UNTRAINED) for architecture in others)]
    return [f"openclip:{architecture}/{tag}" for architecture, tag in tagged]


def _tags_there(architecture: str, tags: Sequence[str]) -> str:
    there = ", ".join(tags) or "none published"
    return (
        f"Tags of {architecture}: {there}. "
        f"Or random weights: openclip:{architecture}/{UNTRAINED} --seed 0."
    )


def _supported_options(rest: str) -> frozenset[str]:
    """Return the load options of a specification: ``hf-hub:`` and ``local-dir:`` have more."""
    schema, colon, _ = rest.partition(":")
    more = {"activation", "allow_partial", "trust_pickle"}
    return OWN_OPTIONS | (more if colon and schema in SCHEMAS else set())


def _load_untrained(architecture: str, options: LoadOptions) -> OpenClip:
    model, transform = create_random(architecture, options)
    return OpenClip(
        model,
        transform,
        tokenizer_of(architecture),
        name=f"openclip:{architecture}/{UNTRAINED}",
        architecture=architecture,
        weights=f"random (seed {options.seed})",
        options=options,
        trained=False,
        settings={"seed": options.seed},
    )


def _load_configured(schema: str, where: str, options: LoadOptions) -> OpenClip:
    """Load a model with an open_clip_config.json, from the hub or from a folder."""
    name = f"openclip:{schema}:{where}"
    if schema == HUB:
        return OpenClip.of(read_repository(where, name, options), options)
    return OpenClip.of(read_folder(expand_path(where), name, options), options)


def _load_tag(architecture: str, tag: str, options: LoadOptions) -> OpenClip:
    quick = uses_quickgelu(architecture, tag)
    model, transform = create(architecture, tag, options, force_quick_gelu=quick)
    return OpenClip(
        model,
        transform,
        tokenizer_of(architecture),
        name=f"openclip:{architecture}/{tag}",
        architecture=architecture,
        weights=tag,
        options=options,
    )


def uses_quickgelu(architecture: str, tag: str) -> bool:
    """Return whether an architecture with a tag's weights uses QuickGELU.

    It does if the tag's configuration says so. If only the architecture's configuration does, there
    are two cases: the weights of ``ARCH-quickgelu`` were trained with GELU and belong to ``ARCH``;
    those of any other architecture were trained with its own activation.

    Raises:
        ModelError: the weights belong to ``ARCH`` without ``-quickgelu``; the message names it.
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


FAMILY = ModelFamily(
    name="openclip",
    usage={
        "openclip:ARCH/TAG": "an open_clip architecture with published weights",
        "openclip:hf-hub:ORG/REPO": "a repository of the hub with an open_clip_config.json",
        "openclip:local-dir:FOLDER": "a folder with an open_clip_config.json (or only FOLDER)",
        "openclip:ARCH/untrained": "the same with random weights (--seed), to try a pipeline",
    },
    load=load,
    names=names,
    options=_supported_options,
)
