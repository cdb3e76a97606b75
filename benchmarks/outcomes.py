"""What was measured of the family, in one small file: a line for each run, claim and curve.

The page and its figures are made from this file alone (``outcomes.json``), so that they can be made
where no run is at hand. ``intake.py`` puts new runs into it and keeps all others. Shares are in
percent and differences in points, with at most four decimals. Lines with ``rounded`` are of runs
that are lost: their numbers agree with all that the page and its figures showed of them (p-values
with both columns of p), and are known to 0.05 points or a little better.
"""

from __future__ import annotations

import json
import math
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from benchbench.atomic import atomic_write
from benchbench.errors import MalformedData, MissingData
from benchbench.files import parse_json, read_text
from benchmarks.curves import Curve
from benchmarks.members import BY_NAME
from benchmarks.verdicts import ClaimResult, MeanDifference, Pair, with_p

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmarks.claims import Claim, Claims

OUTCOMES = Path(__file__).with_suffix(".json")
NAN = float("nan")
Line = TypeVar("Line")


@dataclass(frozen=True, slots=True)
class TaskOutcome:
    """A task's headline and its test items."""

    task: str
    edition: str
    metric: str
    items: int
    """What the headline averages: items, or a task's queries or relations."""
    images: int


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """A trained member, or a change of one at evaluation, by its seed and where it was trained."""

    member: str
    seed: int
    on: str
    """The device that trained it, and the precision."""
    start: str = ""
    """Its start, by its checkpoint; "" of a change at evaluation."""
    steps: int = 0
    batch: int = 0
    pool: int | None = None
    """Examples to choose from, shown again once all were; 0: each is shown once; None: not on
    record."""
    mflops: float = 0.0
    """Million floating-point operations for an example, forward and backward."""
    rounded: bool = False
    scores: Mapping[str, float] = field(default_factory=dict)
    """Task → headline."""

    @property
    def examples(self) -> int:
        """Examples that it was trained on, each as often as it was shown."""
        return self.steps * self.batch

    @property
    def distinct(self) -> int:
        """Different examples among those; 0 where that is not on record."""
        if self.pool is None:
            return 0
        return min(self.pool, self.examples) if self.pool else self.examples


@dataclass(frozen=True, slots=True)
class Learning:
    """A metric of the validation split during training: of one run, or the mean over seeds."""

    member: str
    on: str
    seeds: tuple[int, ...]
    metric: str
    points: tuple[tuple[int, float], ...] = ()
    """Examples and the metric."""
    reached: tuple[float, int] | None = None
    """Where the seeds' own points are lost: the examples after which they reach ``curves.TARGET``
    (geometric mean), and how many of them do."""
    rounded: bool = False

    @property
    def curve(self) -> Curve:
        """The points as a curve."""
        return Curve(*zip(*self.points, strict=True)) if self.points else Curve((), ())

    @property
    def reached_by(self) -> tuple[float, int]:
        """``reached``, or the same of the points; NaN and 0 where no seed reaches it."""
        if self.reached:
            return self.reached
        examples = NAN if len(self.seeds) > 1 else self.curve.examples_to()
        return examples, 0 if math.isnan(examples) else 1


@dataclass(frozen=True, slots=True)
class EqualBudget:
    """How far two members are apart on the validation split at equal budgets, mean over seeds."""

    better: str
    worse: str
    on: str
    seeds: tuple[int, ...]
    metric: str
    examples: float
    """Points, when both have been shown as many examples."""
    flops: float
    """Points, when both have computed as much; null where it is beyond a curve."""
    rounded: bool = False


@dataclass(frozen=True, slots=True)
class Bridge:
    """The difference between two trainings of one member and seed on two devices."""

    member: str
    seed: int
    task: str
    metric: str
    on: str
    other: str
    """The device and precision that is subtracted."""
    difference: float
    low: float
    """The interval for other items."""
    high: float


