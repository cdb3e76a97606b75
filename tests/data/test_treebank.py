"""Word tokens by hand and against NLTK's own rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbench.data.treebank import _sentence_tokens, word_tokens


@pytest.fixture(scope="module")
def nltk_words() -> Any:
    """NLTK's rules for words, which need no download; skips where it is absent."""
    return pytest.importorskip("nltk.tokenize").NLTKWordTokenizer()


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        ("A dog's bone. ", "A dog 's bone ."),
        ("They can't, won't; I cannot.", "They ca n't , wo n't ; I can not ."),
        ('A "red" bus', "A `` red '' bus"),
        ("a well-lit (small) room - at 5:30", "a well-lit ( small ) room - at 5:30"),
        ("Two men. A dog...", "Two men . A dog ..."),
        ("Washington D.C. at the corner of N. Astor", "Washington D.C. at the corner of N. Astor"),
        ("$3.88 for 2,000 & more", "$ 3.88 for 2,000 & more"),
    ],
)
def test_by_hand(text: str, tokens: Any) -> None:
    assert word_tokens(text) == (tokens.split() if isinstance(tokens, str) else tokens)


@given(text=st.text(alphabet="aZ3 .,:;'\"`()[]<>-!?*&%$@#’”“\u2014nt\tsd", max_size=40))
def test_any_sentence_is_parted_as_nltk_does(nltk_words: Any, text: str) -> None:
    assert _sentence_tokens(text) == nltk_words.tokenize(text)


def test_cocos_captions_are_parted_as_nltk_does(nltk_words: Any, coco_captions: Path) -> None:
    texts = [text for r in json.loads(coco_captions.read_text()) for text in r["caption"]]
    assert len(texts) == 25_010
    assert [t for t in texts if _sentence_tokens(t) != nltk_words.tokenize(t)] == []
