"""Model selection: which items selected a checkpoint, in ``CHECKPOINT.benchbench.json`` beside it.

Of many checkpoints the best one on some items is partly the luckiest one on these: its score on
them is too high, and a gate on them lets too much through. A monitor writes the items that selected
a checkpoint, and every report of a run on the same edition has a warning.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from benchbench.errors import UsageError
from benchbench.files import exists, expand_path, parse_json, read_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

SUFFIX = ".benchbench.json"
KEY = "chosen_on"
VALIDATIONS = "looks"
"""The key of ``Selection.validations`` in files and runs."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The items that selected a checkpoint among others."""

    task: str
    edition: str | None = None
    """None if it is unknown: any edition is possible."""
    data_sha256: str | None = None
    validations: int | None = None
    """The number of checkpoints that were evaluated on them; ``looks`` in files."""

    def covers(self, task: str, edition: str) -> bool:
        """Return whether a run of a task on an edition is of these items, or of some of them."""
        return self.task == task and self.edition in (None, edition)

    def record(self) -> dict[str, Any]:
        """Return the selection under the names that files and runs have for its fields."""
        found = asdict(self)
        found[VALIDATIONS] = found.pop("validations")
        return found


def selection_path(checkpoint: str | Path) -> Path:
    """Return the path of a checkpoint's selection: beside a file or folder."""
    path = expand_path(checkpoint)
    return path.parent / f"{path.name}{SUFFIX}"


def write_selection(checkpoint: str | Path, selections: Iterable[Selection]) -> Path:
    """Write the items that selected a checkpoint, and return the path.

    Raises:
        UsageError: there is no such checkpoint, or its folder cannot be written to.
    """
    path = expand_path(checkpoint)
    if not path.exists():
        raise UsageError(f"There is no checkpoint {checkpoint}: save it first.")
    record = {KEY: [each.record() for each in selections]}
    place = selection_path(path)
    try:
        place.write_text(json.dumps(record, indent=2) + "\n", "utf-8")
    except OSError as error:
        raise UsageError(f"Cannot write {place}: {error.strerror or error}.") from error
    return place


def selections_of(specification: str) -> list[Selection]:
    """Return the items that selected the local checkpoints in a model's specification.

    >>> selections_of("openclip:ViT-B-32/openai")
    []
    """
    found: dict[Selection, None] = {}
    for part in re.split(r"[,+]", specification):
        prefixes = part.split(":")  # of lerp:file:PATH, both
        for i in range(len(prefixes)):
            name = ":".join(prefixes[i:])
            if name and exists(place := selection_path(name)):
                found |= dict.fromkeys(_read(place))
    return list(found)


def _read(place: Path) -> list[Selection]:
    try:
        return parse_selections(parse_json(read_text(place))[KEY])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise UsageError(
            f"{place} does not name the items that selected its checkpoint "
            f"({type(error).__name__}: {error}). Write it again, or remove it."
        ) from error


def parse_selections(records: Sequence[Mapping[str, Any]]) -> list[Selection]:
    """Return the selections in a file's or a run's records.

    Raises:
        TypeError: a record has other fields, or a value of another type.
    """
    found = []
    for record in records:
        names = {VALIDATIONS: "validations"}
        each = Selection(**{names.get(name, name): value for name, value in record.items()})
        texts = (each.edition, each.data_sha256)
        named = isinstance(each.task, str) and all(isinstance(t, str | None) for t in texts)
        if not named or not isinstance(each.validations, int | None):
            raise TypeError(f"{each} should hold names and a number")
        found.append(each)
    return found
