"""The best candidates of some queries of a retrieval run, ranked again from stored encodings.

A run of retrieval holds the counts around each true answer, and no candidates. The galleries of the
chosen queries are encoded as the evaluation did, which takes from the store what that put there;
places must come out as the run's own, or the candidates would not be those that the run counted.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from benchbench.adapters.computation import Computation
from benchbench.analysis import Result
from benchbench.analysis.questions import questions_of
from benchbench.devices import cpu_workers, describe_environment, inference, memory_errors
from benchbench.embedding import BlankEncoder, Encoder, open_store
from benchbench.errors import UsageError
from benchbench.evaluation import check_settings, fit_model, prepare_model
from benchbench.failures import foreign_code
from benchbench.memory import reuse_memory
from benchbench.protocols.encoded_gallery import DIRECTIONS, encode_gallery
from benchbench.protocols.galleries import (
    by_gallery,
    searching_captions,
    true_captions,
    true_images,
)
from benchbench.protocols.places import first_true
from benchbench.protocols.retrieval import IMAGE_TO_TEXT, TEXT_TO_IMAGE
from benchbench.registry import load_task
from benchbench.types import Precision, RetrievalOutcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from typing_extensions import Unpack

    from benchbench.embedding.stored import Stored
    from benchbench.protocols.encoded_gallery import Best, EncodedGallery
    from benchbench.types import Entry, ImageRef, LoadExtras, Model, Places, Progress, Run


@dataclass(frozen=True, slots=True)
class Candidate:
    """A caption or an image in a ranking."""

    caption: str
    """The caption; of an image, the first of its own."""
    image: str
    """The name of the image's file, with its box if it is a crop; empty for a caption."""
    score: float
    is_true: bool


@dataclass(frozen=True, slots=True)
class Ranking:
    """The best candidates of one query, and its first true answer."""

    id: str
    """The entry's."""
    caption: str
    """The caption that searches; empty where the image does."""
    image: str
    """The name of the image that searches, as in ``Candidate``; empty where a caption does."""
    n_candidates: int
    better: int
    """Candidates with a higher score than the first true answer."""
    tied: int
    """False candidates with exactly its score."""
    first: Candidate
    """The first true answer."""
    best: tuple[Candidate, ...]
    """The best candidates, the best first; of equal scores, in the order of the gallery."""

    @property
    def place(self) -> int:
        """The place of the first true answer, behind the candidates that tie with it."""
        return self.better + self.tied + 1


@dataclass(frozen=True, slots=True)
class Rankings(Result):
    """Rankings of some queries of a run."""

    run: Run
    of: int
    """The number of queries among which they were chosen."""
    worst: bool
    """Whether they are those with the worst places; otherwise the caller named their entries."""
    rankings: tuple[Ranking, ...]
    inputs: int
    """The number of images and captions, or pairs, that the ranking needed."""
    stored: int
    """How many of their encodings were stored."""


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    """A query of a run, with its counts there."""

    at: int
    """The number of its outcome."""
    caption: str
    """Empty where the image searches."""
    places: Places = field(repr=False)
    own: int
    """How many of the places, from the front, are of true answers."""

    @property
    def direction(self) -> str:
        return TEXT_TO_IMAGE if self.caption else IMAGE_TO_TEXT


