"""How far n-grams get on shuffled captions: the smaller sample of ``benchmarks/order_blind.py``."""

from __future__ import annotations

import numpy as np
import pytest

from benchbench.data.order import freeze
from benchbench.scenes.blind import Options, fit, option_pairs, share_chosen
from benchbench.scenes.captions import captions
from benchbench.scenes.edition.karpathy import tagged_captions
from benchbench.scenes.sampling import sample


def items(split: str, count: int) -> list[Options]:
    """Options of order items over drawn scenes, marks set apart as tokenizers set them."""
    told = tagged_captions(captions(sample(split, np.arange(count))))
    content = freeze(told, tagger="", source="", source_digest="")
    return [
        tuple(
            " ".join(option.replace(",", " ,").split())
            for option in (record["true_option"], *record["negatives"])
        )
        for record in content["items"]
    ]


def test_a_blind_reader_answers_most_order_items() -> None:
    reader = fit(option_pairs(items("train", 250)))
    share, n = share_chosen(reader, items("test", 100))
    assert n > 490
    assert share == pytest.approx(0.904, abs=0.02)


def test_no_ops_are_dropped_ties_are_wrong_and_items_without_choice_go() -> None:
    reader = fit([("a b", "b a")] * 4)
    assert option_pairs([("a b", "a b", "b a")]) == [("a b", "b a")]
    assert share_chosen(reader, [("a b", "a b", "b a"), ("a b", "a b")]) == (1.0, 1)
    assert share_chosen(reader, [("x y", "z w"), ("a b", "b a")]) == (0.5, 2)
