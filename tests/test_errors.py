"""The hierarchy is the tree in its docstring; unknown names come with advice."""

from __future__ import annotations

import re

from benchbench import errors
from benchbench.errors import BenchbenchError, UnknownName


def test_the_docstring_draws_the_hierarchy() -> None:
    drawn = re.findall(r"(?m)^    [│├└─ ]*([A-Z]\w+)", errors.__doc__ or "")
    defined = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, BenchbenchError)
    }
    assert set(drawn) == defined


def test_unknown_names_suggest_the_nearest() -> None:
    error = UnknownName("task", "vg-relations", ["vg-relation", "coco-order"], "List: x")
    assert str(error) == "Unknown task 'vg-relations'. Did you mean 'vg-relation'? List: x"
    assert str(UnknownName("task", "zzz", ["vg-relation"], "List: x")) == (
        "Unknown task 'zzz'. List: x"
    )
