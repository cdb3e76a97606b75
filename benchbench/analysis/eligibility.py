"""The rules by which a run may join a public leaderboard, each with its reason in a sentence.

A run holds raw outcomes and no score, so that nobody's arithmetic is taken on trust: what a board
shows is computed from these. The rules are about everything else: the model and the machine are
recorded whole, the items are all there and of a known edition, and nobody is on a board twice.
"""

from __future__ import annotations

import math
import re
from dataclasses import fields
from typing import TYPE_CHECKING

from benchbench.analysis.scorecard import scorecard
from benchbench.editions import is_official
from benchbench.errors import BenchbenchError
from benchbench.registry import load_task
from benchbench.runs import require_complete
from benchbench.scenes.edition import EDITION

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from benchbench.types import Run

SHA256 = re.compile("[0-9a-f]{64}")
RECORDED = ("benchbench", "torch", "python", "platform")
"""What a run's environment says at least."""
UNSAID = ("", "unknown")


def ineligible(run: Run, others: Iterable[Run], *, imported: bool = False) -> Iterator[str]:
    """Yield why a run may not join a leaderboard; nothing if it may.

    Args:
        run: the run, as it was read from its file.
        others: the runs of its task and edition that are on the board or submitted with it.
        imported: whether results that somebody else measured are accepted; pages mark them.
    """
    yield from _incomplete(run)
    if not run.model.trained:
        yield "its weights are random"
    if not (is_official(run.edition) or run.edition == EDITION):
        yield f"{run.edition} is not an official edition, nor the drawn world of this version"
    if run.unsealed:
        yield "its file has no seal, so that a change would not be noticed: evaluate again"
    if run.imported:
        if not imported:
            yield "it was imported, not measured by benchbench (--allow-imported marks it as such)"
    else:
        yield from _unrecorded(run)
    yield from _repeated(run, others)


def _incomplete(run: Run) -> Iterator[str]:
    """Yield what the outcomes lack, as far as the task's metrics can be read from them."""
    try:
        require_complete(run)
        info = load_task(run.task).info
        if info.version != run.task_version:
            yield f"it is of version {run.task_version} of the task, and there is {info.version}"
            return
        score = scorecard(run).headline.estimate.value
    except BenchbenchError as error:
        yield str(error).rstrip(".")
        return
    if math.isnan(score):
        yield "its outcomes give no score (NaN)"


def _unrecorded(run: Run) -> Iterator[str]:
    """Yield the fields of the manifest and the environment that say nothing."""
    manifest = run.model
    empty = [f.name for f in fields(manifest) if getattr(manifest, f.name) in UNSAID]
    if not SHA256.fullmatch(manifest.weights_sha256) and "weights_sha256" not in empty:
        empty.append("weights_sha256")
    if empty:
        yield f"its manifest does not say: {', '.join(empty)}"
    if lacking := [name for name in RECORDED if not run.environment.get(name)]:
        yield f"its environment does not say: {', '.join(lacking)}"
    if not SHA256.fullmatch(run.data_sha256):
        yield "it has no digest of its data"


def _repeated(run: Run, others: Iterable[Run]) -> Iterator[str]:
    """Yield the runs of the same model on the same task and edition."""
    for other in others:
        if (other.task, other.edition) != (run.task, run.edition):
            continue
        if other.model.fingerprint == run.model.fingerprint:
            same = f" as {other.model.name}" if other.model.name != run.model.name else ""
            yield f"this model is there{same} (fingerprint {run.model.fingerprint})"
        elif other.model.name == run.model.name:
            yield (
                f"another model has its name ({other.model.fingerprint}, not "
                f"{run.model.fingerprint}): give it a name of its own"
            )
