"""Captions to vectors, the short ones together."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchbench.embedding.embedded import Embedded, to_vectors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchbench.embedding.embedded import Vectors
    from benchbench.embedding.unfinished import Unfinished
    from benchbench.types import DualEncoder, Progress, Role


@dataclass(frozen=True, slots=True)
class Captions:
    """Embedded captions, and what the model read of them."""

    embedded: Embedded[str]
    token_ids: Mapping[str, tuple[int, ...]]
    """Cut to the model's context."""
    truncated: frozenset[str]
    """Those that were longer."""


def encode_captions(
    model: DualEncoder,
    texts: Sequence[str],
    *,
    batch_size: int,
    role: Role = "scene",
    progress: Progress | None = None,
    unfinished: Unfinished | None = None,
) -> Captions:
    """Encode each distinct caption once, in batches of similar length.

    Args:
        model: the text tower.
        texts: captions, repeats welcome.
        batch_size: captions a forward pass.
        role: what the captions stand for.
        progress: told after each batch.
        unfinished: batches of an interrupted evaluation, to be taken from and added to.
    """
    distinct = list(dict.fromkeys(texts))
    context = model.manifest.context_length
    full = model.token_ids(distinct)
    order = sorted(range(len(distinct)), key=lambda i: min(len(full[i]), context))
    batches = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
    named = [[distinct[i] for i in batch] for batch in batches]
    rows = np.concatenate(list(_forward(model, named, role, progress, unfinished)))
    vectors = np.empty_like(rows)
    vectors[order] = rows
    return Captions(
        embedded=Embedded({text: i for i, text in enumerate(distinct)}, vectors),
        token_ids={text: ids[:context] for text, ids in zip(distinct, full, strict=True)},
        truncated=frozenset(
            text for text, ids in zip(distinct, full, strict=True) if len(ids) > context
        ),
    )


def _forward(
    model: DualEncoder,
    batches: Sequence[Sequence[str]],
    role: Role,
    progress: Progress | None,
    unfinished: Unfinished | None,
) -> Iterator[Vectors]:
    """Vectors of each batch, the next one being tokenised meanwhile."""
    done, total = 0, sum(map(len, batches))
    report = progress or (lambda what, done, total: None)
    report("captions", done, total)
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="tokenize") as pool:
        waiting = pool.submit(model.tokenize, batches[0])
        for i, batch in enumerate(batches):
            tokens = waiting.result()
            if i + 1 < len(batches):
                waiting = pool.submit(model.tokenize, batches[i + 1])
            kept = unfinished.load("captions", i, "vectors") if unfinished else None
            if kept is not None:
                yield kept["vectors"].astype(np.float32)
            else:
                vectors = to_vectors(model, model.encode_texts(tokens, role), len(batch))
                if unfinished:
                    unfinished.save("captions", i, vectors=vectors)
                yield vectors
            done += len(batch)
            report("captions", done, total)
