"""Claims about the bundled variants: read ``claims.toml`` and check it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from benchbench.errors import MissingData, UnknownName, UsageError
from benchbench.files import read_text
from benchbench.registry import family_of, load_task
from benchbench.variants.catalogue import variants
from benchmarks.members import BY_NAME, canonical

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CLAIMS = Path(__file__).with_suffix(".toml")
Kind = Literal["superior", "kept", "estimate"]
Family = Literal["confirmatory", "exploratory"]
SENTENCES = ("repaired", "unknown", "limits")
NEEDED = ("name", "sentence", "better", "worse", "task", "kind", "family")
KEYS = (*NEEDED, "metric", "margin")


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim about two models on one task."""

    name: str
    sentence: str
    """The claim in plain words, without a full stop."""
    better: str
    worse: str
    task: str
    metric: str | None
    """None: the task's headline."""
    kind: Kind
    """``superior``: above ``worse`` by more than the margin; ``kept``: at most the margin below;
    ``estimate``: how far apart, not tested."""
    margin: float
    """Points, 0 or more."""
    family: Family
    """``confirmatory`` claims are tested together."""

    @property
    def bound(self) -> float:
        """The difference, as a share, above which the claim is true."""
        return (-self.margin if self.kind == "kept" else self.margin) / 100

    @property
    def confirmatory(self) -> bool:
        """Whether it is tested with the others."""
        return self.family == "confirmatory"

    @property
    def task_and_metric(self) -> str:
        """The task, and the metric where that is not the headline."""
        return self.task if self.metric is None else f"{self.task} {self.metric}"

    @property
    def question(self) -> str:
        """The task and the metric, with the margin where there is one."""
        if not self.margin:
            return self.task_and_metric
        return (
            f"{self.task_and_metric}, {'kept to' if self.kind == 'kept' else 'by'} {self.margin:g}"
        )


@dataclass(frozen=True, slots=True)
class Claims:
    """All that a file of claims says."""

    level: float
    """The most that the chance of any false confirmatory claim may be; one-sided."""
    claims: tuple[Claim, ...]
    repaired: tuple[str, ...] = ()
    """Errors of an earlier page."""
    unknown: tuple[str, ...] = ()
    """Questions that these experiments leave open."""
    limits: tuple[str, ...] = ()
    """Limits of the claims."""

    @property
    def confirmatory(self) -> tuple[Claim, ...]:
        """Those that are tested together."""
        return tuple(each for each in self.claims if each.confirmatory)

    def involving(self, model: str) -> tuple[Claim, ...]:
        """Return the claims that involve a model."""
        return tuple(each for each in self.claims if model in (each.better, each.worse))


def read_claims(path: Path = CLAIMS) -> Claims:
    """Read a file of claims.

    Raises:
        MissingData: it is not there.
        UsageError: it is not TOML, or says what cannot be meant: one message, with the claim.
        UnknownName: a key, a task, a kind or a family that does not exist.
    """
    table = _table(path)
    _check_keys(table, ("level", "claims", *SENTENCES), str(path))
    level = table.get("level")
    if not isinstance(level, float) or not 0 < level < 0.5:
        raise UsageError(f"{path}: level should be a number between 0 and 0.5, not {level!r}.")
    entries = table.get("claims")
    if not isinstance(entries, list) or not entries:
        raise UsageError(f"{path} should hold tables [[claims]], and holds {entries!r}.")
    claims = tuple(_claim(each, number, path) for number, each in enumerate(entries, 1))
    names = [each.name for each in claims]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"{path} has two claims named '{twice[0]}'. Rename one of them.")
    return Claims(level, claims, **{name: _sentences(table, name, path) for name in SENTENCES})


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_text(path))
    except FileNotFoundError:
        raise MissingData(f"File not found: {path}") from None
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from error


def _sentences(table: dict[str, Any], name: str, path: Path) -> tuple[str, ...]:
    found = table.get(name, [])
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise UsageError(f"{path}: {name} should be a list of sentences, not {found!r}.")
    return tuple(found)


def _claim(entry: Any, number: int, path: Path) -> Claim:
    """Read one table of the file.

    Raises:
        UsageError: a value that is missing, or of another type, or that cannot be meant.
    """
    where = f"{path}, claim {number}"
    if not isinstance(entry, dict):
        raise UsageError(f"{where} should be a table, not {entry!r}.")
    if isinstance(entry.get("name"), str):
        where += f" ('{entry['name']}')"
    _check_keys(entry, KEYS, where)
    for key in NEEDED:
        if key not in entry:
            raise UsageError(f"{where} has no {key}. It needs: {', '.join(NEEDED)}.")
    for key, value in entry.items():
        if key != "margin" and not (isinstance(value, str) and value):
            raise UsageError(f"{where}: {key} should be text, not {value!r}.")
    _check_among("kind", entry["kind"], get_args(Kind), where)
    _check_among("family", entry["family"], get_args(Family), where)
    _check_metric(entry, where)
    for key in ("better", "worse"):
        _check_model(canonical(entry[key]), where)
    claim = Claim(
        name=entry["name"],
        sentence=entry["sentence"],
        better=canonical(entry["better"]),
        worse=canonical(entry["worse"]),
        task=entry["task"],
        metric=entry.get("metric"),
        kind=entry["kind"],
        margin=_margin(entry, where),
        family=entry["family"],
    )
    if claim.better == claim.worse:
        raise UsageError(f"{where} compares {claim.better} with itself.")
    return claim


def _margin(entry: dict[str, Any], where: str) -> float:
    """Read the margin in points: required for "kept", forbidden for an estimate.

    Raises:
        UsageError: otherwise; or an estimate among the claims that are tested.
    """
    kind, margin = entry["kind"], entry.get("margin", 0)
    if isinstance(margin, bool) or not isinstance(margin, (int, float)) or not 0 <= margin < 100:
        raise UsageError(f"{where}: margin should be points from 0 to 100, not {margin!r}.")
    if kind == "kept" and not margin:
        raise UsageError(f"{where} is to be kept, and needs a margin above 0: margin = 2")
    if kind == "estimate" and ("margin" in entry or entry["family"] == "confirmatory"):
        raise UsageError(
            f"{where} is an estimate, of which nothing is tested: it has no margin, and its family "
            "is exploratory."
        )
    return float(margin)


def _check_keys(table: dict[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in known:
            raise UnknownName("key", key, known, f"It is in {where}. Keys: {', '.join(known)}.")


def _check_among(key: str, value: str, known: tuple[str, ...], where: str) -> None:
    if value not in known:
        there = f"It is in {where}. There are: {', '.join(known)}."
        raise UnknownName(key, value, known, there)


def _check_model(name: str, where: str) -> None:
    """Refuse what is neither a member nor a model that needs no training."""
    families = {each.partition(":")[0] for each in (*variants(), *BY_NAME)}
    if name not in BY_NAME and name.partition(":")[0] in families:
        raise UnknownName("member", name, BY_NAME, f"It is in {where}. See benchmarks/members.py.")
    if name not in BY_NAME:
        family_of(name)


def _check_metric(entry: dict[str, Any], where: str) -> None:
    """Refuse a task or a metric that does not exist, or one that is not a mean of answers."""
    info, name = load_task(entry["task"]).info, entry.get("metric")
    there = {each.name: each for each in info.metrics}
    if name is not None and name not in there:
        said = f"It is in {where}. There are: {', '.join(there)}."
        raise UnknownName(f"metric of {info.name}", name, there, said)
    if name is not None and (there[name].statistic != "mean" or there[name].reading == "rank"):
        raise UsageError(f"{where}: {name} counts places, and a claim is of a mean in percent.")
