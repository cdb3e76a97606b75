"""Pair scorers whose text model reads captions, and images apart: by cross-attention, say."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from benchbench.adapters.pretrained import manifest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PIL.Image import Image
    from torch import Tensor

    from benchbench.adapters.huggingface.weights import PretrainedModel
    from benchbench.types import LoadOptions

    Ids = Mapping[str, Tensor]
    """``input_ids`` and ``attention_mask``: [n, longest]."""


class TowerScorer(ABC):
    """A pair scorer that prepares images and captions by a processor."""

    def __init__(
        self,
        pretrained: PretrainedModel,
        processor: Any,
        towers: Any,
        settings: Mapping[str, Any],
        *,
        name: str,
        weights: str,
        options: LoadOptions,
    ) -> None:
        model = pretrained.model
        self._processor = processor
        self._dtype = model.dtype
        self._towers = towers
        self.device = str(model.device)
        self.manifest = manifest(
            pretrained,
            processor,
            options,
            name=name,
            weights=weights,
            context_length=min(towers.context_length, processor.tokenizer.model_max_length),
            settings=dict(settings),
        )

    def transform(self, image: Image) -> Tensor:
        """Preprocess an image: [3, height, width]."""
        prepared = self._processor.image_processor(images=image, return_tensors="pt")
        return prepared["pixel_values"][0]  # type: ignore[no-any-return]

    def encode_images(self, images: Sequence[Tensor]) -> Sequence[Any]:
        """Return the features of each image."""
        import torch

        return self._towers.encode(torch.stack(list(images)).to(self.device, self._dtype))  # type: ignore[no-any-return]

    def token_ids(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Return the tokenizer's ids of each caption, [CLS] first."""
        rows = self._processor.tokenizer(list(texts), truncation=False, verbose=False)
        return [tuple(ids) for ids in rows["input_ids"]]

    def tokenize(self, texts: Sequence[str]) -> Ids:
        """Tokenize captions, padded to the longest."""
        rows = self._processor.tokenizer(
            list(texts),
            padding="longest",
            padding_side="right",
            truncation=True,
            max_length=self.manifest.context_length,
            return_tensors="pt",
        )
        return {name: rows[name] for name in ("input_ids", "attention_mask")}

    @abstractmethod
    def score(self, features: Sequence[Any], batch: Ids) -> Tensor:
        """Score pairs: [n]."""
