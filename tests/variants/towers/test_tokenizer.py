"""The small towers' tokenizer has open_clip's ids."""

from __future__ import annotations

import pickle

import open_clip
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbench.variants import towers

towers.register()
THEIRS = open_clip.get_tokenizer(towers.NAME)
OURS = towers.find_tokenizer(towers.NAME)
PLAIN = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)


@given(st.one_of(PLAIN, st.text(max_size=40)))
def test_ids_are_open_clips(text: str) -> None:
    assert OURS.encode(text) == THEIRS.encode(text)


@pytest.mark.parametrize(
    "text",
    [
        "A dog chases the cat.", "it's  the DOG's\tball", "&amp;lt; 3 cats", "",  " ",
        "mississippi", "aaaaaaa", "nananana banana",
        "caf\u00e9 \u201cquoted\u201d", "<start_of_text> a <end_of_text>", "12,345 dogs!!",
        "a\u200bb", "\x1b[31mred", "mojibake \u00e2\u20ac\u2122s",
    ],
)  # fmt: skip
def test_odd_texts_have_open_clips_ids(text: str) -> None:
    assert OURS.encode(text) == THEIRS.encode(text)


def test_its_record_is_open_clips() -> None:
    assert type(OURS).__name__ == type(THEIRS).__name__
    for name in ("context_length", "sot_token_id", "eot_token_id"):
        assert getattr(OURS, name) == getattr(THEIRS, name)
    assert OURS.encoder == THEIRS.encoder


def test_it_travels_to_another_process() -> None:
    again = pickle.loads(pickle.dumps(OURS))
    assert again.encode("a red cup") == THEIRS.encode("a red cup")
