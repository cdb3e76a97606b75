"""Evaluation, from a model and a task to a run.

Read from top to bottom: find the task, resolve its files, choose items, check their images, load
the model, encode each distinct input once, score, and record all that could change a number.
"""

from __future__ import annotations

import hashlib
import time
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from benchbench.adapters.computation import Computation
from benchbench.adapters.contract import description_problems
from benchbench.adapters.text_only import TextOnlyModel
from benchbench.data.image_facts import ImageFacts
from benchbench.data.records import file_sha256
from benchbench.devices import (
    choose_device,
    cpu_workers,
    describe_environment,
    inference,
    memory_errors,
)
from benchbench.editions import unverified
from benchbench.embedding import BlankEncoder, Encoder, open_store, within_memory
from benchbench.errors import ContractError, ImageError, UsageError
from benchbench.failures import foreign_code
from benchbench.files import expand_path, name_below
from benchbench.item_sets import ADVICE, choose_items
from benchbench.memory import reuse_memory
from benchbench.protocols.contents import with_contents
from benchbench.registry import family_of, load_model, load_task
from benchbench.runs import check_writable, run_path, strip_folders, write_run
from benchbench.selection import KEY as CHOSEN
from benchbench.selection import Selection, selections_of
from benchbench.types import (
    Counts,
    Learner,
    LoadOptions,
    OnMissing,
    Precision,
    ProposalTask,
    Run,
    Spender,
    TrainableTask,
)
from benchbench.variations import as_variation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import TypeVar

    from typing_extensions import Unpack

    from benchbench.embedding import Origin
    from benchbench.item_sets import ItemSet
    from benchbench.protocols.protocol import Answers
    from benchbench.types import Edition, LoadExtras, Model, ModelManifest, Progress, Question, Task
    from benchbench.variations import Variation

    AnyQuestion = TypeVar("AnyQuestion", bound=Question)

LOADING_STAGE = "loading"
"""The stage's name for ``progress`` while a model loads."""


