"""Shuffle captions of known words and tags as ARO's order perturbations do (Yüksekgönül et al.
2023).

Each caption becomes five options: itself, then four shuffles of it (``PERTURBATIONS``, upstream's
order). Each shuffle is made from the raw caption; every option then passes through ``pre_caption``.
Upstream tags with spaCy and shuffles with global generators, so that its negatives differ from run
to run. Here each shuffle is a function of its item's name alone, and is frozen to a file.

A negative may equal its original: two nouns come back in order half of the time. Whether it does
depends on the model's tokens, so that nothing is left out here.

The frozen file is one JSON object::

    {"format": "order-negatives", "version": 1,
     "seed": 0,                      part of every item's name
     "tagger": "spacy en_core_web_sm 3.8.0",
     "perturbations": [four names],
     "source": "coco_karpathy_test.json", "source_digest": SHA-256 of its canonical records,
     "items": [{"image": as in the source, "image_number": 0, "caption_number": 0,
                "caption": the raw caption, "true_option": text, "negatives": [four texts]}, …]}

``image_number`` and ``caption_number`` count from 0 in the source; items follow its order. Source
of the semantics: ``dataset_zoo/perturbations.py`` and ``aro_datasets.py`` in
mertyg/vision-language-models-are-bows-and-what-to-do-about-it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchbench.data.karpathy import captions_digest
from benchbench.data.records import TOP, Record, source_image
from benchbench.data.streaming import read_without, stream_field
from benchbench.errors import MalformedData
from benchbench.files import exists
from benchbench.types import ImageRef, Item

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    Tagged = Sequence[tuple[str, str]]
    """A caption's words, each with its Penn tag."""

FORMAT, FORMAT_VERSION = "order-negatives", 1
NOUNS = frozenset({"NN", "NNS", "NNP", "NNPS"})
ADJECTIVES = frozenset({"JJ", "JJR", "JJS"})
PERTURBATIONS = (
    "shuffle_nouns_and_adj",
    "shuffle_allbut_nouns_and_adj",
    "shuffle_within_trigrams",
    "shuffle_trigrams",
)
MAX_WORDS = 30

_MASK = 2**64 - 1
_GOLDEN = 0x9E3779B97F4A7C15


def pre_caption(text: str) -> str:
    """Return a caption as upstream gives it to models.

    It is in lower case, without the marks ``.!"()*#:;~``, and at most 30 words long.

    >>> pre_caption('A  "red" dog. ')
    'a red dog'
    """
    text = re.sub(r'[.!"()*#:;~]', " ", text.lower())
    text = re.sub(r"\s{2,}", " ", text).rstrip("\n").strip(" ")
    return " ".join(text.split(" ")[:MAX_WORDS])


def permutation(name: str, count: int) -> list[int]:
    """Return an order of ``count`` things that depends on ``name`` alone.

    The method is Fisher–Yates over splitmix64 (Steele, Lea & Flood 2014), keyed by the name's
    SHA-256. It is the same on every platform, and uniform to within count · 2⁻³².
    """
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    order = list(range(count))
    for last in range(count - 1, 0, -1):
        other = (_mixed(key + last * _GOLDEN) >> 32) * (last + 1) >> 32
        order[last], order[other] = order[other], order[last]
    return order


def _mixed(word: int) -> int:
    """Return a word hashed by splitmix64's finaliser."""
    word &= _MASK
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    word = (word ^ (word >> 27)) * 0x94D049BB133111EB & _MASK
    return word ^ (word >> 31)


def shuffle_nouns_and_adj(tagged: Tagged, name: str) -> str:
    """Permute nouns among nouns, and adjectives among adjectives."""
    words = [word for word, _ in tagged]
    for kind, tags in (("nouns", NOUNS), ("adjectives", ADJECTIVES)):
        _permute(words, [i for i, (_, tag) in enumerate(tagged) if tag in tags], f"{name}/{kind}")
    return " ".join(words)


def shuffle_allbut_nouns_and_adj(tagged: Tagged, name: str) -> str:
    """Permute all words except nouns and adjectives among themselves."""
    words = [word for word, _ in tagged]
    others = [i for i, (_, tag) in enumerate(tagged) if tag not in NOUNS | ADJECTIVES]
    _permute(words, others, name)
    return " ".join(words)


def shuffle_within_trigrams(words: Sequence[str], name: str) -> str:
    """Shuffle each run of three words in itself; the last run may be shorter."""
    parts = list(_trigrams(words))
    for number, part in enumerate(parts):
        _permute(part, range(len(part)), f"{name}/{number}")
    return " ".join(word for part in parts for word in part)


def shuffle_trigrams(words: Sequence[str], name: str) -> str:
    """Permute the runs of three words; the last run may be shorter, and moves too."""
    parts = list(_trigrams(words))
    return " ".join(word for i in permutation(name, len(parts)) for word in parts[i])


def _trigrams(words: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(words), 3):
        yield list(words[start : start + 3])


def _permute(words: list[str], places: Sequence[int], name: str) -> None:
    """Permute the words at some positions, in place."""
    taken = [words[i] for i in places]
    for place, source in zip(places, permutation(name, len(places)), strict=True):
        words[place] = taken[source]


