"""Captions: true, tagged, varied, and never of the form of a test item."""

from __future__ import annotations

import re

import numpy as np
import pytest

from benchbench.scenes.captions import captions, dense_captions
from benchbench.scenes.records import Record, records
from benchbench.scenes.sampling import sample
from benchbench.scenes.vocabulary import CATEGORIES, COLOURS, PATTERNS, PREDICATES, SIZES

NAMES = {category.name for category in CATEGORIES}
RELATION_FORM = re.compile(r"\bthe \w+ is \w+")
ATTRIBUTE_FORM = re.compile(r"^the \w+ \w+ and the \w+ \w+$")
PENN = {
    "DT",
    "JJ",
    "NN",
    "NNS",
    "IN",
    "VBG",
    "VBZ",
    "VBN",
    "VBP",
    "VB",
    "MD",
    "EX",
    "CC",
    "CD",
    "PRP",
    "RB",
    ",",
}
ADJECTIVES = {c.name for c in COLOURS} | {*PATTERNS[1:], *SIZES[1:]}


def objects_named(tagged: list[tuple[str, str]]) -> list[tuple[str, set[str]]]:
    """(name, attributes) of every noun phrase "a … noun"; clothes count as their wearer's."""
    found: list[tuple[str, set[str]]] = []
    adjectives: set[str] = set()
    for word, tag in tagged:
        if tag == "JJ":
            adjectives.add(word)
        elif tag == "NN" and word == "shirt":
            found[-1][1].update(adjectives)
            adjectives = set()
        elif tag == "NN" and word in NAMES:
            found.append((word, adjectives))
            adjectives = set()
    return found


def fits(record: Record, name: str, attributes: set[str]) -> bool:
    return any(o["name"] == name and attributes <= set(o["attributes"]) for o in record["objects"])


@pytest.mark.parametrize("split", ["train", "test-dense"])
def test_every_object_named_is_there_and_looks_so(split: str) -> None:
    scenes = sample(split, np.arange(300))
    told, dense = captions(scenes), dense_captions(scenes)
    for row, record in enumerate(records(scenes)):
        lines = [told.tagged(row, k) for k in range(5)] + [dense.tagged(row, 0)]
        for tagged in lines:
            assert all(fits(record, *named) for named in objects_named(tagged)), (record, tagged)


def test_dense_captions_leave_nobody_out() -> None:
    scenes = sample("val", np.arange(300))
    dense = dense_captions(scenes)
    for row, record in enumerate(records(scenes)):
        named = {name for name, _ in objects_named(dense.tagged(row, 0))}
        assert named == {o["name"] for o in record["objects"]}


def test_plain_relations_are_annotated_ones() -> None:
    """Where a caption reads "a … p a …" with p a predicate's name, that triple is in the graph."""
    scenes = sample("train", np.arange(500))
    checked = 0
    for five, record in zip(captions(scenes).texts(), records(scenes), strict=True):
        graph = {
            (record["objects"][s]["name"], p, record["objects"][o]["name"])
            for s, p, o in record["relations"]
        }
        for text in five:
            bare = " ".join(w for w in text.split() if w not in ADJECTIVES)
            bare = re.sub(r" in an? shirt", "", bare)
            for p in (p.name for p in PREDICATES if p.name not in ("on", "in")):
                match = re.match(rf"^(?:there is )?an? (\w+) {p} an? (\w+)\b", bare)
                if match:
                    checked += 1
                    assert (match[1], p, match[2]) in graph
    assert checked > 300


def test_no_caption_has_the_form_of_an_item() -> None:
    scenes = sample("train", np.arange(2000))
    texts = [t for five in captions(scenes).texts() for t in five]
    texts += [one[0] for one in dense_captions(scenes).texts()]
    assert not [t for t in texts if RELATION_FORM.search(t) or ATTRIBUTE_FORM.search(t)]


def test_captions_vary_and_are_tagged() -> None:
    scenes = sample("val", np.arange(400))
    told = captions(scenes)
    distinct = [len(set(five)) for five in told.texts()]
    assert np.mean(distinct) > 4.5
    for row in range(0, 400, 7):
        for column in range(5):
            tagged = told.tagged(row, column)
            assert {tag for _, tag in tagged} <= PENN
            assert 5 <= len(tagged) <= 40
            assert sum(tag in ("NN", "NNS") for _, tag in tagged) >= 2


def test_articles_agree() -> None:
    scenes = sample("train", np.arange(500))
    for five in captions(scenes).texts():
        for text in five:
            assert not re.search(r"\ba [aeiou]|\ban [^aeiou]", text), text


def test_captions_do_not_depend_on_the_batch() -> None:
    batch, alone = sample("train", np.arange(30)), sample("train", np.array([17]))
    assert captions(batch).texts()[17] == captions(alone).texts()[0]
    assert dense_captions(batch).texts()[17] == dense_captions(alone).texts()[0]
