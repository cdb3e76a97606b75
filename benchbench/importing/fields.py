"""Records of general formats as answers: ``--field`` names their fields, as ``doc.caption``."""

from __future__ import annotations

import math
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from benchbench.errors import MalformedData, UsageError
from benchbench.importing.answers import Answer, right_of, value_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NAMES = ("model", "id", "image", "caption", "foil", "subset", "right", "score_true", "score_false")
"""The fields that a reader of general formats takes."""
CONTENT = ("image", "caption", "foil")
MOST = 3.4e38
"""The largest score: runs hold 32 bits."""


def parse_fields(options: Sequence[str]) -> dict[str, str]:
    """Return the fields of ``NAME=PATH`` options.

    Raises:
        UsageError: an option is not of that form, or names no field.
    """
    found = {}
    for each in options:
        name, sign, path = each.partition("=")
        if not sign or not path or name not in NAMES:
            raise UsageError(f"--field takes NAME=COLUMN, not '{each}'. Names: {', '.join(NAMES)}.")
        found[name] = path
    return found


def answer_of(
    record: Mapping[str, Any], where: str, fields: Mapping[str, str], model: str = ""
) -> Answer:
    """Return the answer in a record.

    Args:
        record: a row or an object.
        where: file and record, for errors.
        fields: name → dotted path; a name that is left out is its own path.
        model: the model's name, where the record has none.

    Raises:
        UsageError: it has neither decision nor scores, or nothing that identifies an item.
        MalformedData: a value is not of its kind.
    """
    given = {name: value_of(record, fields.get(name, name)) for name in NAMES}
    text = {name: "" if given[name] is None else str(given[name]) for name in NAMES}
    scores = _scores(given, where)
    decided = fields.get("right", "right") in record or given["right"] is not None
    if not (decided or scores or _is_path(fields, "right")):
        raise UsageError(
            f"{where} holds neither a decision nor scores. Name the column: --field right=COLUMN, "
            f"or score_true and score_false. There are: {', '.join(map(str, record))}."
        )
    if not text["id"] and not all(text[name] for name in CONTENT):
        raise UsageError(
            f"{where} does not identify an item. Name the columns: --field id=COLUMN, or image, "
            f"caption and foil. There are: {', '.join(map(str, record))}."
        )
    try:
        right = scores[0] > scores[1] if scores else right_of(given["right"])
    except ValueError as error:
        raise MalformedData(f"{where}: {error}.") from error
    if scores and scores[0] != scores[1] and not _agree(given["right"], bool(right)):
        raise MalformedData(
            f"{where}: the decision is {given['right']!r}, and the scores {scores} say otherwise. "
            "The higher score is preferred: where a lower one is better, negate them, or leave "
            "the scores out."
        )
    image = PurePosixPath(text["image"].replace("\\", "/")).name
    return Answer(
        where, text["model"] or model, right, image, text["caption"], text["foil"], text["id"],
        text["subset"], scores,
    )  # fmt: skip


def _agree(decided: object, right: bool) -> bool:
    """Return whether a recorded decision is that of the scores, or is none."""
    try:
        return right_of(decided) in (None, right)
    except ValueError:
        return True


def _is_path(fields: Mapping[str, str], name: str) -> bool:
    """Return whether a field is named by an option: a record without it has no answer then."""
    return name in fields


def _scores(given: Mapping[str, Any], where: str) -> tuple[float, float] | None:
    """Return raw scores, where a record has both."""
    pair = (given["score_true"], given["score_false"])
    if None in pair:
        return None
    try:
        true, false = (float(each) for each in pair)
    except (TypeError, ValueError) as error:
        raise MalformedData(f"{where}: the scores {pair} are not numbers.") from error
    if not (math.isfinite(true) and math.isfinite(false)):
        raise MalformedData(f"{where}: the scores {pair} are not finite.")
    if max(abs(true), abs(false)) > MOST:
        raise MalformedData(f"{where}: the scores {pair} are beyond the range of 32 bits.")
    return true, false
