"""The quicker tokenizer has open_clip's ids, on plain captions and on any other text."""

from __future__ import annotations

import pickle
from typing import Any

import open_clip
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbench.checkpoints.quick_tokens import Encode, quicken

SLOW = open_clip.get_tokenizer("ViT-B-32")
QUICK = quicken(open_clip.get_tokenizer("ViT-B-32"))
PLAIN = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)


@given(st.one_of(PLAIN, st.text(max_size=40)))
def test_ids_are_open_clips(text: str) -> None:
    assert QUICK.encode(text) == SLOW.encode(text)


@pytest.mark.parametrize(
    "text",
    [
        "A dog chases the cat.", "it's  the DOG's\tball", "&amp;lt; 3 cats", "",  " ",
        "caf\u00e9 \u201cquoted\u201d", "<start_of_text> a <end_of_text>", "12,345 dogs!!",
        "a\u200bb", "\x1b[31mred", "mojibake \u00e2\u20ac\u2122s",
    ],
)  # fmt: skip
def test_odd_texts_have_open_clips_ids(text: str) -> None:
    assert QUICK.encode(text) == SLOW.encode(text)
    assert (QUICK([text]) == SLOW([text])).all()


def test_it_travels_to_another_process() -> None:
    again: Any = pickle.loads(pickle.dumps(QUICK))
    assert isinstance(again.encode, Encode)
    assert again.encode("a red cup") == SLOW.encode("a red cup")


def test_tokenizers_that_clean_text_otherwise_stay_as_they_are() -> None:
    other: Any = open_clip.tokenizer.SimpleTokenizer(clean="whitespace")
    assert quicken(other) is other
    assert "encode" not in vars(other)
