"""Checks of a run file's header, which anybody may have written: every value is what readers take.

A seal shows that a file is as it was written, not who wrote it.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

from benchbench.types import ModelManifest, Run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KINDS: Mapping[str, tuple[type, ...]] = {
    "str": (str,), "Comparison": (str,), "bool": (bool,), "int": (int,), "float": (int, float),
    "int | None": (int, type(None)), "str | None": (str, type(None)), "tuple[str, ...]": (list,),
    "Mapping[str, Any]": (dict,), "Mapping[str, str]": (dict,), "Mapping[str, str | int]": (dict,),
}  # fmt: skip
"""The declared type of a record's field → the types that JSON gives for it."""


COUNTED = ("requests", "kept_answers", "prompt_tokens", "completion_tokens", "bounded")
"""What is counted of an evaluation behind a server, in its environment."""


def check_header(record: Mapping[str, Any]) -> None:
    """Check the fields of a run and of its model, as JSON gives them.

    Raises:
        TypeError: a field has another type than it is declared with; the message names it.
        ValueError: its time is none, or of no time zone.
    """
    for kind, content in ((Run, record), (ModelManifest, record["model"])):
        _check_kinds(kind, content)
    if datetime.fromisoformat(record["created"]).tzinfo is None:
        raise ValueError(f"its time {record['created']!r} is of no time zone")
    for name, value in _odd_values(record):
        raise TypeError(f"its {name} is {value!r}")


def _odd_values(record: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """Yield values of the environment, and of what is recorded of an import, of another type."""
    environment = record["environment"]
    for name, value in environment.items():
        if not isinstance(value, int if name in COUNTED else (str, int)):
            yield name, value
    imported = record["settings"].get("imported")
    if not isinstance(imported, dict):
        return
    for name in ("unreadable", "unmatched", "duplicates"):
        if not isinstance(imported.get(name, 0), int):
            yield name, imported[name]
    source = imported.get("source") or {}
    if not isinstance(source, dict):
        yield "source", source
        return
    yield from ((name, text) for name, text in source.items() if not isinstance(text, str))


def _check_kinds(record: type[Run | ModelManifest], content: Mapping[str, Any]) -> None:
    """Check that a header's fields have their declared types.

    Raises:
        TypeError: a field has another type; the message names it.
    """
    for field in fields(record):
        kinds = KINDS.get(str(field.type), (object,))
        value: Any = content.get(field.name, kinds[0]())
        is_odd = isinstance(value, bool) and bool not in kinds and object not in kinds
        if is_odd or not isinstance(value, kinds):
            raise TypeError(f"its {field.name} is {value!r}")
        if isinstance(value, list) and not all(isinstance(each, str) for each in value):
            raise TypeError(f"its {field.name} holds a value that is not a name")
