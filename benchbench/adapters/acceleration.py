"""Run an image tower compiled by torch, or with channels last, where the user asks for it.

Both may change the last bits of embeddings, so that they are settings in the manifest: stored
encodings are not mixed. The text tower stays as it is: captions of every length would be compiled
anew, and images take most of the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchbench.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from benchbench.types import LoadOptions

OPTIONS = frozenset({"channels_last", "compile"})
"""The load options that ``accelerated`` applies."""


def accelerated(
    encode: Callable[[Tensor], Tensor], module: nn.Module, options: LoadOptions
) -> Callable[[Tensor], Tensor]:
    """Return a function of pixels, [n, 3, height, width] → [n, dim], in the form asked for.

    Args:
        encode: the plain one.
        module: what it computes with, on its device; its layout is changed.
        options: ``channels_last`` and ``compile``.
    """
    if options.channels_last:
        encode = _with_channels_last(encode, module)
    return _compiled(encode) if options.compile else encode


def acceleration(options: LoadOptions) -> dict[str, Any]:
    """Return those of the options that are on, as settings of a manifest."""
    return {name: True for name in sorted(OPTIONS) if getattr(options, name)}


def _with_channels_last(
    encode: Callable[[Tensor], Tensor], module: nn.Module
) -> Callable[[Tensor], Tensor]:
    import torch

    module.to(memory_format=torch.channels_last)

    def run(pixels: Tensor) -> Tensor:
        return encode(pixels.contiguous(memory_format=torch.channels_last))

    return run


def _compiled(encode: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Return a function that is compiled when it is first called, for batches of any size."""
    import torch
    from torch._dynamo.exc import TorchDynamoException

    fast: Callable[[Tensor], Tensor] = torch.compile(encode, dynamic=True)

    def run(pixels: Tensor) -> Tensor:
        try:
            return fast(pixels)
        except TorchDynamoException as error:
            reason = " ".join(str(error).split())[:200]
            raise ModelError(
                f"torch cannot compile this model: {reason} Leave out --compile."
            ) from error

    return run
