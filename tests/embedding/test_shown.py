"""The set of shown images and crops, against a set."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from benchbench.embedding.shown import Shown
from benchbench.types import ImageRef

EDGE = st.integers(-9, 2**40)
REF = st.tuples(st.sampled_from("abc"), st.none() | st.tuples(EDGE, EDGE, EDGE, EDGE)).map(
    lambda pair: ImageRef(Path(pair[0]), pair[1])
)


@given(st.lists(st.lists(REF), max_size=4))
def test_each_is_there_once(calls: list[list[ImageRef]]) -> None:
    shown = Shown()
    for refs in calls:
        shown.add(refs + refs[:2])
    found = list(shown)
    assert len(found) == len(set(found))
    assert set(found) == {ref for refs in calls for ref in refs}
