"""Free text by tags; the tags here are written by hand, in Penn's names or the BNC's."""

from __future__ import annotations

import pytest

from benchbench.data.tagging import find_tagger
from benchbench.scenegraph import freetext, negatives, parse, triples


def tagged(text: str) -> list[tuple[str, str]]:
    """ "word/TAG …" """
    pairs = [part.rsplit("/", 1) for part in text.split()]
    return [(word, tag) for word, tag in pairs]


def read(text: str) -> tuple[tuple[str, str, str], ...]:
    words = tagged(text)
    return triples(parse(" ".join(word for word, _ in words), words), most=20)


def test_what_holds_both_ways_is_not_swapped_in_any_form_of_its_verb() -> None:
    for verb in ("talks/VBZ to/TO", "talking/VBG to/TO", "hugs/VBZ", "sat/VBD with/IN"):
        words = tagged(f"a/DT man/NN {verb} a/DT girl/NN")
        graph = parse(" ".join(word for word, _ in words), words)
        assert len(graph.relations) == 1
        assert negatives(graph) == (), verb
    words = tagged("a/DT man/NN walks/VBZ on/IN a/DT road/NN")
    assert negatives(parse("a man walks on a road", words))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "A/DT young/JJ man/NN riding/VBG a/DT brown/JJ horse/NN ./.",
            {("man", "riding", "horse"), ("man", "is", "young"), ("horse", "is", "brown")},
        ),
        (
            "A/AT0 man/NN in/PRP a/AT0 field/NN flying/VVG a/AT0 kite/NN",
            {("man", "in", "field"), ("man", "flying", "kite")},
        ),
        (
            "a/DT woman/NN in/IN a/DT red/JJ hat/NN holding/VBG an/DT umbrella/NN",
            {("woman", "holding", "umbrella"), ("woman", "wearing", "hat"), ("hat", "is", "red")},
        ),
        (
            "photo/NN of/IN a/DT group/NN of/IN people/NNS next/JJ to/TO a/DT fire/NN hydrant/NN",
            {("people", "next to", "fire hydrant")},
        ),
        (
            "a/DT close/NN up/RP of/IN a/DT muffin/NN wrapper/NN on/IN a/DT table/NN",
            {("muffin wrapper", "on", "table")},
        ),
        (
            "a/DT close/NN up/RP view/NN of/IN a/DT dog/NN wearing/VBG a/DT tie/NN",
            {("dog", "wearing", "tie")},
        ),
        (
            "a/DT man/NN standing/VBG close/RB up/RP to/TO a/DT bus/NN",
            {("man", "standing up to", "bus")},
        ),
        (
            "the/DT zebra/NN is/VBZ being/VBG chased/VBN by/IN two/CD lions/NNS",
            {("lions", "chasing", "zebra")},
        ),
        (
            "a/DT black/JJ and/CC white/JJ cat/NN on/IN top/NN of/IN my/PRP$ desk/NN",
            {("cat", "on top of", "desk"), ("cat", "is", "black"), ("cat", "is", "white")},
        ),
        (
            "a/DT kite/NN can/MD be/VB seen/VBN above/IN the/DT trees/NNS",
            {("kite", "above", "trees")},
        ),
        (
            "a/DT man/NN wearing/VBG a/DT hat/NN rides/VBZ a/DT horse/NN",
            {("man", "wearing", "hat"), ("man", "riding", "horse")},
        ),
        ("dogs/NNS that/WDT bark/VBP", set()),
        ("running/VBG quickly/RB", set()),
    ],
)
def test_patterns(text: str, told: set[tuple[str, str, str]]) -> None:
    assert set(read(text)) == told


def test_a_group_travels_whole() -> None:
    words = tagged("a/DT group/NN of/IN people/NNS riding/VBG an/DT old/JJ elephant/NN")
    (negative,) = negatives(parse("", words))
    assert negative.caption == "an old elephant riding a group of people"


def test_of_is_told_but_not_swapped() -> None:
    words = tagged("the/DT roof/NN of/IN the/DT barn/NN")
    assert triples(parse("the roof of the barn", words)) == (("roof", "of", "barn"),)
    assert negatives(parse("the roof of the barn", words)) == ()


def test_a_close_up_is_not_an_object() -> None:
    words = tagged("a/DT close/NN up/RP of/IN a/DT muffin/NN wrapper/NN on/IN a/DT table/NN")
    graph = parse("", words)
    assert [each.name for each in graph.objects] == ["muffin wrapper", "table"]
    assert [each.caption for each in negatives(graph)] == [
        "a close up of a table on a muffin wrapper"
    ]


@pytest.mark.parametrize("run", ["very/RB", "very/RB ,/,", "and/CC very/RB", "red/JJ ,/,"])
def test_words_before_no_noun_are_looked_at_once(run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looked, past_looks = [], freetext._FreeTextParser._past_looks

    def counting(self: freetext._FreeTextParser, at: int) -> tuple[int, int]:
        found = past_looks(self, at)
        looked.append(found[1] - at)
        return found

    monkeypatch.setattr(freetext._FreeTextParser, "_past_looks", counting)
    words = tagged(" ".join([run] * 500))
    assert parse("", words).objects == ()
    assert sum(looked) <= len(words)


def test_without_tags_there_is_no_graph() -> None:
    graph = parse("A zebra crosses the street.")
    assert (graph.objects, graph.attributes, graph.relations) == ((), (), ())
    assert graph.text == "a zebra crosses the street."


def test_a_tagger_of_the_extra_will_do() -> None:
    pytest.importorskip("HanTa")
    caption = "A small zebra standing in the tall grass."
    graph = parse(caption, find_tagger("hanta").tag(caption).tagged)
    assert triples(graph) == (
        ("zebra", "standing in", "grass"),
        ("zebra", "is", "small"),
        ("grass", "is", "tall"),
    )
    assert [each.caption for each in negatives(graph)] == [
        "the tall grass standing in a small zebra.",
        "a tall zebra standing in the small grass.",
    ]
