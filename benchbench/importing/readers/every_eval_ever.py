"""Item by item results in Every Eval Ever's schema (evaleval/every_eval_ever, version 0.3.0).

A summary, ``UUID.json``, names its lines, ``UUID_samples.jsonl``, which lie beside it; lines alone
can be read as well. Of a line, ``sample_id`` is the item, ``evaluation.is_correct`` the decision,
the first ``input.reference`` the true caption, and the one other of two ``input.choices`` the false
one. An image is known where ``metadata`` names it. ``benchbench export`` writes scores there, too:
they are read back.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any

from benchbench.data.records import read_content, read_utf8
from benchbench.data.tables import json_lines
from benchbench.errors import MalformedData
from benchbench.files import parse_json
from benchbench.importing.answers import Answer, Source, value_of
from benchbench.importing.fields import answer_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

USUAL = {"id": "sample_id", "model": "model_id", "right": "evaluation.is_correct",
         "caption": "own.caption", "foil": "own.foil", "image": "own.image",
         "score_true": "own.score_true", "score_false": "own.score_false"}  # fmt: skip
LINES = "_samples.jsonl"


class EveryEvalEverReader:
    """Every Eval Ever's files."""

    title = "Every Eval Ever's UUID.json with UUID_samples.jsonl, or the latter alone"
    task = ""
    source = Source()
    files: Mapping[str, str] = {}

    def paths(self, path: Path) -> list[Path]:
        """Return the file, and the lines that a summary names.

        Raises:
            MalformedData: a summary names no lines.
        """
        return [path] if path.suffix == ".jsonl" else [path, _lines_of(path, _summary(path))]

    def read(self, path: Path, fields: Mapping[str, str]) -> Iterator[Answer]:
        """Read the lines."""
        lines, expected = path, {}
        if path.suffix != ".jsonl":
            expected = _summary(path)
            lines = _lines_of(path, expected)
            _check_whole(lines, expected["detailed_evaluation_results"])
        result = ""
        for number, record in json_lines(lines):
            where = f"{lines}, line {number}"
            _check_linked(record, expected, where)
            name = str(record.get("evaluation_result_id") or record.get("evaluation_name"))
            if name != (result := result or name):
                raise MalformedData(
                    f"{where} is of the result {name}, and others are of {result}: keep the lines "
                    "of one."
                )
            own = _own(record, where)
            sides = own.pop("sides", ())
            given = {**record, "own": own}
            answer = answer_of(given, where, {**USUAL, **fields})
            yield _sided(answer, sides, own["images"]) if sides else answer


def _summary(path: Path) -> dict[str, Any]:
    content = read_content(path)
    if not isinstance(content, dict) or "evaluation_results" not in content:
        raise MalformedData(f"{path} is not a summary of Every Eval Ever: no 'evaluation_results'.")
    return content


def _lines_of(path: Path, summary: Mapping[str, Any]) -> Path:
    """Return the path of a summary's lines, beside it."""
    named = value_of(summary, "detailed_evaluation_results.file_path")
    if not isinstance(named, str) or not named.endswith(LINES):
        raise MalformedData(
            f"{path} has no results item by item ('detailed_evaluation_results'): a summary alone "
            "cannot be imported."
        )
    return path.with_name(named.replace("\\", "/").rpartition("/")[2])


def _check_whole(lines: Path, said: Mapping[str, Any]) -> None:
    """Check the lines' digest and number against the summary's."""
    text = read_utf8(lines, "JSON lines")
    digest, rows = said.get("checksum"), said.get("total_rows")
    if said.get("hash_algorithm") == "sha256" and isinstance(digest, str):
        found = hashlib.sha256(lines.read_bytes()).hexdigest()
        if found != digest.lower():
            raise MalformedData(
                f"{lines} was changed: its SHA-256 is {found[:12]}…, not {digest[:12]}… as the "
                "summary has it. Fetch both again."
            )
    count = sum(bool(line.strip()) for line in text.split("\n"))
    if isinstance(rows, int) and rows != count:
        raise MalformedData(f"{lines} has {count:,} lines, and its summary says {rows:,}.")


