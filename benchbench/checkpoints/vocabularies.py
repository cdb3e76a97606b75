"""Tokenizers of transformers: whether one knows a word, and a digest of all that it knows."""

from __future__ import annotations

import hashlib
import json
from typing import Any

OF_CALLS = ("padding", "truncation")
"""Parts of a tokenizer's definition that each call sets anew."""


def is_empty(tokenizer: Any) -> bool:
    """Return whether a tokenizer of transformers knows special tokens alone.

    transformers makes up such a one where a vocabulary's file is missing: all words are unknown.
    """
    return len(set(tokenizer.get_vocab().values()) - set(tokenizer.all_special_ids)) < 2


def vocabulary_sha256(tokenizer: Any) -> str:
    """Return the SHA-256 of a tokenizer's definition: vocabulary, merges, normalisation."""
    inner = getattr(tokenizer, "backend_tokenizer", None)
    known = tokenizer.get_vocab() if inner is None else json.loads(inner.to_str())
    kept = {name: value for name, value in known.items() if inner is None or name not in OF_CALLS}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()
