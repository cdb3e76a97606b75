"""The audits that ship with the package: by task and edition, read from their JSON files.

In a clone they are in ``docs/audits``, in an installation in ``benchbench/audits``.
"""

from __future__ import annotations

import math
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.analysis.audit_card import Audit, BlindScore, CropFlips, Published
from benchbench.datasets.tallies import Tally
from benchbench.errors import UsageError
from benchbench.files import parse_json, read_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchbench.types import Run, Ties

PACKAGE = Path(__file__).parent.parent
FORMAT, VERSION = "benchbench-audit", 1
CUSTOM = "custom-"
"""The beginning of the names of editions that are not official."""
SLICE = "blind"
"""The tag by which ``sliced`` names the filtered subset."""
ANSWERED, UNANSWERED = "a text-only model is right", "no text-only model is right"


def audits_folder() -> Path:
    """Return the folder of the packaged audits."""
    own = PACKAGE / "audits"
    return own if own.is_dir() else PACKAGE.parent / "docs" / "audits"


def file_name(task: str, edition: str) -> str:
    """Return the name of an audit's files, without suffix."""
    return f"{task}@{edition}"


@cache
def packaged_audit(task: str, edition: str) -> Audit | None:
    """Return the packaged audit of a task's edition; None if there is none.

    Editions of other files than the official ones are the same where their names end in the same
    digest: the rest is the folder's name.
    """
    there = {path.stem: path for path in sorted(audits_folder().glob("*.json"))}
    path = there.get(file_name(task, edition))
    if path is None and edition.startswith(CUSTOM):
        start, digest = f"{task}@{CUSTOM}", edition.rpartition("-")[2]
        same = [at for n, at in there.items() if n.startswith(start) and n.endswith(f"-{digest}")]
        path = next(iter(same), None)
    return None if path is None else parse_audit(parse_json(read_text(path)))


def parse_audit(record: Mapping[str, Any]) -> Audit:
    """Return the audit that a file's content describes.

    Raises:
        UsageError: it is not an audit of this format.
    """
    if record.get("format") != FORMAT or record.get("version") != VERSION:
        raise UsageError(
            f"An audit has the format {FORMAT}, version {VERSION}; this has "
            f"{record.get('format')!r}, {record.get('version')!r}. Write it again: benchbench audit"
        )
    try:
        return _parse(record)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            f"An audit's file is not complete ({type(error).__name__}: {error}). Write it again: "
            "benchbench audit"
        ) from error


def _parse(record: Mapping[str, Any]) -> Audit:
    content = {each.name: record[each.name] for each in fields(Audit)}
    counts = dict(content["tally"])
    counts["clusters"] = tuple(counts["clusters"])
    counts["detectable"] = tuple(_number(each) for each in counts["detectable"])
    crops = content["crops"]
    content |= {
        "chance": _number(content["chance"]),
        "majority": _number(content["majority"]),
        "tally": Tally(**counts),
        "models": tuple(_score(each) for each in content["models"]),
        "unanswered": tuple(content["unanswered"]),
        "crops": None if crops is None else CropFlips(**crops),
        "published": tuple(Published(**each) for each in content["published"]),
    }
    return Audit(**content)


def _score(record: Mapping[str, Any]) -> BlindScore:
    numbers = {name: _number(record[name]) for name in ("score", "low", "high", "decided")}
    groups = {name: _number(value) for name, value in record["groups"].items()}
    return BlindScore(**{**record, **numbers, "groups": groups})


def _number(value: float | None) -> float:
    return math.nan if value is None else value


TIES: Ties = "wrong"
"""The tie rule of audits, where a metric fixes none."""


def above_blind(
    run: Run, metric: str, score: float, chance: float, group: str | None = None, *, ties: Ties
) -> float:
    """Return a score minus that of the best text-only model, or minus chance if that is higher.

    It is NaN unless an audit of the run's task and edition is packaged that has the metric, by the
    same tie rule.

    Args:
        run: the run.
        ties: the rule by which the score was read, where it is not the metric's own.
        metric: the name of the metric; an audit has scores by the headline alone.
        score: the run's score, a share.
        chance: the expected score of random guesses; NaN where it is unknown.
        group: a group of the audit's tag that the score is of.
    """
    found = packaged_audit(run.task, run.edition)
    if found is None or found.metric != metric or found.task_version != run.task_version:
        return math.nan
    if ties != TIES:
        return math.nan
    values = [
        each.score if group is None else each.groups.get(group, math.nan) for each in found.models
    ]
    known = [value for value in values if not math.isnan(value)]
    return score - max(known + [chance] * (not math.isnan(chance))) if known else math.nan


def blind_group_tag(run: Run) -> str:
    """Return the tag by which the audit of a run's task and edition has groups; "" without."""
    found = packaged_audit(run.task, run.edition)
    return found.tag if found else ""


def sliced(run: Run) -> Run:
    """Return a run whose outcomes have the tag ``blind``: whether a text-only model is right.

    Raises:
        UsageError: no audit of its task and edition is packaged.
    """
    found = packaged_audit(run.task, run.edition)
    if found is None:
        names = sorted(path.stem for path in audits_folder().glob("*.json"))
        raise UsageError(
            f"No audit of {file_name(run.task, run.edition)} is packaged, by which to slice. There "
            f"are: {', '.join(names) or 'none'}."
        )
    counted = any(each.counted for each in found.models)
    hard = set(found.unanswered) if counted else {o.id for o in run.outcomes}
    tagged = [
        replace(o, tags={**o.tags, SLICE: UNANSWERED if o.id in hard else ANSWERED})
        for o in run.outcomes
    ]
    return replace(run, outcomes=tuple(tagged))
