"""A run as one Parquet file: a row an item, and everything else as JSON in the file's metadata.

``pandas.read_parquet`` reads it as it is: columns ``id``, ``cluster``, one ``tag.NAME`` for each
tag, and those of the protocol. For matching these are ``target`` (an entry an image), ``scores``
(the matrix [images, captions] row by row) and ``no_op``. A file is written whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.choice import KEY as CHOSEN
from benchbench.choice import of_records
from benchbench.errors import PartialRun, RunError, UsageError
from benchbench.files import exists, expanded, name_problem, parse_json, require_regular
from benchbench.protocols import load_protocol
from benchbench.types import Counts, ModelManifest, Run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa

    from benchbench.types import Outcome

FORMAT = 1
KEY = b"benchbench"
SUFFIX = ".parquet"
LONGEST = 100
"""Characters of a model's name in a file's."""
TAG = "tag."


def without_folders(name: str) -> str:
    """A model's name as a run keeps it: of absolute paths the last part, for runs are published.

    >>> without_folders("lerp:openclip:ViT-B-32/openai,/home/ann/tuned.pt,0.5")
    'lerp:openclip:ViT-B-32/openai,tuned.pt,0.5'
    """
    return re.sub(r"(^|[:,+])[/~][^:,+]*?([^/:,+]+)/*(?=[:,+]|$)", r"\1\2", name)


def write_run(run: Run, path: str | Path) -> Path:
    """Write a run; an earlier file of that name is replaced only by a complete one.

    Raises:
        RunError: the folder cannot be made or written, or the disk is full.
    """
    import pyarrow.parquet as pq

    path = _expanded(path)
    header = json.dumps(_header(run), sort_keys=True).encode()
    table = _table(run).replace_schema_metadata({KEY: header})
    with written_whole(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")
    return path


def check_writable(out: str | Path, task: str) -> None:
    """Fail now rather than after the evaluation, where a run of a task could not be written.

    Raises:
        RunError: neither a ``.parquet`` name nor a folder, a place that cannot be written, or a
            file that is no run of this task.
    """
    out = _expanded(out)
    if out.suffix != SUFFIX and out.exists() and not out.is_dir():
        raise RunError(f"{out} is a file and no run. Name a {SUFFIX} file, or a folder.")
    if out.suffix == SUFFIX and out.is_dir():
        raise RunError(f"{out} is a folder. Name a file in it, or a folder without {SUFFIX}.")
    if out.suffix == SUFFIX and out.exists():
        header, _ = _read(out)
        if header.get("task") != task:
            raise RunError(
                f"{out} is a run of {header.get('task')}, not of {task}: name another file."
            )
    if out.suffix not in ("", SUFFIX):
        raise RunError(f"A run is a {SUFFIX} file. Try {out.with_suffix(SUFFIX)}")
    folder = out.parent if out.suffix == SUFFIX else out
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        raise RunError(f"Cannot write {out}: {folder} is not a folder.")
    with _os_errors(out):
        tempfile.TemporaryFile(dir=folder).close()


def run_path(run: Run, out: str | Path) -> Path:
    """Where a run goes: ``out`` itself, or in that folder ``TASK@EDITION/MODEL-DIGEST.parquet``.

    The digest covers all that an invocation chooses and that can change a number, so that another
    checkpoint, precision, device or set of items never takes an earlier run's place, and the same
    one does.
    """
    out = _expanded(out)
    if out.suffix == SUFFIX:
        return out
    settings = {name: value for name, value in run.settings.items() if name != CHOSEN}
    settings |= {"limit": run.settings.get("limit") if run.partial else None}
    identity = json.dumps(
        [run.model.fingerprint, run.task_version, run.data_sha256, settings], sort_keys=True
    )
    model = re.sub(r"[^A-Za-z0-9.]+", "-", run.model.name).strip("-")[:LONGEST]
    part = f"-limit{settings['limit']}" if run.partial else ""
    digest = hashlib.sha256(identity.encode()).hexdigest()[:8]
    return out / f"{run.task}@{run.edition}" / f"{model}{part}-{digest}{SUFFIX}"


def _expanded(out: str | Path) -> Path:
    if not str(out).strip():
        raise RunError("The run's place is empty. Name a .parquet file, or a folder.")
    place = expanded(out)
    if problem := name_problem(place):
        raise RunError(f"{out} cannot be the name of a file: {problem}. Name another place.")
    return place


def read_run(path: str | Path) -> Run:
    """Read a run back.

    Raises:
        RunError: no such file, no Parquet, no run of this format, or not a whole one.
    """
    path = Path(path)
    if not exists(path) or path.is_dir():
        there = "is a folder: name a run in it" if exists(path) else "does not exist"
        raise RunError(f"{path} {there}.")
    header, table = _read(path)
    if header.get("format") != FORMAT:
        raise RunError(
            f"{path} has run format {header.get('format')}; this version reads {FORMAT}. "
            "Read it with the version that wrote it, or evaluate again."
        )
    try:
        run = _run(header, table)
    except (KeyError, TypeError, ValueError, AttributeError, UsageError) as error:
        raise RunError(f"{path} is no sound run ({type(error).__name__}: {error}).") from error
    if len({outcome.id for outcome in run.outcomes}) < len(run.outcomes):
        raise RunError(f"{path} holds an item twice.")
    if len(run.outcomes) != run.counts.items or not run.outcomes:
        raise RunError(
            f"{path} holds {len(run.outcomes):,} of the {run.counts.items:,} items it was made of."
        )
    return run


def _read(path: Path) -> tuple[Mapping[str, Any], pa.Table]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # A ParquetFile, not read_table: the latter reads key=value folders into columns.
        require_regular(path)
        with pq.ParquetFile(path) as file:
            table = file.read()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise RunError(f"{path} is no readable Parquet file: {error}") from error
    try:
        header = parse_json((table.schema.metadata or {})[KEY])
    except (KeyError, ValueError):
        header = None
    if not isinstance(header, dict):
        raise RunError(f"{path} is a Parquet file, but no benchbench run.")
    return header, table


def require_complete(run: Run) -> None:
    """Refuse a run over part of its items; for whatever publishes.

    Items skipped for pictures that cannot be read are such a part where the others are judged
    against them.

    Raises:
        PartialRun: saying how many items it lacks.
    """
    if run.counts.skipped and (why := load_protocol(run.protocol).of_a_sample):
        raise PartialRun(
            f"The run of {run.model.name} on {run.task}@{run.edition} lacks {run.counts.skipped:,} "
            f"items, whose pictures could not be read. {why} Mend them to publish it."
        )
    if run.partial:
        n, total = run.counts.items + run.counts.skipped, run.counts.items_in_edition
        raise PartialRun(
            f"The run of {run.model.name} on {run.task}@{run.edition} has {n:,} of {total:,} items "
            f"(--limit {run.settings.get('limit')}). Evaluate again without --limit to publish it."
        )


def _header(run: Run) -> dict[str, Any]:
    record = {f.name: getattr(run, f.name) for f in fields(run) if f.name != "outcomes"}
    record |= {"model": asdict(run.model), "counts": asdict(run.counts), "format": FORMAT}
    return record


def _run(header: Mapping[str, Any], table: pa.Table) -> Run:
    record = {k: v for k, v in header.items() if k != "format"}
    record["model"] = ModelManifest(**record["model"])
    record["counts"] = Counts(**record["counts"])
    record["skipped"] = tuple(record["skipped"])
    for name in ("task", "protocol", "edition", "data_sha256"):
        if not isinstance(record[name], str) or not record[name]:
            raise ValueError(f"its {name} is {record[name]!r}")
    if not all(isinstance(count, int) for count in asdict(record["counts"]).values()):
        raise ValueError("counts that are no whole numbers")
    of_records(record["settings"].get(CHOSEN, ()))
    return Run(**record, outcomes=_outcomes(table, record["protocol"]))


def _table(run: Run) -> pa.Table:
    import pyarrow as pa

    outcomes = run.outcomes
    columns: dict[str, pa.Array] = {
        "id": pa.array([o.id for o in outcomes], pa.string()),
        "cluster": pa.array([o.cluster for o in outcomes], pa.string()),
        **load_protocol(run.protocol).columns(outcomes),
    }
    for tag in sorted({name for o in outcomes for name in o.tags}):
        columns[TAG + tag] = pa.array([o.tags.get(tag) for o in outcomes], pa.string())
    return pa.table(columns)


def _outcomes(table: pa.Table, protocol: str) -> tuple[Outcome, ...]:
    read = load_protocol(protocol).outcome
    return tuple(read(row, _base(row)) for row in table.to_pylist())


def _base(row: Mapping[str, Any]) -> dict[str, Any]:
    """What every outcome has."""
    tags = {k[len(TAG) :]: v for k, v in row.items() if k.startswith(TAG) and v is not None}
    if row["id"] is None or row["cluster"] is None:
        raise ValueError("an item without id or cluster")
    return {"id": row["id"], "cluster": row["cluster"], "tags": tags}


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A temporary file beside ``path`` that takes its place on success and vanishes otherwise."""
    with _os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextmanager
def _os_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RunError(f"Cannot write {path}: {error.strerror or error}.") from error
