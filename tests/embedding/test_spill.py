"""Vectors in memory or in a temporary file, against a dictionary."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbench.embedding.spill import Spill
from benchbench.errors import UsageError


@given(st.lists(st.integers(0, 50), unique=True, min_size=1), st.sampled_from([1, 60, 10**6]))
def test_it_agrees_with_a_dictionary(keys: list[int], most: int) -> None:
    """Of 24 bytes each: in a file from the first on, from the third, and never."""
    spill: Spill[int] = Spill(most)
    wanted = {key: np.array([[key, key + 0.5, -key], [1, 2, 3]], np.float32) for key in keys}
    for key, values in wanted.items():
        assert key not in spill
        spill.add(key, values)
        assert np.array_equal(spill.take([key]), values[None])
    order = [*reversed(keys), keys[0]]
    assert np.array_equal(spill.take(order), np.stack([wanted[key] for key in order]))


def test_a_full_disk_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    spill: Spill[str] = Spill()

    def refuse(content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spill._file, "write", refuse)
    with pytest.raises(UsageError, match=r"No space left on device\. Name a folder .* TMPDIR"):
        spill.add("a", np.ones((2, 2), np.float32))
    assert "a" not in spill
