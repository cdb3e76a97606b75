"""Words, articles, and runs of words that change places."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbench.scenegraph.wording import agree, article, exchanged, joined, words_of


@given(st.text(max_size=60))
def test_writing_words_down_and_reading_them_again_changes_nothing(text: str) -> None:
    once = words_of(text)
    assert words_of(joined(once)) == once


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("un cafe\u0301.", ("un", "caf\u00e9", ".")),
        ("CAFE\u0301-cre\u0300me", ("caf\u00e9-cr\u00e8me",)),
        ("हिन्दी में कुत्ता", ("हिन्दी", "में", "कुत्ता")),
        ("q\u0323\u0307 \u0301 a", ("q\u0323\u0307", "\u0301", "a")),
        ("I \u2764\ufe0f dogs", ("i", "\u2764\ufe0f", "dogs")),
    ],
)  # fmt: skip
def test_marks_that_combine_belong_to_their_words(text: str, expected: tuple[str, ...]) -> None:
    assert words_of(text) == expected
    assert words_of(joined(expected)) == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("apple", "an"), ("unicycle", "a"), ("uniform", "a"), ("unmaintained", "an"),
        ("ukulele", "a"), ("urinal", "a"), ("urban", "an"), ("european", "a"), ("one-way", "a"),
        ("honest", "an"), ("horse", "a"), ("house", "a"), ("umbrella", "an"), ("5", "a"),
    ],
)  # fmt: skip
def test_articles(word: str, expected: str) -> None:
    assert article(word) == expected


def test_only_an_article_just_before_is_put_right() -> None:
    words = ["an", "dog", "and", "a", "old", "a", "apple"]
    agree(words, (1, 4))
    assert words == ["a", "dog", "and", "an", "old", "a", "apple"]
    agree(words, (0,))
    assert words[0] == "a"


@given(st.lists(st.integers(0, 99), min_size=2, max_size=12), st.data())
def test_exchanged_runs_stand_where_they_are_said_to(
    numbers: list[int], data: st.DataObject
) -> None:
    words = [str(number) for number in numbers]
    ends = sorted(
        data.draw(st.lists(st.integers(0, len(words)), min_size=4, max_size=4), label="ends")
    )
    one, other = (ends[0], ends[1]), (ends[2], ends[3])
    moved, (first, second) = exchanged(words, one, other)
    assert exchanged(words, other, one) == (moved, (first, second))
    assert sorted(moved) == sorted(words)
    assert moved[first : first + ends[3] - ends[2]] == words[ends[2] : ends[3]]
    assert moved[second : second + ends[1] - ends[0]] == words[ends[0] : ends[1]]
