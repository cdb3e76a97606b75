"""A header that anybody wrote and sealed is refused in a line, or read by every report."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from benchbench.analysis.scorecard import scorecard
from benchbench.errors import RunError
from benchbench.evaluation import evaluate
from benchbench.runs import read_run, write_run
from tests.analysis.example_runs import changed, made

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ({"created": "yesterday"}, "Invalid isoformat string"),
        ({"created": "2026-01-01T00:00:00"}, "is of no time zone"),
        ({"environment": {"requests": "many"}}, "its requests is 'many'"),
        ({"environment": {"prompt_tokens": "1"}}, "its prompt_tokens is '1'"),
        ({"environment": {"benchbench": ["x"]}}, r"its benchbench is \['x'\]"),
        ({"settings": {"imported": {"source": "x"}}}, "its source is 'x'"),
        ({"settings": {"imported": {"source": {"name": 1}}}}, "its name is 1"),
        ({"settings": {"imported": {"unmatched": "x"}}}, "its unmatched is 'x'"),
    ],
)
def test_a_value_of_another_kind_is_refused(
    what: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = write_run(changed(made("a", 0.5), **what), tmp_path / "run.parquet")
    with pytest.raises(RunError, match=message):
        read_run(path)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"requests": 3}, "3 requests · 0 kept answers"),
        ({"requests": 3, "cost": "1"}, "0 completion tokens"),
        ({"cost": "1", "price_in": "2"}, ""),
    ],
)
def test_what_is_lacking_is_left_out(
    environment: dict[str, Any], said: str, tmp_path: Path
) -> None:
    path = write_run(changed(made("a", 0.5), environment=environment), tmp_path / "run.parquet")
    text = str(scorecard(read_run(path)))
    assert said in text
    assert "cost 1" not in text


def test_a_forced_choice_that_is_none_is_not_counted(drawn_edition: Path, tmp_path: Path) -> None:
    run = evaluate("blind:chance", "coco-retrieval", data_root=drawn_edition)
    run = replace(run, settings={**run.settings, "forced_choice": "x"})
    card = scorecard(read_run(write_run(run, tmp_path / "run.parquet")))
    assert "unreadable answer" not in str(card)
