"""Run files: one Parquet file per run, a row per item, with the rest as JSON in its metadata.

``pandas.read_parquet`` reads it directly: columns ``id``, ``cluster``, one ``tag.NAME`` for each
tag, ``content`` (of format 3: the digest of the item's content, ``protocols.contents``), and those
of the protocol; for matching, those of ``protocols.matching_columns``. A file is written whole or
not at all, and has a seal over its content (``seals``), which every reader checks.
"""

from __future__ import annotations

import gc
import hashlib
import json
import re
import tempfile
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.atomic import atomic_write, os_errors
from benchbench.errors import PartialRun, RunError, UsageError
from benchbench.files import exists, expand_path, name_problem, parse_json, read_parquet
from benchbench.headers import check_header
from benchbench.protocols import load_protocol
from benchbench.protocols.stored import read_bases, text_column
from benchbench.seals import seal
from benchbench.selection import KEY as CHOSEN
from benchbench.selection import parse_selections
from benchbench.types import Counts, ModelManifest, Run

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from benchbench.types import Outcome

FORMAT = 2
WITH_CONTENTS = 3
"""The file format of runs whose outcomes have the digests of their items' content."""
UNSEALED = 1
"""The file format without a seal, of earlier versions."""
CONTENT = "content"
KEY = b"benchbench"
SEAL = "seal"
SUFFIX = ".parquet"
MAX_MODEL_NAME = 100
"""The largest number of characters of a model's name in a file's name."""
TAG = "tag."


def strip_folders(name: str) -> str:
    """Return a model's name as a run stores it: the last part of absolute paths, for publication.

    >>> strip_folders("lerp:openclip:ViT-B-32/openai,/home/ann/tuned.pt,0.5")
    'lerp:openclip:ViT-B-32/openai,tuned.pt,0.5'
    """
    return re.sub(r"(^|[:,+])[/~][^:,+]*?([^/:,+]+)/*(?=[:,+]|$)", r"\1\2", name)


def write_run(run: Run, path: str | Path) -> Path:
    """Write a run with its seal; an earlier file of that name is replaced only by a complete one.

    Raises:
        RunError: the folder cannot be created or written, or the disk is full.
    """
    import pyarrow.parquet as pq

    path = _expand(path)
    header, table = _header(run), outcome_table(run)
    header[SEAL] = seal(header, _columns(table, run.protocol))
    table = table.replace_schema_metadata({KEY: json.dumps(header, sort_keys=True).encode()})
    # A file, not its name: Arrow takes no name that is not UTF-8.
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        pq.write_table(table, file, compression="zstd")
    return path


def seal_of(run: Run) -> str:
    """Return the seal that ``write_run`` gives a run's file."""
    return seal(_header(run), _columns(outcome_table(run), run.protocol))


def check_writable(out: str | Path, task: str) -> None:
    """Raise an error before the evaluation if a run of a task could not be written.

    Raises:
        RunError: ``out`` is neither a ``.parquet`` name nor a folder, cannot be written, or is a
            file that is not a run of this task.
    """
    out = _expand(out)
    if out.suffix != SUFFIX and out.exists() and not out.is_dir():
        raise RunError(f"{out} is a file, but not a run. Name a {SUFFIX} file, or a folder.")
    if out.suffix == SUFFIX and out.is_dir():
        raise RunError(f"{out} is a folder. Name a file in it, or a folder without {SUFFIX}.")
    if out.suffix == SUFFIX and out.exists():
        header, _ = _read(out, str(out))
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
    with os_errors(out):
        tempfile.TemporaryFile(dir=folder).close()


def run_path(run: Run, out: str | Path) -> Path:
    """Return a run's path: ``out``, or ``TASK@EDITION/MODEL-DIGEST.parquet`` in that folder.

    The digest covers all choices of an invocation that can change a number, so that another
    checkpoint, precision, device or set of items never replaces an earlier run, and the same one
    does.
    """
    out = _expand(out)
    if out.suffix == SUFFIX:
        return out
    settings = {name: value for name, value in run.settings.items() if name != CHOSEN}
    settings |= {"limit": run.settings.get("limit") if run.partial else None}
    identity = json.dumps(
        [run.model.fingerprint, run.task_version, run.data_sha256, settings], sort_keys=True
    )
    model = re.sub(r"[^A-Za-z0-9.]+", "-", run.model.name).strip("-")[:MAX_MODEL_NAME]
    part = f"-limit{settings['limit']}" if run.partial else ""
    digest = hashlib.sha256(identity.encode()).hexdigest()[:8]
    return out / f"{run.task}@{run.edition}" / f"{model}{part}-{digest}{SUFFIX}"


