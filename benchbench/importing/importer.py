"""Import of published results: each answer is matched with an item, and becomes a run.

Each answer is matched with an item of the task's own files by its content, the image's file name
and both captions, or by the item's id: never by position. A run stores decisions as scores of 1 and
0, and its settings say so (``imported``). Reports raise an error for what needs raw scores.
"""

from __future__ import annotations

import hashlib
import pkgutil
from collections import defaultdict
from dataclasses import asdict
from datetime import datetime, timezone
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from benchbench.data.records import file_sha256
from benchbench.devices import describe_environment
from benchbench.editions import (
    SCENES,
    choose_edition,
    drawn_part,
    resolve_edition,
    unverified,
)
from benchbench.errors import ContractError, MalformedData, UnknownName, UsageError
from benchbench.evaluation import data_sha256
from benchbench.failures import task_items
from benchbench.files import expand_path, is_folder
from benchbench.importing.answers import Answer, ImportRecord, Matches, ResultReader, Source
from benchbench.protocols import load_protocol
from benchbench.protocols.contents import with_contents
from benchbench.registry import load_task
from benchbench.scenes.edition import is_drawn
from benchbench.types import Counts, MatchingOutcome, ModelManifest, Run

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from benchbench.types import Edition, Item, Task, TaskInfo
    from benchbench.types.arrays import Singles

GROUP = "benchbench.readers"
"""The group of entry points."""
READERS = "benchbench.importing.readers"
"""The package of this distribution's readers."""
MAX_LISTED = 3
"""Rows that an error quotes."""
DECISION_SCORES = {True: (1.0, 0.0), False: (0.0, 1.0), None: (0.0, 0.0)}
"""Scores of the true and of the false caption by decision; an unreadable answer prefers neither."""


def reader_names() -> list[str]:
    """Return the names that ``load_reader`` takes."""
    return sorted(_own_readers() | {point.name for point in entry_points(group=GROUP)})


def _own_readers() -> set[str]:
    package = import_module(READERS)
    return {module.name for module in pkgutil.iter_modules(package.__path__)}


def load_reader(name: str) -> ResultReader:
    """Return the reader of that name.

    Raises:
        UnknownName: there is none.
        ContractError: a plugin's object is not a reader.
    """
    if name in _own_readers():
        found = import_module(f"{READERS}.{name}").READER
    else:
        points = {point.name: point for point in entry_points(group=GROUP)}
        if name not in points:
            hint = f"There are: {', '.join(reader_names())}."
            raise UnknownName("reader", name, reader_names(), hint)
        found = points[name].load()
    if not isinstance(found, ResultReader):
        raise ContractError(f"The reader '{name}' gives {found!r}, which is not a ResultReader.")
    return found


def import_results(
    path: str | Path,
    reader: str,
    task: str = "",
    *,
    data_root: str | Path | None = None,
    edition: str | None = None,
    fields: Mapping[str, str] | None = None,
    model: str = "",
    source: Source | None = None,
    allow_unmatched: bool = False,
) -> list[Run]:
    """Read published results, and return a run for each model in them.

    Args:
        path: a file or a folder.
        reader: a name of ``reader_names``.
        task: whose items the results are of; by default the reader's own.
        data_root: a folder with the task's annotations; photographs need not be there.
        edition: ``official`` or the like.
        fields: names of columns, for general formats.
        model: the model's name, where the file has none.
        source: where the results were published, if the reader has no source of its own.
        allow_unmatched: whether answers without an item, second answers to an item, and items
            without an answer are counted rather than refused.

    Raises:
        UsageError: a task, a model's name or a column is missing; answers and items do not match.
        DataError: a file is missing or malformed.
    """
    found, where = load_reader(reader), expand_path(path)
    if not (task or found.task):
        raise UsageError(f"The reader {reader} has no task of its own. Name one: --task NAME.")
    loaded = load_task(task or found.task)
    if loaded.info.protocol != "matching":
        raise UsageError(
            f"Results of {loaded.info.name} cannot be imported yet: only tasks whose items have "
            f"captions to choose from can, and its protocol is {loaded.info.protocol}."
        )
    _check_drawn(loaded.info, data_root, edition)
    resolved = resolve_edition(loaded.info, data_root, edition, with_images=False)
    items = task_items(loaded, resolved.root)
    answers: dict[str, list[Answer]] = defaultdict(list)
    for answer in found.read(where, fields or {}):
        name = answer.model or model
        if not name:
            raise UsageError(f"{where} does not name the model: --model NAME.")
        answers[name].append(answer)
    if not answers:
        raise MalformedData(f"{where} holds no answers.")
    files = {_file_name(each, where): file_sha256(each) for each in found.paths(where)}
    if source is None:
        published = set(found.files.items()) >= set(files.items())
        source = found.source if published else Source()
    runs = []
    for name, given in answers.items():
        _check_readable(name, given, where)
        matches = match(items, given)
        if not (matches.complete or allow_unmatched):
            raise UsageError(_mismatch_message(name, matches, resolved))
        _check_sides(items, matches, loaded.info.name)
        runs.append(_run(name, items, matches, loaded, resolved, (reader, files, source)))
    return runs