def _check_linked(record: Mapping[str, Any], summary: Mapping[str, Any], where: str) -> None:
    """Check that a line is of its summary, and has the fields that are read."""
    for name in ("sample_id", "evaluation", "input"):
        if name not in record:
            raise MalformedData(f"{where}: no field '{name}', which the schema requires.")
    for name, own in (("evaluation_id", "evaluation_id"), ("model_id", "model_info.id")):
        wanted = value_of(summary, own) if summary else None
        if wanted is not None and record.get(name) != wanted:
            raise MalformedData(f"{where}: its {name} is not the summary's, '{wanted}'.")


def _own(record: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return what a line tells of its item and of scores."""
    reference = value_of(record, "input.reference")
    choices = value_of(record, "input.choices")
    if not isinstance(reference, list) or not all(isinstance(each, str) for each in reference):
        raise MalformedData(f"{where}: 'input.reference' should be a list of texts.")
    false = [each for each in choices or () if each not in reference]
    told = [*reference, *false] if len(reference) + len(false) == 2 else []
    metadata = record.get("metadata")
    kept = metadata if isinstance(metadata, dict) else {}
    images = _parsed(kept, "images", where) or []
    own: dict[str, Any] = {"images": tuple(map(str, images))}
    if len(told) == 2:
        own |= {"caption": told[0], "foil": told[1]}
    elif reference:
        own["caption"] = reference[0]
    if len(images) == 1:
        own["image"] = str(images[0])
    scores, back = (_parsed(kept, name, where) for name in ("scores", "by_caption"))
    if scores is None or len(told) != 2:
        return own
    try:
        columns = [list(choices or ()).index(text) for text in told]
        if len(scores) == 1:
            own |= {"score_true": scores[0][columns[0]], "score_false": scores[0][columns[1]]}
        else:
            own["sides"] = _decisions(_finite(scores), _finite(back or scores), columns)
    except (IndexError, TypeError, ValueError) as error:
        raise MalformedData(f"{where}: 'metadata.scores' are not of its choices.") from error
    return own


def _parsed(metadata: Mapping[str, Any], name: str, where: str) -> list[Any] | None:
    """Return a list that metadata holds as text."""
    text = metadata.get(name)
    if text is None:
        return None
    try:
        value = parse_json(text)
    except (ValueError, TypeError) as error:
        raise MalformedData(f"{where}: 'metadata.{name}' is not a list in JSON.") from error
    if not isinstance(value, list):
        raise MalformedData(f"{where}: 'metadata.{name}' is not a list in JSON.")
    return value


def _finite(rows: list[Any]) -> list[list[float]]:
    """Return rows of scores as numbers.

    Raises:
        TypeError: a row is not a list, or a score is not a number.
        ValueError: a score is not finite.
    """
    found = [[0.0 + score for score in row] for row in rows]
    if not all(math.isfinite(score) for row in found for score in row):
        raise ValueError("a score that is not finite")
    return found


def _decisions(
    scores: list[list[float]], back: list[list[float]], columns: list[int]
) -> tuple[bool, ...]:
    """Return the four decisions that scores of two images and two captions make; a tie is wrong."""
    one, two = columns
    return (
        scores[0][one] > scores[0][two],
        scores[1][two] > scores[1][one],
        back[0][one] > back[1][one],
        back[1][two] > back[0][two],
    )


def _sided(answer: Answer, sides: tuple[bool, ...], images: tuple[str, ...]) -> Answer:
    """Return an answer of two images, with the decisions of both directions."""
    return Answer(
        answer.where, answer.model, None, caption=answer.caption, foil=answer.foil, id=answer.id,
        subset=answer.subset, images=images, sides=sides,
    )  # fmt: skip


READER = EveryEvalEverReader()
