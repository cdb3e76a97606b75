"""Runs of every protocol of photographs are written and read back as they were."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from benchbench.evaluation import evaluate
from benchbench.runs import read_run


@pytest.mark.parametrize(
    ("model", "task"),
    [
        ("tiny", "sugarcrepe-pp"),
        ("itm", "sugarcrepe-pp"),
        ("tiny", "vsr"),
        ("itm", "vsr"),
        ("vqascore", "naturalbench"),
        ("tiny", "eccv-caption"),
        ("tiny", "svo-probes"),
    ],
)
def test_a_run_is_read_as_it_was_written(
    model: str, task: str, tiny: str, blip: Path, llava: Path, suites: Path, tmp_path: Path
) -> None:
    named = {"tiny": tiny, "itm": f"itm:{blip}", "vqascore": f"vqascore:{llava}"}[model]
    run = evaluate(named, task, data_root=suites, out=tmp_path / "run.parquet")
    again = read_run(tmp_path / "run.parquet")
    assert len(again.outcomes) == len(run.outcomes)
    for one, other in zip(run.outcomes, again.outcomes, strict=True):
        assert type(one) is type(other)
        for field in fields(one):
            mine, stored = getattr(one, field.name), getattr(other, field.name)
            if isinstance(mine, np.ndarray):
                np.testing.assert_array_equal(mine, stored)
            elif not hasattr(mine, "better") and field.name != "finding":
                assert mine == stored, field.name
