"""Swapped captions of a true one: which, and at what cost where a caption is long."""

from __future__ import annotations

import pytest

from benchbench.scenegraph import Caption, drawn_tags, negatives, swapping, words_of
from benchbench.training.captions import swap_words

LOOKS = ("red", "green", "blue", "pink", "white", "black", "gray", "brown")
NOUNS = ("dog", "cat", "cup", "box", "bag")


def listed(count: int) -> str:
    """A list of objects, in the drawn world's words."""
    return ", ".join(f"a {LOOKS[i % 8]} {NOUNS[i % 5]}" for i in range(count))


def test_swaps_stay_what_they_are() -> None:
    caption = Caption("a red dog chasing a blue cat behind a white box")
    chosen = [[each.text for each in swap_words(caption, "semantic", seed, 2)] for seed in range(3)]
    assert chosen == [
        [
            "a red dog chasing a white cat behind a blue box",
            "a blue cat chasing a red dog behind a white box",
        ],
        [
            "a red dog chasing a white box behind a blue cat",
            "a blue dog chasing a red cat behind a white box",
        ],
        [
            "a blue dog chasing a red cat behind a white box",
            "a white dog chasing a blue cat behind a red box",
        ],
    ]


def test_only_the_swaps_that_are_kept_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    caption, written = Caption(listed(20)), []
    found = [each.caption for each in negatives(caption.graph)]

    def joined(words: tuple[str, ...]) -> str:
        written.append(words)
        return " ".join(words)

    monkeypatch.setattr(swapping, "joined", joined)
    swapped = swap_words(caption, "semantic", 0, 3)
    assert len(found) > 100
    assert len(swapped) == len(written) == 3
    assert {" ".join(words_of(each)) for each in found} >= {each.text for each in swapped}


def test_most_of_a_very_long_caption_is_left_as_it_is() -> None:
    text = listed(2000)
    found = negatives(Caption(text).graph)
    assert len(found) == len(negatives(Caption(listed(200)).graph)) < 3000
    (swapped,) = swap_words(Caption(text, drawn_tags(words_of(text))), "semantic", 0)
    assert swapped.text != text
    assert swapped.text.split()[300:] == text.split()[300:]
