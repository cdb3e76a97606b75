"""Encode the beginnings that captions share once, in causal text towers (``--share-prefixes``).

In a causal tower a position depends on those before it alone, so that captions with the same first
words have the same states there. A batch becomes a tree of token ids: a node stands for all
captions that begin alike up to it. The nodes are laid out in rows, each sees its ancestors alone
and has the position of its depth, and a caption's embedding is read at its last node. Embeddings
are those of the plain tower up to rounding, which depends on what else is in the row: so a setting
of the manifest names it, and it is off by default. Loading a model checks it on real captions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from benchbench.adapters.trimming import SAMPLE_CAPTIONS, TRIM_TOLERANCE, TextTower, unit
from benchbench.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from benchbench.types import Precision

    Ids = Sequence[int]

WIDTH = 128
"""Nodes of a row, about: longer rows share more, and compare more nodes that have no ancestors in
common."""
SAMPLE = tuple(
    " ".join(words[:n]) for words in map(str.split, SAMPLE_CAPTIONS) for n in (2, 5, len(words))
)
"""Captions that share beginnings, to check models with."""


class Forest(NamedTuple):
    """The trees of a batch of n captions: rows of nodes, filled up at the end."""

    ids: Tensor
    """[rows, nodes], each node's token."""
    depths: Tensor
    """[rows, nodes], the position of the token in its captions."""
    hidden: Tensor
    """[rows, nodes, nodes], whether the second node is neither the first nor an ancestor of it."""
    row: Tensor
    """[n], where each caption ends."""
    node: Tensor
    """[n]"""


class PrefixTower:
    """A causal text tower of open_clip that runs on trees of captions."""

    def __init__(self, tower: TextTower, tokenizer: Any) -> None:
        self._tower = tower
        self._tokenizer = tokenizer

    def plant(self, texts: Sequence[str]) -> Forest:
        """Return captions as trees."""
        ids = self._tokenizer(list(texts))
        lengths = self._tower.lengths(ids).tolist()
        return plant([row[:n] for row, n in zip(ids.tolist(), lengths, strict=True)])

    def encode(self, forest: Forest, device: str) -> Tensor:
        """Encode captions: → [n, dim]."""
        import torch

        ids, depths, hidden, row, node = (each.to(device, non_blocking=True) for each in forest)
        module = self._tower.module
        dtype = module.transformer.get_cast_dtype()
        mask = torch.zeros(hidden.shape, dtype=dtype, device=device)
        mask = mask.masked_fill_(hidden, float("-inf"))[:, None]
        x = module.token_embedding(ids).to(dtype) + module.positional_embedding[depths].to(dtype)
        *blocks, last = module.transformer.resblocks
        for block in blocks:
            x = x + block.ls_1(_attend(block.attn, block.ln_1(x), mask))
            x = x + block.ls_2(block.mlp(block.ln_2(x)))
        x = (x + last.ls_1(_attend(last.attn, last.ln_1(x), mask)))[row, node]
        x = module.ln_final(x + last.ls_2(last.mlp(last.ln_2(x))))
        project = module.text_projection
        if project is None:
            return x  # type: ignore[no-any-return]
        return project(x) if callable(project) else x @ project  # type: ignore[no-any-return]


def _attend(attention: Any, x: Tensor, mask: Tensor) -> Tensor:
    """Return what torch's ``MultiheadAttention`` does: [rows, nodes, width].

    Its own code takes a mask for each head, and is a fifth slower with one.
    """
    from torch.nn.functional import linear, scaled_dot_product_attention

    rows, nodes, width = x.shape
    together = linear(x, attention.in_proj_weight, attention.in_proj_bias)
    parts = together.view(rows, nodes, 3, attention.num_heads, -1).permute(2, 0, 3, 1, 4)
    query, key, value = parts
    found = scaled_dot_product_attention(query, key, value, attn_mask=mask)
    return attention.out_proj(found.transpose(1, 2).reshape(rows, nodes, width))  # type: ignore[no-any-return]


def _is_plain(tower: TextTower) -> bool:
    """Return whether all blocks are those that ``PrefixTower`` computes."""
    from open_clip.transformer import ResidualAttentionBlock
    from torch.nn import MultiheadAttention

    return all(
        type(block) is ResidualAttentionBlock and type(block.attn) is MultiheadAttention
        for block in tower.module.transformer.resblocks
    )


