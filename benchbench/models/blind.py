"""Models that do not look: what a score is worth when nothing was seen.

``blind:constant`` scores everything alike: 0 where a tie is wrong, exactly chance where ties are
shared. Whoever counts its ties as right reports 100. ``blind:chance`` scores each picture and
caption by a hash of both and the seed: an honest coin, for intervals to be tried on.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from benchbench.errors import UnknownName
from benchbench.types import LoadOptions, ModelFamily, ModelManifest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image
    from torch import Tensor

    from benchbench.types import Role, Similarity

DIM = 64
KINDS = {
    "constant": "scores everything alike",
    "chance": "scores by a hash of picture and caption (--seed)",
}


class Blind:
    """A dual encoder whose vectors are hashes of its inputs, or all the same."""

    similarity: Similarity = "cosine"
    logit_scale = 1.0
    device = "cpu"

    def __init__(self, kind: str, seed: int) -> None:
        self._constant = kind == "constant"
        self._seed = 0 if self._constant else seed
        self.manifest = ModelManifest(
            name=f"blind:{kind}",
            architecture="none",
            weights="none",
            weights_sha256=hashlib.sha256(b"").hexdigest(),
            trained=True,
            activation="none",
            preprocessing={},
            tokenizer="UTF-8",
            context_length=4096,
            dtype="fp32",
            parameters=0,
            similarity=self.similarity,
            settings={"seed": self._seed},
        )

    def transform(self, image: Image) -> Tensor:
        """The digest of the pixels, a byte a number: [3, 1, 32], thrice the same."""
        import torch

        digest = hashlib.sha256(f"{image.size} {image.mode}".encode() + image.tobytes()).digest()
        return torch.tensor(list(digest), dtype=torch.float32).expand(3, 1, -1)

    def encode_images(self, batch: Tensor, role: Role) -> Tensor:
        """[n, 3, 1, 32] → [n, 64]."""
        return self._vectors([bytes(row.int().tolist()) for row in batch[:, 0, 0]])

    def token_ids(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """The bytes of each caption."""
        return [tuple(text.encode()) for text in texts]

    def tokenize(self, texts: Sequence[str]) -> list[bytes]:
        """The bytes of each caption, cut to the context."""
        return [text.encode()[: self.manifest.context_length] for text in texts]

    def encode_texts(self, batch: list[bytes], role: Role) -> Tensor:
        """n captions → [n, 64]."""
        return self._vectors(batch)

    def _vectors(self, inputs: Sequence[bytes]) -> Tensor:
        import torch

        if self._constant:
            return torch.ones(len(inputs), DIM)
        return torch.from_numpy(np.stack([self._hashed(each) for each in inputs]))

    def _hashed(self, content: bytes) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
        """64 numbers in [−1, 1) from a hash: [64]."""
        stream = hashlib.shake_256(f"{self._seed} ".encode() + content).digest(4 * DIM)
        return (np.frombuffer(stream, "<u4") / 2**31 - 1).astype(np.float32)


def load(rest: str, options: LoadOptions) -> Blind:
    """Load ``constant`` or ``chance``; device and precision make no difference.

    Raises:
        UnknownName: no such baseline.
    """
    if rest not in KINDS:
        hint = f"There are {', '.join(f'blind:{kind}' for kind in KINDS)}."
        raise UnknownName("blind baseline", rest, KINDS, hint)
    return Blind(rest, options.seed)


FAMILY = ModelFamily(
    name="blind",
    usage={f"blind:{kind}": meaning for kind, meaning in KINDS.items()},
    load=load,
)
