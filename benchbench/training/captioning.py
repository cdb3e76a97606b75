"""How a captioner's best checkpoint is chosen: by which of two captions it finds likelier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from benchbench.devices import inference
from benchbench.training import validation

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image
    from torch import Tensor

    from benchbench.training.validation import Choices
    from benchbench.variants.texts import Reader

_AT_ONCE = 128


@dataclass(frozen=True)
class CaptionExam:
    """Images of ``val`` scenes with a true and a false caption each."""

    choices: dict[str, Choices]

    def marks(self, model: Any, reader: Reader, device: str) -> dict[str, float]:
        """Return the percentage of true captions that are likelier, by kind, and their mean."""
        model.eval()
        found: dict[str, float] = {}
        with inference():
            for name, each in self.choices.items():
                true, false = (
                    _likelihoods(model, reader, device, each.images, lines)
                    for lines in (each.true, each.false)
                )
                found[name] = each.share(true > false)
        model.train()
        return found | {"mean": float(np.mean(list(found.values())))}


def exam(transform: Callable[[Image], Tensor], scenes: int | None = None) -> CaptionExam:
    """Draw it: the items of ``validation.exam``.

    Args:
        transform: PIL image → [3, size, size].
        scenes: how many; by default as many as there.
    """
    return CaptionExam(validation.exam(transform, scenes=scenes).choices)


def _likelihoods(
    model: Any, reader: Reader, device: str, images: Tensor, lines: list[str]
) -> Tensor:
    """Return the mean log-likelihood of each image's caption: [n]."""
    parts = []
    for start in range(0, len(lines), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        texts = reader.read(lines[part]).to(device)
        parts.append(model.score(images[part].to(device), texts))
    return torch.cat(parts)
