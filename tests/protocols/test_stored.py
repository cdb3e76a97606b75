"""Columns read back as outcomes, against reading row by row."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbench.protocols.stored import Lists, read_bases

WORDS = st.sampled_from(["", "on", "near", "a\0", "ä"])
ROWS = st.lists(st.tuples(WORDS, st.none() | WORDS, st.none() | WORDS), max_size=12)


@given(ROWS)
def test_outcomes_have_the_tags_that_are_not_null(
    rows: list[tuple[str, str | None, str | None]],
) -> None:
    columns = [pa.array([row[i] for row in rows], pa.string()) for i in range(3)]
    ids = pa.array([str(i) for i in range(len(rows))], pa.string())
    found = read_bases(ids, columns[0], {"kind": columns[1], "place": columns[2]}, None)
    wanted = [
        {
            "id": str(i),
            "cluster": cluster,
            "tags": {k: v for k, v in (("kind", kind), ("place", place)) if v is not None},
            "content": "",
        }
        for i, (cluster, kind, place) in enumerate(rows)
    ]
    assert list(found) == wanted


def test_equal_tags_and_images_are_one_object() -> None:
    same = pa.array(["x"] * 3, pa.string())
    found = read_bases(pa.array(["1", "2", "3"]), same, {"kind": same}, same)
    assert found.tags[0] is found.tags[2]
    assert found.cluster[0] is found.cluster[2]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=10), st.integers(0, 3))
def test_lists_take_their_rows_shapes(shapes: list[tuple[int, int]], cut: int) -> None:
    lists, value = [], 0
    for a, b in shapes:
        lists.append(list(range(value, value + a * b)))
        value += a * b
    column = pa.array(lists, pa.list_(pa.int16()))[cut:]
    extents = [[shape[i] for shape in shapes[cut:]] for i in range(2)]
    found = Lists.of(column)
    arrays = found.arrays(*(np.array(each, dtype=np.intp) for each in extents))
    assert [each.shape for each in arrays] == shapes[cut:]
    assert [each.ravel().tolist() for each in arrays] == lists[cut:]
    assert found.tuples() == [tuple(each) for each in lists[cut:]]


def test_lists_of_another_length_than_their_shape_are_refused() -> None:
    found = Lists.of(pa.array([[1, 2], [3]]))
    with pytest.raises(ValueError, match="1 values in a shape of"):
        found.arrays(found.lengths, found.lengths * 0 + 1 + (found.lengths < 2))