@dataclass(frozen=True, slots=True)
class ClaimOutcome:
    """What was measured for a claim, before it is tested together with the others."""

    claim: str
    better: str
    worse: str
    task: str
    metric: str
    pairs: tuple[Mapping[str, Any], ...]
    """By seed: the difference, its interval, the devices of both."""
    over_seeds: Mapping[str, float]
    over_items: Mapping[str, float]
    """Mean, interval, one-sided p in both directions."""
    rounded: bool = False


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Everything that is on record."""

    notes: tuple[str, ...] = ()
    """What must be said wherever the numbers are shown."""
    tasks: tuple[TaskOutcome, ...] = ()
    runs: tuple[RunOutcome, ...] = ()
    claims: tuple[ClaimOutcome, ...] = ()
    learning: tuple[Learning, ...] = ()
    equal: tuple[EqualBudget, ...] = ()
    bridges: tuple[Bridge, ...] = ()

    def score(self, seed: int, name: str, task: str, on: str) -> float:
        """Return a headline in percent; NaN if it is not there."""
        for each in self.runs:
            if (each.seed, each.member, each.on) == (seed, name, on):
                return each.scores.get(task, NAN)
        return NAN

    @property
    def devices(self) -> list[str]:
        """Devices and precisions of training, the one of most runs first."""
        number: dict[str, int] = {}
        for each in self.runs:
            number[each.on] = number.get(each.on, 0) + 1
        return sorted(number, key=lambda on: (-number[on], on))

    @property
    def usual(self) -> str:
        """The device and precision of most runs."""
        return (self.devices or [""])[0]

    def measured(self, claims: Claims) -> list[ClaimResult]:
        """Return the claims as measured; those of which nothing is there, too."""
        there = {each.claim: each for each in self.claims}
        return [claim_result(claim, there.get(claim.name), self) for claim in claims.claims]


SECTIONS: dict[str, type] = {
    "tasks": TaskOutcome, "runs": RunOutcome, "claims": ClaimOutcome, "learning": Learning,
    "equal": EqualBudget, "bridges": Bridge,
}  # fmt: skip


def claim_result(claim: Claim, there: ClaimOutcome | None, record: Outcomes) -> ClaimResult:
    """Return a claim as it was measured, in shares.

    Raises:
        MalformedData: the record is of other models or another task than the claim is now.
    """
    if there is None:
        tested = {each.member for each in record.runs if claim.task in each.scores}
        names = (claim.better, claim.worse)
        return ClaimResult(claim, {}, tuple(n for n in names if n in BY_NAME and n not in tested))
    if (there.better, there.worse, there.task) != (claim.better, claim.worse, claim.task):
        raise MalformedData(
            f"The record has '{claim.name}' as {there.better} − {there.worse} on {there.task}, and "
            f"the claims as {claim.better} − {claim.worse} on {claim.task}. Claims are fixed "
            "before training: give a new one another name."
        )
    pairs = {each["seed"]: _pair(each) for each in there.pairs}
    seeds, items = _mean_difference(there.over_seeds), _mean_difference(there.over_items)
    return with_p(ClaimResult(claim, pairs, (), there.metric, seeds, items))


def _pair(line: Mapping[str, Any]) -> Pair:
    low, high = line.get("low", NAN), line.get("high", NAN)
    return Pair(
        line["difference"] / 100, low / 100, high / 100, line["better_on"], line["worse_on"]
    )


def _mean_difference(line: Mapping[str, float]) -> MeanDifference:
    mean, low, high = (line.get(name, NAN) / 100 for name in ("mean", "low", "high"))
    return MeanDifference(mean, low, high, line.get("above", 1.0), line.get("below", 1.0))


def claim_outcome(found: ClaimResult) -> ClaimOutcome:
    """Return the record of a measured claim."""
    claim = found.claim
    pairs = tuple(
        {
            "seed": seed,
            **_interval(each.difference, each.low, each.high, "difference"),
            "better_on": each.better_on,
            "worse_on": each.worse_on,
        }
        for seed, each in sorted(found.pairs.items())
    )
    seeds, items = _tests(found.seeds), _tests(found.items)
    return ClaimOutcome(
        claim.name, claim.better, claim.worse, claim.task, found.metric, pairs, seeds, items
    )


def _interval(value: float, low: float, high: float, name: str) -> dict[str, float]:
    """Return a value and its interval in points, without bounds that are not numbers."""
    of = {name: value, "low": low, "high": high}
    return {key: round(100 * each, 4) for key, each in of.items() if not math.isnan(each)}


def _tests(over: MeanDifference) -> dict[str, float]:
    return _interval(over.mean, over.low, over.high, "mean") | {
        "above": float(f"{over.above:.4g}"), "below": float(f"{over.below:.4g}"),
    }  # fmt: skip


def read_outcomes(path: Path = OUTCOMES) -> Outcomes:
    """Read a record.

    Raises:
        MissingData: it is not there.
        MalformedData: it is not one: one message, with the line.
    """
    try:
        table = parse_json(read_text(path))
    except FileNotFoundError:
        raise MissingData(f"File not found: {path}") from None
    except (OSError, ValueError) as error:
        raise MalformedData(f"{path} cannot be read as a record of outcomes: {error}.") from error
    known = ("notes", *SECTIONS)
    if not isinstance(table, dict) or set(table) - set(known):
        raise MalformedData(f"{path} should hold an object with {', '.join(known)}.")
    sections = {name: _lines(table, name, path) for name in SECTIONS}
    return Outcomes(tuple(table.get("notes", ())), **sections)


def _lines(table: Mapping[str, Any], name: str, path: Path) -> tuple[Any, ...]:
    lines = table.get(name, [])
    if not isinstance(lines, list):
        raise MalformedData(f"{path}: {name} should be a list, not {lines!r}.")
    return tuple(_line(SECTIONS[name], each, f"{path}, {name}, line {k}")
                 for k, each in enumerate(lines, 1))  # fmt: skip


def _line(kind: type[Line], entry: Any, where: str) -> Line:
    """Read a line of a section.

    Raises:
        MalformedData: a field that is missing or unknown, or of another type.
    """
    of: dict[str, Any] = {each.name: each for each in fields(kind)}  # type: ignore[arg-type]
    needed = {name for name, each in of.items()
              if each.default is MISSING and each.default_factory is MISSING}  # fmt: skip
    if not isinstance(entry, dict) or not needed <= set(entry) <= set(of):
        raise MalformedData(f"{where} should have {', '.join(of)}, and is {entry!r}.")
    types: dict[str, Any] = {"str": str, "int": int, "float": (int, float), "bool": bool}
    for name, value in entry.items():
        wanted = of[name].type
        if value is not None and not isinstance(value, types.get(wanted, object)):
            raise MalformedData(f"{where}: {name} should be {wanted}, not {value!r}.")
    return kind(**{name: _frozen(value) for name, value in entry.items()})


def _frozen(value: Any) -> Any:
    """Return lists as tuples, and null as NaN."""
    if isinstance(value, list):
        return tuple(map(_frozen, value))
    return NAN if value is None else value


def write_outcomes(outcomes: Outcomes, path: Path) -> None:
    """Write a record: a line each, in the order of members, seeds and devices."""
    sections = [f'"notes": {json.dumps(outcomes.notes, ensure_ascii=False)}']
    for name, kind in SECTIONS.items():
        lines = [json.dumps(_told(each, kind), ensure_ascii=False) for each in
                 getattr(outcomes, name)]  # fmt: skip
        rows = "".join(f"\n  {line}," for line in lines).removesuffix(",")
        sections.append(f'"{name}": [{rows}\n ]')
    with atomic_write(path) as temporary:
        temporary.write_text("{\n " + ",\n ".join(sections) + "\n}\n", "utf-8")


def _told(line: Any, kind: type) -> dict[str, Any]:
    """Return a line's fields that say something, NaN as null."""
    of: dict[str, Any] = {each.name: each.default for each in fields(kind)}
    told = {name: value for name, value in asdict(line).items() if value != of[name]}
    return {
        name: None if isinstance(value, float) and math.isnan(value) else value
        for name, value in told.items()
    }