def _expand(out: str | Path) -> Path:
    if not str(out).strip():
        raise RunError("The run's place is empty. Name a .parquet file, or a folder.")
    place = expand_path(out)
    if problem := name_problem(place):
        raise RunError(f"{out} cannot be the name of a file: {problem}. Name another place.")
    return place


def read_run(path: str | Path, name: str = "") -> Run:
    """Read a run from its file, and check its seal.

    Runs of the format without seals are read, too: ``Run.unsealed``.

    Args:
        path: the run's file.
        name: the name in messages, where the file is a copy of another.

    Raises:
        RunError: the file does not exist, is not Parquet, is not a run of this format, is not
            complete, or was changed since it was written.
    """
    path, name = Path(path), name or str(path)
    if not exists(path) or path.is_dir():
        there = "is a folder: name a run in it" if exists(path) else "does not exist"
        raise RunError(f"{name} {there}.")
    header, table = _read(path, name)
    _check_format(header, name)
    try:
        columns = _columns(table, header.get("protocol", ""))
        _check_seal(header, columns, name)
        run = _run(header, columns)
    except (KeyError, TypeError, ValueError, AttributeError, UsageError) as error:
        raise RunError(f"{name} is not a valid run ({type(error).__name__}: {error}).") from error
    if len({outcome.id for outcome in run.outcomes}) < len(run.outcomes):
        raise RunError(f"{name} holds an item twice.")
    if len(run.outcomes) != run.counts.items or not run.outcomes:
        raise RunError(
            f"{name} holds {len(run.outcomes):,} of the {run.counts.items:,} items it was made of."
        )
    return run


def read_header(path: Path) -> Mapping[str, Any]:
    """Return a run's header, with the model's ``fingerprint``, and check the seal of the whole run.

    No outcome is built: of many runs, this tells cheaply which are there.

    Raises:
        RunError: as for ``read_run``.
    """
    header, table = _read(path, str(path))
    _check_format(header, str(path))
    try:
        _check_seal(header, _columns(table, header.get("protocol", "")), str(path))
        fingerprint = ModelManifest(**header["model"]).fingerprint
        if not isinstance(header["settings"], dict) or not header["task"]:
            raise TypeError("its settings or its task are missing")
    except (KeyError, TypeError, ValueError, AttributeError, UsageError) as error:
        raise RunError(f"{path} is not a valid run ({type(error).__name__}: {error}).") from error
    return {**header, "fingerprint": fingerprint}


def _read(path: Path, name: str) -> tuple[Mapping[str, Any], pa.Table]:
    """Return the header and the table."""
    try:
        table = read_parquet(path)
    except (OSError, ValueError) as error:
        why = " ".join(str(error).split())
        raise RunError(f"{name} is not a readable Parquet file: {why}") from error
    try:
        header = parse_json((table.schema.metadata or {})[KEY])
    except (KeyError, ValueError):
        header = None
    if not isinstance(header, dict):
        raise RunError(f"{name} is a Parquet file, but not a benchbench run.")
    return header, table


def _check_format(header: Mapping[str, Any], name: str) -> None:
    if header.get("format") not in (UNSEALED, FORMAT, WITH_CONTENTS):
        raise RunError(
            f"{name} has run format {header.get('format')}; this version reads {UNSEALED} to "
            f"{WITH_CONTENTS}. Read it with the version that wrote it, or evaluate again."
        )


def _check_seal(header: Mapping[str, Any], columns: Mapping[str, pa.Array], name: str) -> None:
    """Check that a run is as it was written.

    Raises:
        RunError: header or outcomes differ from the sealed ones.
    """
    if header["format"] == UNSEALED:
        if SEAL in header:
            raise ValueError(f"format {UNSEALED} has no seal, and it has a seal")
        return
    found = seal({k: v for k, v in header.items() if k != SEAL}, columns)
    if header.get(SEAL) != found:
        raise RunError(
            f"{name} was changed or damaged after it was written: its digest is {found[:12]}, and "
            f"{str(header.get(SEAL))[:12]} was sealed. Evaluate again, or restore it from a copy."
        )


