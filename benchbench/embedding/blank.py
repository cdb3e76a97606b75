"""The encoder of a text-only model whose images are not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.embedding.embedded import Embedded
from benchbench.embedding.encoder import Encoder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchbench.types import ImageRef, Role


class BlankEncoder(Encoder):
    """An encoder that reads no image: all have the embedding of one blank pixel."""

    def images(self, refs: Iterable[ImageRef], role: Role = "scene") -> Embedded[ImageRef]:
        """Embed a blank image once, for all."""
        from PIL.Image import new

        model = self._model()
        blank = model.transform(new("RGB", (1, 1)))
        vectors = self.outputs.vectors(model.encode_images(blank[None], role), 1)
        rows = dict.fromkeys(refs, 0)
        self.shown |= rows.keys()
        return Embedded(rows, vectors)