def _check_drawn(info: TaskInfo, data_root: str | Path | None, edition: str | None) -> None:
    """Refuse the drawn world where it is not drawn yet: no results can be of its files.

    Raises:
        UsageError: no data root is named, and the drawn world's files are not there.
    """
    if choose_edition(data_root, edition).edition != SCENES:
        return
    part = drawn_part(info)
    if part is None or not is_drawn(part):
        raise UsageError(
            f"The drawn world's files of {info.name} are not there, so that the results are of "
            "other files. Name the folder with their annotations: --data-root DIR"
        )


def _check_readable(model: str, answers: Sequence[Answer], place: Path) -> None:
    """Refuse answers of which none can be read: all would count as wrong.

    Raises:
        UsageError: there is no decision among them.
    """
    if sum(each.unreadable for each in answers) == sum(len(each.sides) or 1 for each in answers):
        raise UsageError(
            f"Not one of the {len(answers):,} answers of {model} in {place} can be read. Name the "
            "field that holds the decision: --field right=NAME, or score_true and score_false."
        )


def match(items: Sequence[Item], answers: Iterable[Answer]) -> Matches:
    """Match answers with items, by id or by content.

    Items with the same content are distinguished by their subset. If that is the same too, they get
    answers in the order of the file: nothing can distinguish them.

    Args:
        items: items of one image and two captions each, or of two of both.
        answers: the answers of one model.
    """
    by_id = {item.id: item for item in items}
    by_captions: dict[tuple[str, str], list[Item]] = defaultdict(list)
    for item in items:
        by_captions[_captions(item)].append(item)
    given: dict[str, Answer] = {}
    unmatched: list[Answer] = []
    duplicates: list[Answer] = []
    for answer in answers:
        if answer.id:
            there = [by_id[answer.id]] if answer.id in by_id else []
        else:
            there = by_captions.get((answer.caption, answer.foil), [])
        there = [item for item in there if _agrees(item, answer)]
        same = [item for item in there if item.tags.get("subset") == answer.subset]
        there = same if answer.subset and same else there
        free = [item for item in there if item.id not in given]
        if free:
            given[free[0].id] = answer
        else:
            (duplicates if there else unmatched).append(answer)
    missing = tuple(item.id for item in items if item.id not in given)
    return Matches(given, tuple(unmatched), tuple(duplicates), missing)


def _captions(item: Item) -> tuple[str, str]:
    """Return the true and the false caption; of two images, the caption of each.

    Of several false captions none is the false one: such items are matched by their id.
    """
    own = [item.captions[i] for i in item.target if i >= 0]
    false = [text for i, text in enumerate(item.captions) if i not in item.target]
    first, *others = own + false
    return first, others[0] if len(others) == 1 else ""


def _agrees(item: Item, answer: Answer) -> bool:
    """Return whether an answer's images and captions, as far as it has them, are the item's."""
    names = tuple(ref.path.name for ref in item.images)
    images = answer.images or ((answer.image,) if answer.image else ())
    captions = (answer.caption, answer.foil)
    same = all(not each or each == own for each, own in zip(captions, _captions(item), strict=True))
    return same and (not images or images == names)


def _mismatch_message(model: str, matches: Matches, edition: Edition) -> str:
    """Return the error for answers and items that do not match."""
    parts = []
    for what, some in (
        (f"without item in {edition.name}", [each.where for each in matches.unmatched]),
        ("to an item that has one", [each.where for each in matches.duplicates]),
    ):
        if some:
            parts.append(f"{_count(some, 'answer')} {what} ({_list(some)})")
    if matches.missing:
        missing = _count(matches.missing, "item")
        parts.append(f"{missing} without an answer ({_list(matches.missing)})")
    return (
        f"The results of {model} do not match the task's files: {'; '.join(parts)}. Name the "
        "edition that they are of (--data-root), or leave these out and count them: "
        "--allow-unmatched."
    )


def _count(some: Sequence[object], noun: str) -> str:
    return f"{len(some):,} {noun}{'s' * (len(some) != 1)}"


def _list(names: Sequence[str]) -> str:
    more = len(names) - MAX_LISTED
    return "; ".join(names[:MAX_LISTED]) + (f"; and {more:,} more" if more > 0 else "")


def _file_name(path: Path, place: Path) -> str:
    """Return a file's name, inside the folder that was named."""
    return path.relative_to(place).as_posix() if is_folder(place) else path.name


