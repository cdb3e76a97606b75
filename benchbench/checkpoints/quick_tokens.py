"""open_clip's tokenizer, quicker on plain captions, with the same ids.

Most of its time goes to repairing text (``ftfy``), which leaves printable ASCII without ``&`` as it
is, and to words that it has seen before.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

CACHED_WORDS = 100_000


def quicken(tokenizer: Any) -> Any:
    """Let a ``SimpleTokenizer`` of lower-case text encode quickly; leave any other as it is."""
    from open_clip import tokenizer as module

    if type(tokenizer) is module.SimpleTokenizer and tokenizer.clean_fn is module.get_clean_fn(
        "lower"
    ):
        tokenizer.encode = Encode(tokenizer)
    return tokenizer


class Encode:
    """A tokenizer's ``encode``: text → the ids of its words, without special tokens."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._ids = lru_cache(maxsize=CACHED_WORDS)(self._ids_of)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the cache behind: it cannot travel to another process."""
        return {"tokenizer": self._tokenizer}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def __call__(self, text: str) -> list[int]:
        """Return a text's ids."""
        if text.isascii() and text.isprintable() and "&" not in text:
            clean = " ".join(text.split()).lower()
        else:
            clean = self._tokenizer.clean_fn(text)
        return [number for word in self._tokenizer.pat.findall(clean) for number in self._ids(word)]

    def _ids_of(self, word: str) -> tuple[int, ...]:
        told = self._tokenizer
        letters = "".join(told.byte_encoder[byte] for byte in word.encode("utf-8"))
        return tuple(told.encoder[part] for part in told.bpe(letters).split(" "))
