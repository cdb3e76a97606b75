"""On what a checkpoint was chosen: a file beside it, ``CHECKPOINT.benchbench.json``.

Of many checkpoints the best one on some items is partly the luckiest one on these: its score on
them is too high, and a gate on them lets too much through. Whatever chooses a checkpoint writes
down by what, and every report of a run on the same edition says so.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from benchbench.errors import UsageError
from benchbench.files import exists, expanded, parse_json, read_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

SUFFIX = ".benchbench.json"
KEY = "chosen_on"


@dataclass(frozen=True, slots=True)
class Choice:
    """Items that a checkpoint was chosen by."""

    task: str
    edition: str | None = None
    """None where nobody said: any edition may be meant."""
    data_sha256: str | None = None
    looks: int | None = None
    """How many checkpoints were looked at."""

    def covers(self, task: str, edition: str) -> bool:
        """Whether a run of a task on an edition is of these items, or of some of them."""
        return self.task == task and self.edition in (None, edition)


def beside(checkpoint: str | Path) -> Path:
    """Where a checkpoint's choice is written: beside a file or folder."""
    path = expanded(checkpoint)
    return path.parent / f"{path.name}{SUFFIX}"


def write_choice(checkpoint: str | Path, choices: Iterable[Choice]) -> Path:
    """Write down by what a checkpoint was chosen.

    Raises:
        UsageError: there is no such checkpoint, or no place beside it.
    """
    path = expanded(checkpoint)
    if not path.exists():
        raise UsageError(f"There is no checkpoint {checkpoint}: save it first.")
    record = {KEY: [asdict(each) for each in choices]}
    place = beside(path)
    try:
        place.write_text(json.dumps(record, indent=2) + "\n", "utf-8")
    except OSError as error:
        raise UsageError(f"Cannot write {place}: {error.strerror or error}.") from error
    return place


def choices_of(specification: str) -> list[Choice]:
    """By what the checkpoints on this machine that a model's name leads to were chosen.

    >>> choices_of("openclip:ViT-B-32/openai")
    []
    """
    found: dict[Choice, None] = {}
    for part in re.split(r"[,+]", specification):
        for name in (part, part.partition(":")[2]):
            if name and exists(place := beside(name)):
                found |= dict.fromkeys(_read(place))
    return list(found)


def _read(place: Path) -> list[Choice]:
    try:
        return of_records(parse_json(read_text(place))[KEY])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise UsageError(
            f"{place} does not say on what its checkpoint was chosen ({type(error).__name__}: "
            f"{error}). Write it anew, or remove it."
        ) from error


def of_records(records: Sequence[Mapping[str, Any]]) -> list[Choice]:
    """From a file or from a run's settings.

    Raises:
        TypeError: a record is none of ours, or holds another kind of value.
    """
    found = [Choice(**record) for record in records]
    for each in found:
        texts = (each.edition, each.data_sha256)
        named = isinstance(each.task, str) and all(isinstance(t, str | None) for t in texts)
        if not named or not isinstance(each.looks, int | None):
            raise TypeError(f"{each} holds no names and a number")
    return found
