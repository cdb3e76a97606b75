"""Distinct things are counted as sets count them."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from benchbench.data.distinct import Things

TEXTS = st.lists(st.text(max_size=2) | st.just("\ud83d"), max_size=30)


def things(texts: list[str]) -> Things:
    found = Things()
    for text in texts:
        found.add(text)
    return found


@given(texts=TEXTS, others=TEXTS)
def test_counts_are_those_of_sets(texts: list[str], others: list[str]) -> None:
    found = things(texts)
    assert len(found) == len(texts)
    assert found.distinct() == len(set(texts))
    assert sorted(found.counts().tolist()) == sorted(Counter(texts).values())
    assert found.found_in(things(others)) == sum(text in set(others) for text in texts)
