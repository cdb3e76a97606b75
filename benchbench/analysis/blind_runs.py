"""Runs of text-only models on a task's items, without its images.

Models that learn get captions from one of three places, and each run says from which:

* a file of captions that the caller names, without the images and the captions of the items;
* the task's own training split;
* the true captions of the items themselves, cross-fitted: source images are dealt into ``FOLDS``
  parts by a hash of their names, and each part is scored by a model of the others. The twins of the
  drawn world stay together: what is true of one is false of the other, so that a model of one would
  score below chance on the other.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.datasets.tallies import captions_of, plain, sides
from benchbench.errors import UsageError
from benchbench.evaluation import evaluate
from benchbench.failures import task_items
from benchbench.types import Entry, Gallery, ImageRef, Scene, TrainableTask

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchbench.types import Progress, Run, Task, TaskInfo

FOLDS = 5
FIXED = ("blind:length", "blind:length-longest")
LEARNERS = ("blind:ngram", "blind:ngram-mean")
CONTRAST = "blind:ngram-ratio"
OF_SCENES = ("blind:frequency",)
STAGE = "text-only models"
"""The stage's name for ``progress``."""


@dataclass(frozen=True, slots=True)
class BlindRun:
    """A run of a text-only model."""

    run: Run
    training: str
    """The captions that it was trained on, in words; "" where it learns nothing."""


@dataclass(frozen=True, slots=True)
class Given:
    """A task with some of its items, and the items that a learner is fitted to."""

    info: TaskInfo
    chosen: Sequence[Any]
    fitted_to: Sequence[Any] = ()
    twins: bool = False
    """Whether source images come in twins, as in the drawn world."""

    def items(self, root: Path) -> Sequence[Any]:
        """Return the items that were chosen."""
        return self.chosen

    def training(self, root: Path) -> Sequence[Any]:
        """Return the items that a learner is fitted to."""
        return self.fitted_to


def blind_runs(
    task: Task,
    root: Path,
    where: Mapping[str, Any],
    *,
    twins: bool = False,
    captions: Mapping[str, Sequence[str]] | None = None,
    captions_name: str = "",
    models: Sequence[str] = (),
    progress: Progress | None = None,
) -> Iterator[BlindRun]:
    """Yield a run of each text-only model.

    Args:
        task: the task.
        root: the folder of its files.
        where: ``data_root`` and ``edition``, as for ``evaluate``.
        twins: whether source images come in twins, as in the drawn world.
        captions: image → captions to train on, as well.
        captions_name: the name of their file.
        models: further text-only models, as ``blind:hf:gpt2``.
        progress: called as ``progress(what, done, total)``.

    Raises:
        UsageError: a model reads images, or no caption of ``captions`` is left to train on.
    """
    items = task_items(task, root)
    plans = _plans(items, models)
    if captions is not None:
        plans += _plans_of_captions(captions, captions_name, items)
    plans += _own_plans(task, root, items)
    for done, plan in enumerate(plans, start=1):
        given = Given(task.info, items, plan.fitted_to, twins)
        how = _cross_fitted if plan.crossed else _run
        yield BlindRun(how(plan.model, given, where), plan.training)
        if progress:
            progress(STAGE, done, len(plans))


@dataclass(frozen=True, slots=True)
class _Plan:
    """A run to be made."""

    model: str
    training: str = ""
    fitted_to: Sequence[Any] = ()
    crossed: bool = False


def _plans(items: Sequence[Any], models: Sequence[str]) -> list[_Plan]:
    """Return the runs of models that learn nothing, the caller's first: their errors come early.

    Rules on captions score no scenes.
    """
    scenes = any(isinstance(item, Scene) for item in items)
    return [_Plan(name) for name in (*models, *(() if scenes else FIXED))]


def _plans_of_captions(
    captions: Mapping[str, Sequence[str]], name: str, items: Sequence[Any]
) -> list[_Plan]:
    entries = _entries(captions, items)
    if not entries:
        raise UsageError(
            f"{name} has no caption left to train on: all are of the items' own images, or equal "
            "one of their captions."
        )
    n = sum(len(entry.captions) for entry in entries)
    told = f"{n:,} captions of {name}, without the items' own images and captions"
    return [_Plan(model, told, entries) for model in LEARNERS]


