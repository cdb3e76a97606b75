"""The columns of matching runs: ``target``, ``scores``, ``no_op``, and those that only some have.

``scores`` has each item's [images, captions] row by row, as has ``by_caption`` where captions
prefer images by other scores. ``priors`` has an entry per caption: the model's own log P(caption).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchbench.protocols.stored import Lists, list_column
from benchbench.types import MatchingOutcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from benchbench.protocols.stored import Bases
    from benchbench.types.arrays import Indices, Singles

BY_CAPTION, PRIORS = "by_caption", "priors"
OPTIONAL = frozenset({BY_CAPTION, PRIORS})
"""The columns of a run's file that only some runs have."""
NONE = -1
"""The target of an image without a caption of its own."""


def write(outcomes: Sequence[MatchingOutcome]) -> Mapping[str, Any]:
    """Return the columns of outcomes; ``priors`` where all have them."""
    import pyarrow as pa

    def scores(rows: Sequence[Singles]) -> pa.Array:
        return list_column([row.ravel() for row in rows], pa.float32(), np.float32)

    more = {}
    if any(o.by_caption is not None for o in outcomes):
        back = [o.scores if o.by_caption is None else o.by_caption for o in outcomes]
        more[BY_CAPTION] = scores(back)
    priors = [o.priors for o in outcomes if o.priors is not None]
    if priors and len(priors) == len(outcomes):
        more[PRIORS] = scores(priors)
    return {
        "target": list_column([o.target for o in outcomes], pa.int16(), np.int16),
        "scores": scores([o.scores for o in outcomes]),
        "no_op": list_column([o.no_op for o in outcomes], pa.bool_(), np.bool_),
        **more,
    }


def read(columns: Mapping[str, Any], bases: Bases) -> tuple[MatchingOutcome, ...]:
    """Return the outcomes stored in columns.

    Raises:
        ValueError: a score is not finite, or a target is not a column of the captions.
    """
    targets, no_op = Lists.of(columns["target"]), Lists.of(columns["no_op"])
    last = no_op.lengths.repeat(targets.lengths)  # [targets], the number of captions
    if (odd := np.flatnonzero((targets.values < NONE) | (targets.values >= last))).size:
        raise ValueError(f"target {targets.values[odd[0]]} of {last[odd[0]]} captions")
    shape = targets.lengths, no_op.lengths
    scores = _finite(Lists.of(columns["scores"]), *shape)
    nothing: Sequence[None] = [None] * len(scores)
    back = _finite(Lists.of(columns[BY_CAPTION]), *shape) if BY_CAPTION in columns else nothing
    priors = _finite(Lists.of(columns[PRIORS]), no_op.lengths) if PRIORS in columns else nothing
    rows = zip(
        bases.id, bases.cluster, bases.tags, targets.tuples(), scores, no_op.tuples(),
        bases.content, back, priors, strict=True,
    )  # fmt: skip
    return tuple(
        MatchingOutcome(*row, content=content, by_caption=by_caption, priors=prior)
        for *row, content, by_caption, prior in rows
    )


def _finite(numbers: Lists, *shape: Indices) -> list[Singles]:
    """Return each item's stored numbers as an array of its shape.

    Raises:
        ValueError: one is not finite, or there are more or fewer.
    """
    if not np.isfinite(numbers.values).all():
        raise ValueError("scores that are not finite")
    return numbers.arrays(*shape)
