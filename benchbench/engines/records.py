"""The record of a worker: which parts of which models it encoded, and on what kind of machine.

A record is a JSON file ``SHARD-of-COUNT.json`` in the folder ``plan-DIGEST`` among the runs. It is
written when the worker has finished a model.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from benchbench.atomic import atomic_write
from benchbench.embedding import Origin
from benchbench.engines.shards import Shard
from benchbench.errors import UsageError
from benchbench.files import parse_json, read_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchbench.engines.plans import Plan

FORMAT = 1


@dataclass(slots=True)
class WorkRecord:
    """What one worker finished."""

    shard: Shard
    encoded: dict[str, dict[str, Origin]] = field(default_factory=dict)
    """Model → task → the machine on which its part was encoded."""


def record_folder(plan: Plan, out: Path) -> Path:
    """Return the folder of a plan's records among the runs."""
    return out / f"plan-{plan.digest[:12]}"


def write_record(record: WorkRecord, folder: Path) -> None:
    """Write a worker's record, whole.

    Raises:
        RunError: the folder cannot be written.
    """
    content: Mapping[str, Any] = {
        "format": FORMAT,
        "encoded": {
            model: {task: asdict(origin) for task, origin in tasks.items()}
            for model, tasks in record.encoded.items()
        },
    }
    path = folder / f"{record.shard.number}-of-{record.shard.count}.json"
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(content, sort_keys=True, indent=1) + "\n", "utf-8")


def read_records(folder: Path) -> list[WorkRecord]:
    """Return the records of all workers that finished something, in order of their numbers.

    Raises:
        UsageError: a record cannot be read.
    """
    found = []
    for path in sorted(folder.glob("*-of-*.json")):
        named = re.fullmatch(r"(\d+)-of-(\d+)\.json", path.name, re.ASCII)
        if named:
            found.append(_read(path, Shard(int(named[1]), int(named[2]))))
    return sorted(found, key=lambda record: (record.shard.count, record.shard.number))


def _read(path: Path, shard: Shard) -> WorkRecord:
    try:
        content = parse_json(read_text(path))
        if content["format"] != FORMAT:
            raise ValueError(f"its format is {content['format']!r}")
        encoded = {
            model: {task: _origin(each) for task, each in tasks.items()}
            for model, tasks in content["encoded"].items()
        }
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{path} is not a record of a worker ({type(error).__name__}: {error}). Remove it, and "
            f"run the worker again: --shard {shard}"
        ) from error
    return WorkRecord(shard, encoded)


def _origin(content: Mapping[str, Any]) -> Origin:
    origin = Origin(**content)
    if not isinstance(origin.described, dict) or not isinstance(origin.environment, dict):
        raise TypeError("it describes no machine")
    if not isinstance(origin.device, str) or not isinstance(origin.batch_size, int):
        raise TypeError("it names no device or no batch size")
    return origin
