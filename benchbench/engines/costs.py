"""What a model takes of a device: operations and memory of one input, as torch counts them."""

from __future__ import annotations

import weakref
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchbench.devices import inference
from benchbench.failures import foreign_code
from benchbench.types import scores_pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchbench.types import PairScorer

DEFAULT_BATCH = 256
"""The batch of an accelerator that memory is estimated for."""
CONTEXT = 2**29
"""Bytes that a device's own libraries take, whatever the model: half a gibibyte."""


@dataclass(frozen=True, slots=True)
class Cost:
    """One input's operations, and the most bytes that its tensors take at a time."""

    flops: float = 0
    peak: int = 0


@dataclass(frozen=True, slots=True)
class Costs:
    """A model's costs by kind of input; 0 where torch does not see them."""

    weights: int
    """Bytes of parameters and buffers."""
    image: Cost = Cost()
    caption: Cost = Cost()
    pair: Cost = Cost()

    def memory(self, batch_size: int) -> int:
        """Return an estimate of the bytes on a device; 0 if the weights cannot be counted."""
        if not self.weights:
            return 0
        largest = max(self.image.peak, self.caption.peak, self.pair.peak)
        return CONTEXT + self.weights + batch_size * largest


def count_costs(model: Any) -> Costs:
    """Return a model's costs on a blank image and a short caption.

    Models whose operations torch does not see have none.

    Raises:
        ModelError: the model cannot run on these inputs.
    """
    from PIL.Image import new

    blank = new("RGB", (64, 64))
    weights = _weight_bytes(model)
    with inference():
        if scores_pairs(model):
            return _pair_costs(model, blank, weights)
        image = _count(lambda: model.encode_images(model.transform(blank)[None], "scene"))
        caption = _count(lambda: model.encode_texts(model.tokenize(["a word"]), "scene"))
        return Costs(weights, image=image, caption=caption)


def _pair_costs(model: PairScorer, blank: Any, weights: int) -> Costs:
    features: list[Any] = []
    image = _count(lambda: features.extend(model.encode_images([model.transform(blank)])))
    pair = _count(lambda: model.score(features, model.tokenize(["a word"])))
    return Costs(weights, image=image, pair=pair)


def _weight_bytes(model: Any) -> int:
    """Return the bytes of all parameters and buffers of the modules that a model holds."""
    import torch

    modules = [model, *getattr(model, "__dict__", {}).values()]
    tensors = {
        id(tensor): tensor.nbytes
        for module in modules
        if isinstance(module, torch.nn.Module)
        for tensor in (*module.parameters(), *module.buffers())
    }
    return sum(tensors.values())


def _count(run: Callable[[], Any]) -> Cost:
    from torch.utils.flop_counter import FlopCounterMode

    memory = _memory_mode()
    counter = FlopCounterMode(display=False)
    with counter, memory, _plain_attention(), foreign_code("The model"):
        run()
    return Cost(float(counter.get_total_flops()), memory.peak)


@contextmanager
def _plain_attention() -> Iterator[None]:
    """Keep torch's attention from its fused form, which is one operation that is not counted."""
    from torch.backends import mha

    before = mha.get_fastpath_enabled()
    mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        mha.set_fastpath_enabled(before)


def _memory_mode() -> Any:
    """Return a mode of torch that counts the bytes of all tensors that operations make."""
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    class Memory(TorchDispatchMode):  # type: ignore[no-untyped-call]
        """Adds a new storage's bytes, and takes them off when its last tensor is freed."""

        peak = now = 0

        def __init__(self) -> None:
            super().__init__()  # type: ignore[no-untyped-call]
            self.known: set[int] = set()

        def __torch_dispatch__(
            self, function: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            result = function(*args, **(kwargs or {}))
            given = {_storage(each) for each in tree_leaves((args, kwargs or {}))}
            for each in tree_leaves(result):
                place = _storage(each)
                if place is not None and place not in given and place not in self.known:
                    self.known.add(place)
                    storage = each.untyped_storage()
                    self.now += storage.nbytes()
                    self.peak = max(self.peak, self.now)
                    weakref.finalize(storage, self.free, place, storage.nbytes())
            return result

        def free(self, place: int, size: int) -> None:
            self.known.discard(place)
            self.now -= size

    return Memory()


def _storage(value: Any) -> int | None:
    import torch

    return value.untyped_storage().data_ptr() if isinstance(value, torch.Tensor) else None
