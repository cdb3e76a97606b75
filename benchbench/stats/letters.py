"""The compact letter display: models that share a letter do not differ significantly.

Piepho 2004, *An algorithm for a letter-based representation of all-pairwise comparisons*, Journal
of Computational and Graphical Statistics 13 (insert and absorb).
"""

from __future__ import annotations

from string import ascii_lowercase
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from benchbench.types.arrays import Flags


def letters(apart: Flags) -> list[str]:
    """Return the letters of each model, in order of the table: the first model has an "a".

    Args:
        apart: [models, models], symmetric: whether two models differ.

    >>> letters(np.array([[0, 0, 1], [0, 0, 0], [1, 0, 0]], dtype=bool))
    ['a', 'ab', 'b']
    """
    n = len(apart)
    columns = [frozenset(range(n))]
    for one, two in zip(*np.nonzero(np.triu(apart)), strict=True):
        columns = _absorbed(
            [
                part
                for column in columns
                for part in (
                    (column - {int(one)}, column - {int(two)})
                    if {one, two} <= column
                    else (column,)
                )
            ]
        )
    columns.sort(key=sorted)
    return [
        "".join(_letter(i) for i, column in enumerate(columns) if k in column) for k in range(n)
    ]


def _absorbed(columns: list[frozenset[int]]) -> list[frozenset[int]]:
    """Return the sets without those that another set contains."""
    kept = list(dict.fromkeys(columns))
    return [each for each in kept if not any(each < other for other in kept)]


def _letter(number: int) -> str:
    """Return the letter of a number: a … z, then a1 … z1."""
    turn, place = divmod(number, len(ascii_lowercase))
    return ascii_lowercase[place] + (str(turn) if turn else "")
