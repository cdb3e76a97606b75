"""What users may import is pinned: a change here is a change of the interface."""

from __future__ import annotations

import pytest

import benchbench

NAMES = """BenchbenchError Claim DataFile DualEncoder Entry Estimate Gallery ImageRef Item
LoadOptions Metric ModelFamily ModelManifest Monitor Outcome PairScorer Paraphrases
Prompt RelationInput RelationScorer Run Scene Task TaskInfo Vocabulary __version__
evaluate evaluate_grid load_model load_task model_digest read_run scorecard task_names
write_run""".split()


def test_public_names_are_these_and_all_there() -> None:
    assert sorted(benchbench.__all__) == sorted(NAMES) == sorted(dir(benchbench))
    for name in NAMES:
        assert getattr(benchbench, name) is not None


def test_functions_stay_callable_once_their_modules_are_imported() -> None:
    import benchbench.analysis.scorecard
    import benchbench.evaluation
    import benchbench.runs

    assert callable(benchbench.evaluate)
    assert callable(benchbench.scorecard)
    assert callable(benchbench.read_run)


def test_other_names_are_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'evalute'"):
        _ = benchbench.evalute
