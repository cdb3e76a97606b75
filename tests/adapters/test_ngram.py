"""The n-gram model against its formula as a plain loop, and what it learns from."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import pytest

from benchbench.adapters.ngram import KneserNey, NgramRatio, NgramScorer, true_captions, words
from benchbench.types import Entry, Gallery, ImageRef, Item, Learner, Scene, Vocabulary

CAPTIONS = [
    "A dog on a mat.",
    "a dog sits on the mat",
    "The cat sits on a dog, a red dog",
    "a cat",
    "a cat",
    "the mat is red",
]


def plain(captions: list[str], context: tuple[str, ...], word: str) -> float:
    """p(word | context) as Kneser and Ney write it, one count at a time."""
    rows = [["<s>", "<s>", *words(text), "</s>"] for text in captions]
    known = {word for row in rows for word in row} - {"<s>"}
    trigrams = Counter(tuple(row[i : i + 3]) for row in rows for i in range(len(row) - 2))
    bigrams: Counter[tuple[str, ...]] = Counter()
    for gram, n in trigrams.items():
        bigrams[gram[1:]] += n if gram[1] == "<s>" else 1
    unigrams = Counter(gram[1:] for gram in bigrams)
    p = 1 / (len(known) + 1)
    for counts in (unigrams, bigrams, trigrams):
        n = len(next(iter(counts)))
        once, twice = (sum(c == k for c in counts.values()) for k in (1, 2))
        discount = once / (once + 2 * twice) if once and twice else 0.5
        after = {g: c for g, c in counts.items() if g[:-1] == context[3 - n :]}
        if after:
            total = sum(after.values())
            own = max(after.get((*context[3 - n :], word), 0) - discount, 0) / total
            p = own + discount * len(after) / total * p
    return p


@pytest.mark.parametrize("text", ["a dog on the mat", "a zebra sits", "red red red", "", "on, a"])
def test_probabilities_are_the_formulas(text: str) -> None:
    told = ["<s>", "<s>", *words(text), "</s>"]
    expected = [
        math.log(plain(CAPTIONS, (told[i - 2], told[i - 1]), told[i])) for i in range(2, len(told))
    ]
    found, n = KneserNey(CAPTIONS).log_probability(text)
    assert n == len(expected) == len(words(text)) + 1
    assert found == pytest.approx(sum(expected), rel=1e-12)


@pytest.mark.parametrize("context", [("<s>", "<s>"), ("a", "dog"), ("dog", "zebra"), ("x", "y")])
def test_the_plain_formula_is_a_distribution(context: tuple[str, str]) -> None:
    known = {word for text in CAPTIONS for word in words(text)}
    total = sum(plain(CAPTIONS, context, word) for word in [*known, "</s>", "never met"])
    assert total == pytest.approx(1, rel=1e-12)


def test_marks_and_case_are_not_read() -> None:
    model = NgramScorer("ngram", mean=False).fit([entry("A red dog.")])
    assert model.token_ids(["A red dog."]) == model.token_ids(["a red, dog".replace(",", "")])
    assert model.token_ids(["a red dog"]) != model.token_ids(["a dog red"])
    batch = model.tokenize(["A red dog.", "a red dog", "dog red a"])
    true, same, other = model.encode_texts(batch, "scene")[:, 0].tolist()
    assert true == same > other


def entry(*captions: str) -> Entry:
    return Entry("0", ImageRef(Path("a.png")), captions, "a", Gallery("train"))


def test_it_learns_true_captions_alone() -> None:
    item = Item("0", (ImageRef(Path("a.png")),), ("false", "true"), (1,), "a")
    box = (0, 0, 1, 1)
    vocabulary = Vocabulary(("dog",), ("on",))
    scene = Scene("0", item.images[0], (box,), (0,), (), (), "a", vocabulary)
    assert list(true_captions(item)) == ["true"]
    assert list(true_captions(entry("x", "y"))) == ["x", "y"]
    assert not list(true_captions(scene))
    learnt = NgramScorer("ngram", mean=False).fit([item, scene, entry("x", "y")])
    assert learnt.manifest.settings["learned"] == "3 training captions"
    again = NgramScorer("ngram", mean=False).fit([entry("y", "x", "true")])
    assert learnt.manifest == again.manifest
    other = NgramScorer("ngram", mean=False).fit([entry("y", "x", "x")])
    assert learnt.manifest.fingerprint != other.manifest.fingerprint


def test_without_a_training_split_all_captions_are_alike() -> None:
    model = NgramScorer("ngram", mean=False)
    assert isinstance(model, Learner)
    assert "learnt nothing" in model.fit(()).manifest.settings["note"]
    scores = model.encode_texts(model.tokenize(["a", "a much longer one"]), "scene")
    assert scores.tolist() == [[0.0], [0.0]]


def test_a_mean_is_over_words_and_end() -> None:
    training = [entry(*CAPTIONS)]
    one, mean = (NgramScorer("x", mean=mean).fit(training) for mean in (False, True))
    assert one.score("a dog") / 3 == mean.score("a dog")


def test_the_ratio_learns_what_marks_false_captions() -> None:
    item = Item("0", (), ("a red dog", "a dog dog"), (0,), "")
    both = NgramRatio().fit([item, entry("a blue cat")])
    true, false = KneserNey(["a red dog", "a blue cat"]), KneserNey(["a dog dog"])
    for text in ("a red dog", "a dog dog", "a green bird"):
        expected = true.log_probability(text)[0] - false.log_probability(text)[0]
        assert both.score(both.read(text)) == expected
    assert both.score("a red dog") > both.score("a dog dog")
    for nothing in (NgramRatio(), NgramRatio().fit([entry("x")])):
        assert nothing.score("a red dog") == 0
        assert nothing.manifest.settings["learned"] == "nothing"
