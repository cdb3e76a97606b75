"""What blind models that score captions have in common: a caption's score is the same everywhere.

Every picture is embedded as [1], a caption as [score], and the two are compared by dot product: so
a score is a float32, and two scores nearer than one part in 10⁷ tie. A caption is scored once,
and captions that read alike (``read``) get one score, that of the first.
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


class Unseeing(ABC):
    """A dual encoder that looks at captions alone."""

    similarity: Similarity = "dot"
    logit_scale = 1.0
    device = "cpu"
    manifest: ModelManifest

    @abstractmethod
    def token_ids(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """What it reads of each caption."""

    @abstractmethod
    def tokenize(self, texts: Sequence[str]) -> Any:
        """Captions ready for ``encode_texts``."""

    @abstractmethod
    def encode_texts(self, batch: Any, role: Role) -> Tensor:
        """Their scores: [n, 1]."""

    def transform(self, image: Image) -> Tensor:
        """Nothing of the picture: zero, as [3, 1, 1]."""
        import torch

        return torch.zeros(3, 1, 1)

    def encode_images(self, batch: Tensor, role: Role) -> Tensor:
        """[n, 3, 1, 1] → ones, as [n, 1]."""
        import torch

        return torch.ones(len(batch), 1)


class Reader(Unseeing):
    """One that computes a score from a caption's text, without a network."""

    def __init__(self, kind: str, reading: str, settings: Mapping[str, Any]) -> None:
        self.manifest = manifest(f"blind:{kind}", tokenizer=reading, settings=settings)

    @abstractmethod
    def score(self, text: str) -> float:
        """How true a caption sounds, as ``read`` gives it; finite."""

    def read(self, text: str) -> str:
        """What is read of a caption: all of it."""
        return text

    def token_ids(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """The bytes of what is read of each caption."""
        return [tuple(self.read(text).encode()) for text in texts]

    def tokenize(self, texts: Sequence[str]) -> list[str]:
        """What is read of each caption, cut to the context: so many bytes."""
        most = self.manifest.context_length
        return [self.read(text).encode()[:most].decode(errors="ignore") for text in texts]

    def encode_texts(self, batch: list[str], role: Role) -> Tensor:
        """n captions → [n, 1]."""
        import torch

        return torch.tensor([[self.score(text)] for text in batch], dtype=torch.float32)


class Length(Reader):
    """By the number of characters: the shorter scores higher, or the longer."""

    def __init__(self, kind: str, sign: int) -> None:
        prefers = "the longer" if sign > 0 else "the shorter"
        super().__init__(kind, "characters", {"prefers": prefers})
        self._sign = sign

    def score(self, text: str) -> float:
        """± its characters."""
        return float(self._sign * len(text))


def manifest(name: str, **known: Any) -> ModelManifest:
    """The manifest of a model without pictures: what is not ``known`` is none."""
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
        "similarity": Unseeing.similarity,
    }
    return ModelManifest(name=name, **(nothing | known))