def _own_plans(task: Task, root: Path, items: Sequence[Any]) -> list[_Plan]:
    """Return the runs of learners, fitted to the training split or else cross-fitted."""
    split = task.training(root) if isinstance(task, TrainableTask) else ()
    scenes = any(isinstance(item, Scene) for item in items)
    if split:
        told = f"the task's training split, {len(split):,} images"
        return [_Plan(name, told, split) for name in (OF_SCENES if scenes else LEARNERS)]
    if any(all(sides(item)) or hasattr(item, "label") for item in items):
        told = f"the items' own true captions, cross-fitted: {FOLDS} parts of the source images"
        plans = [_Plan(name, told, crossed=True) for name in LEARNERS]
        both = f"the items' own true and false captions, cross-fitted: {FOLDS} parts"
        return [*plans, _Plan(CONTRAST, both, crossed=True)]
    return []


def _run(model: str, task: Task, where: Mapping[str, Any]) -> Run:
    return evaluate(model, task, **where, without_images=True, resume=False)


def _cross_fitted(name: str, given: Given, where: Mapping[str, Any]) -> Run:
    """Return one run of all items, each scored by a model of the other parts' true captions."""
    parts = [fold_of(item.cluster, given.twins) for item in given.chosen]
    outcomes: dict[str, Any] = {}
    runs = []
    for part in sorted(set(parts)):
        inner = [i for i, p in zip(given.chosen, parts, strict=True) if p == part]
        others = [i for i, p in zip(given.chosen, parts, strict=True) if p != part]
        fitted = replace(given, chosen=inner, fitted_to=others)
        runs.append(_run(name, fitted, where))
        outcomes |= {outcome.id: outcome for outcome in runs[-1].outcomes}
    counts = replace(
        runs[0].counts, items=len(outcomes), items_in_edition=len(outcomes),
        clusters=len({item.cluster for item in given.chosen}),
    )  # fmt: skip
    ordered = tuple(outcomes[item.id] for item in given.chosen if item.id in outcomes)
    return replace(runs[0], counts=counts, outcomes=ordered)


def fold_of(cluster: str, twins: bool = False) -> int:
    """Return the part that a source image belongs to: 0 to ``FOLDS`` − 1.

    Args:
        cluster: the image's name.
        twins: whether images 2 k and 2 k + 1 belong to one part.

    >>> fold_of("000000391895.jpg")
    0
    >>> fold_of("000012.png", twins=True) == fold_of("000013.png", twins=True)
    True
    """
    if twins and (number := image_number(cluster)):
        cluster = str(int(number) // 2)
    return hashlib.sha256(cluster.encode()).digest()[0] % FOLDS


def _entries(captions: Mapping[str, Sequence[str]], items: Sequence[Any]) -> list[Entry]:
    """Return the captions of other images than the items', without the items' captions."""
    known = {image_number(item.cluster) for item in items} | {item.cluster for item in items}
    own = {plain(text) for item in items for text in captions_of(item)}
    gallery, found = Gallery("train"), []
    for name, texts in captions.items():
        left = tuple(text for text in texts if plain(text) not in own)
        # Names without a number have none in common.
        number = image_number(name) or name
        if left and number not in known and name not in known:
            found.append(Entry(name, ImageRef(Path(name)), left, name, gallery))
    return found


def image_number(name: str) -> str:
    """Return the last number in an image's name, without leading zeros; "" where there is none.

    COCO's images have other names in each release, and the same number.

    >>> image_number("val2014/COCO_val2014_000000391895.jpg"), image_number("000000391895.jpg")
    ('391895', '391895')
    """
    numbers = re.findall(r"\d+", name.rpartition("/")[2].rpartition(".")[0] or name)
    return (numbers[-1].lstrip("0") or "0") if numbers else ""
