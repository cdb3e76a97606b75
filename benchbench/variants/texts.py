"""Read captions for variants: token ids, and the triples and spans that some variants use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from benchbench.data.order import permutation
from benchbench.data.tagging import tags_of
from benchbench.scenegraph import MAX_TRIPLES, Caption, oriented, parse, triples, words_of
from benchbench.variants.spans import Spans, spans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from benchbench.scenegraph import Triple

CACHED_CAPTIONS = 16_384
"""Captions whose ids and triples a reader caches: those of a validation set."""
PADDING = 0
"""Fills up ids after the end-of-text token, and rows of triples, whose ids are one higher."""
_ODD = 0x5851F42D4C957F2D


@dataclass(frozen=True, slots=True)
class Texts:
    """n captions."""

    ids: Tensor
    """[n, longest] int64, start and end of text included."""
    triples: Tensor | None = None
    """[n, most, 3, longest] int64: the tokens of head, relation and tail, each one higher than the
    tokenizer's; 0 fills up. None where the reader leaves them out."""
    spans: Spans | None = None
    """Where entities and relations stand. None where the reader leaves them out."""

    def __len__(self) -> int:
        return len(self.ids)

    def to(self, device: Any) -> Texts:
        """Return the same on a device."""
        triples = None if self.triples is None else self.triples.to(device, non_blocking=True)
        spans = None if self.spans is None else self.spans.to(device)
        return Texts(self.ids.to(device, non_blocking=True), triples, spans)


def join_ids(one: Tensor, other: Tensor) -> Tensor:
    """Join ids of n and of m captions, [n + m, longest]."""
    import torch
    from torch.nn.functional import pad

    longest = max(one.shape[1], other.shape[1])
    rows = [pad(ids, (0, longest - ids.shape[1]), value=PADDING) for ids in (one, other)]
    return torch.cat(rows)


def hash_ids(ids: Tensor) -> Tensor:
    """Hash [n, length] ids to [n] int64: equal for equal captions, whatever their padding.

    A polynomial modulo 2⁶⁴: the same number in every process, whatever else is in its batch.
    """
    import torch

    powers = torch.full_like(ids[0], _ODD).cumprod(dim=0)
    return (ids * powers).sum(dim=1)


def turn_of(text: str) -> int:
    """Return a number below 100 that a caption's words decide: below which share it is turned."""
    return permutation(f"turned/{text}", 100)[0]


class CaptionReader:
    """Strings → ``Texts``. It holds no weights: it runs in worker processes and threads."""

    def __init__(
        self,
        tokenizer: Any,
        with_triples: bool,
        with_spans: bool = False,
        tagger: str | None = None,
        turned_percent: int = 0,
    ) -> None:
        """Take open_clip's ``SimpleTokenizer``, and whether to read triples and spans too.

        Args:
            tokenizer: the tokenizer of the text tower.
            with_triples: for a knowledge encoder.
            with_spans: for an alignment.
            tagger: by which triples of free text are read (``data.tagging``); without one, such
                captions have none.
            turned_percent: the percentage of captions, chosen by their words, whose triples have
                head and tail exchanged, as a parser might get them wrong.
        """
        self.tokenizer = tokenizer
        self.with_triples, self.with_spans = with_triples, with_spans
        self.tagger, self.turned_percent = tagger, turned_percent
        self._phrase = lru_cache(maxsize=100_000)(self._phrase_ids)
        self._ids = lru_cache(maxsize=CACHED_CAPTIONS)(self._ids_of)
        self._told = lru_cache(maxsize=CACHED_CAPTIONS)(self._triples_of)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the cache behind: it cannot travel to another process."""
        names = ("tokenizer", "with_triples", "with_spans", "tagger", "turned_percent")
        return {name: getattr(self, name) for name in names}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def ids(self, text: str) -> tuple[int, ...]:
        """Return one caption's ids, untruncated."""
        return self._ids(text)

    def _ids_of(self, text: str) -> tuple[int, ...]:
        start, end = self.tokenizer.sot_token_id, self.tokenizer.eot_token_id
        return (start, *self.tokenizer.encode(text), end)

    def read(self, texts: Sequence[str], captions: Sequence[Caption] | None = None) -> Texts:
        """Tokenise; truncate to the context's length, with the end-of-text token kept; pad.

        Args:
            texts: n captions.
            captions: those whose triples and spans are meant, word for word as long as the texts;
                by default these themselves.
        """
        most, end = self.tokenizer.context_length, self.tokenizer.eot_token_id
        rows = [self.ids(text) for text in texts]
        cut = [row if len(row) <= most else (*row[: most - 1], end) for row in rows]
        return Texts(
            _padded(cut),
            self._triples(texts, captions) if self.with_triples else None,
            self._spans(texts, captions, rows) if self.with_spans else None,
        )

    def triples(self, text: str) -> list[Triple]:
        """Return a caption's triples, each in one fixed direction of two that mean the same."""
        return list(self._told(text, self.tagger))

    def _triples_of(self, text: str, tagger: str | None) -> list[Triple]:
        return self._stated(Caption(text), tagger)

    def _stated(self, caption: Caption, tagger: str | None) -> list[Triple]:
        graph = caption.exact
        if tagger and not graph.objects:
            # In lower case: captions of the same ids have the same triples.
            lowered = " ".join(caption.text.lower().split())
            graph = parse(lowered, tags_of(lowered, tagger))
        found = [oriented(each) for each in triples(graph)]
        if self.turned_percent and turn_of(caption.text) < self.turned_percent:
            return [(tail, relation, head) for head, relation, tail in found]
        return found

    def _triples(self, texts: Sequence[str], captions: Sequence[Caption] | None) -> Tensor:
        """Return the ids of captions' triples, [n, most, 3, longest]."""
        if captions is None:
            told = [self.triples(text) for text in texts]
        else:
            told = [self._stated(each, self.tagger) for each in captions]
        flat = [self._phrase(word) for row in told for word in _filled(row)]
        return _padded(flat).reshape(len(texts), MAX_TRIPLES, 3, -1)

    def _spans(
        self,
        texts: Sequence[str],
        captions: Sequence[Caption] | None,
        rows: Sequence[tuple[int, ...]],
    ) -> Spans:
        """Return the spans of n captions; ``rows`` are their ids, untruncated."""
        captions = list(map(Caption, texts)) if captions is None else captions
        graphs = [each.graph for each in captions]
        words = [
            graph.words if text == caption.text else words_of(text)
            for text, caption, graph in zip(texts, captions, graphs, strict=True)
        ]
        pieces = [[self._word(word) for word in each] for each in words]
        return spans(graphs, pieces, rows, self.tokenizer.context_length)

    def _word(self, word: str) -> tuple[int, ...]:
        return tuple(each - 1 for each in self._phrase(word))

    def _phrase_ids(self, words: str) -> tuple[int, ...]:
        return tuple(each + 1 for each in self.tokenizer.encode(words))


def _filled(row: Sequence[Triple]) -> list[str]:
    """Return heads, relations and tails in order; "" where a caption has no more triples."""
    words = [word for triple in row for word in triple]
    return words + [""] * (3 * MAX_TRIPLES - len(words))


def _padded(rows: Sequence[Sequence[int]]) -> Tensor:
    """Pad rows of ids, [rows, longest] int64, at least one column."""
    import numpy as np
    import torch

    table = np.full((len(rows), max([1, *map(len, rows)])), PADDING, dtype=np.int64)
    for number, row in enumerate(rows):
        table[number, : len(row)] = row
    return torch.from_numpy(table)
