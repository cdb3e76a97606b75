from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from benchbench.stats import letters


@st.composite
def differences(draw: st.DrawFn) -> np.ndarray:
    n = draw(st.integers(1, 9))
    apart = np.zeros((n, n), dtype=bool)
    for one in range(n):
        for two in range(one + 1, n):
            apart[one, two] = apart[two, one] = draw(st.booleans())
    return apart


@given(differences())
def test_two_models_share_a_letter_if_and_only_if_they_do_not_differ(
    apart: np.ndarray,
) -> None:
    found = [set(each) for each in letters(apart)]
    for one in range(len(apart)):
        for two in range(len(apart)):
            if one != two:
                assert bool(found[one] & found[two]) != apart[one, two]
    assert "a" in found[0]


def test_nobody_differs() -> None:
    assert letters(np.zeros((3, 3), dtype=bool)) == ["a", "a", "a"]
