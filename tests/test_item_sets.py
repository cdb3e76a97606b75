"""Items of a task, checked before anything is encoded from them."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from benchbench.errors import BenchbenchError, ContractError, ModelError
from benchbench.evaluation import evaluate
from benchbench.registry import load_task
from benchbench.testing import check_task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
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
        (lambda items: [{"id": "0"}], "an item is of class dict and lacks id, cluster, tags: give"),
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


def test_a_task_that_yields_its_items_is_evaluated(shapes: Path, tmp_path: Path) -> None:
    plain = load_task("vg-relation")
    task: Any = SimpleNamespace(info=plain.info, items=lambda root: iter(plain.items(root)))
    run = evaluate("blind:length", task, data_root=shapes, out=tmp_path / "run.parquet")
    assert run.counts.items == len(plain.items(shapes)) > 0


def test_what_a_task_raises_while_it_yields_is_one_line(shapes: Path, tmp_path: Path) -> None:
    plain = load_task("vg-relation")

    def items(root: Path) -> Iterator[Any]:
        yield plain.items(root)[0]
        raise ZeroDivisionError("its own fault")

    task: Any = SimpleNamespace(info=plain.info, items=items)
    said = "The task vg-relation raises ZeroDivisionError: its own fault .*test_item_sets.py, line"
    with pytest.raises(ModelError, match=said):
        evaluate("blind:length", task, data_root=shapes, out=tmp_path / "run.parquet")
    with pytest.raises(ModelError, match=said):
        check_task(task, shapes)


@pytest.mark.parametrize("wrong", [3, None])
def test_the_check_names_what_an_evaluation_refuses(shapes: Path, wrong: Any) -> None:
    plain = load_task("vg-relation")
    items = [replace(plain.items(shapes)[0], cluster=wrong)]
    task: Any = SimpleNamespace(info=plain.info, items=lambda root: items)
    with pytest.raises(ContractError, match=f"{wrong} as its cluster, which is not a text"):
        check_task(task, shapes)
