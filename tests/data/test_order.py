"""The order perturbations against the sentences that define them."""

from __future__ import annotations

import re
from collections import Counter
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbench.data.order import (
    ADJECTIVES,
    NOUNS,
    PERTURBATIONS,
    TaggedCaption,
    freeze,
    negatives,
    permutation,
    pre_caption,
    shuffle_allbut_nouns_and_adj,
    shuffle_nouns_and_adj,
    shuffle_trigrams,
    shuffle_within_trigrams,
)

TAGS = ["NN", "NNS", "NNP", "NNPS", "JJ", "JJR", "JJS", "VBZ", "DT", "IN", ".", "PRP"]
words = st.text(alphabet="abcde", min_size=1, max_size=3)
captions = st.lists(st.tuples(words, st.sampled_from(TAGS)), max_size=14)
names = st.text(max_size=8)


def kept(tagged: list[tuple[str, str]], text: str, tags: frozenset[str]) -> list[str]:
    """Words of the shuffled text at the places of some tags."""
    return [w for w, (_, tag) in zip(text.split(), tagged, strict=True) if tag in tags]


def there(tagged: list[tuple[str, str]], tags: frozenset[str]) -> list[str]:
    return [word for word, tag in tagged if tag in tags]


OTHERS = frozenset(TAGS) - NOUNS - ADJECTIVES


@given(captions, names)
def test_nouns_stay_among_nouns_and_adjectives_among_adjectives(
    tagged: list[tuple[str, str]], name: str
) -> None:
    text = shuffle_nouns_and_adj(tagged, name)
    for tags in (NOUNS, ADJECTIVES):
        assert Counter(kept(tagged, text, tags)) == Counter(there(tagged, tags))
    assert kept(tagged, text, OTHERS) == there(tagged, OTHERS)


@given(captions, names)
def test_everything_but_nouns_and_adjectives_moves(
    tagged: list[tuple[str, str]], name: str
) -> None:
    text = shuffle_allbut_nouns_and_adj(tagged, name)
    assert kept(tagged, text, NOUNS) == there(tagged, NOUNS)
    assert kept(tagged, text, ADJECTIVES) == there(tagged, ADJECTIVES)
    assert Counter(kept(tagged, text, OTHERS)) == Counter(there(tagged, OTHERS))


def threes(line: list[str]) -> list[list[str]]:
    return [line[i : i + 3] for i in range(0, len(line), 3)]


@given(st.lists(words, max_size=14), names)
def test_trigrams_are_shuffled_within(line: list[str], name: str) -> None:
    text = shuffle_within_trigrams(line, name)
    assert [Counter(part) for part in threes(text.split())] == [Counter(p) for p in threes(line)]


@given(st.lists(words, max_size=8), names)
def test_trigrams_are_shuffled_whole(line: list[str], name: str) -> None:
    possible = {" ".join(w for part in order for w in part) for order in permutations(threes(line))}
    assert shuffle_trigrams(line, name) in possible


def test_every_order_comes_equally_often() -> None:
    count = Counter(tuple(permutation(f"item {i}", 4)) for i in range(24_000))
    assert len(count) == 24
    assert sum((n - 1000) ** 2 / 1000 for n in count.values()) < 50  # chi², 23 degrees: p < 0.001


def test_an_order_is_pinned_for_ever() -> None:
    assert permutation("order/0/000000.png/0", 8) == [2, 5, 6, 4, 1, 7, 0, 3]
    assert permutation("x", 0) == []
    assert permutation("x", 1) == [0]


def naive_pre_caption(text: str) -> str:
    """Upstream's rule, letter by letter."""
    out = ""
    for letter in text.lower():
        out += " " if letter in '.!"()*#:;~' else letter
    out = re.sub(r"(\s)(\s)+", " ", out)
    while out.endswith("\n"):
        out = out[:-1]
    return " ".join(out.strip(" ").split(" ")[:30])