def evaluate(
    model: str | Model,
    task: str | Task,
    *,
    data_root: str | Path | None = None,
    edition: str | None = None,
    device: str | None = None,
    precision: Precision | None = None,
    batch_size: int | None = None,
    seed: int = 0,
    limit: int | None = None,
    on_missing: OnMissing = "error",
    out: str | Path | None = None,
    progress: Progress | None = None,
    resume: bool = True,
    proposals: str | Path | None = None,
    chosen_on: Sequence[str] = (),
    without_images: bool = False,
    origin: Origin | None = None,
    variation: str | Variation = "",
    **extras: Unpack[LoadExtras],
) -> Run:
    """Evaluate one checkpoint on one task.

    Args:
        model: a specification (``openclip:ViT-B-32/openai``), or a loaded model.
        task: a name (``vg-relation``) or a task.
        data_root: a folder with the task's files, instead of the drawn world.
        edition: ``scenes`` or ``official``; by default from the variables BENCHBENCH_EDITION and
            BENCHBENCH_DATA or a settings file, otherwise ``scenes``: see ``benchbench.editions``.
        device: ``auto`` (a GPU if there is one; the default), ``cpu``, ``cuda:1``, ``mps``.
        precision: precision of the model's arithmetic, by default ``fp32``; similarities are
            always float32. A loaded model has its own device and precision: leave both out.
        batch_size: images per forward pass (captions: four times that on a CPU; pairs of both: as
            many). By default 32 on a CPU, what the memory holds on a GPU of CUDA, 256 elsewhere,
            and half of it where memory runs out (``embedding.batch_size``).
        seed: the seed of untrained weights, and of the choice of clusters for ``limit``.
        limit: the largest number of items, in whole clusters (at least one); marks the run as
            partial.
        on_missing: whether an image that cannot be read is an error, or its items are left out
            and counted.
        out: the run's ``.parquet`` file, or a folder in which the run gets a name (``runs``).
        progress: called as ``progress(what, done, total)``.
        resume: store what is encoded, and use what this or another evaluation stored of the same
            inputs, weights and code. The store is in BENCHBENCH_CACHE, or in the user's cache
            folder; ``benchbench cache`` shows and clears it. A model whose class is in no file (a
            notebook's cell) starts over each time.
        proposals: a detector's boxes, labels and scores, for a task that takes them: a file in the
            format of docs/proposals.md.
        chosen_on: tasks whose items served to choose this checkpoint; reports of a run on them say
            so. A record beside the checkpoint is read in any case (``benchbench.selection``).
        without_images: whether no image is read: for text-only models, whose score needs none. The
            task's annotations suffice then.
        origin: the machine whose stored encodings the run consists of; what is not stored is an
            error then (``benchbench merge``).
        variation: another way to show the items (``case=lower``; ``benchbench.variations``), which
            the run's edition names.
        extras: options for reading a checkpoint: ``architecture``, ``activation``,
            ``allow_partial``, ``trust_pickle``, ``trust_remote_code`` (``LoadOptions``).

    Returns:
        The run: raw scores per item. Read it with ``benchbench.scorecard``.

    Raises:
        BenchbenchError: any error that the user can fix.
    """
    started = time.perf_counter()
    check_settings(limit, batch_size, seed, on_missing, precision)
    task = load_task(task) if isinstance(task, str) else task
    varied = as_variation(variation)
    chosen = [Selection(load_task(name).info.name) for name in chosen_on]
    _check_early(model, task, out)
    task, from_proposals = _add_proposals(task, proposals)
    facts = ImageFacts.default() if resume else None
    there = choose_items(
        varied.task(task), data_root=data_root, edition=edition, limit=limit, seed=seed,
        on_missing=on_missing, progress=progress, with_images=not without_images, facts=facts,
    )  # fmt: skip
    typed = model if isinstance(model, str) else model.manifest.name
    model = prepare_model(model, device, precision, seed, extras, progress)
    _check_images(without_images, model, typed)
    chosen += selections_of(typed)
    with foreign_code(typed):
        model = fit_model(model, task, there.edition.root)
        computation = Computation.of(model)
    model = _begun(varied.model(model), resume)
    environment = describe_environment(model.device) if origin is None else origin.environment
    further: dict[str, Any] = {**from_proposals, **unverified(there.edition), **varied.settings}
    further |= {"without_images": True} if without_images else {}

    def attempt(size: int) -> _Attempt:
        settings = describe_settings(model, size, seed, limit, on_missing) | further
        if origin is not None:
            settings |= {"device": origin.device, "batch_size": origin.batch_size}
        kept = open_store(resume, computation, environment, settings, origin, facts)
        with closing(varied.stored(kept)) as stored:
            encoder = (BlankEncoder if without_images else Encoder)(
                model, batch_size=size, workers=cpu_workers(), on_missing=on_missing,
                progress=progress, stored=stored,
            )  # fmt: skip
            return _Attempt(
                answer_items(there, model, encoder, size), encoder, stored.found, settings
            )

    answers, encoder, from_store, settings = within_memory(attempt, model, batch_size)
    run = Run(
        model=varied.manifest(_published(computation.manifest)),
        task=task.info.name,
        task_version=task.info.version,
        protocol=task.info.protocol,
        edition=varied.edition(there.edition.name),
        data_sha256=data_sha256(there.edition, encoder.files.sha256),
        settings={**settings, **answers.settings, **_selection_records(chosen)},
        environment={**environment, **(model.spent if isinstance(model, Spender) else {})},
        counts=_counts(there, answers, encoder),
        skipped=_skipped_ids(there.items, answers.items),
        unreadable=_reasons(there, encoder),
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        seconds=round(time.perf_counter() - started, 3),
        outcomes=with_contents(there.protocol, answers.items, answers.outcomes, there.edition.root),
        inputs=encoder.inputs,
        resumed_inputs=from_store,
    )
    if out is not None:
        write_run(run, run_path(run, out))
    return run


class _Attempt(NamedTuple):
    """An evaluation with one batch size, to its end."""

    answers: Answers
    encoder: Encoder
    from_store: int
    """The number of inputs whose encodings were stored."""
    settings: dict[str, Any]


def _check_early(model: str | Model, task: Task, out: str | Path | None) -> None:
    """Check what need not wait for an edition to be drawn: the model's name, the run's place."""
    if isinstance(model, str):
        family_of(model)
    if out is not None:
        check_writable(out, task.info.name)


def _begun(model: Model, resume: bool) -> Model:
    """Tell a model behind a server that an evaluation begins; return the model."""
    if isinstance(model, Spender):
        model.begin_evaluation(fresh=not resume)
    return model


def _published(manifest: ModelManifest) -> ModelManifest:
    """Return the manifest as the run has it, without folders of this machine in its name."""
    return replace(manifest, name=strip_folders(manifest.name))


def fit_model(model: Model, task: Task, root: Path) -> Model:
    """Return the model, fitted to the task's training split if it is a ``Learner``."""
    if not isinstance(model, Learner):
        return model
    return model.fit(task.training(root) if isinstance(task, TrainableTask) else ())


def _selection_records(selections: Sequence[Selection]) -> dict[str, Any]:
    return {CHOSEN: [each.record() for each in selections]} if selections else {}


def _check_images(without_images: bool, model: Model, name: str) -> None:
    """Raise a UsageError if a model reads images that it is not to be given."""
    if without_images and not isinstance(model, TextOnlyModel):
        raise UsageError(f"{name} reads images: leave --without-images out.")


