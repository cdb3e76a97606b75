"""What the captions of a picture share in a prompt is read once: its beginning, picture included.

Where attention looks back alone, keys and values of a beginning do not depend on what follows it.
They are computed once a picture, and the captions' ends are read after them: of a picture's
hundreds of tokens and a caption's dozens, the hundreds are not read again for every caption.

Whether a model's attention is such, and whether it goes on from a cache as it reads in one go, is
tried when it is loaded; a model of which that is not so reads every prompt whole.
"""

from __future__ import annotations

import inspect
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchbench.adapters.prompts import shared

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from torch import Tensor

ON_CPU = 2 << 30
"""Bytes of keys and values that are held at once, where the device does not say what is free."""
SHARE = 3
"""Of the free memory elsewhere: a third."""
CACHES = ("cache", "past_key_values")
"""How newer and older transformers call keys and values, as an argument and in the output."""


@dataclass(frozen=True, slots=True)
class Group:
    """Prompts with one beginning but for their pictures, which are of as many tokens each."""

    rows: Sequence[int]
    """Their places in the batch."""
    pictures: Sequence[int]
    """A place in the batch for each distinct picture."""
    of_row: Sequence[int]
    """Which of the pictures each row is about."""
    length: int
    """Of the beginning, in ids of a prompt: the placeholder counts as one."""

    @property
    def pays(self) -> bool:
        """Whether there is a beginning, and a picture that comes twice."""
        return self.length > 0 and len(self.pictures) < len(self.rows)


def groups(
    prompts: Sequence[Sequence[int]],
    pictures: Sequence[Hashable],
    tokens: Sequence[int],
    placeholder: int,
) -> Iterator[Group]:
    """Rows of a batch by how many tokens their pictures have.

    Args:
        prompts: n rows of ids, one placeholder in each.
        pictures: what tells their pictures apart.
        tokens: of each row's picture.
        placeholder: the id that stands for a picture.
    """
    of_size: dict[int, list[int]] = {}
    for row, size in enumerate(tokens):
        of_size.setdefault(size, []).append(row)
    for rows in of_size.values():
        first: dict[Hashable, int] = {}
        for row in rows:
            first.setdefault(pictures[row], row)
        numbers = {picture: number for number, picture in enumerate(first)}
        told = [prompts[row] for row in rows]
        length = min(shared(*told), min(map(len, told)) - 1)
        if length <= told[0].index(placeholder):
            length = 0
        yield Group(rows, list(first.values()), [numbers[pictures[row]] for row in rows], length)


@dataclass(frozen=True, slots=True)
class Begun:
    """Beginnings that are read."""

    cache: Any
    """Keys and values: a cache of transformers' for ``u`` beginnings."""
    cache_name: str
    """The model's name for them: one of CACHES."""
    length: int
    """Tokens of each, those of the picture among them."""
    deltas: Tensor | None
    """[u, 1]: how far positions after a picture are from places, of models that have such."""


def cache_name(model: Any) -> str:
    """Return which of CACHES the model's ``forward`` takes; the older one where it names neither.

    >>> from types import SimpleNamespace
    >>> cache_name(SimpleNamespace(forward=lambda input_ids, cache=None: ...))
    'cache'
    """
    taken = inspect.signature(model.forward).parameters
    return next((name for name in CACHES if name in taken), CACHES[-1])


def begun(model: Any, inputs: dict[str, Tensor], shown: dict[str, Any], cache_name: str) -> Begun:
    """Read u beginnings of one length.

    Args:
        model: a generative one of transformers'.
        inputs: ``input_ids``, [u, length], and what is parallel to them.
        shown: the pictures.
        cache_name: one of CACHES.
    """
    output = model(**inputs, **shown, use_cache=True, logits_to_keep=1)
    deltas = next(
        (
            each
            for part in model.modules()
            if (each := getattr(part, "rope_deltas", None)) is not None
        ),
        None,
    )
    cache = getattr(output, cache_name)
    return Begun(cache, cache_name, inputs["input_ids"].shape[1], deltas)


def read_on(
    model: Any, start: Begun, of_row: Tensor, inputs: dict[str, Tensor], lengths: Tensor
) -> Tensor:
    """Logits after the last token of each end: [n, vocabulary].

    Args:
        model: as it has read the beginnings.
        start: they; its cache is used up by the last rows.
        of_row: [n], which of them each row goes on from.
        inputs: ``input_ids`` of the ends, [n, longest], padded on the right, and their
            ``attention_mask``, and what else is parallel to them.
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


def _positions(start: Begun, of_row: Tensor, count: int) -> Tensor:
    """Of tokens after the beginnings: [n, count]; the same in three dimensions where there are."""
    import torch

    places = torch.arange(start.length, start.length + count, device=of_row.device)
    if start.deltas is None:
        return places.expand(len(of_row), count)
    return (places + start.deltas.to(of_row.device)[of_row]).expand(3, len(of_row), count)


def _at_once(start: Begun, longest: int) -> int:
    """How many rows to go on with together, by the memory that their keys and values take."""
    import torch

    layers = [layer for layer in start.cache.layers if getattr(layer, "keys", None) is not None]
    held = sum(each[0].nbytes for layer in layers for each in (layer.keys, layer.values))
    a_row = held * (1 + longest / start.length)
    device = layers[0].keys.device if layers else torch.device("cpu")
    room = torch.cuda.mem_get_info(device)[0] / SHARE if device.type == "cuda" else ON_CPU
    return max(1, int(room / max(a_row, 1.0)))
