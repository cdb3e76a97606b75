"""Reader of logs of Inspect (inspect_ai): JSON or, with that package, ``.eval`` files.

A log holds ``eval.model`` and ``samples``, each with ``metadata`` (the data set's own record) and
``scores``: name → ``value``, "C" for right and "I" for wrong, "P" and "N" for partly and no answer
(Inspect's documentation, "Log files"; UK AI Security Institute). A partial answer is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchbench.data.records import read_content
from benchbench.errors import MalformedData, MissingData, UsageError
from benchbench.files import parse_json
from benchbench.importing.answers import Answer, Source, value_of
from benchbench.importing.fields import answer_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

USUAL = {"id": "", "image": "metadata.filename", "caption": "metadata.caption",
         "foil": "metadata.negative_caption", "right": "scores.*.value"}  # fmt: skip
PARTIAL = "P"


class InspectReader:
    """Logs of Inspect."""

    title = "logs of Inspect (JSON; .eval with inspect_ai installed); fields by --field"
    task = ""
    source = Source()
    files: Mapping[str, str] = {}

    def paths(self, path: Path) -> list[Path]:
        """Return the file itself."""
        return [path]

    def read(self, path: Path, fields: Mapping[str, str]) -> Iterator[Answer]:
        """Read a log."""
        log = _binary(path) if path.suffix == ".eval" else read_content(path)
        samples = log.get("samples") if isinstance(log, dict) else None
        if not isinstance(samples, list):
            raise MalformedData(f"{path} is not a log of Inspect with samples.")
        model = str(value_of(log, "eval.model") or "")
        named = {**USUAL, **fields}
        for number, sample in enumerate(samples, 1):
            where = f"{path}, sample {number}"
            if not isinstance(sample, dict):
                raise MalformedData(f"{where} should be an object.")
            if value_of(sample, named["right"]) == PARTIAL:
                sample = {**sample, "right": "I"}
                yield answer_of(sample, where, {**named, "right": "right"}, model)
            else:
                yield answer_of(sample, where, named, model)


def _binary(path: Path) -> Any:
    """Return the content of a ``.eval`` file."""
    try:
        from inspect_ai.log import read_eval_log
    except ImportError:
        raise UsageError(
            f"{path.name} is a binary log of Inspect: pip install inspect_ai, or convert it "
            "(inspect log convert --to json)."
        ) from None
    try:
        return parse_json(read_eval_log(str(path)).model_dump_json(), deepest=None)
    except FileNotFoundError:
        raise MissingData(f"File not found: {path}") from None
    except (OSError, ValueError) as error:
        raise MalformedData(f"{path} is not a readable log of Inspect: {error}.") from error


READER = InspectReader()
