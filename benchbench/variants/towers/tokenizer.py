"""CLIP's byte-pair tokenizer (Radford et al., 2021), with the ids of open_clip's.

It is here because open_clip takes twice as long to import as torch does.
"""

from __future__ import annotations

import gzip
import html
from itertools import pairwise
from typing import TYPE_CHECKING

import regex

from benchbench.checkpoints.quick_tokens import Encode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SPECIAL = ("<start_of_text>", "<end_of_text>")
END_OF_WORD = "</w>"
_ENDINGS = ("'s", "'t", "'re", "'ve", "'m", "'ll", "'d")
WORDS = "|".join([*SPECIAL, *_ENDINGS, r"\p{L}+", r"\p{N}", r"[^\s\p{L}\p{N}]+"])


class SimpleTokenizer:
    """A tokenizer of lower-case text. Models' manifests have its name, which is open_clip's."""

    def __init__(self, merges: Path, context_length: int) -> None:
        """Read a list of merges.

        Args:
            merges: a gzipped text: a line of comment, then two symbols a line, first merges first.
            context_length: how many ids the text tower takes.
        """
        lines = gzip.decompress(merges.read_bytes()).decode("utf-8").split("\n")[1:]
        pairs = [tuple(line.split()) for line in lines]
        self.byte_encoder = byte_letters()
        letters = list(self.byte_encoder.values())
        symbols = [*letters, *(letter + END_OF_WORD for letter in letters)]
        symbols += ["".join(pair) for pair in pairs] + list(SPECIAL)
        self.encoder = {symbol: number for number, symbol in enumerate(symbols)}
        self.sot_token_id, self.eot_token_id = (self.encoder[each] for each in SPECIAL)
        self.context_length = context_length
        self.pat = regex.compile(WORDS, regex.IGNORECASE)
        self._ranks = {pair: rank for rank, pair in enumerate(pairs)}
        self.encode = Encode(self)

    @staticmethod
    def clean_fn(text: str) -> str:
        """Repair a text's encoding, resolve HTML's entities, and put it into lower case."""
        import ftfy

        text = html.unescape(html.unescape(ftfy.fix_text(text)))
        return " ".join(text.split()).lower()

    def bpe(self, word: str) -> str:
        """Split a word, whose bytes are written as letters, into symbols between spaces."""
        if word in SPECIAL:
            return word
        symbols = [*word[:-1], word[-1] + END_OF_WORD]
        while len(symbols) > 1:
            pairs = pairwise(symbols)
            first = min(pairs, key=lambda pair: self._ranks.get(pair, len(self._ranks)))
            if first not in self._ranks:
                break
            symbols = _merge(symbols, first)
        return " ".join(symbols)


def _merge(symbols: Sequence[str], pair: tuple[str, str]) -> list[str]:
    """Merge a pair of symbols wherever it stands, from the left."""
    found: list[str] = []
    for symbol in symbols:
        # What was merged just now holds more letters than the pair's first symbol.
        if found and (found[-1], symbol) == pair:
            found[-1] += symbol
        else:
            found.append(symbol)
    return found


def byte_letters() -> dict[int, str]:
    """Return byte → a letter that is neither white space nor a control character (GPT-2's table).

    >>> [byte_letters()[byte] for byte in b"a \\n"]
    ['a', 'Ġ', 'Ċ']
    """
    printable = [*range(ord("!"), 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(0x100) if byte not in printable]
    shifted = {byte: chr(0x100 + number) for number, byte in enumerate(others)}
    return {byte: chr(byte) for byte in printable} | shifted
