"""Base classes of text-only models: a caption's score is the same with every image.

Each image is embedded as [1], a caption as [score], and the two are compared by dot product: so a
score is a float32, and two scores closer than one part in 10⁷ tie. A caption is scored once, and
captions with the same normalized text (``read``) have one score, that of the first.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from benchbench.types import ModelManifest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from PIL.Image import Image
    from torch import Tensor

    from benchbench.types import Role, Similarity

NO_WEIGHTS = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""SHA-256 of nothing."""


class TextOnlyModel(ABC):
    """A dual encoder that ignores images."""

    similarity: Similarity = "dot"
    logit_scale = 1.0
    device = "cpu"
    manifest: ModelManifest

    @abstractmethod
    def token_ids(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Return the ids of each caption."""

    @abstractmethod
    def tokenize(self, texts: Sequence[str]) -> Any:
        """Prepare captions for ``encode_texts``."""

    @abstractmethod
    def encode_texts(self, batch: Any, role: Role) -> Tensor:
        """Return the captions' scores: [n, 1]."""

    def transform(self, image: Image) -> Tensor:
        """Return zero for any image: [3, 1, 1]."""
        import torch

        return torch.zeros(3, 1, 1)

    def encode_images(self, batch: Tensor, role: Role) -> Tensor:
        """Return ones: [n, 3, 1, 1] → [n, 1]."""
        import torch

        return torch.ones(len(batch), 1)


class CaptionScorer(TextOnlyModel):
    """A text-only model that scores by a function of the text, without a network."""

    def __init__(self, kind: str, reading: str, settings: Mapping[str, Any]) -> None:
        self.manifest = manifest(f"blind:{kind}", tokenizer=reading, settings=settings)

    @abstractmethod
    def score(self, text: str) -> float:
        """Return the score of a text from ``read``: finite, the higher the better."""

    def read(self, text: str) -> str:
        """Return the normalized text of a caption; here, all of it."""
        return text

    def token_ids(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Return the bytes of each caption's normalized text."""
        return [tuple(self.read(text).encode()) for text in texts]

    def tokenize(self, texts: Sequence[str]) -> list[str]:
        """Return each caption's normalized text, cut to the context in bytes."""
        most = self.manifest.context_length
        return [self.read(text).encode()[:most].decode(errors="ignore") for text in texts]

    def encode_texts(self, batch: list[str], role: Role) -> Tensor:
        """Score n captions: → [n, 1]."""
        import torch

        return torch.tensor([[self.score(text)] for text in batch], dtype=torch.float32)


class CaptionLength(CaptionScorer):
    """The number of characters: the shorter caption scores higher, or the longer."""

    def __init__(self, kind: str, sign: int) -> None:
        prefers = "the longer" if sign > 0 else "the shorter"
        super().__init__(kind, "characters", {"prefers": prefers})
        self._sign = sign

    def score(self, text: str) -> float:
        """Return ± the number of characters."""
        return float(self._sign * len(text))


def manifest(name: str, **known: Any) -> ModelManifest:
    """Return the manifest of a text-only model; fields that are not ``known`` are "none"."""
    nothing: dict[str, Any] = {
        "architecture": "none",
        "weights": "none",
        "weights_sha256": NO_WEIGHTS,
        "trained": True,
        "activation": "none",
        "preprocessing": {},
        "context_length": 4096,
        "dtype": "fp32",
        "parameters": 0,
        "similarity": TextOnlyModel.similarity,
    }
    return ModelManifest(name=name, **(nothing | known))
