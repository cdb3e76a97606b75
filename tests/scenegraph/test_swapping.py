"""What every negative owes: the same words, another text, and the other facts as they were."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbench.scenegraph import (
    Graph,
    drawn_tags,
    negatives,
    parse,
    random_negative,
    random_negatives,
    triples,
    words_of,
)
from benchbench.scenegraph.wording import MOST_WORDS, article, joined
from benchbench.scenes.captions import captions, dense_captions
from benchbench.scenes.sampling import sample

_SCENES = sample("test-dense", np.arange(60))
TEXTS = [t for texts in captions(_SCENES).texts() for t in texts]
TEXTS += [texts[0] for texts in dense_captions(_SCENES).texts()]
DRAWN = st.sampled_from(TEXTS)
KINDS = ("NN", "JJ", "VBG", "DT", "IN", "VBZ")
TAGGED = st.lists(
    st.tuples(
        st.sampled_from(["a", "dog", "Red", "orange", "hour", "on", "sees"]), st.sampled_from(KINDS)
    ),
    max_size=12,
)


def counted(text: str) -> Counter[str]:
    """Its words, "a" and "an" as one."""
    return Counter("a" if word == "an" else word for word in words_of(text))


@given(DRAWN)
def test_negatives_have_the_same_words_and_differ_all_from_each_other(text: str) -> None:
    found = [each.caption for each in negatives(parse(text))]
    assert len({text, *found}) == 1 + len(found)
    assert all(counted(each) == counted(text) for each in found)


@given(TAGGED)
def test_negatives_of_any_tagged_text_too(tagged: list[tuple[str, str]]) -> None:
    graph = parse("?", tagged)
    spans = [*(o.span for o in graph.objects), *(a.span for a in graph.attributes)]
    assert all(0 <= start < end <= len(tagged) for start, end in spans)
    found = [each.caption for each in negatives(graph)]
    assert len({graph.text, *found}) == 1 + len(found)
    assert all(counted(each) == counted(graph.text) for each in found)


@given(DRAWN, st.randoms())
def test_case_and_spacing_do_not_matter(text: str, chance: object) -> None:
    loud = f"  {text.upper()} ".replace(" ", "   ").replace(" ,", ",")
    assert parse(loud) == parse(text)
    assert parse(parse(loud).text) == parse(text)


@given(DRAWN)
def test_articles_agree_in_negatives(text: str) -> None:
    for each in negatives(parse(text)):
        words = words_of(each.caption)
        for word, after in pairwise(words):
            assert word not in ("a", "an") or word == article(after)


@pytest.mark.parametrize(
    "text",
    [
        "a dog chasing a dog",
        "a red cup behind a red cup",
        "a cup behind a red cup",
        "a red cup near a striped red box",
        "a red cup near a cup",
        "a red flower near a yellow flower",
        "a dog with a cat in a park",
        "a small person in a brown shirt near a rock",
    ],
)
def test_what_a_swap_would_leave_true_or_doubtful_is_left_out(text: str) -> None:
    assert parse(text).relations
    assert negatives(parse(text)) == ()


def test_swaps_by_hand() -> None:
    graph = parse("a striped red cup to the left of a cup while an orange dog looks at a blue cup")
    assert [(each.kind, each.caption) for each in negatives(graph)] == [
        (
            "relation swap",
            "a striped red cup to the left of a cup while a blue cup looks at an orange dog",
        ),
        (
            "attribute swap",
            "an orange cup to the left of a cup while a striped red dog looks at a blue cup",
        ),
        (
            "attribute swap",
            "a striped red cup to the left of a cup while a blue dog looks at an orange cup",
        ),
    ]


def test_swaps_of_the_drawn_world_stay_what_they_are() -> None:
    found = [(each.kind, each.caption) for text in TEXTS for each in negatives(parse(text))]
    assert len(found) == 3046
    assert sha256(repr(found).encode()).hexdigest()[:16] == "f5f3cfb41a3a2000"


def test_what_stands_after_the_first_words_stays_there() -> None:
    text = ", ".join(["a red cup on a blue box"] * 200)
    words, found = words_of(text), negatives(parse(text))
    moved = [words_of(each.caption) for each in found]
    assert 0 < len(found) < 3000
    assert all(each[MOST_WORDS:] == words[MOST_WORDS:] for each in moved)
    assert all(each[:MOST_WORDS] != words[:MOST_WORDS] for each in moved)
    late = f"a dog {'very ' * MOST_WORDS}on a box"
    tags = [(w, "RB" if w == "very" else "DT" if w == "a" else "NN") for w in late.split()]
    assert parse(late, tags).relations
    assert negatives(parse(late, tags)) == ()


def test_an_empty_graph_has_nothing() -> None:
    assert negatives(Graph()) == ()
    assert triples(Graph()) == ()


def test_triples_come_once_and_at_most_so_many() -> None:
    graph = parse("in a room there is a red cup on a red box, a red cup on a red box")
    assert triples(graph) == (("cup", "on", "box"), ("cup", "is", "red"), ("box", "is", "red"))
    assert triples(graph, most=2) == (("cup", "on", "box"), ("cup", "is", "red"))


@given(DRAWN, st.integers(0, 5))
def test_random_negatives_are_other_captions_of_the_same_words(text: str, seed: int) -> None:
    tagged = drawn_tags(words_of(text))
    assert tagged is not None
    swapped = random_negative(tagged, seed)
    assert swapped == random_negative(tagged, seed)
    if swapped is not None:
        assert swapped != text
        assert counted(swapped) == counted(text)


@given(TAGGED)
def test_random_negatives_of_anything(tagged: list[tuple[str, str]]) -> None:
    swapped = random_negative(tagged)
    assert swapped is None or words_of(swapped) != words_of(joined([w for w, _ in tagged]))


def test_random_pairs_are_about_equally_frequent() -> None:
    tagged = [("dog", "NN"), ("sees", "VBZ"), ("cat", "NN"), ("and", "CC"), ("cow", "NN")]
    found = Counter(random_negative(tagged, seed) for seed in range(3000))
    assert len(found) == 3
    assert min(found.values()) > 900


def test_random_pairs_stay_what_they_are() -> None:
    tagged = [("dog", "NN"), ("sees", "VBZ"), ("cat", "NN"), ("and", "CC"), ("cow", "NN")]
    assert [random_negative(tagged, seed) for seed in range(4)] == [
        "cat sees dog and cow",
        "dog sees cow and cat",
        "dog sees cow and cat",
        "cat sees dog and cow",
    ]


def test_random_pairs_are_of_the_first_words(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = []

    def permutation(name: str, count: int) -> list[int]:
        counts.append(count)
        return [count - 1]

    monkeypatch.setattr(random_negatives, "permutation", permutation)
    tagged = [(f"dog{number}", "NN") for number in range(2000)]
    words = [word for word, _ in tagged]
    words[MOST_WORDS - 2 : MOST_WORDS] = words[MOST_WORDS - 1], words[MOST_WORDS - 2]
    assert random_negative(tagged) == " ".join(words)
    assert counts == [MOST_WORDS * (MOST_WORDS - 1) // 2]
