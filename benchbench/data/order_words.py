"""The kinds of the words of COCO's captions, published with the package, in place of a tagger.

Shuffles depend on the captions, and on which of their words are nouns and which adjectives. For the
captions of ``coco_karpathy_test.json`` that is in ``lists/coco_order_words.json.gz``: one JSON
object::

    {"format": "order-words", "version": 1,
     "tagger": "HanTa 1.2.1, morphmodel_en",
     "source": "coco_karpathy_test.json", "source_digest": SHA-256 of its canonical records,
     "kinds": [one text a caption, in the source's order]}

A text has one letter for each of the Treebank's tokens (``treebank.word_tokens``): ``n`` a noun,
``a`` an adjective, ``.`` another word. With ``order.permutation`` it gives the shuffles of every
seed, byte for byte as the tagger's own output would. No caption is in it.

Writer: ``tools/order_words.py``.
"""

from __future__ import annotations

import gzip
import json
from importlib.resources import files
from typing import TYPE_CHECKING

from benchbench.data.order import ADJECTIVES, NOUNS, TaggedCaption
from benchbench.data.records import canonical_json
from benchbench.data.tagging import Tagger
from benchbench.data.treebank import word_tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FORMAT, VERSION = "order-words", 1
LIST = "coco_order_words.json.gz"
TAGS = {"n": "NN", "a": "JJ", ".": ""}
"""Letter → a tag of its kind."""

COCO_SHUFFLES = (
    "29422f197c0ccdb1c56f7d20b2cb1c5a8a5d43be4d6471da89b1e6702734e5ab",
    "ab5d2270cdd0f74db0c675a3434b2d65c07bc1cac0cacf666e06513fd4454d15",
    "eec44359c551070aa4648a4e08619a0dd95b71283147c78381393f807c43747c",
    "c5b4887be0af2459fa054fec693e79b2521a0a09ddd3d8e65cf532c6f962b2a1",
    "110fa58bc55ab9070c03fae537cfaf7867dcdd2f8cd301e5f0f4087ba3725053",
)
"""SHA-256 of the frozen files of COCO's captions, by seed: 0 to 4."""


def published_tagger(source_digest: str, captions: Iterable[str]) -> Tagger | None:
    """Return a tagger of captions whose words' kinds are published; None for other captions.

    Args:
        source_digest: the digest of the captions' file (``karpathy.captions_digest``).
        captions: all captions of the file, in its order.
    """
    content = json.loads(gzip.decompress((files("benchbench.data") / "lists" / LIST).read_bytes()))
    if content["source_digest"] != source_digest:
        return None
    kinds = dict(zip(captions, content["kinds"], strict=True))

    def tag(text: str) -> TaggedCaption:
        words = word_tokens(text)
        tags = [TAGS[letter] for letter in kinds[text]]
        return TaggedCaption(text, list(zip(words, tags, strict=True)), words)

    return Tagger(content["tagger"], tag)


def words_file(
    tagger: str, source: str, source_digest: str, captions: Sequence[TaggedCaption]
) -> bytes:
    """Return the bytes of a file of kinds.

    Args:
        tagger: the tagger, with its version.
        source: the name of the captions' file.
        source_digest: its digest.
        captions: all its captions, tagged, in its order.
    """
    content = {
        "format": FORMAT,
        "version": VERSION,
        "tagger": tagger,
        "source": source,
        "source_digest": source_digest,
        "kinds": ["".join(_letter(tag) for _, tag in caption.tagged) for caption in captions],
    }
    return gzip.compress(canonical_json(content), mtime=0)


def _letter(tag: str) -> str:
    return "n" if tag in NOUNS else "a" if tag in ADJECTIVES else "."
