"""Cache the keys and values of cross-attention, once per image instead of once per pair.

An image has hundreds of patches and a caption a dozen tokens: projecting the patches to keys and
values, layer by layer, is most of a pair's cost. In a batch where images repeat, the projections
are applied to each distinct image, and their rows are then repeated.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor, nn


def distinct_objects(features: Sequence[Any]) -> tuple[list[Any], list[int]]:
    """Return the distinct objects, and the number of each among them."""
    number: dict[int, int] = {}
    distinct: list[Any] = []
    for each in features:
        if number.setdefault(id(each), len(number)) == len(distinct):
            distinct.append(each)
    return distinct, [number[id(each)] for each in features]


class CrossAttentionCache:
    """Hooks on ``key`` and ``value`` of every ``crossattention`` of a model."""

    def __init__(self, model: nn.Module) -> None:
        self._patches: Tensor | None = None
        self._which: Any = None
        for name, module in model.named_modules():
            parts = name.split(".")
            if "crossattention" in parts and parts[-1] in ("key", "value"):
                module.register_forward_pre_hook(self._distinct)
                module.register_forward_hook(self._repeated)

    @contextmanager
    def of(self, features: Sequence[Tensor]) -> Iterator[Tensor]:
        """Use these images within the context; yield what to pass as the encoder's states.

        The states have the shape of the patches, and are NaN: a layer that read them without the
        projections would show.

        Args:
            features: [tokens, width] each, one a pair; an image's are one object in all its pairs.
        """
        import torch

        distinct, which = distinct_objects(features)
        self._patches = torch.stack(distinct)
        self._which = torch.tensor(which, device=self._patches.device)
        try:
            nothing = self._patches.new_full((1, 1, 1), float("nan"))
            yield nothing.expand(len(which), *self._patches.shape[1:])
        finally:
            self._patches = self._which = None

    def _distinct(self, module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        if self._patches is None:
            return inputs
        return (self._patches.to(inputs[0].dtype),)

    def _repeated(self, module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
        return output if self._which is None else output.index_select(0, self._which)
