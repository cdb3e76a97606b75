"""Cache the keys and values of the prefix, image included, that all prompts of an image share.

With causal attention, the keys and values of a prefix do not depend on what follows it. They are
computed once per image and batch; only the remainder of each prompt, with the caption, is then
computed for each pair. Otherwise, an image's hundreds of tokens would be computed again for
every caption of a few dozen.

Loading a model checks that its attention is causal, and that its cache gives the same logits. If
not, every prompt is computed whole.
"""

from __future__ import annotations

import inspect
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchbench.adapters.prompts import common_length

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence

    from torch import Tensor

ON_CPU = 2 << 30
"""Maximum bytes of keys and values at once, on devices other than CUDA."""
SHARE = 3
"""On CUDA, the maximum is the free memory divided by this."""
CACHES = ("cache", "past_key_values")
"""The name of the cache in newer and in older transformers: an argument and an output."""


@dataclass(frozen=True, slots=True)
class PrefixGroup:
    """Prompts with the same prefix apart from the image, whose images have as many tokens."""

    rows: Sequence[int]
    """The row of each prompt in the batch."""
    images: Sequence[int]
    """For each distinct image, the first row of the batch that has it."""
    of_row: Sequence[int]
    """For each of ``rows``, the index of its image in ``images``."""
    length: int
    """Length of the prefix in ids; the image's placeholder counts as one."""

    @property
    def saves_work(self) -> bool:
        """Whether there is a prefix, and an image that occurs twice."""
        return self.length > 0 and len(self.images) < len(self.rows)


def prefix_groups(
    prompts: Sequence[Sequence[int]],
    images: Sequence[Hashable],
    tokens: Sequence[int],
    placeholder: int,
) -> Iterator[PrefixGroup]:
    """Group the rows of a batch by the number of their images' tokens.

    Args:
        prompts: n rows of ids, one placeholder in each.
        images: n keys; equal for rows with the same image.
        tokens: the number of tokens of each row's image.
        placeholder: the id that stands for the image.
    """
    of_size: dict[int, list[int]] = {}
    for row, size in enumerate(tokens):
        of_size.setdefault(size, []).append(row)
    for rows in of_size.values():
        first: dict[Hashable, int] = {}
        for row in rows:
            first.setdefault(images[row], row)
        numbers = {image: number for number, image in enumerate(first)}
        group = [prompts[row] for row in rows]
        length = min(common_length(*group), min(map(len, group)) - 1)
        if length <= group[0].index(placeholder):
            length = 0
        yield PrefixGroup(
            rows, list(first.values()), [numbers[images[row]] for row in rows], length
        )


@dataclass(frozen=True, slots=True)
class PrefixCache:
    """Keys and values of prefixes."""

    cache: Any
    """transformers' cache object, for u prefixes."""
    cache_name: str
    """The argument of the model that takes them: one of CACHES."""
    length: int
    """Tokens of each prefix, the image's included."""
    deltas: Tensor | None
    """[u, 1]: offset of positions after an image (``rope_deltas``); None in most models."""


def cache_name(model: Any) -> str:
    """Return which of CACHES the model's ``forward`` takes; the older one if neither.

    >>> from types import SimpleNamespace
    >>> cache_name(SimpleNamespace(forward=lambda input_ids, cache=None: ...))
    'cache'
    """
    taken = inspect.signature(model.forward).parameters
    return next((name for name in CACHES if name in taken), CACHES[-1])


def read_prefixes(
    model: Any, inputs: dict[str, Tensor], images: dict[str, Any], cache_name: str
) -> PrefixCache:
    """Compute the keys and values of u prefixes of one length.

    Args:
        model: a generative model of transformers.
        inputs: ``input_ids``, [u, length], and tensors parallel to them.
        images: the images, as keyword arguments of the model.
        cache_name: one of CACHES.
    """
    output = model(**inputs, **images, use_cache=True, logits_to_keep=1)
    deltas = next(
        (
            each
            for part in model.modules()
            if (each := getattr(part, "rope_deltas", None)) is not None
        ),
        None,
    )
    cache = getattr(output, cache_name)
    return PrefixCache(cache, cache_name, inputs["input_ids"].shape[1], deltas)


def continue_prefixes(
    model: Any, start: PrefixCache, of_row: Tensor, inputs: dict[str, Tensor], lengths: Tensor
) -> Tensor:
    """Return the logits after the last token of each prompt: [n, vocabulary].

    Args:
        model: the model that computed the prefixes.
        start: their keys and values; unusable afterwards, because the cache is modified.
        of_row: [n], the prefix of each row.
        inputs: ``input_ids`` of the prompts' remainders, [n, longest], padded on the right, their
            ``attention_mask``, and further tensors parallel to them.
        lengths: [n], lengths of the remainders.
    """
    import torch

    last, parts = lengths - 1, []

    def kept(rows: Tensor) -> Tensor:
        return torch.arange(int(last[rows].min()), int(last[rows].max()) + 1, device=last.device)

    for rows, logits in continuations(model, start, of_row, inputs, kept):
        at = last[rows] - last[rows].min()
        parts.append(logits[torch.arange(len(rows), device=last.device), at])
    return torch.cat(parts)


def continuations(
    model: Any,
    start: PrefixCache,
    of_row: Tensor,
    inputs: dict[str, Tensor],
    kept: Callable[[Tensor], Tensor],
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield rows, [m], and their logits at some tokens: [m, tokens, vocabulary].

    Args:
        model: as for ``continue_prefixes``.
        start: likewise.
        of_row: likewise.
        inputs: likewise.
        kept: returns the numbers of these tokens in the remainders of rows, in ascending order.
    """
    import torch

    ends = inputs["input_ids"]
    size = _rows_at_once(start, ends.shape[1])
    for at in range(0, len(ends), size):
        rows = torch.arange(at, min(at + size, len(ends)), device=ends.device)
        cache = deepcopy(start.cache) if at + size < len(ends) else start.cache
        cache.batch_select_indices(of_row[rows])
        mine = {name: each[rows] for name, each in inputs.items()}
        mask = mine.pop("attention_mask")
        before = mask.new_ones(len(rows), start.length)
        output = model(
            **mine,
            attention_mask=torch.cat([before, mask], dim=1),
            position_ids=_positions(start, of_row[rows], ends.shape[1]),
            logits_to_keep=kept(rows),
            use_cache=True,
            **{start.cache_name: cache},
        )
        yield rows, output.logits


def _positions(start: PrefixCache, of_row: Tensor, count: int) -> Tensor:
    """Return positions after the prefixes: [n, count], or [3, n, count] with ``rope_deltas``."""
    import torch

    places = torch.arange(start.length, start.length + count, device=of_row.device)
    if start.deltas is None:
        return places.expand(len(of_row), count)
    return (places + start.deltas.to(of_row.device)[of_row]).expand(3, len(of_row), count)


def _rows_at_once(start: PrefixCache, longest: int) -> int:
    """Return how many rows' keys and values fit into memory at once, at least 1."""
    import torch

    layers = [layer for layer in start.cache.layers if getattr(layer, "keys", None) is not None]
    held = sum(each[0].nbytes for layer in layers for each in (layer.keys, layer.values))
    a_row = held * (1 + longest / start.length)
    device = layers[0].keys.device if layers else torch.device("cpu")
    room = torch.cuda.mem_get_info(device)[0] / SHARE if device.type == "cuda" else ON_CPU
    return max(1, int(room / max(a_row, 1.0)))
