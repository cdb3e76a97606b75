"""Debiased scores: images choose by what they add to a caption; captions choose as ever."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchbench.errors import UsageError
from benchbench.protocols import matching
from benchbench.protocols.priors import debias_scores, debiased_metrics, describe_debiasing
from benchbench.protocols.shared_metrics import both_sides
from benchbench.types import Judgement, MatchingOutcome, Metric, Ties
from tests.protocols.test_matching import outcome

if TYPE_CHECKING:
    from collections.abc import Sequence


def with_priors(each: MatchingOutcome, priors: Sequence[float]) -> MatchingOutcome:
    return replace(each, priors=np.array(priors, np.float32))


def made(n: int, seed: int = 0) -> list[MatchingOutcome]:
    """Items of several shapes, whose captions differ more by their priors than by the image."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(n):
        images, captions = ((1, 2), (2, 2), (1, 4))[i % 3]
        priors = rng.normal(-3, 2, captions).astype("f")
        scores = (priors + rng.normal(0, 1, (images, captions))).astype("f")
        found.append(with_priors(outcome(scores.tolist(), tuple(range(images))), priors.tolist()))
    return found


def test_images_choose_by_the_formula() -> None:
    """log P(c|i) − α log P(c), as a plain loop has it; α = 0 is the plain score."""
    items = made(120)
    for alpha in (0.0, 0.5, 1.0):
        right = []
        for each in items:
            assert each.priors is not None
            good = 1.0
            for i, own in enumerate(each.target):
                pairs = zip(each.scores[i].tolist(), each.priors.tolist(), strict=True)
                logs = [score - alpha * prior for score, prior in pairs]
                good *= all(logs[own] > x for c, x in enumerate(logs) if c != own)
            right.append(good)
        assert matching.judge(items, "wrong", debias=alpha).tolist() == right
    plain, debiased = (matching.judge(items, "wrong", debias=a) for a in (0.0, 1.0))
    assert (plain != debiased).any()


def test_a_likely_caption_wins_by_its_prior_alone() -> None:
    """By hand: P(c|i) = .3 and .2; P(c) = .6 and .1: the ratio is 1/2 and 2."""
    scores = [[math.log(0.2), math.log(0.3)]]
    item = with_priors(outcome(scores, (0,)), [math.log(0.1), math.log(0.6)])
    assert matching.judge([item], "wrong").tolist() == [0.0]
    assert matching.judge([item], "wrong", debias=1.0).tolist() == [1.0]
    found = debias_scores(item.scores[None], [item], 1.0)
    assert np.exp(found) == pytest.approx(np.array([[[2.0, 0.5]]]), rel=1e-6)


@pytest.mark.parametrize("ties", ["wrong", "share", "right"])
def test_captions_choose_as_ever(ties: Ties) -> None:
    """Less a large prior, in float32, the images' scores would be equal."""
    items = [with_priors(outcome([[1e-7, 1], [2e-7, 2]], (0, 1)), [-1e4, 1e4]), *made(60)]
    plain = matching.judge(items, ties, "image")
    assert matching.judge(items, ties, "image", debias=1.0).tolist() == plain.tolist()
    assert 0 < plain.mean() < 1


def test_a_group_needs_both_sides() -> None:
    items = made(90, seed=3)
    text, image, group = (
        matching.judge(items, "wrong", kind, debias=1.0)
        for kind in ("text", "image", "group")
    )  # fmt: skip
    assert group.tolist() == (text * image).tolist()
    assert 0 < group.mean() < min(text.mean(), image.mean())


def test_shared_ties_of_a_group_are_broken_together() -> None:
    """The probability over all orders of the cells, enumerated: rows and columns share them."""
    scores = np.array([[1.0, 3.0], [1.0, 3.0]], np.float32)
    priors = np.array([1.0, 3.0], np.float32)
    item = with_priors(outcome(scores.tolist(), (0, 1)), priors.tolist())
    right = 0
    for order in permutations(range(4)):
        noise = np.array(order).reshape(2, 2) * 1e-3
        rows, columns = scores - priors + noise, scores + noise
        right += bool(
            rows[0, 0] > rows[0, 1] and rows[1, 1] > rows[1, 0]
            and columns[0, 0] > columns[1, 0] and columns[1, 1] > columns[0, 1]
        )  # fmt: skip
    found = matching.judge([item], "share", "group", debias=1.0)
    assert found.tolist() == pytest.approx([right / 24])
    assert right / 24 != pytest.approx(1 / 16), "the product of four halves"


def test_a_dropped_caption_stays_dropped() -> None:
    item = with_priors(outcome([[1, 2, 0]], (0,)), [0, -9, -9])
    item = replace(item, no_op=(False, True, False))
    assert matching.judge([item], "wrong", no_ops="drop").tolist() == [1.0]
    item = with_priors(item, [0, -9, 0])
    assert matching.judge([item], "wrong", no_ops="drop", debias=1.0).tolist() == [1.0]
    assert matching.judge([item], "wrong", debias=1.0).tolist() == [0.0]


def test_without_priors_nothing_is_debiased() -> None:
    items = [*made(3), outcome([[1, 0]], (0,))]
    with pytest.raises(UsageError, match="no priors of their captions"):
        matching.judge(items, "wrong", debias=1.0)
    assert len(matching.judge(items, "wrong")) == 4


def test_the_metric_is_the_headline_by_other_scores_and_says_so() -> None:
    macro = Metric("macro", "relations", by="relation", ties="wrong", source="a paper")
    (found,) = debiased_metrics([macro, replace(macro, name="micro", by=None)], macro)
    kept: tuple[Judgement, str | None, Ties | None] = (found.judgement, found.by, found.ties)
    assert kept == ("text", "relation", "wrong")
    assert (found.name, found.debias, found.meaning) == ("debiased", 1.0, "relations, debiased")
    (said,) = describe_debiasing([macro, found])
    assert said.startswith("debiased: ")
    assert "images choose by log P(caption | image) − log P(caption)," in said
    assert said.endswith("ICML 2024, arXiv 2306.01879.")
    assert not list(describe_debiasing([macro]))


def test_where_both_sides_count_the_images_choices_have_a_metric_of_their_own() -> None:
    text, image, group = both_sides("a paper")
    found = {each.name: each.judgement for each in debiased_metrics((text, image, group), group)}
    assert found == {"debiased": "group", "debiased-text": "text"}