def _add_proposals(task: Task, proposals: str | Path | None) -> tuple[Task, dict[str, str]]:
    """Return the task with a detector's proposals, and the file's digest for the settings."""
    if proposals is None:
        return task, {}
    if not isinstance(task, ProposalTask):
        raise UsageError(f"{task.info.name} takes no proposals: leave --proposals out.")
    path = expand_path(proposals)
    return task.with_proposals(path), {"proposals_sha256": file_sha256(path)}


def describe_settings(
    model: Model, batch_size: int, seed: int, limit: int | None, on_missing: OnMissing
) -> dict[str, Any]:
    """Return the evaluation's settings, for the run."""
    return {
        "device": model.device,
        "precision": model.manifest.dtype,
        "batch_size": batch_size,
        "seed": seed,
        "limit": limit,
        "on_missing": on_missing,
    }


def answer_items(there: ItemSet, model: Model, encoder: Encoder, batch_size: int) -> Answers:
    """Return the outcomes of the usable items.

    Raises:
        ImageError: a file cannot be decoded, and unreadable files are not skipped.
        OutOfMemory: the batch is too large for the memory.
        ModelError: the model's own code raises.
    """
    advice = f"Try --batch-size {max(1, batch_size // 2)}."
    name = model.manifest.name
    with inference(), reuse_memory(), memory_errors(advice), foreign_code(name):
        try:
            return there.protocol.answer(there.usable, model, encoder)
        except ImageError as error:
            raise ImageError(f"{error}. {ADVICE}") from error


def prepare_model(
    model: str | Model,
    device: str | None,
    precision: Precision | None,
    seed: int,
    extras: LoadExtras,
    progress: Progress | None,
) -> Model:
    """Return a loaded model whose manifest can be written to a run."""
    if isinstance(model, str):
        if progress:
            progress(LOADING_STAGE, 0, 1)
        where = choose_device(device or "auto")
        options = LoadOptions(where, precision or "fp32", seed, **extras)
        model = load_model(model, options)
        if progress:
            progress(LOADING_STAGE, 1, 1)
    elif device is not None or precision is not None or any(extras.values()):
        raise UsageError("A loaded model has its own device and precision: leave such options out.")
    if problems := list(description_problems(model)):
        named = getattr(model.manifest, "name", type(model).__name__)
        raise ContractError(f"The model {named} breaks the contract: {'; '.join(problems)}.")
    return model


def _skipped_ids(items: Sequence[Question], kept: Sequence[Question]) -> tuple[str, ...]:
    there = {item.id for item in kept}
    return tuple(item.id for item in items if item.id not in there)


def _counts(there: ItemSet, answers: Answers, encoder: Encoder) -> Counts:
    paths = {ref.path for item in answers.items for ref in item.images}
    read = paths & encoder.files.sha256.keys()
    pictures = overhanging = 0
    for ref in encoder.shown:
        pictures += ref.path in paths
        overhanging += ref.path in read and there.surveyed.overhangs(ref)
    return Counts(
        items_in_edition=there.in_edition,
        items=len(answers.items),
        skipped=len(there.items) - len(answers.items),
        images=len(paths),
        pictures=pictures,
        captions=len(encoder.phrases),
        clusters=len({item.cluster for item in answers.items}),
        overhanging_crops=overhanging,
        truncated_captions=len(encoder.truncated),
        **there.surveyed.tally(read),
    )


def _reasons(there: ItemSet, encoder: Encoder) -> dict[str, str]:
    """Return file → why it could not be read, in order of files."""
    reasons = {path: str(error) for path, error in there.surveyed.unreadable.items()}
    reasons |= encoder.files.unreadable
    return {name_below(path, there.edition.root): reasons[path] for path in sorted(reasons)}


def data_sha256(edition: Edition, images: Mapping[Path, str]) -> str:
    """Return the SHA-256 over an edition's annotations and the digests of the images used."""
    digest = hashlib.sha256(edition.annotations_sha256.encode())
    for path in sorted(images):
        digest.update(f"\n{name_below(path, edition.root)} {images[path]}".encode())
    return digest.hexdigest()


def check_settings(
    limit: int | None, batch_size: int | None, seed: int, on_missing: str, precision: str | None
) -> None:
    """Check the settings of an evaluation.

    Raises:
        UsageError: a setting is not valid; the message names the valid values.
    """
    whole = (("limit", limit, 1), ("batch size", batch_size, 1), ("seed", seed, 0))
    for name, value, least in whole:
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 2**63:
            raise UsageError(f"The {name} should be a whole number from {least}, not {value!r}.")
    if on_missing not in get_args(OnMissing):
        raise UsageError(f"on_missing should be 'error' or 'skip', not {on_missing!r}.")
    if precision is not None and precision not in get_args(Precision):
        raise UsageError(f"Unknown precision {precision!r}: {', '.join(get_args(Precision))}.")