def in_order(outcomes: Outcomes, claims: Claims) -> Outcomes:
    """Return a record with its lines sorted, so that equal records are equal files; without lines
    of members and claims that there are no longer."""
    members = {name: k for k, name in enumerate(BY_NAME)}
    places = {claim.name: k for k, claim in enumerate(claims.claims)}
    of_members = {
        name: [each for each in getattr(outcomes, name) if each.member in members]
        for name in ("runs", "learning", "bridges")
    }
    there = [each for each in outcomes.claims if each.claim in places]
    return replace(
        outcomes,
        tasks=_sorted(outcomes.tasks, lambda each: (each.task,)),
        runs=_sorted(of_members["runs"], lambda each: (members[each.member], each.seed, each.on)),
        claims=_sorted(there, lambda each: (places[each.claim],)),
        learning=_sorted(
            of_members["learning"],
            lambda each: (members[each.member], each.on, each.seeds, each.metric),
        ),
        bridges=_sorted(
            of_members["bridges"],
            lambda each: (members[each.member], each.seed, each.on, each.task),
        ),
    )


def _sorted(lines: Iterable[Any], key: Any) -> tuple[Any, ...]:
    return tuple(sorted(lines, key=key))


def merged(old: Sequence[Any], new: Sequence[Any], key: Any) -> tuple[Any, ...]:
    """Return old lines and new ones; a new one takes the place of the old one of the same key."""
    return tuple(({key(each): each for each in old} | {key(each): each for each in new}).values())
