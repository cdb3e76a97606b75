"""The user's defaults: ``benchbench.toml``, or ``[tool.benchbench]`` of ``pyproject.toml``.

The first one found in the working directory or, upward, in its parents is used;
``benchbench.toml`` comes before the other::

    edition = "scenes"         # or "official"
    data_root = "photographs"  # from the file's own folder

    [suites]                   # tasks under one name (benchbench.suites)
    mine = ["vg-relation", "suite:spatial"]

    [[gate]]                   # a condition of benchbench gate (benchbench.analysis.gate_rules)
    task = "vg-relation"
    margin = 1.0

or, with every option of the gate that has a default in the file::

    [gate]                     # in pyproject.toml [tool.benchbench.gate]
    baseline = "accepted"      # a run or folder, from the file's own folder; or git:REF:PATH
    inconclusive = "fail"
    fail_if = ["vg-relation.macro < baseline - 1.0pp @ 0.05"]

    [[gate.checks]]            # the same tables
    task = "winoground"
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.errors import UnknownName, UsageError
from benchbench.files import expand_path, read_text, resolve_path

if TYPE_CHECKING:
    from collections.abc import Mapping

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

OWN_FILE, SHARED_FILE = "benchbench.toml", "pyproject.toml"
KEYS = ("edition", "data_root", "gate", "suites")
GATE_KEYS = ("baseline", "inconclusive", "fail_if", "checks")


@dataclass(frozen=True, slots=True)
class GateSettings:
    """The gate's conditions and baseline, used if the command line gives none."""

    baseline: str | None = None
    """The path of a run or a folder of runs, or git:REF:PATH."""
    inconclusive: str | None = None
    """The value as written; not checked."""
    fail_if: tuple[str, ...] = ()
    """Conditions as typed; not checked."""
    checks: tuple[dict[str, Any], ...] = ()
    """Tables of rules; not checked."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The values of a settings file; all None if there is none."""

    path: Path | None = None
    """The settings file."""
    edition: str | None = None
    """The edition as written; not checked."""
    data_root: Path | None = None
    """Relative to the file's own folder; not checked."""
    gate: GateSettings = GateSettings()
    suites: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Suite → names of tasks and suites, as written; not checked."""

    def origin(self, key: str) -> str:
        """Return the origin of a value, for messages."""
        return f"key '{key}' in {self.path}"


def read_settings(start: Path | None = None) -> Settings:
    """Return the settings that apply in a folder, by default the working directory.

    Raises:
        UsageError: a settings file cannot be read, or has a value that is not valid. It names file
            and key.
    """
    try:
        start = resolve_path(start or Path.cwd())
    except OSError:  # the working directory has been removed
        return Settings()
    for folder in (start, *start.parents):
        for path in (folder / OWN_FILE, folder / SHARED_FILE):
            table = _table(path)
            if table is not None:
                return _settings(path, table)
    return Settings()


def _table(path: Path) -> dict[str, Any] | None:
    """Return benchbench's table of a file; None if it has none."""
    try:
        content = tomllib.loads(read_text(path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror or error}") from error
    except RecursionError:
        raise UsageError(f"{path} is not valid TOML: it is nested too deeply.") from None
    except ValueError as error:  # no TOML, or no UTF-8
        raise UsageError(f"{path} is not valid TOML: {error}") from error
    if path.name == OWN_FILE:
        return content
    tool = content.get("tool")
    table = tool.get("benchbench") if isinstance(tool, dict) else None
    if table is not None and not isinstance(table, dict):
        raise UsageError(f"{path}: tool.benchbench should be a table, not {table!r}.")
    return table


def _settings(path: Path, table: dict[str, Any]) -> Settings:
    for key, value in table.items():
        if key not in KEYS:
            raise UnknownName("key", key, KEYS, f"It is in {path}. Keys: {', '.join(KEYS)}.")
        if key in ("gate", "suites"):
            continue
        if not isinstance(value, str) or not value.strip():
            raise UsageError(f"{path}: '{key}' should be a string with something in it.")
    root = table.get("data_root")
    try:
        place = None if root is None else path.parent / Path(root).expanduser()
    except RuntimeError as error:
        raise UsageError(f"{path}: cannot expand 'data_root' {root}: {error}") from error
    gate, suites = (
        _gate_settings(path, table.get("gate", [])),
        _suites(path, table.get("suites", {})),
    )
    return Settings(path, table.get("edition"), place, gate, suites)


def _suites(path: Path, table: Any) -> dict[str, tuple[str, ...]]:
    """Return suites of names, ``[suites]``."""
    if not isinstance(table, dict):
        raise UsageError(f"{path}: 'suites' should be a table, [suites], of lists of names.")
    for key, value in table.items():
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise UsageError(f"{path}: suites.{key} should be a list of names, not {value!r}.")
    return {key: tuple(value) for key, value in table.items()}


def _gate_settings(path: Path, content: Any) -> GateSettings:
    """Return the gate's settings: ``[[gate]]`` tables, or one table with them as ``checks``."""
    table = content if isinstance(content, dict) else {"checks": content}
    for key, value in table.items():
        if key not in GATE_KEYS:
            hint = f"It is in {path}, [gate]. Keys: {', '.join(GATE_KEYS)}; a check is [[gate]]."
            raise UnknownName("key", key, GATE_KEYS, hint)
        kind: type = dict if key == "checks" else str
        several = isinstance(value, list) and all(isinstance(each, kind) for each in value)
        if key == "checks" and not several:
            raise UsageError(f"{path}: 'gate' should be tables, each headed [[gate]].")
        if key == "fail_if" and not several:
            raise UsageError(f"{path}: gate.fail_if should be a list of strings.")
        if key in ("baseline", "inconclusive") and not (isinstance(value, str) and value.strip()):
            raise UsageError(f"{path}: gate.{key} should be a string with something in it.")
    where = table.get("baseline")
    if where is not None and not where.startswith("git:"):
        where = str(path.parent / expand_path(where))
    fail_if, checks = tuple(table.get("fail_if", ())), tuple(table.get("checks", ()))
    return GateSettings(where, table.get("inconclusive"), fail_if, checks)