@dataclass(frozen=True, slots=True)
class TaggedCaption:
    """A raw caption with its words and tags."""

    text: str
    tagged: Tagged
    """For the first two shuffles."""
    words: Sequence[str]
    """For the trigram shuffles: upstream uses NLTK's word tokens here."""


def negatives(caption: TaggedCaption, name: str) -> list[str]:
    """Return the four shuffles of a caption, in the order of ``PERTURBATIONS``.

    Each passes through ``pre_caption``.

    Args:
        caption: the caption with its tags.
        name: the name of the item and the seed; another name gives other shuffles.
    """
    nouns, others, within, among = (f"{name}/{each}" for each in PERTURBATIONS)
    raw = (
        shuffle_nouns_and_adj(caption.tagged, nouns),
        shuffle_allbut_nouns_and_adj(caption.tagged, others),
        shuffle_within_trigrams(caption.words, within),
        shuffle_trigrams(caption.words, among),
    )
    return [pre_caption(text) for text in raw]


def freeze(
    images: Iterable[tuple[str, Sequence[TaggedCaption]]],
    *,
    tagger: str,
    source: str,
    source_digest: str,
    seed: int = 0,
) -> dict[str, Any]:
    """Return the content of a frozen file, ready for JSON.

    Args:
        images: each image as its source names it, with its captions, in the source's order.
        tagger: the tagger, with its version.
        source: the Karpathy file's name.
        source_digest: its digest, by which a frozen file of other captions is detected.
        seed: another seed gives other shuffles.
    """
    items = [
        {
            "image": image,
            "image_number": i,
            "caption_number": k,
            "caption": caption.text,
            "true_option": pre_caption(caption.text),
            "negatives": negatives(caption, f"order/{seed}/{image}/{k}"),
        }
        for i, (image, captions) in enumerate(images)
        for k, caption in enumerate(captions)
    ]
    return {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "seed": seed,
        "tagger": tagger,
        "perturbations": list(PERTURBATIONS),
        "source": source,
        "source_digest": source_digest,
        "items": items,
    }


def frozen_name(source: str, seed: int = 0) -> str:
    """Return the frozen file's name, by the source's and the seed.

    >>> frozen_name("coco_karpathy_test.json"), frozen_name("flickr30k_test.json", 3)
    ('coco_order_negatives.json', 'flickr30k_order_negatives.seed3.json')
    """
    stem = source.removesuffix(".json").removesuffix("_test").removesuffix("_karpathy")
    return f"{stem}_order_negatives{f'.seed{seed}' if seed else ''}.json"


def stream_order_items(root: Path, name: str, seed: int) -> Iterator[Item]:
    """Yield the items of a frozen file under ``root``.

    The options of an item are the true option, then its four shuffles.

    Args:
        root: the data root.
        name: the file's name.
        seed: the seed that the file should have.

    Raises:
        MissingData: the file does not exist.
        MalformedData: it is not a frozen file of this version and seed, a record is wrong, or the
            captions beside it are not those that were frozen.
    """
    path = root / name
    header = Record(path, TOP, read_without(path, "items"))
    if header.text("format") != FORMAT or header.integer("version") != FORMAT_VERSION:
        raise header.wrong("format", f"is not {FORMAT}, version {FORMAT_VERSION}")
    if header.integer("seed") != seed:
        raise header.wrong("seed", f"should be {seed}, as the file's name says")
    if header.texts("perturbations") != list(PERTURBATIONS):
        raise header.wrong("perturbations", f"should be {', '.join(PERTURBATIONS)}, in this order")
    _check_source(root, name, header)
    header.records("items")  # a list, or an error
    seen: set[str] = set()
    for i, content in enumerate(stream_field(path, "items")):
        record = Record(path, f"items[{i}]", content)
        item = _order_item(root, record)
        if item.id in seen:
            raise record.wrong("caption_number", f"makes it {item.id}, as an earlier record is")
        seen.add(item.id)
        yield item


def _check_source(root: Path, name: str, header: Record) -> None:
    """Check that the captions beside the frozen file, if any, are those that were frozen."""
    source = root / header.relative_path("source")
    if exists(source) and captions_digest(source) != header.text("source_digest"):
        raise MalformedData(
            f"{root / name} was frozen from other captions than {source} holds. "
            f"Freeze these, to a new folder or over it: benchbench data freeze-order {source}"
        )


def _order_item(root: Path, record: Record) -> Item:
    image = record.relative_path("image")
    shuffles = record.texts("negatives")
    if len(shuffles) != len(PERTURBATIONS):
        raise record.wrong("negatives", f"should be {len(PERTURBATIONS)}, not {len(shuffles)}")
    true, caption = record.text("true_option"), pre_caption(record.text("caption"))
    if true != caption:
        raise record.wrong("true_option", f"is '{true}'; the caption's is '{caption}'")
    return Item(
        id=f"{record.integer('image_number')}/{record.integer('caption_number')}",
        images=(ImageRef(root / image),),
        captions=(true, *shuffles),
        target=(0,),
        cluster=source_image(image),
    )
