"""The plan of an evaluation of several models on several tasks, and its file.

A plan is a Parquet file with a row per pair of model and task, and the settings that all pairs
share as JSON in its metadata, under a digest of everything. A plan file is untrusted.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from benchbench.atomic import atomic_write
from benchbench.errors import UsageError
from benchbench.evaluation import check_settings
from benchbench.files import exists, expand_path, name_problem, parse_json, read_parquet
from benchbench.types import LOAD_EXTRAS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from benchbench.types import OnMissing, Precision

FORMAT = 2
KEY = b"benchbench plan"
SUFFIX = ".parquet"


OF_IMAGE, OF_CELL = 1e11, 2e14
"""Operations that a GPU could do while an image is decoded, and while a run is made and written:
1 ms and 2 s at 100 TFLOP/s (``benchmarks/plan_simulation.py``). Without them a model of few
operations seems to cost nothing."""


def cost_of(flops: float, images: int) -> float:
    """Return what a cell costs beside others, in operations."""
    return max(flops, OF_IMAGE * images) + OF_CELL


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """The settings of all evaluations of a plan; ``evaluate`` describes them."""

    data_root: str | None = None
    edition: str | None = None
    precision: Precision = "fp32"
    batch_size: int | None = None
    seed: int = 0
    limit: int | None = None
    on_missing: OnMissing = "error"
    extras: Mapping[str, Any] = field(default_factory=dict)
    """Options for reading checkpoints: some of ``types.LOAD_EXTRAS``."""


@dataclass(frozen=True, slots=True)
class PlannedCell:
    """A model on a task, with digests of what is evaluated and counts of what is encoded."""

    model: str
    task: str
    problem: str
    """Why it cannot be evaluated: missing data or weights; empty if it can."""
    fingerprint: str
    """The fingerprint of the model's manifest; this and what follows is empty, or 0, if it cannot
    be evaluated."""
    task_version: int
    edition: str
    annotations_sha256: str
    items: int
    images: int
    """Distinct image files."""
    crops: int
    """Distinct images and crops that are encoded, in all roles."""
    captions: int
    """Distinct captions that are encoded, in all roles."""
    pairs: int
    """Distinct pairs that are scored."""
    parameters: int
    flops: float
    """An estimate of the operations of all towers; 0 if they cannot be counted."""
    memory: int
    """An estimate of what the model takes on a device with a full batch, in bytes; 0: unknown."""
    is_shareable: bool
    """Whether several workers can share its inputs."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Pairs of models and tasks to evaluate, grouped by model."""

    settings: PlanSettings
    cells: Sequence[PlannedCell]
    shared: Mapping[str, int] = field(default_factory=dict)
    """For crops, captions and pairs: how many distinct ones all tasks have together."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """A suite's task, or a model on one → why it is not planned."""

    @property
    def models(self) -> list[str]:
        """Return the models, each once."""
        return list(dict.fromkeys(cell.model for cell in self.cells))

    @property
    def costs(self) -> dict[str, float]:
        """Return model → what its cells cost together, as ``cost_of`` estimates."""
        return {
            name: sum(cost_of(cell.flops, cell.crops) for cell in self.of_model(name))
            for name in self.models
        }

    def of_model(self, model: str) -> list[PlannedCell]:
        """Return the cells of a model."""
        return [cell for cell in self.cells if cell.model == model]

    @property
    def digest(self) -> str:
        """Return the SHA-256 over settings and cells."""
        return _digest(asdict(self.settings), [asdict(cell) for cell in self.cells])


