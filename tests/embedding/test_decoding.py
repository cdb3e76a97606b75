"""How crops are grouped by file."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from benchbench.embedding.decoding import crops_by_file
from benchbench.types import ImageRef

REFS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 20)).map(
        lambda pair: ImageRef(Path(f"{pair[0]}.png"), (0, 0, 1, 1 + pair[1]))
    ),
    max_size=80,
    unique=True,
)


@given(REFS, st.integers(1, 12))
def test_each_crop_is_planned_once(refs: list[ImageRef], most: int) -> None:
    planned = crops_by_file(refs, most)
    assert sorted((ref for _, crops in planned for ref in crops), key=str) == sorted(refs, key=str)
    assert all(ref.path == path for path, crops in planned for ref in crops)


@given(REFS, st.integers(1, 12))
def test_a_file_comes_twice_only_where_it_has_too_many_crops(
    refs: list[ImageRef], most: int
) -> None:
    parts: dict[Path, list[int]] = {}
    for path, crops in crops_by_file(refs, most):
        parts.setdefault(path, []).append(len(crops))
    for sizes in parts.values():
        assert all(size == most for size in sizes[:-1])
        assert 0 < sizes[-1] <= most
