"""Encoding of a share of an evaluation's inputs into the store, for several workers on one model.

Which worker encodes an input is decided by a digest of its name: of an image file's path below the
data root, or of a caption's text. So all crops of a file are one worker's, which alone decodes it,
and no worker reads the files of another. Protocols get placeholders in the place of encodings.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbench.embedding.captions import EncodedCaptions
from benchbench.embedding.encoder import Encoder
from benchbench.embedding.outputs import EmbeddingTable
from benchbench.embedding.pairs import PairScores

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchbench.embedding.pairs import Block
    from benchbench.types import ImageRef, PairScorer, Role


@dataclass(frozen=True, slots=True)
class Share:
    """One part of several of all inputs."""

    part: int
    """From 0."""
    parts: int
    root: Path
    """The data root, which may be another folder for another worker."""

    def part_of(self, lacking: object) -> int:
        """Return the part that an image file's path, or a caption, belongs to."""
        name = str(lacking)
        if isinstance(lacking, Path) and lacking.is_relative_to(self.root):
            name = lacking.relative_to(self.root).as_posix()
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
        return int.from_bytes(digest[:8], "big") % self.parts

    def has(self, name: Path | str) -> bool:
        """Return whether an input is of this part."""
        return self.part_of(name) == self.part


@dataclass(slots=True)
class Listing:
    """The distinct inputs of an evaluation."""

    images: set[tuple[ImageRef, Role]] = field(default_factory=set)
    """Images and crops."""
    captions: set[tuple[str, Role]] = field(default_factory=set)
    pairs: dict[ImageRef, frozenset[str]] = field(default_factory=dict)
    """The captions that each image is scored with; images of one gallery share a set."""

    def __or__(self, other: Listing) -> Listing:
        """Return the inputs of either."""
        found = Listing(self.images | other.images, self.captions | other.captions, {**self.pairs})
        found.add_pairs(other.pairs)
        return found

    def add_pairs(self, pairs: Mapping[ImageRef, frozenset[str]]) -> None:
        """Add the captions that images are scored with."""
        for ref, texts in pairs.items():
            there = self.pairs.get(ref, texts)
            self.pairs[ref] = texts if there is texts else there | texts

    @property
    def n_pairs(self) -> int:
        """Return the number of distinct pairs."""
        return sum(map(len, self.pairs.values()))


class SharedEncoder(Encoder):
    """An encoder of a share of the inputs; without a share it lists all and encodes none."""

    def __init__(self, model: Any, share: Share | None, **how: Any) -> None:
        """Prepare to encode; ``how`` holds the arguments of ``Encoder``."""
        super().__init__(model, **how)
        self.listing = Listing()
        self._share = share

    def images(self, refs: Iterable[ImageRef], role: Role = "scene") -> EmbeddingTable[ImageRef]:
        """Encode this share's images; return placeholders for all."""
        refs = list(dict.fromkeys(refs))
        self.listing.images |= {(ref, role) for ref in refs}
        if own := [ref for ref in refs if self._has(ref.path)]:
            super().images(own, role)
        return EmbeddingTable(dict.fromkeys(refs, 0), np.zeros((1, 1), np.float32))

    def check_files(self, refs: Iterable[ImageRef]) -> None:
        """Read this share's files."""
        super().check_files(ref for ref in refs if self._has(ref.path))

    def captions(self, texts: Iterable[str], role: Role = "scene") -> EncodedCaptions:
        """Encode this share's captions; return placeholders for all."""
        texts = list(dict.fromkeys(texts))
        self.listing.captions |= {(text, role) for text in texts}
        if own := [text for text in texts if self._has(text)]:
            super().captions(own, role)
        table = EmbeddingTable(dict.fromkeys(texts, 0), np.zeros((1, 1), np.float32))
        return EncodedCaptions(table, {text: (i,) for i, text in enumerate(texts)}, frozenset())

    def pairs(
        self, blocks: Sequence[Block], scorer: PairScorer | None = None, name: str = ""
    ) -> PairScores:
        """Score the pairs of this share's images; return placeholders for all."""
        own = [([ref for ref in refs if self._has(ref.path)], texts) for refs, texts in blocks]
        if own := [(refs, texts) for refs, texts in own if refs]:
            super().pairs(own, scorer, name)
        return self._placeholders(blocks)

    def _placeholders(self, blocks: Sequence[Block]) -> PairScores:
        texts = list(dict.fromkeys(text for _, block in blocks for text in block))
        refs = list(dict.fromkeys(ref for block, _ in blocks for ref in block))
        for block, captions in blocks:
            self.listing.add_pairs(dict.fromkeys(block, frozenset(captions)))
        numbers = {text: i for i, text in enumerate(texts)}
        every = np.arange(len(texts))
        return PairScores(
            token_ids={text: (i,) for text, i in numbers.items()},
            truncated=frozenset(),
            numbers=numbers,
            captions_of=dict.fromkeys(refs, every),
            scores=dict.fromkeys(refs, np.zeros(len(texts), np.float32)),
        )

    def _has(self, name: Path | str) -> bool:
        return self._share is not None and self._share.has(name)
