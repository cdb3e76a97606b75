"""The answers of a served model, kept in the cache folder: a file of JSON lines for each model.

A line is added by one write, so that several processes may add to a file; one that a process left
unfinished is skipped, and asked again.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchbench.atomic import os_errors
from benchbench.cache import cache_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER = "answers"
SUFFIX = ".jsonl"


class KeptAnswers:
    """The kept answers of one model on one server, by the digest of the request."""

    def __init__(self, name: str, server: str) -> None:
        """Name the file; it is read when the first answer is wanted."""
        self._header = {"model": name, "server": server}
        digest = hashlib.sha256(f"{server}\n{name}".encode()).hexdigest()[:16]
        self._path = cache_folder() / FOLDER / f"{digest}{SUFFIX}"
        self._known: dict[str, Any] | None = None
        self._lock = threading.Lock()

    def get(self, key: str) -> Any:
        """Return the answer to a request; None where there is none."""
        with self._lock:
            if self._known is None:
                self._known = dict(_read(self._path))
            return self._known.get(key)

    def add(self, key: str, answer: Any) -> None:
        """Keep an answer: JSON, and not None.

        Raises:
            RunError: the file cannot be written.
        """
        lines = [json.dumps({"key": key, "answer": answer})]
        with self._lock, os_errors(self._path):
            if self._known is not None:
                self._known[key] = answer
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if not self._path.exists():
                lines.insert(0, json.dumps(self._header))
            # A line break first: what a killed process left unfinished ends there.
            content = "".join(f"\n{line}" for line in lines).encode()
            file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(file, content)
            finally:
                os.close(file)


def _read(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield the key and the answer of each whole line."""
    if not path.is_file():
        return
    with os_errors(path):
        text = path.read_text("utf-8", errors="replace")
    for line in text.splitlines():
        with suppress(ValueError, RecursionError):
            record = json.loads(line)
            if isinstance(record, dict) and isinstance(record.get("key"), str):
                yield record["key"], record.get("answer")


@dataclass(frozen=True, slots=True)
class AnswerFile:
    """A file of kept answers."""

    path: Path
    model: str
    answers: int
    size: int
    """In bytes."""

    def remove(self) -> None:
        """Remove the file."""
        with os_errors(self.path):
            self.path.unlink(missing_ok=True)


def answer_files() -> list[AnswerFile]:
    """Return the files of kept answers, by the model's name."""
    found = []
    for path in sorted((cache_folder() / FOLDER).glob(f"*{SUFFIX}")):
        header = path.read_text("utf-8", errors="replace").lstrip().partition("\n")[0]
        name = ""
        with suppress(ValueError, AttributeError):
            name = str(json.loads(header).get("model", ""))
        found.append(AnswerFile(path, name, len(dict(_read(path))), path.stat().st_size))
    return sorted(found, key=lambda each: each.model)