@given(st.text(alphabet='aB .!"()*#:;~\t\n,-', max_size=40))
def test_pre_caption_is_upstreams(text: str) -> None:
    assert pre_caption(text) == naive_pre_caption(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('A "big" dog (brown).  ', "a big dog brown"),
        ("a " * 40, " ".join("a" * 30)),
        ("Don't stop, it's 5:30!", "don't stop, it's 5 30"),
    ],
)
def test_pre_caption_by_hand(text: str, shown: str) -> None:
    assert pre_caption(text) == shown


@given(st.text(alphabet='aB .!"()*#:;~\t\n,-', max_size=90))
def test_pre_caption_of_a_shown_caption_is_itself(text: str) -> None:
    assert pre_caption(pre_caption(text)) == pre_caption(text)


def naive_shuffles(caption: TaggedCaption, name: str) -> list[str]:
    """Upstream's four functions, line for line, with our orders for numpy's and random's."""
    words = [word for word, _ in caption.tagged]
    tags = [tag for _, tag in caption.tagged]
    nouns = [i for i, tag in enumerate(tags) if tag in ("NN", "NNS", "NNP", "NNPS")]
    adjectives = [i for i, tag in enumerate(tags) if tag in ("JJ", "JJR", "JJS")]
    first = list(words)
    for kind, places in (("nouns", nouns), ("adjectives", adjectives)):
        order = permutation(f"{name}/shuffle_nouns_and_adj/{kind}", len(places))
        for i, place in enumerate(places):
            first[place] = words[places[order[i]]]
    others = [i for i in range(len(words)) if i not in nouns and i not in adjectives]
    order = permutation(f"{name}/shuffle_allbut_nouns_and_adj", len(others))
    second = list(words)
    for i, place in enumerate(others):
        second[place] = words[others[order[i]]]
    parts = threes(list(caption.words))
    third: list[str] = []
    for n, part in enumerate(parts):
        order = permutation(f"{name}/shuffle_within_trigrams/{n}", len(part))
        third += [part[i] for i in order]
    order = permutation(f"{name}/shuffle_trigrams", len(parts))
    fourth = [word for i in order for word in parts[i]]
    return [pre_caption(" ".join(each)) for each in (first, second, third, fourth)]


@given(captions, names)
def test_shuffles_are_upstreams_by_given_orders(tagged: list[tuple[str, str]], name: str) -> None:
    caption = TaggedCaption("", tagged, [word for word, _ in tagged])
    assert negatives(caption, name) == naive_shuffles(caption, name)


def one() -> TaggedCaption:
    tagged = [("A", "DT"), ("red", "JJ"), ("dog", "NN"), ("chases", "VBZ"), ("a", "DT")]
    tagged += [("white", "JJ"), ("cat", "NN"), ("!", ".")]
    return TaggedCaption("A red dog chases a white cat!", tagged, [word for word, _ in tagged])


def test_negatives_depend_on_the_name_and_on_nothing_else() -> None:
    assert negatives(one(), "a") == negatives(one(), "a")
    several = {tuple(negatives(one(), str(i))) for i in range(20)}
    assert len(several) > 15
    assert all(text == pre_caption(text) for four in several for text in four)


def test_a_frozen_file_says_where_it_comes_from() -> None:
    images = [("b.png", [one(), one()]), ("a.png", [one()])]
    content = freeze(images, tagger="by hand", source="x.json", source_digest="00", seed=3)
    assert content["perturbations"] == list(PERTURBATIONS)
    assert (content["tagger"], content["seed"], content["version"]) == ("by hand", 3, 1)
    places = [(i["image"], i["image_number"], i["caption_number"]) for i in content["items"]]
    assert places == [("b.png", 0, 0), ("b.png", 0, 1), ("a.png", 1, 0)]
    assert {item["true_option"] for item in content["items"]} == {"a red dog chases a white cat"}
    assert content["items"][1]["negatives"] == negatives(one(), "order/3/b.png/1")
    assert content["items"][0]["negatives"] != content["items"][1]["negatives"]
