"""Taggers: which words of a caption are nouns, which are adjectives?

Upstream takes spaCy's ``en_core_web_sm``, whose model no package index has. Where it is installed
it is used here too; else HanTa (Wartena 2019, 'A probabilistic morphology model for German
lemmatization'), whose English model comes with ``pip install``. It tells the BNC's tags (CLAWS 5),
put into Penn's here as far as nouns and adjectives go. Another tagger gives other negatives: the
frozen file says which it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from benchbench.data.order import TaggedCaption
from benchbench.data.treebank import word_tokens
from benchbench.errors import MissingData, UnknownName

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_QUOTES = ("``", "''")
INSTALL = "pip install 'benchbench-vl[order]'"
MODEL = "en_core_web_sm"

_PENN = {
    "NN0": "NN", "NN1": "NN", "NN2": "NNS", "NP0": "NNP", "UNC": "NN", "PNI": "NN",
    "AJ0": "JJ", "AJC": "JJR", "AJS": "JJS", "ORD": "JJ",
}  # fmt: skip
_QUANTITIES = frozenset({"few", "many", "other", "same", "several", "such", "various"})
"""Determiners of the BNC (DT0) that are Penn adjectives."""


@dataclass(frozen=True, slots=True)
class Tagger:
    """What parts a caption into words and tells their tags."""

    name: str
    """With its version, for the record."""
    tag: Callable[[str], TaggedCaption]


def find_tagger(name: str = "auto") -> Tagger:
    """The tagger of that name: ``spacy``, ``hanta``, or the first of them that is here.

    Raises:
        UnknownName: there is none.
        MissingData: it is not installed; the message says how to.
    """
    if name == "auto":
        name = best_tagger()
    if name not in _TAGGERS:
        raise UnknownName("tagger", name, _TAGGERS, "Taggers: auto, spacy, hanta")
    return _TAGGERS[name]()


def best_tagger() -> str:
    """What ``auto`` stands for here."""
    return "spacy" if _installed(MODEL) and _installed("spacy") else "hanta"


@lru_cache(maxsize=500_000)
def tags_of(text: str, name: str = "auto") -> Sequence[tuple[str, str]]:
    """A caption's words with their Penn tags; remembered, as is the tagger, in each process.

    Quotation marks are as in the text, where taggers put the Treebank's.

    Raises:
        UnknownName: there is no such tagger.
        MissingData: it is not installed.
    """
    told = _found(name).tag(text).tagged
    return [('"' if word in _QUOTES else word, tag) for word, tag in told]


@cache
def _found(name: str) -> Tagger:
    return find_tagger(name)


def _installed(package: str) -> str | None:
    """Its version; None where it is not there."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _spacy() -> Tagger:
    """Words and tags by spaCy; for the trigram shuffles the Treebank's tokens, as upstream."""
    model = _installed(MODEL)
    if not _installed("spacy") or not model:
        raise MissingData(
            f"The tagger spacy needs spaCy and its model {MODEL}: pip install spacy, then "
            f"python -m spacy download {MODEL}. Or take the tagger hanta: {INSTALL}"
        )
    import spacy

    parts: Any = spacy.load(MODEL)

    def tag(text: str) -> TaggedCaption:
        tagged = [(token.text, token.tag_) for token in parts(text)]
        return TaggedCaption(text, tagged, word_tokens(text))

    return Tagger(f"spacy {spacy.__version__}, {MODEL} {model}", tag)


def _hanta() -> Tagger:
    """Tags by HanTa, of the Treebank's tokens."""
    found = _installed("HanTa")
    if not found:
        raise MissingData(f"Tagging captions needs the tagger HanTa, which is not here: {INSTALL}")
    from HanTa.HanoverTagger import HanoverTagger

    model: Any = HanoverTagger("morphmodel_en.pgz")

    def tag(text: str) -> TaggedCaption:
        words = word_tokens(text)
        told = [_penn(word, tag) for word, _, tag in model.tag_sent(words)]
        return TaggedCaption(text, list(zip(words, told, strict=True)), words)

    return Tagger(f"HanTa {found}, morphmodel_en", tag)


def _penn(word: str, tag: str) -> str:
    """A CLAWS 5 tag in Penn's names where it is a noun's or an adjective's; else as it is."""
    return "JJ" if tag == "DT0" and word.lower() in _QUANTITIES else _PENN.get(tag, tag)


_TAGGERS: dict[str, Callable[[], Tagger]] = {"spacy": _spacy, "hanta": _hanta}
