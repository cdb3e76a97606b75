"""Evaluate variants with a relation head of their own as relation scorers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import torch

from benchbench.variants import towers
from benchbench.variants.pairs import Regions

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image
    from torch import Tensor

    from benchbench.types import RelationInput, Vocabulary
    from benchbench.types.arrays import Floats
    from benchbench.variants.texts import CaptionReader


@runtime_checkable
class RelationModel(Protocol):
    """A ``variant.VariantModel`` with a relation head."""

    side: int
    """Pixels along the side of its whole images."""

    def log_predicates(self, regions: Regions, names: Tensor, phrases: Tensor) -> Tensor:
        """Return log-probabilities, [n, p, predicates]."""
        ...

    def log_names(self, regions: Regions, names: Tensor) -> Tensor:
        """Return log-probabilities, [n, k, objects]."""
        ...


class ImageScorer:
    """A scorer of one image's pairs and boxes at a time; it encodes each vocabulary once."""

    def __init__(self, model: Any, reader: CaptionReader) -> None:
        """Take a model in evaluation mode, wherever and in whatever precision it is."""
        self._model, self._reader = model, reader
        self._transform = _whole(model)
        self._like: Tensor = model.clip.logit_scale
        self._known: tuple[Vocabulary, Tensor, Tensor] | None = None

    def score_relations(self, inputs: RelationInput) -> Floats:
        """Return log-probabilities, [pairs, predicates]; a pair's sum: that it is related."""
        names, phrases = self._embedded(inputs.vocabulary)
        return _array(self._model.log_predicates(self._regions(inputs), names, phrases))

    def score_objects(self, inputs: RelationInput) -> Floats:
        """Return log-probabilities, [boxes, objects]."""
        return _array(
            self._model.log_names(self._regions(inputs), self._embedded(inputs.vocabulary)[0])
        )

    def _embedded(self, vocabulary: Vocabulary) -> tuple[Tensor, Tensor]:
        """Encode the vocabulary: [objects, dim] and [predicates, dim]."""
        if self._known is None or self._known[0] != vocabulary:
            names, phrases = (
                self._model.encode_texts(self._reader.read(texts).to(self._like.device), "object")
                for texts in (vocabulary.objects, vocabulary.predicates)
            )
            self._known = vocabulary, names, phrases
        return self._known[1:]

    def _regions(self, inputs: RelationInput) -> Regions:
        image = inputs.image().convert("RGB")
        sides = torch.tensor((*image.size, *image.size), dtype=torch.float32)
        boxes = torch.tensor(inputs.boxes, dtype=torch.float32).reshape(-1, 4) / sides
        labels = inputs.labels or (0,) * len(boxes)
        found = Regions(
            images=self._transform(image)[None].to(self._like.dtype),
            boxes=boxes[None],
            there=torch.ones(1, len(boxes), dtype=torch.bool),
            labels=torch.tensor(labels, dtype=torch.int64)[None],
            ends=torch.tensor(inputs.pairs, dtype=torch.int64).reshape(1, -1, 2),
        )
        return found.to(self._like.device)


def _whole(model: Any) -> Callable[[Image], Tensor]:
    """Return the towers' own preprocessing at the size of whole images; nothing is cropped."""
    config = dict(model.clip.visual.preprocess_cfg) | {"size": model.side, "resize_mode": "squash"}
    return towers.find_transform(config)


def _array(found: Tensor) -> Floats:
    return np.asarray(found[0].double().cpu().numpy())
