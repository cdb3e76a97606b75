"""Rows of a batch that can go on from one beginning."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from benchbench.adapters.prefix_cache import PrefixGroup, prefix_groups

IMAGE = 9


def test_rows_go_by_how_many_tokens_their_images_have() -> None:
    prompts = [[1, IMAGE, 2, 3], [1, IMAGE, 2, 4], [1, IMAGE, 2, 4, 5], [1, IMAGE, 6]]
    found = list(prefix_groups(prompts, ["a", "b", "a", "c"], [4, 5, 4, 4], IMAGE))
    assert found == [
        PrefixGroup([0, 2, 3], [0, 3], [0, 0, 1], 2),
        PrefixGroup([1], [1], [0], 3),
    ]
    assert [group.saves_work for group in found] == [True, False]


def test_a_beginning_leaves_something_to_be_read_on() -> None:
    (same,) = prefix_groups([[1, IMAGE, 2], [1, IMAGE, 2]], ["a", "a"], [4, 4], IMAGE)
    assert (same.length, same.saves_work) == (2, True)
    (bare,) = prefix_groups([[1, IMAGE], [1, IMAGE]], ["a", "a"], [4, 4], IMAGE)
    assert (bare.length, bare.saves_work) == (0, False)
    (other,) = prefix_groups([[1, IMAGE, 2], [3, IMAGE, 2]], ["a", "a"], [4, 4], IMAGE)
    assert not other.saves_work, "what stands before the image differs"


@given(
    st.lists(
        st.tuples(
            st.lists(st.integers(0, 2), max_size=2),
            st.lists(st.integers(0, 2), max_size=3),
            st.integers(0, 3),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_every_row_is_in_one_group_and_begins_as_it_says(
    rows: list[tuple[list[int], list[int], int]],
) -> None:
    prompts = [[*before, IMAGE, *after] for before, after, _ in rows]
    images = [image for *_, image in rows]
    tokens = [3 + image % 2 for image in images]
    found = list(prefix_groups(prompts, images, tokens, IMAGE))
    assert sorted(row for group in found for row in group.rows) == list(range(len(rows)))
    for group in found:
        assert len({tokens[row] for row in group.rows}) == 1
        for row, number in zip(group.rows, group.of_row, strict=True):
            first = group.images[number]
            assert images[first] == images[row]
            assert len(prompts[row]) > group.length
            assert prompts[row][: group.length] == prompts[first][: group.length]
            assert group.length == 0 or IMAGE in prompts[row][: group.length]