def _run(
    name: str,
    items: Sequence[Item],
    matches: Matches,
    task: Task,
    edition: Edition,
    origin: tuple[str, Mapping[str, str], Source],
) -> Run:
    """Return the run of one model's answers."""
    reader, files, source = origin
    kept = [item for item in items if item.id in matches.answers]
    if not kept:
        raise MalformedData(f"No answer of {name} belongs to an item of {task.info.name}.")
    each = [matches.answers[item.id] for item in kept]
    measured = all(answer.scores for answer in each)
    protocol = load_protocol(task.info.protocol)
    outcomes = [_outcome(*both) for both in zip(kept, each, strict=True)]
    imported = ImportRecord(
        reader, files, not measured, sum(answer.unreadable for answer in each),
        len(matches.unmatched), len(matches.duplicates), source.record(),
    )  # fmt: skip
    return Run(
        model=_manifest(name, files, imported),
        task=task.info.name,
        task_version=task.info.version,
        protocol=task.info.protocol,
        edition=edition.name,
        data_sha256=data_sha256(edition, {}),
        settings={"imported": asdict(imported), **unverified(edition)},
        environment=describe_environment("cpu"),
        counts=_counts(items, kept),
        skipped=matches.missing,
        unreadable={},
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        seconds=0.0,
        outcomes=with_contents(protocol, kept, outcomes, edition.root),
    )


def _check_sides(items: Sequence[Item], matches: Matches, task: str) -> None:
    """Refuse answers that tell more decisions, or fewer, than their items have."""
    for item in items:
        answer = matches.answers.get(item.id)
        wanted = 2 * len(item.images) if len(item.images) > 1 else 0
        if answer is not None and min(item.target) < 0:
            raise UsageError(
                f"Item {item.id} of {task} has an image without a caption: results of such items "
                "cannot be imported."
            )
        if answer is not None and len(answer.sides) != wanted:
            raise UsageError(
                f"{answer.where} tells {len(answer.sides) or 1} decisions, and item {item.id} of "
                f"{task} has {wanted or 1}: of each image and of each caption. Take a reader of "
                "that task's results: benchbench list readers."
            )


def _outcome(item: Item, answer: Answer) -> MatchingOutcome:
    """Return an item's outcome: the source's scores, or its decisions as scores of 1 and 0."""
    by_caption = None
    if answer.sides:
        n = len(item.images)
        scores = _decided(answer.sides[:n], item.target, len(item.captions))
        back = [item.target.index(column) for column in range(n)]
        by_caption = _decided([answer.sides[n + i] for i in back], back, n).T
    else:
        right, wrong = _rounded(*(answer.scores or DECISION_SCORES[answer.right]))
        true = item.target[0]
        row = [right if column == true else wrong for column in range(len(item.captions))]
        scores = np.array([row], dtype=np.float32)
    return MatchingOutcome(
        id=item.id, cluster=item.cluster, tags=item.tags, target=item.target, scores=scores,
        no_op=(False,) * len(item.captions), by_caption=by_caption,
    )  # fmt: skip


def _rounded(one: float, other: float) -> tuple[float, float]:
    """Return two scores as runs hold them, in 32 bits; those that differ still do, by one digit."""
    low, high = np.float32(min(one, other)), np.float32(max(one, other))
    if one != other and low == high:
        high = np.nextafter(high, np.float32(np.inf))
    return (float(high), float(low)) if one > other else (float(low), float(high))


def _decided(rights: Sequence[bool | None], own: Sequence[int], columns: int) -> Singles:
    """Return decisions as scores, [rows, columns]: each row prefers its own column where right."""
    scores = np.zeros((len(rights), columns), dtype=np.float32)
    for row, (right, column) in enumerate(zip(rights, own, strict=True)):
        high, low = DECISION_SCORES[right]
        scores[row] = low
        scores[row, column] = high
    return scores


def _counts(items: Sequence[Item], kept: Sequence[Item]) -> Counts:
    images = {PurePosixPath(ref.path) for item in kept for ref in item.images}
    return Counts(
        items_in_edition=len(items),
        items=len(kept),
        skipped=len(items) - len(kept),
        images=len(images),
        pictures=len(images),
        captions=len({caption for item in kept for caption in item.captions}),
        clusters=len({item.cluster for item in kept}),
        overhanging_crops=0,
        truncated_captions=0,
    )


def _manifest(name: str, files: Mapping[str, str], imported: ImportRecord) -> ModelManifest:
    """Return what is known of a model that somebody else ran."""
    digest = hashlib.sha256("".join(f"{k} {v}\n" for k, v in sorted(files.items())).encode())
    settings: dict[str, Any] = {"imported": imported.reader, "imported_sha256": digest.hexdigest(),
                                "imported_model": name}  # fmt: skip
    return ModelManifest(
        name=name,
        architecture="unknown",
        weights="unknown",
        weights_sha256="unknown",
        trained=True,
        activation="unknown",
        preprocessing={},
        tokenizer="unknown",
        context_length=0,
        dtype="unknown",
        parameters=0,
        similarity="pairs",
        settings=settings,
    )
