"""What guessing earns on a task's files: chance levels from the shapes of items, without a model.

The protocol is run with an encoder that reads no picture and gives everything one vector, and each
outcome says what a random order of its candidates earns.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbench.analysis.scorecard import chance_of
from benchbench.editions import SCENES, choose, drawn_part, resolve_edition
from benchbench.embedding import Captions, Embedded, Encoder
from benchbench.errors import BenchbenchError
from benchbench.protocols import load_protocol
from benchbench.types import TakesProposals

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from benchbench.types import ImageRef, Role, Task


@dataclass(frozen=True, slots=True)
class Guessing:
    """Chance levels, as text."""

    edition: str = ""
    items: int = 0
    earns: Mapping[str, str] = field(default_factory=dict)
    """Metric → per cent, or rank."""
    why_not: str = ""


def guess(task: Task, data_root: str | Path | None = None, edition: str | None = None) -> Guessing:
    """Chance levels on the files that would be read, if they are there; nothing is drawn for it.

    Files that nobody passed (a variable or a settings file names them) may be absent or wrong: then
    the reason takes the place of the numbers.

    Raises:
        BenchbenchError: the files that were passed are not as they should be.
    """
    if isinstance(task, TakesProposals):
        return Guessing(why_not="it depends on how much the detector proposes.")
    try:
        return _undrawn(task, data_root, edition) or _guessed(task, data_root, edition)
    except BenchbenchError as error:
        if data_root is not None or edition is not None:
            raise
        return Guessing(why_not=f"it is computed from the items, which cannot be read. {error}")


def _undrawn(task: Task, data_root: str | Path | None, edition: str | None) -> Guessing | None:
    """Why there are no numbers of the drawn world; None where its files, or others, are there."""
    from benchbench.scenes.edition import is_there

    if choose(data_root, edition).edition != SCENES:
        return None
    part = drawn_part(task.info)
    if part is None:
        return Guessing(why_not="it is computed from the items; pass --data-root DIR.")
    if is_there(part):
        return None
    return Guessing(
        why_not="it is computed from the items, which are not drawn yet; benchbench eval "
        f"--model blind:chance --task {task.info.name} draws them."
    )


def _guessed(task: Task, data_root: str | Path | None, edition: str | None) -> Guessing:
    """A protocol's chance levels on items that are there."""
    resolved = resolve_edition(task.info, data_root, edition)
    items = task.items(resolved.root)
    protocol = load_protocol(task.info.protocol)
    nobody: Any = Nobody()
    outcomes = protocol.answer(items, nobody, Blank()).outcomes
    shown, _ = task.info.shown(drawn=resolved.drawn)
    chances = {m.name: (chance_of(protocol, outcomes, m), m.reading == "rank") for m in shown}
    return Guessing(resolved.name, len(items), {n: _text(*c) for n, c in chances.items()})


def _text(chance: float, is_rank: bool) -> str:
    if np.isnan(chance):
        return "none"
    if is_rank:
        return f"rank {chance:.1f}"
    return f"{100 * chance:.1f}" if chance >= 0.0005 or chance == 0 else f"{100 * chance:.1g}"


class Nobody:
    """What a protocol asks of a model that is never run."""

    logit_scale = 1.0


class Blank(Encoder):
    """An encoder that looks at nothing and gives everything the same vector."""

    def __init__(self) -> None:
        self.progress = None
        self.unreadable = {}

    def pictures(self, refs: Iterable[ImageRef], role: Role = "scene") -> Embedded[ImageRef]:
        """One vector for all: [distinct, 1]."""
        distinct = dict.fromkeys(refs)
        return Embedded({ref: i for i, ref in enumerate(distinct)}, _ones(len(distinct)))

    def look(self, refs: Iterable[ImageRef]) -> None:
        """Nothing is looked at."""

    def readable(self, items: Any) -> Any:
        """All of them."""
        return list(items)

    def captions(self, texts: Iterable[str], role: Role = "scene") -> Captions:
        """One vector for all; every string is read as itself."""
        distinct = dict.fromkeys(texts)
        rows = {text: i for i, text in enumerate(distinct)}
        ids = {text: (i,) for text, i in rows.items()}
        return Captions(Embedded(rows, _ones(len(rows))), ids, frozenset())


def _ones(n: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.ones((n, 1), dtype=np.float32)