def _columns(table: pa.Table, protocol: str) -> dict[str, pa.Array]:
    """Return the outcomes' columns, each of its type and without nulls.

    Raises:
        ValueError: a column is of another type, or lacks values; or two have the same name.
        KeyError: a column is missing.
    """
    import pyarrow as pa

    names = table.column_names
    if len(set(names)) < len(names):
        raise ValueError("two columns of one name")
    text = {name: text_column(()) for name in ("id", "cluster")}
    types = {k: v.type for k, v in (text | dict(load_protocol(protocol).columns(()))).items()}
    types |= {name: pa.string() for name in names if name.startswith(TAG) or name == CONTENT}
    optional = load_protocol(protocol).optional.intersection(names)
    types |= {name: pa.list_(pa.float32()) for name in optional}
    found = {name: _combine_chunks(table.column(name)) for name in types}
    for name, column in found.items():
        if column.type != types[name]:
            raise ValueError(f"column {name} is of type {column.type}, not {types[name]}")
        if not name.startswith(TAG) and _has_nulls(column):
            raise ValueError(f"column {name} lacks values (null)")
    return found


def _combine_chunks(column: pa.ChunkedArray) -> pa.Array:
    """Return a column as one contiguous array."""
    import pyarrow as pa

    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.nulls(0, column.type)


def _has_nulls(column: pa.Array) -> bool:
    import pyarrow as pa

    is_list = pa.types.is_list(column.type)
    return bool(column.null_count) or (is_list and _has_nulls(column.flatten()))


def require_complete(run: Run) -> None:
    """Raise an error for a run over part of its items, before it is published.

    Items skipped for unreadable images count as missing if the other items are judged against
    them.

    Raises:
        PartialRun: items are missing; the message says how many.
    """
    if run.counts.skipped and (why := load_protocol(run.protocol).sample_note):
        raise PartialRun(
            f"The run of {run.model.name} on {run.task}@{run.edition} lacks {run.counts.skipped:,} "
            f"items, whose images could not be read. {why} Fix them to publish it."
        )
    if run.partial:
        n, total = run.counts.items + run.counts.skipped, run.counts.items_in_edition
        raise PartialRun(
            f"The run of {run.model.name} on {run.task}@{run.edition} has {n:,} of {total:,} items "
            f"(--limit {run.settings.get('limit')}). Evaluate again without --limit to publish it."
        )


def _header(run: Run) -> dict[str, Any]:
    record = {f.name: getattr(run, f.name) for f in fields(run) if f.name not in ("outcomes", SEAL)}
    counts = {name: count for name, count in asdict(run.counts).items() if count is not None}
    form = WITH_CONTENTS if _has_contents(run) else FORMAT
    record |= {"model": asdict(run.model), "counts": counts, "format": form}
    return record


def _has_contents(run: Run) -> bool:
    return any(outcome.content for outcome in run.outcomes)


def _run(header: Mapping[str, Any], columns: Mapping[str, pa.Array]) -> Run:
    record = {SEAL: "", **{k: v for k, v in header.items() if k != "format"}}
    if not all(isinstance(count, int) for count in record["counts"].values()):
        raise ValueError("counts that are not whole numbers")
    check_header(record)
    record["model"] = ModelManifest(**record["model"])
    _ = record["model"].fingerprint  # raises where the manifest is not JSON
    record["counts"] = Counts(**record["counts"])
    record["skipped"] = tuple(record["skipped"])
    for name in ("task", "protocol", "edition", "data_sha256"):
        if not record[name]:
            raise ValueError(f"its {name} is {record[name]!r}")
    parse_selections(record["settings"].get(CHOSEN, ()))
    return Run(**record, outcomes=_outcomes(columns, record["protocol"]))


def outcome_table(run: Run) -> pa.Table:
    """Return the outcomes as the table of the run's file: a row per item."""
    import pyarrow as pa

    outcomes = run.outcomes
    columns: dict[str, pa.Array] = {
        "id": text_column([o.id for o in outcomes]),
        "cluster": text_column([o.cluster for o in outcomes]),
        **load_protocol(run.protocol).columns(outcomes),
    }
    if _has_contents(run):
        columns[CONTENT] = text_column([o.content for o in outcomes])
    for tag in sorted({name for o in outcomes for name in o.tags}):
        columns[TAG + tag] = text_column([o.tags.get(tag) for o in outcomes])
    return pa.table(columns)


def _outcomes(columns: Mapping[str, pa.Array], protocol: str) -> tuple[Outcome, ...]:
    """Return the outcomes stored in checked columns."""
    tags = {k[len(TAG) :]: column for k, column in columns.items() if k.startswith(TAG)}
    bases = read_bases(columns["id"], columns["cluster"], tags, columns.get(CONTENT))
    common = {"id", "cluster", CONTENT, *(TAG + tag for tag in tags)}
    own = {name: column for name, column in columns.items() if name not in common}
    was_on = gc.isenabled()
    gc.disable()  # a million new objects, none in a cycle: to look for cycles takes a third longer
    try:
        return load_protocol(protocol).outcomes(own, bases)
    finally:
        if was_on:
            gc.enable()
