"""benchbench: evaluate vision-language models on compositional tasks, and compare checkpoints.

>>> import benchbench as bb
>>> run = bb.evaluate("openclip:ViT-B-32/openai", "vg-relation")  # doctest: +SKIP
>>> print(bb.scorecard(run))  # doctest: +SKIP

Importing this package loads none of torch, pandas, scipy or pyarrow; each name below does its
importing when it is first used. On Intel's processors it sets
``MKL_CBWR`` (``products``), unless it is set.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from benchbench.analysis import FORMS
from benchbench.products import request_strict_products
from benchbench.version import VERSION

if TYPE_CHECKING:
    from benchbench.analysis.scorecard import scorecard
    from benchbench.checkpoints.digests import model_digest
    from benchbench.errors import BenchbenchError
    from benchbench.evaluation import evaluate
    from benchbench.grid import evaluate_grid
    from benchbench.monitor import Monitor
    from benchbench.registry import load_model, load_task, task_names
    from benchbench.runs import read_run, write_run
    from benchbench.types import (
        Claim,
        DataFile,
        DualEncoder,
        Entry,
        Estimate,
        Gallery,
        ImageRef,
        Item,
        LoadOptions,
        Metric,
        ModelFamily,
        ModelManifest,
        Outcome,
        PairScorer,
        Paraphrases,
        Prompt,
        RelationInput,
        RelationScorer,
        Run,
        Scene,
        Task,
        TaskInfo,
        Vocabulary,
    )

__version__ = VERSION

request_strict_products()

_HOMES = {
    "benchbench.errors": ("BenchbenchError",),
    "benchbench.evaluation": ("evaluate",),
    "benchbench.grid": ("evaluate_grid",),
    "benchbench.checkpoints.digests": ("model_digest",),
    "benchbench.monitor": ("Monitor",),
    "benchbench.registry": ("load_model", "load_task", "task_names"),
    "benchbench.analysis.scorecard": ("scorecard",),
    "benchbench.runs": ("read_run", "write_run"),
    "benchbench.types": (
        "Claim",
        "DataFile",
        "DualEncoder",
        "Entry",
        "Estimate",
        "Gallery",
        "ImageRef",
        "Item",
        "LoadOptions",
        "Metric",
        "ModelFamily",
        "ModelManifest",
        "Outcome",
        "PairScorer",
        "Paraphrases",
        "Prompt",
        "RelationScorer",
        "Run",
        "Scene",
        "Task",
        "TaskInfo",
        "RelationInput",
        "Vocabulary",
    ),
}
FORMS.update(
    Audit="benchbench.render.audit:terminal",
    Comparison="benchbench.render.comparison:terminal",
    EarlyGate="benchbench.render.gate:early_terminal",
    Gate="benchbench.render.gate:terminal",
    Leaderboard="benchbench.render.leaderboard:terminal",
    MethodComparison="benchbench.render.comparison:methods_terminal",
    Parity="benchbench.render.parity:terminal",
    Rankings="benchbench.render.rankings:terminal",
    Scorecard="benchbench.render.scorecard:terminal",
    Sensitivity="benchbench.render.sensitivity:terminal",
)
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "BenchbenchError",
    "Claim",
    "DataFile",
    "DualEncoder",
    "Entry",
    "Estimate",
    "Gallery",
    "ImageRef",
    "Item",
    "LoadOptions",
    "Metric",
    "ModelFamily",
    "ModelManifest",
    "Monitor",
    "Outcome",
    "PairScorer",
    "Paraphrases",
    "Prompt",
    "RelationInput",
    "RelationScorer",
    "Run",
    "Scene",
    "Task",
    "TaskInfo",
    "Vocabulary",
    "__version__",
    "evaluate",
    "evaluate_grid",
    "load_model",
    "load_task",
    "model_digest",
    "read_run",
    "scorecard",
    "task_names",
    "write_run",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'benchbench' has no attribute '{name}'")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