def rank_queries(
    run: Run,
    *,
    model: str | Model = "",
    k: int = 5,
    n: int = 5,
    ids: Sequence[str] = (),
    direction: str = "",
    data_root: str | Path | None = None,
    edition: str | None = None,
    device: str | None = None,
    progress: Progress | None = None,
    **extras: Unpack[LoadExtras],
) -> Rankings:
    """Rank the candidates of some queries of a retrieval run again.

    Args:
        run: the run.
        model: its model, loaded or by its specification; by default by the name in the run.
        k: the number of candidates of each query, or all where there are fewer.
        n: the number of queries: those whose first true answer has the worst place.
        ids: entries whose queries are ranked, instead of the worst ones.
        direction: ``image to text`` or ``text to image``; by default both.
        data_root: a folder with the task's files, as for ``evaluate``.
        edition: as for ``evaluate``.
        device: by default the run's.
        progress: called as by ``evaluate``.
        extras: options for reading a checkpoint, as for ``evaluate``.

    Raises:
        UsageError: the run is not of retrieval or was imported, its files or an entry are not
            there, the model is another one, or its places are others here.
    """
    _check_run(run, direction)
    source = questions_of(run, data_root, edition, progress, with_images=not _without_images(run))
    if source.missing or source.root is None:
        raise UsageError(f"Rankings show the task's captions, and a run has none. {source.missing}")
    entries: list[Any] = [source.items[outcome.id] for outcome in run.outcomes]
    every = [s for s in _searches(run, entries) if direction in ("", s.direction)]
    chosen = _named(every, entries, ids) if ids else _worst(every, n)
    computation, ready = _prepare(run, model, source.root, device, progress, extras)
    found: dict[_Search, Ranking] = {}
    with closing(_open_store(run, computation, ready)) as stored:
        encoder = (BlankEncoder if _without_images(run) else Encoder)(
            ready, batch_size=run.settings["batch_size"], workers=cpu_workers(),
            progress=progress, stored=stored,
        )  # fmt: skip
        advice, name = "Try --device cpu.", run.model.name
        with inference(), reuse_memory(), memory_errors(advice), foreign_code(name):
            for places in by_gallery(entries):
                there = set(places)
                if of := [search for search in chosen if search.at in there]:
                    gallery = encode_gallery([entries[i] for i in places], ready, encoder)
                    found |= _rank(run, gallery, of, entries, k)
        from_store = stored.found
    rankings = tuple(found[search] for search in chosen)
    return Rankings(run, len(every), not ids, rankings, encoder.inputs, from_store)


def _check_run(run: Run, direction: str) -> None:
    """Refuse a run that has no rankings, and settings that no evaluation has.

    Raises:
        UsageError: the protocol is another one, the run was imported or is of a variation, or the
            direction is unknown.
    """
    if run.protocol != "retrieval":
        raise UsageError(
            f"Rankings are of retrieval, and {run.task} is not: its protocol is {run.protocol}. "
            "List the tasks of retrieval: benchbench list tasks retrieval"
        )
    if run.imported or "batch_size" not in run.settings:
        raise UsageError(
            f"The run of {run.model.name} was imported: there is no model to rank with. Evaluate "
            "it: benchbench eval"
        )
    if variation := run.settings.get("variation"):
        raise UsageError(
            f"The run is of the variation {variation}, which is not ranked again. Rank the run of "
            "the items as they are."
        )
    if direction not in ("", *DIRECTIONS):
        raise UsageError(f"Unknown direction {direction!r}: {' or '.join(DIRECTIONS)}.")
    check_settings(None, run.settings["batch_size"], _seed(run), "error", None)


def _seed(run: Run) -> int:
    found: int = run.settings.get("seed", 0)
    return found


def _without_images(run: Run) -> bool:
    return bool(run.settings.get("without_images"))


def _searches(run: Run, entries: Sequence[Entry]) -> Iterator[_Search]:
    """Yield the queries of a run, entry by entry: its image, then its captions.

    Raises:
        UsageError: the run has other captions than the files.
    """
    for at, (outcome, entry) in enumerate(zip(run.outcomes, entries, strict=True)):
        if not isinstance(outcome, RetrievalOutcome):  # pragma: no cover - the protocol's
            raise TypeError(type(outcome).__name__)
        texts = searching_captions(entry) if outcome.finding else ()
        own = len(set(entry.captions)) if outcome.own else 0
        if len(texts) != len(outcome.finding) or own != outcome.own:
            raise _other_files(run, entry.id)
        if own:
            yield _Search(at, "", outcome.found, own)
        for text, places in zip(texts, outcome.finding, strict=True):
            yield _Search(at, text, places, len(places.better))


def _other_files(run: Run, name: str) -> UsageError:
    return UsageError(
        f"Entry {name} ranks otherwise here than in the run: the files of {run.task}, libraries or "
        f"the machine differ. Evaluate again here: benchbench eval --model {run.model.name} --task "
        f"{run.task} --out NEW"
    )


def _worst(every: Sequence[_Search], n: int) -> list[_Search]:
    """Return the n queries whose first true answer has the worst place, in the run's order.

    Raises:
        UsageError: there is no query.
    """
    if not every:
        raise UsageError("The run has no query in this direction. Leave the direction out.")
    first = first_true([s.places for s in every], [s.own for s in every])
    order = np.argsort(-(first.better + first.tied), kind="stable")
    return [every[i] for i in order[:n].tolist()]


