"""Read the prefix that an image's prompts share, the image included, once a batch.

With causal attention, keys and values of a prefix do not depend on what follows. They are computed
once an image, and the ends of the captions' prompts are read after them, so that an image's
hundreds of tokens are not read again for the dozens of every caption.

Whether a model's attention is causal, and whether its cache gives the same logits, is checked when
it is loaded; otherwise it reads every prompt whole.
"""

from __future__ import annotations

import inspect
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchbench.adapters.prompts import common_length

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from torch import Tensor

ON_CPU = 2 << 30
"""Bytes of keys and values in memory at once, on devices that do not report what is free."""
SHARE = 3
"""Elsewhere, one part of the free memory in so many."""
CACHES = ("cache", "past_key_values")
"""Newer and older transformers' name of keys and values, as an argument and in the output."""


@dataclass(frozen=True, slots=True)
class PrefixGroup:
    """Prompts with one prefix but for their images, each of which has as many tokens."""

    rows: Sequence[int]
    """Their rows of the batch."""
    images: Sequence[int]
    """A row of the batch for each distinct image."""
    of_row: Sequence[int]
    """The image of each row, as its number among them."""
    length: int
    """Of the prefix, in ids of a prompt: the placeholder counts as one."""

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
        images: a key of each row's image.
        tokens: how many each row's image has.
        placeholder: the id in an image's place.
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
    """Keys and values: a cache of transformers for ``u`` prefixes."""
    cache_name: str
    """The argument of the model that takes them: one of CACHES."""
    length: int
    """Tokens of each, those of the image among them."""
    deltas: Tensor | None
    """[u, 1]: offset of positions after an image, of models with rotary sections."""


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
    """Read u prefixes of one length.

    Args:
        model: a generative one of transformers.
        inputs: ``input_ids``, [u, length], and tensors parallel to them.
        images: as arguments of the model.
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
    """Return the logits after the last token of each end: [n, vocabulary].

    Args:
        model: the one that read the prefixes.
        start: their keys and values; the cache is changed by the last rows.
        of_row: [n], the prefix of each row.
        inputs: ``input_ids`` of the ends, [n, longest], padded on the right, their
            ``attention_mask``, and further tensors parallel to them.
        lengths: [n], of the ends.
    """
    import torch

    ends, parts = inputs["input_ids"], []
    size = _at_once(start, ends.shape[1])
    for at in range(0, len(ends), size):
        rows = torch.arange(at, min(at + size, len(ends)), device=ends.device)
        cache = deepcopy(start.cache) if at + size < len(ends) else start.cache
        cache.batch_select_indices(of_row[rows])
        mine = {name: each[rows] for name, each in inputs.items()}
        mask = mine.pop("attention_mask")
        before = mask.new_ones(len(rows), start.length)
        last = lengths[rows] - 1
        kept = torch.arange(int(last.min()), int(last.max()) + 1, device=ends.device)
        output = model(
            **mine,
            attention_mask=torch.cat([before, mask], dim=1),
            position_ids=_positions(start, of_row[rows], ends.shape[1]),
            logits_to_keep=kept,
            use_cache=True,
            **{start.cache_name: cache},
        )
        parts.append(output.logits[torch.arange(len(rows), device=ends.device), last - kept[0]])
    return torch.cat(parts)


def _positions(start: PrefixCache, of_row: Tensor, count: int) -> Tensor:
    """Return positions after the prefixes: [n, count], or [3, n, count] of three-part ones."""
    import torch

    places = torch.arange(start.length, start.length + count, device=of_row.device)
    if start.deltas is None:
        return places.expand(len(of_row), count)
    return (places + start.deltas.to(of_row.device)[of_row]).expand(3, len(of_row), count)


def _at_once(start: PrefixCache, longest: int) -> int:
    """Return how many rows to continue together, by the memory of their keys and values."""
    import torch

    layers = [layer for layer in start.cache.layers if getattr(layer, "keys", None) is not None]
    held = sum(each[0].nbytes for layer in layers for each in (layer.keys, layer.values))
    a_row = held * (1 + longest / start.length)
    device = layers[0].keys.device if layers else torch.device("cpu")
    room = torch.cuda.mem_get_info(device)[0] / SHARE if device.type == "cuda" else ON_CPU
    return max(1, int(room / max(a_row, 1.0)))
