from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchbench.analysis.comparison import compare
from benchbench.analysis.seeds import compare_methods
from benchbench.errors import UsageError
from tests.analysis.example_runs import made

A = [made(f"a{seed}", 0.5 + 0.01 * seed) for seed in range(3)]
B = [made(f"b{seed}", 0.7 + 0.02 * seed) for seed in range(3)]


def test_seeds_and_items_are_kept_apart() -> None:
    found = compare_methods(A, B)
    each = [compare(a, b).whole.difference for a, b in zip(A, B, strict=True)]
    assert found.difference == pytest.approx(np.mean(each))
    assert found.ordered
    assert found.over_items[0] < found.difference < found.over_items[1]
    assert found.over_items != pytest.approx(found.over_seeds, abs=1e-3)
    text = str(found)
    assert "interval over seeds, on these items" in text
    assert "Every checkpoint of one method is above" in text
    assert "2 in 20 would be so" in text


def test_overlapping_methods_are_said_to_overlap() -> None:
    assert "overlap" in str(compare_methods(A, A))


def test_seeds_under_other_settings_are_noted() -> None:
    b = [replace(run, settings={**run.settings, "precision": "bf16"}) for run in B]
    assert "UNLIKE: precision differs" in str(compare_methods(A, b))
    assert "UNLIKE" not in str(compare_methods(A, B))


def test_one_seed_is_no_method() -> None:
    with pytest.raises(UsageError, match="not 1 and 3"):
        compare_methods(A[:1], B)
    with pytest.raises(UsageError, match="a copy is not another seed"):
        compare_methods([A[0], A[0]], B)


def test_a_copy_under_another_name_is_no_seed() -> None:
    copy = replace(A[0], model=replace(A[0].model, name="a0-copy", weights="elsewhere.pt"))
    with pytest.raises(UsageError, match="a0 and a0-copy: one checkpoint is given twice"):
        compare_methods([A[0], copy], B)


def test_items_that_all_differ_equally_have_no_interval() -> None:
    found = compare_methods(A, A)
    assert np.isnan(found.over_items).all()
