"""Taggers: what they tell, how they are chosen, what is said where there is none."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from benchbench.data import tagging
from benchbench.data.order import ADJECTIVES, NOUNS
from benchbench.data.tagging import find_tagger
from benchbench.errors import MissingData, UnknownName
from benchbench.scenes.captions import captions
from benchbench.scenes.sampling import sample


def kind(tag: str) -> str:
    return "noun" if tag in NOUNS else "adjective" if tag in ADJECTIVES else "other"


def test_hanta_knows_the_nouns_and_adjectives_of_drawn_captions() -> None:
    pytest.importorskip("HanTa")
    told, tagger = captions(sample("test", np.arange(60))), find_tagger("hanta")
    same = []
    for row, texts in enumerate(told.texts()):
        for k, text in enumerate(texts):
            found, known = tagger.tag(text), told.tagged(row, k)
            assert [word for word, _ in found.tagged] == list(found.words)
            assert [word for word, _ in found.tagged] == [word for word, _ in known]
            pairs = zip(found.tagged, known, strict=True)
            same += [kind(tag) == kind(true) for (_, tag), (_, true) in pairs]
    assert len(same) > 3000
    assert np.mean(same) > 0.99


def test_hanta_tells_penns_tags() -> None:
    pytest.importorskip("HanTa")
    tagger = find_tagger("hanta")
    assert tagger.name.startswith("HanTa 1.")
    found = dict(tagger.tag("The first man feeds several dogs and a smaller cat in London.").tagged)
    wanted = {"first": "JJ", "man": "NN", "several": "JJ", "smaller": "JJR", "dogs": "NNS"}
    assert wanted.items() <= found.items()
    assert (found["London"], kind(found["feeds"])) == ("NNP", "other")


def test_the_tagger_upstream_takes_is_taken_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str) -> object:
        assert name == "en_core_web_sm"
        return lambda text: [SimpleNamespace(text=w, tag_="NN") for w in text.split("-")]

    fake = SimpleNamespace(__version__="3.8.1", load=load)
    monkeypatch.setitem(sys.modules, "spacy", fake)
    monkeypatch.setattr(tagging, "_installed", lambda name: "3.8.0")
    tagger = find_tagger()
    assert tagger.name == "spacy 3.8.1, en_core_web_sm 3.8.0"
    found = tagger.tag("a-dog's bed")
    assert found.tagged == [("a", "NN"), ("dog's bed", "NN")]
    assert found.words == ["a-dog", "'s", "bed"]


@pytest.mark.parametrize(
    ("name", "advice"),
    [("auto", "pip install 'benchbench-vl[order]'"), ("spacy", "spacy download en_core_web_sm")],
)
def test_a_tagger_that_is_missing_is_named_with_its_command(
    monkeypatch: pytest.MonkeyPatch, name: str, advice: str
) -> None:
    monkeypatch.setattr(tagging, "_installed", lambda name: None)
    with pytest.raises(MissingData) as caught:
        find_tagger(name)
    assert advice in str(caught.value)


def test_an_unknown_tagger_is_named() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'spacy'"):
        find_tagger("spaci")
