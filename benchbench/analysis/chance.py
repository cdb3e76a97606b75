"""Chance levels of a task's files, from the shapes of items and without a model.

The protocol is run with an encoder that reads no image and gives every input the same vector; each
outcome has the expected score of a random order of its candidates.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from benchbench.analysis.scorecard import chance_of
from benchbench.editions import SCENES, choose_edition, drawn_part, resolve_edition
from benchbench.embedding import EmbeddingTable, EncodedCaptions, Encoder, FileLog
from benchbench.embedding.pairs import PairScores
from benchbench.errors import BenchbenchError
from benchbench.failures import task_items
from benchbench.protocols import load_protocol
from benchbench.types import ProposalTask

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from benchbench.embedding.pairs import Block
    from benchbench.types import ImageRef, Metric, PairScorer, Role, Task


MissingReason = Literal["proposals", "no files", "not drawn", "unreadable"]
"""Why there are no chance levels: they depend on how much a detector proposes; no part of the drawn
world has the task's files; the files are not drawn yet; or they cannot be read."""


@dataclass(frozen=True, slots=True)
class ChanceLevels:
    """The chance levels of a task's files, or why there are none."""

    edition: str = ""
    items: int = 0
    chance: Mapping[Metric, float] = field(default_factory=dict)
    """Expected score of random guesses: a share in [0, 1], or a rank from 1."""
    missing: MissingReason | None = None
    """Why there are no chance levels."""
    error: str = ""
    """The error of files that cannot be read."""


def chance_levels(
    task: Task, data_root: str | Path | None = None, edition: str | None = None
) -> ChanceLevels:
    """Return the chance levels on the files that ``evaluate`` would read; nothing is drawn.

    Files that a variable or a settings file names may be missing or wrong: then the reason takes
    the place of the numbers.

    Raises:
        BenchbenchError: the files that the caller names are missing or wrong.
    """
    if isinstance(task, ProposalTask):
        return ChanceLevels(missing="proposals")
    try:
        lack = _missing_reason(task, data_root, edition)
        return ChanceLevels(missing=lack) if lack else _compute(task, data_root, edition)
    except BenchbenchError as error:
        if data_root is not None or edition is not None:
            raise
        return ChanceLevels(missing="unreadable", error=str(error))


def _missing_reason(
    task: Task, data_root: str | Path | None, edition: str | None
) -> MissingReason | None:
    """Return why the drawn world has no files of a task; None if it, or another edition, has."""
    from benchbench.scenes.edition import is_drawn

    if choose_edition(data_root, edition).edition != SCENES:
        return None
    part = drawn_part(task.info)
    if part is None:
        return "no files"
    return None if is_drawn(part) else "not drawn"


def _compute(task: Task, data_root: str | Path | None, edition: str | None) -> ChanceLevels:
    """Return a protocol's chance levels on files that exist."""
    resolved = resolve_edition(task.info, data_root, edition)
    items = task_items(task, resolved.root)
    protocol = load_protocol(task.info.protocol)
    model: Any = NoModel()
    outcomes = protocol.answer(items, model, ConstantEncoder()).outcomes
    shown, _ = task.info.shown(resolved.kind.name)
    chance = {metric: chance_of(protocol, outcomes, metric) for metric in shown}
    return ChanceLevels(resolved.name, len(items), chance)


class NoModel:
    """The attributes of a model that a protocol reads; the model is never run."""

    logit_scale = 1.0

    def answering(self, answer: str) -> NoModel:
        """Return the model that scores questions by an answer: this one, which is never run."""
        return self


class ConstantEncoder(Encoder):
    """An encoder that reads no image and gives every input the same vector."""

    def __init__(self) -> None:
        self.progress = None
        self.files = FileLog()

    def images(self, refs: Iterable[ImageRef], role: Role = "scene") -> EmbeddingTable[ImageRef]:
        """Return one vector for all images: [distinct, 1]."""
        distinct = dict.fromkeys(refs)
        return EmbeddingTable(
            {ref: i for i, ref in enumerate(distinct)}, _equal_vectors(len(distinct))
        )

    def check_files(self, refs: Iterable[ImageRef]) -> None:
        """Read nothing."""

    def readable(self, items: Any) -> Any:
        """Return all items."""
        return list(items)

    def captions(self, texts: Iterable[str], role: Role = "scene") -> EncodedCaptions:
        """Return one vector for all captions; each string has its own token ids."""
        distinct = dict.fromkeys(texts)
        rows = {text: i for i, text in enumerate(distinct)}
        ids = {text: (i,) for text, i in rows.items()}
        return EncodedCaptions(EmbeddingTable(rows, _equal_vectors(len(rows))), ids, frozenset())

    def pairs(
        self, blocks: Sequence[Block], scorer: PairScorer | None = None, name: str = ""
    ) -> PairScores:
        """Return one score for all pairs; each string has its own token ids."""
        refs = dict.fromkeys(ref for block, _ in blocks for ref in block)
        texts = dict.fromkeys(text for _, block in blocks for text in block)
        numbers = {text: i for i, text in enumerate(texts)}
        ids = {text: (i,) for text, i in numbers.items()}
        every, score = np.arange(len(texts)), np.zeros(len(texts), dtype=np.float32)
        of_refs = dict.fromkeys(refs, every), dict.fromkeys(refs, score)
        return PairScores(ids, frozenset(), numbers, *of_refs)


def _equal_vectors(n: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.ones((n, 1), dtype=np.float32)