def write_plan(plan: Plan, path: str | Path) -> Path:
    """Write a plan.

    Raises:
        UsageError: the name does not end with ``.parquet``, or no file can have it.
        RunError: the folder cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    place = expand_path(path)
    check_plan_name(place)
    rows = [asdict(cell) for cell in plan.cells]
    header = {
        "format": FORMAT,
        "settings": asdict(plan.settings),
        "shared": dict(plan.shared),
        "left_out": dict(plan.left_out),
        "digest": plan.digest,
    }
    table = pa.Table.from_pylist(rows, _schema())
    table = table.replace_schema_metadata({KEY: json.dumps(header, sort_keys=True).encode()})
    with atomic_write(place) as temporary, temporary.open("wb") as file:
        pq.write_table(table, file)
    return place


def check_plan_name(place: Path) -> None:
    """Raise a UsageError if no plan can be written under a name."""
    if problem := name_problem(place):
        raise UsageError(f"{place} cannot be the name of a plan: {problem}.")
    if place.suffix != SUFFIX:
        raise UsageError(f"A plan is a {SUFFIX} file, and {place} is none. Type --out plan.parquet")
    if exists(place) and place.is_dir():
        raise UsageError(f"{place} is a folder: name a file in it.")
    if exists(place):
        read_plan(place)  # another file is not replaced


def read_plan(path: str | Path) -> Plan:
    """Read a plan, and check it against its digest.

    Raises:
        UsageError: it does not exist, is not a plan, was changed or damaged, or holds a setting or
            a cell that is not valid.
    """
    place = expand_path(path)
    header, rows = _read(place)
    if header.get("format") != FORMAT:
        raise UsageError(
            f"{place} has plan format {header.get('format')!r}; this version reads {FORMAT}. Plan "
            "again: benchbench plan"
        )
    if header.get("digest") != _digest(header.get("settings"), rows):
        raise UsageError(
            f"{place} was changed or damaged after it was written. Plan again: benchbench plan"
        )
    try:
        settings = PlanSettings(**header["settings"])
        cells = [PlannedCell(**row) for row in rows]
        shared = {str(name): int(n) for name, n in header["shared"].items()}
        left_out = {str(name): str(why) for name, why in header["left_out"].items()}
        _check(settings, cells)
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise UsageError(f"{place} is not a valid plan ({error}). Plan again.") from error
    return Plan(settings, cells, shared, left_out)


def _read(place: Path) -> tuple[Mapping[str, Any], list[dict[str, Any]]]:
    """Return the header and the rows."""
    if not exists(place):
        raise UsageError(f"There is no plan {place}. Write one: benchbench plan --out {place}")
    try:
        table = read_parquet(place)
    except (OSError, ValueError) as error:
        why = " ".join(str(error).split())
        raise UsageError(f"{place} is not a readable Parquet file: {why}") from error
    try:
        header = parse_json((table.schema.metadata or {})[KEY])
    except (KeyError, ValueError):
        header = None
    if not isinstance(header, dict) or not table.schema.equals(_schema()):
        raise UsageError(f"{place} is a Parquet file, but not a plan of benchbench.")
    return header, table.to_pylist()


def _schema() -> pa.Schema:
    import pyarrow as pa

    types = {"str": pa.string(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_()}
    return pa.schema(
        [pa.field(each.name, types[str(each.type)], False) for each in fields(PlannedCell)]
    )


def _check(settings: PlanSettings, cells: Sequence[PlannedCell]) -> None:
    """Check the settings and the cells of a file.

    Raises:
        UsageError, TypeError, ValueError: one is not valid.
    """
    check_settings(
        settings.limit, settings.batch_size, settings.seed, settings.on_missing, settings.precision
    )
    for name in ("data_root", "edition"):
        if not isinstance(getattr(settings, name), str | None):
            raise TypeError(f"its {name} is {getattr(settings, name)!r}")
    if unknown := set(settings.extras) - set(LOAD_EXTRAS):
        raise ValueError(f"it has the unknown options {sorted(unknown)}")
    if not cells:
        raise ValueError("it holds no model and no task")
    if len({(cell.model, cell.task) for cell in cells}) < len(cells):
        raise ValueError("it holds a model on a task twice")


def _digest(settings: Any, rows: Sequence[Mapping[str, Any]]) -> str:
    text = json.dumps([settings, rows], sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
