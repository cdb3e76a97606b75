"""``hf:ORG/REPO``, ``hf:./folder``: evaluate dual encoders through transformers.

``huggingface/towers.py`` lists the kinds of model and how each embeds; ``folder.py`` and
``checkpoint.py`` beside it decide about code and pickles.
"""

from __future__ import annotations

import json
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

from benchbench.adapters.acceleration import OPTIONS, accelerated, acceleration
from benchbench.adapters.huggingface.checkpoint import TransformersCheckpoint, load_checkpoint
from benchbench.adapters.huggingface.checks import check_captions, check_images, trims_exactly
from benchbench.adapters.huggingface.folder import CONFIG, VOCABULARIES
from benchbench.adapters.huggingface.lora import resolve_adapter
from benchbench.checkpoints.activations import activation_of
from benchbench.checkpoints.digests import module_sha256
from benchbench.devices import inference
from benchbench.errors import ModelError
from benchbench.types import LoadOptions, ModelFamily, ModelManifest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PIL.Image import Image
    from torch import Tensor, nn

    from benchbench.types import Role, Similarity

MAX_CONTEXT = 10**6
"""Tokenizers without a limit have one of thirty digits."""


class HuggingFace:
    """A dual encoder of transformers, with its image processor and tokenizer."""

    similarity: Similarity = "cosine"

    def __init__(
        self, checkpoint: TransformersCheckpoint, *, name: str, options: LoadOptions
    ) -> None:
        """Move a checkpoint to its device and precision, and check it.

        Args:
            checkpoint: model in fp32, image processor, tokenizer.
            name: the specification.
            options: device and precision.

        Raises:
            ModelError: the model does not run, or embeds different captions alike.
        """
        import torch

        kinds = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
        self._dtype = kinds[options.precision]
        self.model = checkpoint.model.eval().requires_grad_(False).to(options.device, self._dtype)
        self.towers = checkpoint.towers
        self._encode_images = accelerated(
            partial(self.towers.images, self.model), self.model, options
        )
        self.tokenizer = checkpoint.tokenizer
        self.processor = checkpoint.processor
        # by arrays, Pillow's side takes images 1 or 3 pixels high for channels first
        by_arrays = _backend(checkpoint.processor) == "pil"
        self._layout = {"input_data_format": "channels_last"} if by_arrays else {}
        self.device = str(next(self.model.parameters()).device)
        self.logit_scale = _logit_scale(checkpoint.model)
        self.context_length = _context_length(checkpoint)
        self._tokenizer_lock = Lock()  # a tokenizer holds the padding of its last call
        self.whole_context = True
        with inference():
            dimension = check_images(self, name)
            check_captions(self, name, checkpoint.vocabulary(), dimension)
            trimmed = not self.towers.whole_context and trims_exactly(self, options.precision)
        self.whole_context = not trimmed
        self.manifest = ModelManifest(
            name=name,
            architecture=f"{checkpoint.config.get('model_type')}/{type(self.model).__name__}",
            weights=str(checkpoint.folder),
            weights_sha256=module_sha256(self.model),
            trained=checkpoint.trained,
            activation=activation_of(self.model),
            preprocessing=_preprocessing(self.processor),
            tokenizer=f"{type(self.tokenizer).__name__}({len(self.tokenizer)} tokens)",
            context_length=self.context_length,
            dtype=options.precision,
            parameters=sum(p.numel() for p in self.model.parameters()),
            similarity=self.similarity,
            settings={
                "padding": "context" if self.whole_context else "longest",
                "padding_masked": self.towers.masked,
                "lower_cased": self.towers.lower_case,
                "hidden_act": _activations(checkpoint.config),
                "attention": str(getattr(self.model.config, "_attn_implementation", "its own")),
                "config_sha256": checkpoint.folder.sha256(CONFIG),
                "tokenizer_sha256": checkpoint.folder.sha256(*VOCABULARIES),
                **acceleration(options),
                **_logit_bias(self.model),
                **checkpoint.settings,
            },
        )

    @property
    def module(self) -> nn.Module:
        """The module that computes, of transformers."""
        return self.model  # type: ignore[no-any-return]

    def transform(self, image: Image) -> Tensor:
        """Preprocess an image by the checkpoint's image processor: [3, height, width]."""
        found = self.processor(images=image, return_tensors="pt", **self._layout)
        return found["pixel_values"][0]  # type: ignore[no-any-return]

    def encode_images(self, batch: Tensor, role: Role) -> Tensor:
        """Encode images: [n, 3, height, width] → [n, dim]."""
        return self._encode_images(batch.to(self.device, self._dtype, non_blocking=True))

    def token_ids(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Return the ids of each caption, special tokens included, untruncated."""
        with self._tokenizer_lock:
            found = self.tokenizer(self._normalized(texts), verbose=False)
        return [tuple(ids) for ids in found["input_ids"]]

    def tokenize(self, texts: Sequence[str]) -> dict[str, Tensor]:
        """Return ``input_ids`` [n, length], and ``attention_mask`` where the tower takes one."""
        with self._tokenizer_lock:
            found = self.tokenizer(
                self._normalized(texts),
                padding="max_length" if self.whole_context else "longest",
                truncation=True,
                max_length=self.context_length,
                return_attention_mask=self.towers.masked,
                return_tensors="pt",
                verbose=False,
            )
        names = ("input_ids", "attention_mask") if self.towers.masked else ("input_ids",)
        return {name: found[name] for name in names}

    def encode_texts(self, batch: Mapping[str, Tensor], role: Role) -> Tensor:
        """Encode n captions: → [n, dim]."""
        return self.towers.texts(
            self.model,
            {name: each.to(self.device, non_blocking=True) for name, each in batch.items()},
        )

    def _normalized(self, texts: Sequence[str]) -> list[str]:
        return [text.lower() for text in texts] if self.towers.lower_case else list(texts)


def _logit_scale(model: Any) -> float:
    """Return the exponential of the parameter; ALIGN has a temperature, BLIP's ITC neither."""
    if (scale := getattr(model, "logit_scale", None)) is not None:
        return float(scale.float().exp().max())
    temperature = getattr(model, "temperature", None)
    return 1.0 if temperature is None else 1 / float(temperature)


def _logit_bias(model: Any) -> dict[str, float]:
    """Return SigLIP's bias, which changes no ranking of one query's candidates."""
    bias = getattr(model, "logit_bias", None)
    return {} if bias is None else {"logit_bias": float(bias)}


def _context_length(checkpoint: TransformersCheckpoint) -> int:
    """Return the smallest limit of training, tokenizer and positions.

    Raises:
        ModelError: none of them has a limit.
    """
    limits = (
        checkpoint.towers.context,
        checkpoint.tokenizer.model_max_length,
        checkpoint.positions(),
    )
    found = [int(length) for length in limits if length and length < MAX_CONTEXT]
    if not found:
        raise ModelError(
            f"{checkpoint.folder} names no context length. Write model_max_length into its "
            "tokenizer_config.json."
        )
    return min(found)


def _preprocessing(processor: Any) -> dict[str, Any]:
    """Return the image processor's settings and backend, as JSON has them."""
    from PIL.Image import Resampling

    record: dict[str, Any] = json.loads(processor.to_json_string())
    kept = {name: value for name, value in record.items() if value is not None}
    if isinstance(kept.get("resample"), int):
        kept["resample"] = Resampling(kept["resample"]).name.lower()
    kept.pop("processor_class", None)
    return kept | {
        "image_processor_type": type(processor).__name__,
        "backend": _backend(processor),
    }


def _backend(processor: Any) -> str:
    """Return what it resizes with: ``torchvision`` or ``pil``."""
    fast = type(processor).__name__.endswith("Fast")
    return str(getattr(processor, "backend", "torchvision" if fast else "pil"))


def _activations(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the activation that the configuration names for each tower."""
    towers = {name: config.get(f"{name}_config") or {} for name in ("vision", "text")}
    return {
        name: str(each["hidden_act"]) for name, each in towers.items() if each.get("hidden_act")
    }


def load(rest: str, options: LoadOptions) -> HuggingFace:
    """Load ``ORG/REPO[@REVISION]`` or a folder, each perhaps with ``+ADAPTER``.

    Raises:
        UsageError: neither a repository nor a folder was typed.
        WeightsUnavailable: not cached and not to be downloaded, or without weights.
        UnknownName: the kind of model is not in the table.
        ModelError: code or pickles that are not trusted, or weights that do not fit the model.
    """
    folder, adapter = resolve_adapter(rest, options)
    checkpoint = load_checkpoint(folder, adapter, options)
    return HuggingFace(checkpoint, name=f"hf:{rest}", options=options)


FAMILY = ModelFamily(
    name="hf",
    usage={
        "hf:ORG/REPO": "a dual encoder of the Hugging Face hub, by transformers (@REVISION)",
        "hf:./folder": "the same from a folder: config.json, weights, tokenizer, image processor",
        "hf:BASE+ADAPTER": "either with a PEFT adapter merged in",
    },
    load=load,
    options=OPTIONS | {"allow_partial", "trust_pickle", "trust_remote_code"},
)
