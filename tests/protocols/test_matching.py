"""Scores and judgements of the matching protocol, against plain loops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbench.embedding import EmbeddingTable
from benchbench.protocols import matching
from benchbench.types import ImageRef, Item, Judgement, MatchingOutcome, Metric, Ties


def outcome(
    scores: Sequence[Sequence[float]], target: tuple[int, ...], **tags: str
) -> MatchingOutcome:
    """An outcome with just what judging needs."""
    matrix = np.array(scores, dtype=np.float32)
    return MatchingOutcome("0", "c", tags, target, matrix, (False,) * matrix.shape[1])


def item(n: int, images: int, captions: int) -> Item:
    """Item n with images and captions of its own."""
    return Item(
        id=str(n),
        images=tuple(ImageRef(Path(f"{n}-{i}.png")) for i in range(images)),
        captions=tuple(f"caption {n} {c}" for c in range(captions)),
        target=tuple(range(images)),
        cluster=str(n),
    )


def test_scores_equal_a_loop_over_items_of_mixed_shapes() -> None:
    rng = np.random.default_rng(0)
    items = [item(n, images=1 + n % 2, captions=2 + n % 3) for n in range(40)]
    refs = [ref for i in items for ref in i.images]
    texts = [text for i in items for text in i.captions]
    images = EmbeddingTable(
        {r: k for k, r in enumerate(refs)}, rng.normal(size=(len(refs), 8)).astype("f")
    )
    captions = EmbeddingTable(
        {t: k for k, t in enumerate(texts)}, rng.normal(size=(len(texts), 8)).astype("f")
    )
    ids = {text: (hash(text),) for text in texts}
    outcomes = matching.match(items, images, captions, ids)
    assert [o.id for o in outcomes] == [i.id for i in items]
    for each, found in zip(items, outcomes, strict=True):
        for i, ref in enumerate(each.images):
            for c, text in enumerate(each.captions):
                pair = images.vectors[images.rows[ref]] @ captions.vectors[captions.rows[text]]
                assert found.scores[i, c] == pytest.approx(pair, abs=1e-5)


def test_equal_embeddings_tie_exactly_at_any_place() -> None:
    rng = np.random.default_rng(1)
    one = rng.normal(size=(1, 512)).astype("f")
    texts = [f"t{i}" for i in range(33)]
    ref = ImageRef(Path("a.png"))
    each = Item("0", (ref,), tuple(texts), (0,), "a")
    found = matching.match(
        [each],
        EmbeddingTable({ref: 0}, rng.normal(size=(1, 512)).astype("f")),
        EmbeddingTable({t: i for i, t in enumerate(texts)}, np.repeat(one, 33, axis=0)),
        {t: (i,) for i, t in enumerate(texts)},
    )
    assert len(set(found[0].scores[0].tolist())) == 1
    assert matching.judge(found, "wrong") == [0]


@given(
    st.lists(st.integers(0, 2), min_size=5, max_size=5),
    st.lists(st.booleans(), min_size=4, max_size=4),
    st.sampled_from(["wrong", "share", "right"]),
)
def test_dropped_no_ops_count_as_if_they_had_never_been_asked(
    scores: list[int], flags: list[bool], ties: Ties
) -> None:
    row = [float(s) for s in scores]
    for column, flag in enumerate(flags, start=1):
        row[column] = row[0] if flag else row[column]
    whole = replace(outcome([row], (0,)), no_op=(False, *flags))
    left = [row[0], *(s for s, flag in zip(row[1:], flags, strict=True) if not flag)]
    without = outcome([left], (0,))
    asked = Metric("distinct", "items", no_ops="drop")
    assert len(matching.PROTOCOL.events([whole], asked, ties).values) == (len(left) > 1)
    assert len(matching.PROTOCOL.events([whole], replace(asked, no_ops="keep"), ties).values) == 1
    dropped = (
        matching.judge([whole], ties, no_ops="drop"),
        matching.chance([whole], no_ops="drop"),
    )
    never = matching.judge([without], ties), matching.chance([without])
    assert [each.tolist() for each in dropped] == [each.tolist() for each in never]
    plain = outcome([row], (0,))
    assert matching.judge([whole], ties).tolist() == matching.judge([plain], ties).tolist()


def test_an_images_own_caption_is_never_dropped() -> None:
    both = replace(outcome([[2, 2, 1], [2, 2, 1]], (0, 1)), no_op=(True, True, False))
    assert matching.no_op_negatives(both) == (False, False, False)
    judgements: tuple[Judgement, ...] = ("text", "image", "group")
    for judgement in judgements:
        dropped = matching.judge([both], "share", judgement, "drop")
        assert dropped.tolist() == matching.judge([both], "share", judgement).tolist()
    third = replace(outcome([[2, 1, 2], [1, 2, 1]], (0, 1)), no_op=(False, False, True))
    assert matching.judge([third], "wrong", "group", "drop").tolist() == [1.0]
    assert matching.judge([third], "wrong", "group").tolist() == [0.0]
    assert matching.chance([third], "group", "drop")[0] == pytest.approx(1 / 6)
    assert matching.chance([third], "text", "drop")[0] == 0.25


@given(st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_an_item_is_right_where_every_image_prefers_its_caption(images: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 3, size=(images, 3)).astype(np.float32)
    target = tuple(int(t) for t in rng.integers(0, 3, size=images))
    right = all(
        all(row[t] > row[c] for c in range(3) if c != t)
        for row, t in zip(scores, target, strict=True)
    )
    assert matching.judge([outcome(scores.tolist(), target)], "wrong")[0] == right


def test_target_need_not_be_the_first_caption() -> None:
    both = [outcome([[0, 1]], (1,)), outcome([[0, 1]], (0,))]
    assert matching.judge(both, "wrong").tolist() == [1, 0]


SQUARES = st.lists(st.integers(0, 2), min_size=4, max_size=4)


def winoground(cells: list[float]) -> tuple[bool, bool]:
    """Text and image score of two images and two captions, as the paper writes them."""
    c0_i0, c1_i0, c0_i1, c1_i1 = cells
    text = c0_i0 > c1_i0 and c1_i1 > c0_i1
    image = c0_i0 > c0_i1 and c1_i1 > c1_i0
    return text, image


@given(SQUARES)
def test_winoground_scores_are_the_papers(cells: list[int]) -> None:
    one = [outcome([cells[:2], cells[2:]], (0, 1))]
    text, image = winoground([float(c) for c in cells])
    found = [matching.judge(one, "wrong", kind)[0] for kind in ("text", "image", "group")]
    assert found == [text, image, text and image]


@given(SQUARES)
def test_shared_ties_are_the_mean_over_all_ways_to_break_them(cells: list[int]) -> None:
    one = [outcome([cells[:2], cells[2:]], (0, 1))]
    ways = [
        winoground([cell + nudge / 10 for cell, nudge in zip(cells, order, strict=True)])
        for order in permutations(range(4))
    ]
    expected = [
        np.mean([text for text, _ in ways]),
        np.mean([image for _, image in ways]),
        np.mean([text and image for text, image in ways]),
    ]
    found = [matching.judge(one, "share", kind)[0] for kind in ("text", "image", "group")]
    assert found == pytest.approx(expected)


def test_a_constant_scorer_earns_chance_when_ties_are_shared() -> None:
    shapes = [outcome([[0, 0]], (0,)), outcome([[0] * 5], (3,)), outcome([[0, 0]] * 2, (1, 0))]
    for kind in ("text", "image", "group"):
        shared = matching.judge(shapes, "share", kind)
        assert shared == pytest.approx(matching.chance(shapes, kind))
        assert matching.judge(shapes, "wrong", kind)[2] == 0


def test_chance_comes_from_the_shape() -> None:
    shapes = [outcome([[0, 1]], (0,)), outcome([[0] * 5], (0,)), outcome([[0, 1]] * 2, (0, 1))]
    assert matching.chance(shapes).tolist() == [1 / 2, 1 / 5, 1 / 4]
    assert matching.chance(shapes, "image").tolist() == [1, 1, 1 / 4]
    assert matching.chance(shapes, "group") == pytest.approx([1 / 2, 1 / 5, 1 / 6])


def test_no_ops_are_told_by_token_ids_not_by_strings() -> None:
    each = Item("0", (ImageRef(Path("a")),), ("A dog", "a dog", "a cat"), (0,), "a")
    assert matching.no_ops(each, [(1, 2), (1, 2), (1, 3)]) == (False, True, False)


def test_captions_of_the_same_tokens_get_the_same_score() -> None:
    rng = np.random.default_rng(0)
    ref = ImageRef(Path("a.png"))
    texts = ("a cat", "A dog", "a dog", "a  dog")
    each = Item("0", (ref,), texts, (1,), "a")
    vectors = rng.normal(size=(4, 8)).astype("f")
    ids = {"a cat": (1, 3), "A dog": (1, 2), "a dog": (1, 2), "a  dog": (1, 2)}
    found = matching.match(
        [each],
        EmbeddingTable({ref: 0}, rng.normal(size=(1, 8)).astype("f")),
        EmbeddingTable({text: i for i, text in enumerate(texts)}, vectors),
        ids,
    )[0]
    assert found.scores[0, 1] == found.scores[0, 2] == found.scores[0, 3] != found.scores[0, 0]
    assert found.no_op == (False, False, True, True)


def test_an_image_without_a_caption_does_not_choose_and_may_be_preferred() -> None:
    first = outcome([[2], [1]], (0, -1))
    other = outcome([[1], [2]], (0, -1))
    tied = outcome([[1], [1]], (0, -1))
    mixed = outcome([[3, 1], [2, 2], [1, 3]], (0, -1, 1))
    for each, image in ((first, 1.0), (other, 0.0), (tied, 0.0), (mixed, 1.0)):
        assert matching.judge([each], "wrong", "image").tolist() == [image]
    assert matching.judge([mixed], "wrong", "text").tolist() == [1.0], (
        "the middle one is not judged"
    )
    assert matching.judge([tied], "share", "image").tolist() == [0.5]
    assert matching.chance([first, mixed], "image").tolist() == [1 / 2, 1 / 9]
    assert matching.chance([mixed], "text").tolist() == [1 / 4]
