"""Reader of sample logs of lm-evaluation-harness and lmms-eval: JSON lines, an object a sample.

Both write ``samples_TASK_DATE.jsonl`` (``--log_samples``) with ``doc_id``, ``doc`` (the data set's
own record), the responses, and each metric's value under its name (lm-evaluation-harness,
``docs/interface.md``; lmms-eval, ``docs/commands.md``). Usual fields are ``doc.filename``,
``doc.caption``, ``doc.negative_caption`` and ``acc``; others are named by ``--field``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.data.tables import json_lines
from benchbench.importing.answers import Answer, Source
from benchbench.importing.fields import answer_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

USUAL = {"image": "doc.filename", "caption": "doc.caption", "foil": "doc.negative_caption",
         "right": "acc"}  # fmt: skip


class SamplesReader:
    """Logs of samples."""

    title = "sample logs of lm-evaluation-harness and lmms-eval (JSONL); fields by --field"
    task = ""
    source = Source()
    files: Mapping[str, str] = {}

    def paths(self, path: Path) -> list[Path]:
        """Return the file itself."""
        return [path]

    def read(self, path: Path, fields: Mapping[str, str]) -> Iterator[Answer]:
        """Read a log."""
        for number, record in json_lines(path):
            yield answer_of(record, f"{path}, line {number}", {**USUAL, **fields})


READER = SamplesReader()
