"""How crops are packed into batches."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from benchbench.embedding.images import plan_batches
from benchbench.types import ImageRef

REFS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 20)).map(
        lambda pair: ImageRef(Path(f"{pair[0]}.png"), (0, 0, 1, 1 + pair[1]))
    ),
    max_size=80,
    unique=True,
)


@given(REFS, st.integers(1, 12))
def test_each_crop_is_planned_once_and_batches_fit(refs: list[ImageRef], batch_size: int) -> None:
    plan = plan_batches(refs, batch_size)
    planned = [ref for files in plan for _, crops in files for ref in crops]
    assert sorted(planned, key=str) == sorted(refs, key=str)
    for files in plan:
        assert 0 < sum(len(crops) for _, crops in files) <= batch_size
        assert all(ref.path == path for path, crops in files for ref in crops)


@given(REFS, st.integers(1, 12))
def test_a_file_is_split_only_where_it_overflows_a_batch(
    refs: list[ImageRef], batch_size: int
) -> None:
    parts: dict[Path, list[int]] = {}
    for files in plan_batches(refs, batch_size):
        for path, crops in files:
            parts.setdefault(path, []).append(len(crops))
    for sizes in parts.values():
        assert all(size == batch_size for size in sizes[:-1])
