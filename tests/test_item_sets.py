"""Items of a task, checked before anything is encoded from them."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from benchbench.errors import BenchbenchError
from benchbench.evaluation import evaluate
from benchbench.registry import load_task

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda items: [*items, items[0]], "Two items of vg-relation have the id"),
        (
            lambda items: [replace(items[0], captions=("a",)), *items[1:]],
            "has one caption for one image, and so nothing to choose from",
        ),
        (lambda items: [replace(items[0], id="\ud83d"), *items], "not a text in Unicode"),
        (
            lambda items: [replace(items[0], captions=("a", "a \ud83d")), *items[1:]],
            "has the caption 'a .*', which is not a text in Unicode",
        ),
        (lambda items: [replace(items[0], captions=("a", 1)), *items[1:]], "has the caption 1, "),
        (lambda items: [replace(items[0], id=10**30), *items], "as its id, which is not a text"),
        (lambda items: [replace(items[0], cluster=None), *items[1:]], "None as its cluster"),
        (lambda items: [*items[1:], replace(items[0], tags={"relation": 1})], "1 as its relation"),
    ],
)
def test_items_that_no_run_could_hold_are_refused_before_any_is_encoded(
    shapes: Path, tmp_path: Path, change: Callable[[Any], Any], said: str
) -> None:
    plain = load_task("vg-relation")
    task: Any = SimpleNamespace(info=plain.info, items=lambda root: change(plain.items(root)))
    stages = list[str]()
    with pytest.raises(BenchbenchError, match=said) as raised:
        evaluate(
            "blind:length", task, data_root=shapes, out=tmp_path / "run.parquet",
            progress=lambda what, done, total: stages.append(what),
        )  # fmt: skip
    assert "benchbench check task vg-relation" in str(raised.value)
    assert "captions" not in stages
    assert not (tmp_path / "run.parquet").exists()
