"""Dual encoders through transformers: ``hf:ORG/REPO``, ``hf:./folder``.

Which kinds are run, and how each is asked, stands in ``huggingface/towers.py``; what becomes of
code and pickles in ``folder.py`` and ``loading.py`` beside it.
"""

from __future__ import annotations

import json
from threading import Lock
from typing import TYPE_CHECKING, Any

from benchbench.adapters.huggingface.checkpoint import Loaded, load_checkpoint
from benchbench.adapters.huggingface.checks import check_captions, check_pictures, trims_exactly
from benchbench.adapters.huggingface.folder import CONFIG, VOCABULARIES
from benchbench.adapters.huggingface.lora import with_adapter
from benchbench.checkpoints.activations import activation_of
from benchbench.checkpoints.digests import weights_sha256
from benchbench.devices import inference
from benchbench.errors import ModelError
from benchbench.types import LoadOptions, ModelFamily, ModelManifest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PIL.Image import Image
    from torch import Tensor, nn

    from benchbench.types import Role, Similarity

UNBOUNDED = 10**6
"""Tokenizers without a limit say a number of thirty digits."""


class HuggingFace:
    """A dual encoder of transformers, with its image processor and tokenizer."""

    similarity: Similarity = "cosine"

    def __init__(self, loaded: Loaded, *, name: str, options: LoadOptions) -> None:
        """Take a checkpoint to its device and precision, and try it.

        Args:
            loaded: model in fp32, image processor, tokenizer.
            name: the specification.
            options: device and precision.

        Raises:
            ModelError: what was loaded does not run, or does not tell captions apart.
        """
        import torch

        kinds = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
        self._dtype = kinds[options.precision]
        self.model = loaded.model.eval().requires_grad_(False).to(options.device, self._dtype)
        self.towers = loaded.towers
        self.tokenizer = loaded.tokenizer
        self.processor = loaded.processor
        # by arrays, Pillow's side takes pictures 1 or 3 pixels high for channels first
        by_arrays = _backend(loaded.processor) == "pil"
        self._layout = {"input_data_format": "channels_last"} if by_arrays else {}
        self.device = str(next(self.model.parameters()).device)
        self.logit_scale = _logit_scale(loaded.model)
        self.context_length = _context_length(loaded)
        self._one_at_a_time = Lock()  # a tokenizer holds the padding of its last call
        self.whole_context = True
        with inference():
            dimension = check_pictures(self, name)
            check_captions(self, name, loaded.vocabulary(), dimension)
            trimmed = not self.towers.whole_context and trims_exactly(self, options.precision)
        self.whole_context = not trimmed
        self.manifest = ModelManifest(
            name=name,
            architecture=f"{loaded.config.get('model_type')}/{type(self.model).__name__}",
            weights=str(loaded.folder),
            weights_sha256=weights_sha256(self.model.state_dict()),
            trained=loaded.trained,
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
                "hidden_act": _activations(loaded.config),
                "attention": str(getattr(self.model.config, "_attn_implementation", "its own")),
                "config_sha256": loaded.folder.sha256(CONFIG),
                "tokenizer_sha256": loaded.folder.sha256(*VOCABULARIES),
                **_logit_bias(self.model),
                **loaded.settings,
            },
        )

    @property
    def module(self) -> nn.Module:
        """What computes: transformers' own."""
        return self.model  # type: ignore[no-any-return]

    def transform(self, image: Image) -> Tensor:
        """[3, height, width], by the checkpoint's image processor."""
        found = self.processor(images=image, return_tensors="pt", **self._layout)
        return found["pixel_values"][0]  # type: ignore[no-any-return]

    def encode_images(self, batch: Tensor, role: Role) -> Tensor:
        """[n, 3, height, width] → [n, dim]."""
        return self.towers.images(self.model, batch.to(self.device, self._dtype, non_blocking=True))

    def token_ids(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Ids of each caption, special tokens included, untruncated."""
        with self._one_at_a_time:
            found = self.tokenizer(self._worded(texts), verbose=False)
        return [tuple(ids) for ids in found["input_ids"]]

    def tokenize(self, texts: Sequence[str]) -> dict[str, Tensor]:
        """``input_ids`` [n, length], and ``attention_mask`` where the tower takes one."""
        with self._one_at_a_time:
            found = self.tokenizer(
                self._worded(texts),
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
        """n captions → [n, dim]."""
        return self.towers.texts(
            self.model,
            {name: each.to(self.device, non_blocking=True) for name, each in batch.items()},
        )

    def _worded(self, texts: Sequence[str]) -> list[str]:
        return [text.lower() for text in texts] if self.towers.lower_case else list(texts)


def _logit_scale(model: Any) -> float:
    """Exponential of the learnt parameter; ALIGN divides by a temperature; BLIP's ITC has none."""
    if (scale := getattr(model, "logit_scale", None)) is not None:
        return float(scale.float().exp().max())
    temperature = getattr(model, "temperature", None)
    return 1.0 if temperature is None else 1 / float(temperature)


def _logit_bias(model: Any) -> dict[str, float]:
    """SigLIP's, which moves no ranking of one query's candidates."""
    bias = getattr(model, "logit_bias", None)
    return {} if bias is None else {"logit_bias": float(bias)}


def _context_length(loaded: Loaded) -> int:
    """The least that training, tokenizer and positions allow.

    Raises:
        ModelError: nothing says.
    """
    said = (loaded.towers.context, loaded.tokenizer.model_max_length, loaded.positions())
    found = [int(length) for length in said if length and length < UNBOUNDED]
    if not found:
        raise ModelError(
            f"{loaded.folder} does not say how many tokens it reads: put model_max_length into "
            "tokenizer_config.json."
        )
    return min(found)


def _preprocessing(processor: Any) -> dict[str, Any]:
    """What the image processor does, with who does it: as JSON has it."""
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
    """What it resizes with: ``torchvision`` or ``pil``."""
    fast = type(processor).__name__.endswith("Fast")
    return str(getattr(processor, "backend", "torchvision" if fast else "pil"))


def _activations(config: Mapping[str, Any]) -> dict[str, str]:
    """What the configuration says of each tower, where it does."""
    towers = {name: config.get(f"{name}_config") or {} for name in ("vision", "text")}
    return {
        name: str(each["hidden_act"]) for name, each in towers.items() if each.get("hidden_act")
    }


def load(rest: str, options: LoadOptions) -> HuggingFace:
    """Load ``ORG/REPO[@REVISION]`` or a folder, each perhaps with ``+ADAPTER``.

    Raises:
        UsageError: neither a repository nor a folder was named.
        WeightsUnavailable: not cached and not to be fetched, or no weights in there.
        UnknownName: a kind of model that is not known here.
        ModelError: code or pickles that were not trusted, weights that do not fill the model.
    """
    folder, adapter = with_adapter(rest, options)
    loaded = load_checkpoint(folder, adapter, options)
    return HuggingFace(loaded, name=f"hf:{rest}", options=options)


FAMILY = ModelFamily(
    name="hf",
    usage={
        "hf:ORG/REPO": "a dual encoder of the Hugging Face hub, by transformers (@REVISION)",
        "hf:./folder": "the same from a folder: config.json, weights, tokenizer, image processor",
        "hf:BASE+ADAPTER": "either with a PEFT adapter merged in",
    },
    load=load,
    options=frozenset({"allow_partial", "trust_pickle", "trust_remote_code"}),
)