def _named(every: Sequence[_Search], entries: Sequence[Entry], ids: Sequence[str]) -> list[_Search]:
    """Return the queries of some entries, in the order in which these are named.

    Raises:
        UsageError: an entry has no query among these.
    """
    of_entry: dict[str, list[_Search]] = {}
    for search in every:
        of_entry.setdefault(entries[search.at].id, []).append(search)
    if unknown := [name for name in ids if name not in of_entry]:
        first = next(iter(of_entry), "none")
        raise UsageError(
            f"The run has no query of an entry {unknown[0]!r} in this direction. The first entry "
            f"with one: {first}."
        )
    return [search for name in dict.fromkeys(ids) for search in of_entry[name]]


def _prepare(
    run: Run,
    model: str | Model,
    root: Path,
    device: str | None,
    progress: Progress | None,
    extras: LoadExtras,
) -> tuple[Computation, Model]:
    """Return a run's model, loaded, and what identifies it.

    Raises:
        UsageError: it is another one.
    """
    named = (model or run.model.name) if isinstance(model, str) else model
    place = device or (run.settings.get("device") if isinstance(named, str) else None)
    precision: Any = run.model.dtype if isinstance(named, str) else None
    precision = precision if precision in get_args(Precision) else None
    ready = prepare_model(named, place, precision, _seed(run), extras, progress)
    with foreign_code(run.model.name):
        ready = fit_model(ready, load_task(run.task), root)
        computation = Computation.of(ready)
    there, here = asdict(run.model), asdict(computation.manifest)
    if differs := [name for name in there if name != "name" and there[name] != here[name]]:
        raise UsageError(
            f"{computation.manifest.name} is not the run's model, {run.model.name}: they differ in "
            f"{', '.join(differs)}. Name that one: --model"
        )
    return computation, ready


def _open_store(run: Run, computation: Computation, model: Model) -> Stored:
    settings = {"device": model.device, "batch_size": run.settings["batch_size"]}
    return open_store(True, computation, describe_environment(model.device), settings)


def _rank(
    run: Run, gallery: EncodedGallery, searches: Sequence[_Search], entries: Sequence[Entry], k: int
) -> dict[_Search, Ranking]:
    """Rank the candidates of a gallery's queries.

    Raises:
        UsageError: the places of true answers are not the run's.
    """
    found = {}
    for direction in DIRECTIONS:
        of = [search for search in searches if search.direction == direction]
        if not of:
            continue
        asking = [entries[search.at] for search in of]
        if direction == IMAGE_TO_TEXT:
            numbers = [gallery.refs.index(entry.image) for entry in asking]
            true = true_captions(asking, gallery.texts)
            shown = [(text, "") for text in gallery.texts]
        else:
            numbers = [gallery.texts.index(search.caption) for search in of]
            all_true = true_images(gallery.texts, gallery.entries, gallery.refs)
            true = [all_true[number] for number in numbers]
            first = {entry.image: entry for entry in reversed(gallery.entries)}
            shown = [(first[ref].captions[0], _name(ref)) for ref in gallery.refs]
        best = gallery.rank(direction, numbers, true, k)
        for i, (search, entry) in enumerate(zip(of, asking, strict=True)):
            if not _is_same(best.places[i], search.places):
                raise _other_files(run, entry.id)
            found[search] = _ranking(search, entry, i, best, true[i], shown)
    return found


def _ranking(
    search: _Search,
    entry: Entry,
    i: int,
    best: Best,
    true: Sequence[int],
    shown: Sequence[tuple[str, str]],
) -> Ranking:
    """Return the i-th query's ranking; ``shown`` holds each candidate's caption and image."""
    own = true[: search.own]
    first = first_true([search.places], [search.own])
    top = own[int(np.argmin(search.places.better[: search.own]))]
    rows = zip(best.rows[i].tolist(), best.scores[i].tolist(), strict=True)
    return Ranking(
        id=entry.id,
        caption=search.caption,
        image="" if search.caption else _name(entry.image),
        n_candidates=len(shown),
        better=int(first.better[0]),
        tied=int(first.tied[0]),
        first=_candidate(shown[top], best.score(i, top), is_true=True),
        best=tuple(_candidate(shown[row], score, is_true=row in own) for row, score in rows),
    )


def _candidate(shown: tuple[str, str], score: float, *, is_true: bool) -> Candidate:
    caption, image = shown
    return Candidate(caption, image, score, is_true)


def _is_same(one: Places, other: Places) -> bool:
    return np.array_equal(one.better, other.better) and np.array_equal(one.equal, other.equal)


def _name(ref: ImageRef) -> str:
    return f"{ref.path.name} {ref.box}" if ref.box else ref.path.name