def prefix_tower(model: Any, tokenizer: Any, precision: Precision, name: str) -> PrefixTower:
    """Return the tower of an open_clip model that shares prefixes.

    Args:
        model: ``open_clip.CLIP`` or kin, on its device.
        tokenizer: list of strings → ids [n, context].
        precision: by which rounding is tolerated.
        name: the model's, for the message.

    Raises:
        ModelError: the text tower is not causal, or comes out otherwise with shared prefixes.
    """
    tower = TextTower.of(model)
    if tower is None or not _is_plain(tower):
        raise ModelError(
            f"--share-prefixes needs a causal text tower of open_clip, pooled at the end of the "
            f"text; that of {name} is another. Leave it out."
        )
    found = PrefixTower(tower, tokenizer)
    device = str(next(model.parameters()).device)
    shared = unit(found.encode(found.plant(SAMPLE), device))
    plain = unit(model.encode_text(tokenizer(list(SAMPLE)).to(device)))
    apart = float((shared - plain).abs().max())
    if not apart <= TRIM_TOLERANCE[precision]:
        raise ModelError(
            f"With --share-prefixes the embeddings of {name} differ by {apart:.1g}. Leave it out."
        )
    return found


def plant(sequences: Sequence[Ids]) -> Forest:
    """Return the trees of token sequences, in rows of about ``WIDTH`` nodes.

    Sequences go into rows in sorted order. The rows are as short as their number allows, because
    they are filled up to the longest.

    >>> forest = plant([[7, 1, 9], [7, 2, 9], [7, 1, 5, 9]])
    >>> forest.ids.tolist(), forest.depths.tolist(), forest.node.tolist()
    ([[7, 1, 5, 9, 9, 2, 9]], [[0, 1, 2, 3, 2, 1, 2]], [4, 6, 3])
    """
    import torch

    order = sorted(range(len(sequences)), key=lambda i: tuple(sequences[i]))
    ordered = [sequences[i] for i in order]
    new = [len(each) - shared for each, shared in zip(ordered, _shared(ordered), strict=True)]
    rows = _rows(list(map(len, ordered)), new)
    width = max(rows.sizes)
    ids = np.zeros((len(rows.sizes), width), np.int64)
    depths = np.zeros_like(ids)
    sees = np.zeros((*ids.shape, width), bool) | np.eye(width, dtype=bool)
    place = np.zeros((2, len(sequences)), np.int64)
    way: list[int] = []  # the nodes of the sequence before, from the root
    size = before = 0
    for number, sequence, fresh, row in zip(order, ordered, new, rows.of, strict=True):
        if row != before or not way:
            size, before, way, fresh = 0, row, [], len(sequence)  # a new tree
        kept = len(sequence) - fresh
        del way[kept:]
        for depth in range(kept, len(sequence)):
            ids[row, size], depths[row, size] = sequence[depth], depth
            if way:
                sees[row, size] |= sees[row, way[-1]]
            way.append(size)
            size += 1
        place[:, number] = row, way[-1]
    made = (torch.from_numpy(each) for each in (ids, depths, ~sees, place[0], place[1]))
    return Forest(*made)


class _Rows(NamedTuple):
    of: list[int]
    """The row of each sequence."""
    sizes: list[int]
    """The nodes of each row."""


def _shared(ordered: Sequence[Ids]) -> Iterator[int]:
    """Yield how many tokens each sequence shares with the one before it, but not all of them."""
    before: Ids = ()
    for each in ordered:
        alike = 0
        while alike < min(len(before), len(each) - 1) and before[alike] == each[alike]:
            alike += 1
        yield alike
        before = each


def _rows(lengths: Sequence[int], new: Sequence[int]) -> _Rows:
    """Return the rows of sorted sequences, as short as their number allows."""
    count = max(1, round(sum(new) / WIDTH))
    low, high = max(lengths), max(*lengths, sum(new))
    while low < high:
        middle = (low + high) // 2
        if len(_filled(lengths, new, middle).sizes) <= count:
            high = middle
        else:
            low = middle + 1
    return _filled(lengths, new, low)


def _filled(lengths: Sequence[int], new: Sequence[int], most: int) -> _Rows:
    """Return the rows where each takes sequences up to a number of nodes."""
    of: list[int] = []
    sizes: list[int] = []
    for length, fresh in zip(lengths, new, strict=True):
        if sizes and sizes[-1] + fresh <= most:
            sizes[-1] += fresh
        else:
            sizes.append(length)
        of.append(len(sizes) - 1)
    return _Rows(of, sizes)
