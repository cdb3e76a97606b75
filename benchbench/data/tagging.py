"""Tag the words of captions with parts of speech, to find nouns and adjectives.

Upstream uses spaCy's ``en_core_web_sm``, whose model no package index has. It is used here too
where it is installed. Otherwise HanTa is used (Wartena 2019, 'A probabilistic morphology model for
German lemmatization'), whose English model comes with ``pip install``. HanTa's tags are the BNC's
(CLAWS 5); here those of nouns and adjectives are converted to Penn's. Another tagger gives other
negatives: the frozen file names its tagger.
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
    """A tagger, which splits a caption into words and tags them."""

    name: str
    """With its version, for the record."""
    tag: Callable[[str], TaggedCaption]


def find_tagger(name: str = "auto") -> Tagger:
    """Return the tagger of a name: ``spacy``, ``hanta`` or ``auto``.

    ``auto`` is spaCy where it is installed with its model, and HanTa otherwise.

    Raises:
        UnknownName: there is no such tagger.
        MissingData: it is not installed; the message names the command that installs it.
    """
    if name == "auto":
        name = best_tagger()
    if name not in _TAGGERS:
        raise UnknownName("tagger", name, _TAGGERS, "Taggers: auto, spacy, hanta")
    return _TAGGERS[name]()


def best_tagger() -> str:
    """Return the name of the tagger that ``auto`` means on this machine."""
    return "spacy" if _installed(MODEL) and _installed("spacy") else "hanta"


@lru_cache(maxsize=500_000)
def tags_of(text: str, name: str = "auto") -> Sequence[tuple[str, str]]:
    """Return a caption's words with their Penn tags; each process caches them, and the tagger.

    Quotation marks are those of the text, where taggers have the Treebank's.

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
    """Return a package's version; None where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _spacy() -> Tagger:
    """Return a tagger with words and tags by spaCy.

    The trigram shuffles use the Treebank's tokens, as upstream.
    """
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
    """Return a tagger of the Treebank's tokens by HanTa."""
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
    """Return Penn's tag for a noun's or an adjective's CLAWS 5 tag, and any other tag unchanged."""
    return "JJ" if tag == "DT0" and word.lower() in _QUANTITIES else _PENN.get(tag, tag)


_TAGGERS: dict[str, Callable[[], Tagger]] = {"spacy": _spacy, "hanta": _hanta}
