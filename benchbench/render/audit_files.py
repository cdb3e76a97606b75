"""The files of an audit: ``TASK@EDITION.md`` and ``.json`` in one folder."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchbench.analysis.packaged_audits import file_name, parse_audit
from benchbench.atomic import atomic_write, os_errors
from benchbench.errors import RunError, UsageError
from benchbench.files import name_problem, parse_json, read_text
from benchbench.render.audit import as_json, markdown
from benchbench.render.text import NONE, escape_markdown, percent

if TYPE_CHECKING:
    from benchbench.analysis.audit_card import Audit


def check_folder(out: Path) -> None:
    """Check that files can be written to a folder, before anything is computed.

    Raises:
        UsageError: no folder can have this name.
        RunError: it is a file, or cannot be written to.
    """
    if problem := name_problem(out):
        raise UsageError(f"The audit cannot be written to {out}: {problem}.")
    with os_errors(out):
        place = Path(os.path.realpath(out, strict=out.is_symlink()))
        while not place.exists():
            place = place.parent
        if not place.is_dir():
            raise RunError(f"Cannot write to {out}: {place} is not a folder. Name one: --out DIR.")
        tempfile.TemporaryFile(dir=place).close()


def write_audit(audit: Audit, out: Path) -> list[Path]:
    """Write the page and the JSON file of an audit; return their paths.

    Raises:
        RunError: a file cannot be written.
    """
    name = file_name(audit.task, audit.edition)
    paths = []
    for suffix, text in ((".md", markdown(audit)), (".json", as_json(audit))):
        path = out / f"{name}{suffix}"
        with atomic_write(path) as temporary:
            temporary.write_text(text, "utf-8")
        paths.append(path)
    return paths


def stale_pages(folder: Path) -> list[Path]:
    """Return the pages that are not as their JSON files say."""
    return [
        path.with_suffix(".md")
        for path in sorted(folder.glob("*.json"))
        if not path.with_suffix(".md").is_file()
        or read_text(path.with_suffix(".md")) != markdown(parse_audit(parse_json(read_text(path))))
    ]


def index(folder: Path) -> str:
    """Return a table of the audits in a folder, in markdown: a row each, with links to pages."""
    lines = []
    for path in sorted(folder.glob("*.json")):
        audit = parse_audit(parse_json(read_text(path)))
        best, counted = audit.best, any(each.counted for each in audit.models)
        left = f"{percent(len(audit.unanswered) / audit.judged)} %" if counted else NONE
        score = f"{percent(best.score)} | {best.model}" if best else f"{NONE} | {NONE}"
        name = escape_markdown(f"{audit.task}@{audit.edition}")
        link = f"[{name}]({folder.name}/{path.stem}.md)"
        lines.append(f"| {link} | {percent(audit.chance)} | {score} | {left} |")
    return "\n".join(lines)
