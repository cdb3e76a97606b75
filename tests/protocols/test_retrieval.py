"""Galleries searched both ways, against plain loops over every order of ties."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from itertools import permutations
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbench.embedding import EmbeddingTable, EncodedCaptions
from benchbench.errors import ContractError
from benchbench.protocols.galleries import by_gallery
from benchbench.protocols.reading import read_units
from benchbench.protocols.retrieval import PROTOCOL, search
from benchbench.protocols.shared_metrics import retrieval_metrics
from benchbench.types import Entry, Gallery, ImageRef, Metric, Places, RetrievalOutcome, Ties

SEEDS = st.integers(0, 2**32 - 1)
RULES: tuple[Ties, ...] = ("wrong", "share", "right")
READINGS = [
    Metric("hit", "", judgement="found", k=1),
    Metric("hit", "", judgement="found", k=2),
    Metric("rank", "", judgement="found", reading="rank"),
    Metric("median", "", judgement="found", reading="rank", statistic="median"),
    Metric("rr", "", judgement="found", reading="reciprocal rank"),
]


def entry(n: int, captions: tuple[str, ...], gallery: Gallery, also: tuple[str, ...] = ()) -> Entry:
    """Entry n, whose image is its own."""
    tags = {"gallery": gallery.name}
    return Entry(str(n), ImageRef(Path(f"{n}.png")), captions, f"c{n}", gallery, also, tags)


def searched(
    entries: list[Entry], images: np.ndarray, phrases: np.ndarray
) -> list[RetrievalOutcome]:
    """Outcomes from vectors of the images, and of the captions a, b, c …"""
    texts = [chr(ord("a") + i) for i in range(len(phrases))]
    return search(
        entries,
        EmbeddingTable({e.image: i for i, e in enumerate(entries)}, images),
        EncodedCaptions(
            EmbeddingTable({text: i for i, text in enumerate(texts)}, phrases),
            {text: (ord(text),) for text in texts},
            frozenset(),
        ),
    )


def whole(seed: int, rows: int) -> np.ndarray:
    """Vectors of small whole numbers, so that products are exact and often tie."""
    return np.random.default_rng(seed).integers(-1, 2, size=(rows, 2)).astype(np.float32)


def by_definition(scores: list[float], true: set[int], metric: Metric, ties: Ties) -> float:
    """What a search earns: from the place of its first true answer in every order of its ties.

    ``wrong`` takes the worst of these places, ``right`` the best, ``share`` all of them.
    """
    found = []
    for order in permutations(range(len(scores))):
        ranked = sorted(order, key=lambda i: -scores[i])  # stable: the order breaks the ties
        found.append(1 + min(place for place, i in enumerate(ranked) if i in true))
    if ties != "share":
        found = [max(found) if ties == "wrong" else min(found)]
    if metric.statistic == "median":
        return float(median(found))
    if metric.reading == "hit":
        each = [Fraction(place <= metric.k) for place in found]
    elif metric.reading == "rank":
        each = [Fraction(place) for place in found]
    else:
        each = [Fraction(1, place) for place in found]
    return float(sum(each, Fraction(0)) / len(each))


@settings(max_examples=40)
@given(SEEDS, st.sampled_from(READINGS), st.sampled_from(RULES))
def test_an_open_gallery_equals_every_order_of_its_ties(
    seed: int, metric: Metric, ties: Ties
) -> None:
    rng = np.random.default_rng(seed)
    gallery = Gallery("g")
    own = [tuple(rng.permutation(list("abcde"))[: rng.integers(1, 4)]) for _ in range(4)]
    entries = [entry(n, captions, gallery) for n, captions in enumerate(own)]
    texts = list(dict.fromkeys(text for captions in own for text in captions))
    images, phrases = whole(seed, 4), whole(seed + 1, 5)
    scores = images @ phrases.T
    columns = [ord(text) - ord("a") for text in texts]
    values = []
    for n, captions in enumerate(own):
        row = [float(scores[n, column]) for column in columns]
        true = {texts.index(text) for text in captions}
        values.append(by_definition(row, true, metric, ties))
    for captions in own:
        for text in captions:
            column = [float(score) for score in scores[:, ord(text) - ord("a")]]
            true = {n for n, others in enumerate(own) if text in others}
            values.append(by_definition(column, true, metric, ties))
    events = PROTOCOL.events(searched(entries, images, phrases), metric, ties)
    assert events.values.tolist() == values
    assert events.tags["direction"].count("image to text") == 4


@settings(max_examples=40)
@given(SEEDS, st.sampled_from(READINGS), st.sampled_from(RULES), st.booleans())
def test_a_closed_list_equals_every_order_of_its_ties(
    seed: int, metric: Metric, ties: Ties, lenient: bool
) -> None:
    rng = np.random.default_rng(seed)
    gallery = Gallery("g", "object", tuple("abcde"))
    labels = [rng.permutation(5)[: rng.integers(1, 4)].tolist() for _ in range(3)]
    names = [["abcde"[i] for i in row] for row in labels]
    entries = [entry(n, (row[0],), gallery, tuple(row[1:])) for n, row in enumerate(names)]
    images, phrases = whole(seed, 3), whole(seed + 1, 5)
    judged = dataclasses.replace(metric, judgement="found, lenient" if lenient else "found")
    events = PROTOCOL.events(searched(entries, images, phrases), judged, ties)
    expected = [
        by_definition(row.tolist(), set(labels[n] if lenient else labels[n][:1]), metric, ties)
        for n, row in enumerate(images @ phrases.T)
    ]
    assert events.values.tolist() == expected


@settings(max_examples=30)
@given(SEEDS, st.sampled_from(READINGS))
def test_a_constant_scorer_earns_exactly_chance_where_ties_are_shared(
    seed: int, metric: Metric
) -> None:
    rng = np.random.default_rng(seed)
    gallery = Gallery("g")
    own = [tuple(rng.permutation(list("abcdefgh"))[: rng.integers(1, 6)]) for _ in range(5)]
    entries = [entry(n, captions, gallery) for n, captions in enumerate(own)]
    outcomes = searched(entries, np.ones((5, 4), "f"), np.ones((8, 4), "f"))
    shared = PROTOCOL.events(outcomes, metric, "share")
    assert shared.values.tolist() == shared.chance.tolist()
    if metric.reading == "hit" and metric.k == 1:
        false_there = shared.candidates is not None and (shared.candidates > 1).all()
        alone = [o.own == o.n_captions for o in outcomes]
        if false_there and not any(alone):
            assert not PROTOCOL.events(outcomes, metric, "wrong").values[: len(outcomes)].any()


def test_by_hand() -> None:
    """Two images, three captions; a and b are of the first, b and c of the second."""
    gallery = Gallery("g")
    entries = [entry(0, ("a", "b"), gallery), entry(1, ("b", "c"), gallery)]
    images = np.array([[1, 0], [0, 1]], dtype=np.float32)
    phrases = np.array([[2, 1], [1, 0], [3, 3]], dtype=np.float32)
    first, second = searched(entries, images, phrases)
    assert (first.n_captions, first.n_images, first.own) == (3, 2, 2)
    assert first.found.better.tolist() == [1, 2], "c 3, a 2, b 1"
    assert second.found.better.tolist() == [2, 0], "c 3, a 1, b 0"
    assert [p.better.tolist() for p in first.finding] == [[0], [0, 1]], "b is true of both"
    metrics = {m.name: m for m in retrieval_metrics(cutoffs=(1,))}
    units = {name: read_units(PROTOCOL, [first, second], m, "wrong") for name, m in metrics.items()}
    assert units["i2t-R@1"].values.tolist() == [0, 1]
    assert units["i2t-MRR"].values.tolist() == [1 / 2, 1]
    assert units["i2t-median-rank"].values.tolist() == [2, 1]
    assert units["t2i-R@1"].values.tolist() == [1, 1, 1, 0], "c ties: wrong"
    assert set(units["R@1"].groups) == {"image to text", "text to image"}


def test_captions_read_alike_score_alike() -> None:
    entries = [
        entry(n, (text,), Gallery("g")) for n, text in enumerate(("A dog", "a dog", "a cat"))
    ]
    vectors = np.random.default_rng(0).normal(size=(3, 8)).astype("f")
    ids = {"A dog": (1, 2), "a dog": (1, 2), "a cat": (1, 3)}
    captions = EncodedCaptions(
        EmbeddingTable({t: i for i, t in enumerate(ids)}, vectors), ids, frozenset()
    )
    images = EmbeddingTable({e.image: i for i, e in enumerate(entries)}, vectors)
    found = search(entries, images, captions)
    assert [o.found.equal.tolist() for o in found] == [[1], [1], [0]]


def test_a_k_of_more_than_half_the_list_has_no_value() -> None:
    gallery = Gallery("g", "scene", tuple("abcd"))
    outcomes = searched([entry(0, ("a",), gallery)], whole(0, 1), whole(1, 4))
    fine, short = (
        read_units(PROTOCOL, outcomes, Metric("m", "", judgement="found", k=k), "wrong")
        for k in (2, 3)
    )
    assert (len(fine.values), fine.too_short) == (1, 0)
    assert (len(short.values), short.too_short) == (0, 4)


COUNTS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=4)
ANSWERS = COUNTS.map(
    lambda rows: Places(*(np.array(c, dtype=np.int32) for c in zip(*rows, strict=True)))
)


@given(st.lists(st.tuples(ANSWERS, st.lists(ANSWERS, max_size=3)), min_size=1, max_size=4))
def test_columns_read_back_as_they_were(rows: list[tuple[Places, list[Places]]]) -> None:
    outcomes = [
        RetrievalOutcome(str(i), "c", {"gallery": "g"}, found, 1, 20, tuple(finding), 20)
        for i, (found, finding) in enumerate(rows)
    ]
    table = pa.table(dict(PROTOCOL.columns(outcomes)))
    for outcome, row in zip(outcomes, table.to_pylist(), strict=True):
        base = {"id": outcome.id, "cluster": "c", "tags": {"gallery": "g"}}
        back: Any = PROTOCOL.outcome(row, base)
        assert (back.own, back.n_captions, back.n_images) == (1, 20, 20)
        pairs = zip((back.found, *back.finding), (outcome.found, *outcome.finding), strict=True)
        for mine, theirs in pairs:
            assert mine.better.tolist() == theirs.better.tolist()
            assert mine.equal.tolist() == theirs.equal.tolist()
            assert mine.better.dtype == mine.equal.dtype == np.int32


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"own": 0}, "0 own captions"),
        ({"own": 3}, "3 own captions among 2"),
        ({"found_better": [1]}, "1 and 2 counts"),
        ({"found_better": [1, -1]}, "do not fit"),
        ({"found_equal": [9, 0]}, "do not fit 10"),
    ],
)
def test_counts_that_cannot_be_are_refused(change: dict[str, Any], message: str) -> None:
    row = {
        "found_better": [1, 2], "found_equal": [0, 0], "own": 1, "n_captions": 10,
        "finding_better": [], "finding_equal": [], "n_images": 0,
    }  # fmt: skip
    base = {"id": "0", "cluster": "c", "tags": {}}
    assert PROTOCOL.outcome(row, base)
    with pytest.raises(ValueError, match=message):
        PROTOCOL.outcome({**row, **change}, base)


CLOSED = Gallery("g", "object", ("a", "b"))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (entry(0, (), CLOSED), "no caption"),
        (entry(0, (" ",), Gallery("g")), "empty caption"),
        (entry(0, ("z",), CLOSED), r"list has not: \['z'\]"),
        (entry(0, ("a",), CLOSED, ("a",)), "of its own among"),
        (entry(0, ("a",), Gallery("g"), ("b",)), "has no list"),
        (dataclasses.replace(entry(0, ("a",), CLOSED), tags={}), "the tag gallery=g"),
    ],
)
def test_unsound_entries_are_named(wrong: Entry, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        raise AssertionError("; ".join(PROTOCOL.problems(wrong)))
    assert not list(PROTOCOL.problems(entry(0, ("a",), CLOSED, ("b",))))


def test_galleries_and_lists_are_held_to_what_they_say() -> None:
    with pytest.raises(ContractError, match="Two galleries are called g"):
        by_gallery([entry(0, ("a",), Gallery("g")), entry(1, ("a",), CLOSED)])
    with pytest.raises(ContractError, match="'c' is not in the list of gallery g"):
        searched([entry(0, ("c",), CLOSED)], whole(0, 1), whole(1, 3))
