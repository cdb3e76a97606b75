"""Rows of a batch that can go on from one beginning."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from benchbench.adapters.prefix_cache import PrefixGroup, prefix_groups

PICTURE = 9


def test_rows_go_by_how_many_tokens_their_pictures_have() -> None:
    prompts = [[1, PICTURE, 2, 3], [1, PICTURE, 2, 4], [1, PICTURE, 2, 4, 5], [1, PICTURE, 6]]
    found = list(prefix_groups(prompts, ["a", "b", "a", "c"], [4, 5, 4, 4], PICTURE))
    assert found == [
        PrefixGroup([0, 2, 3], [0, 3], [0, 0, 1], 2),
        PrefixGroup([1], [1], [0], 3),
    ]
    assert [group.saves_work for group in found] == [True, False]


def test_a_beginning_leaves_something_to_be_read_on() -> None:
    (same,) = prefix_groups([[1, PICTURE, 2], [1, PICTURE, 2]], ["a", "a"], [4, 4], PICTURE)
    assert (same.length, same.saves_work) == (2, True)
    (bare,) = prefix_groups([[1, PICTURE], [1, PICTURE]], ["a", "a"], [4, 4], PICTURE)
    assert (bare.length, bare.saves_work) == (0, False)
    (other,) = prefix_groups([[1, PICTURE, 2], [3, PICTURE, 2]], ["a", "a"], [4, 4], PICTURE)
    assert not other.saves_work, "what stands before the picture differs"


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
    prompts = [[*before, PICTURE, *after] for before, after, _ in rows]
    pictures = [picture for *_, picture in rows]
    tokens = [3 + picture % 2 for picture in pictures]
    found = list(prefix_groups(prompts, pictures, tokens, PICTURE))
    assert sorted(row for group in found for row in group.rows) == list(range(len(rows)))
    for group in found:
        assert len({tokens[row] for row in group.rows}) == 1
        for row, number in zip(group.rows, group.of_row, strict=True):
            first = group.pictures[number]
            assert pictures[first] == pictures[row]
            assert len(prompts[row]) > group.length
            assert prompts[row][: group.length] == prompts[first][: group.length]
            assert group.length == 0 or PICTURE in prompts[row][: group.length]
