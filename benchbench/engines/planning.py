"""Planning: what several models on several tasks will read and encode, before anything is."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from benchbench.adapters.computation import Computation
from benchbench.devices import memory_errors
from benchbench.editions import choose_edition
from benchbench.embedding.shares import Listing, SharedEncoder
from benchbench.engines.costs import DEFAULT_BATCH, Costs, count_costs
from benchbench.engines.plans import Plan, PlannedCell, PlanSettings
from benchbench.errors import BenchbenchError, Unsuited, UsageError
from benchbench.evaluation import answer_items, check_settings, fit_model, prepare_model
from benchbench.failures import foreign_code
from benchbench.item_sets import ItemSet, choose_items
from benchbench.printable import one_line
from benchbench.registry import MEMORY_ADVICE, family_of, load_task
from benchbench.suites import choose_tasks
from benchbench.types import scores_pairs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchbench.types import LoadExtras, Model, Progress, Task


def make_plan(
    models: Sequence[str],
    tasks: Sequence[str],
    settings: PlanSettings,
    progress: Progress | None = None,
) -> Plan:
    """Return the plan of each model on each task.

    Every model is loaded once, on the CPU, and runs on a single input, to count its operations. A
    model or a task's files that cannot be loaded are noted in their cells. Tasks of a suite that
    have no files, and cells of models that a suite's task is not for, are left out; the plan says
    which.

    Args:
        models: specifications.
        tasks: names of tasks and of suites (``suite:aro``, ``all``).
        settings: the settings of all evaluations.
        progress: called as ``progress(what, done, total)``.

    Raises:
        UsageError: there is no model or task, a name occurs twice, or a setting is not valid.
        UnknownName: there is no such task or suite, or no such family of models.
    """
    chosen = choose_tasks(tasks, settings.data_root, settings.edition)
    _check_names(models, chosen.names)
    check_settings(
        settings.limit, settings.batch_size, settings.seed, settings.on_missing, settings.precision
    )
    settings = _pinned(settings)
    planner = _Planner(
        settings,
        {name: load_task(name) for name in chosen.names},
        frozenset(chosen.names) - frozenset(tasks),
    )
    cells = []
    for done, model in enumerate(models):
        if progress:
            progress("models", done, len(models))
        cells += planner.cells(model)
    if progress:
        progress("models", len(models), len(models))
    if not cells:
        raise UsageError(f"Nothing of {', '.join(tasks)} is for these models.")
    return Plan(settings, cells, planner.shared(), {**chosen.left_out, **planner.left_out})


def _check_names(models: Sequence[str], tasks: Sequence[str]) -> None:
    for what, given in (("model", models), ("task", tasks)):
        if not given:
            raise UsageError(f"Nothing is planned without a {what}.")
        if twice := sorted({each for each in given if list(given).count(each) > 1}):
            raise UsageError(f"Named twice: {what} {', '.join(twice)}.")
    for model in models:
        if one_line(model) != model:
            raise UsageError(f"A plan holds no name like {model!r}: rename the file.")
        family_of(model)


def _pinned(settings: PlanSettings) -> PlanSettings:
    """Return the settings with the edition and the data root that variables or files name."""
    chosen = choose_edition(settings.data_root, settings.edition)
    root = None if chosen.root is None else str(chosen.root.absolute())
    return PlanSettings(
        root, chosen.edition, settings.precision, settings.batch_size, settings.seed,
        settings.limit, settings.on_missing, dict(settings.extras),
    )  # fmt: skip


class _Planner:
    """The tasks' items and distinct inputs, which many models share."""

    def __init__(
        self, settings: PlanSettings, tasks: dict[str, Task], of_suites: frozenset[str]
    ) -> None:
        self._settings = settings
        self._tasks = tasks
        self._of_suites = of_suites
        self.left_out: dict[str, str] = {}
        self._items: dict[str, ItemSet | BenchbenchError] = {}
        self._listings: dict[tuple[str, str], Listing] = {}

    def cells(self, name: str) -> list[PlannedCell]:
        """Return a model's cells, one for each task."""
        settings = self._settings
        try:
            with memory_errors(MEMORY_ADVICE), foreign_code(name):
                extras = cast("LoadExtras", dict(settings.extras))
                model = prepare_model(name, "cpu", settings.precision, settings.seed, extras, None)
                costs = count_costs(model)
        except BenchbenchError as error:
            return [_lacking(name, task, str(error)) for task in self._tasks]
        cells = [self._cell(name, model, costs, task) for task in self._tasks]
        return [cell for cell in cells if cell is not None]

    def shared(self) -> dict[str, int]:
        """Return how many distinct inputs all tasks have together, by kind.

        Models of one kind (dual encoders, pair scorers) have the same inputs; kinds are added up.
        """
        unions: dict[str, Listing] = {}
        for (kind, _), listing in self._listings.items():
            unions[kind] = unions.get(kind, Listing()) | listing
        return {
            "crops": sum(len(each.images) for each in unions.values()),
            "captions": sum(len(each.captions) for each in unions.values()),
            "pairs": sum(each.n_pairs for each in unions.values()),
        }

    def _cell(self, name: str, model: Model, costs: Costs, task: str) -> PlannedCell | None:
        try:
            there = self._items_of(task)
            with memory_errors(MEMORY_ADVICE), foreign_code(f"{name} on {task}"):
                fitted = fit_model(model, self._tasks[task], there.edition.root)
                manifest = Computation.of(fitted).manifest
                listing = self._listing(task, fitted, there)
        except BenchbenchError as error:
            if isinstance(error, Unsuited) and task in self._of_suites:
                self.left_out[f"{name} on {task}"] = str(error)
                return None
            return _lacking(name, task, str(error))
        flops = (
            costs.image.flops * _n_encoded(listing, there)
            + costs.caption.flops * len(listing.captions)
            + costs.pair.flops * listing.n_pairs
        )
        return PlannedCell(
            model=name,
            task=task,
            problem="",
            fingerprint=manifest.fingerprint,
            task_version=self._tasks[task].info.version,
            edition=there.edition.name,
            annotations_sha256=there.edition.annotations_sha256,
            items=len(there.usable),
            images=len({ref.path for item in there.usable for ref in item.images}),
            crops=len(listing.images),
            captions=len(listing.captions),
            pairs=listing.n_pairs,
            parameters=manifest.parameters,
            flops=float(flops),
            memory=costs.memory(self._settings.batch_size or DEFAULT_BATCH),
            is_shareable=there.protocol.uses_encoder(fitted),
        )

    def _items_of(self, task: str) -> ItemSet:
        if task not in self._items:
            settings = self._settings
            try:
                self._items[task] = choose_items(
                    self._tasks[task],
                    data_root=settings.data_root,
                    edition=settings.edition,
                    limit=settings.limit,
                    seed=settings.seed,
                    on_missing=settings.on_missing,
                )
            except BenchbenchError as error:
                self._items[task] = error
        found = self._items[task]
        if isinstance(found, BenchbenchError):
            raise found
        return found

    def _listing(self, task: str, model: Model, there: ItemSet) -> Listing:
        """Return the distinct inputs of a task, of which some are pairs for pair scorers."""
        if not there.protocol.uses_encoder(model):
            return Listing()
        kind = "pairs" if scores_pairs(model) else "embeddings"
        if (kind, task) not in self._listings:
            encoder = SharedEncoder(model, None, batch_size=1, workers=1)
            answer_items(there, model, encoder, 1)
            self._listings[kind, task] = encoder.listing
        return self._listings[kind, task]


def _n_encoded(listing: Listing, there: ItemSet) -> int:
    """Return how many images and crops go through an image tower."""
    return len(listing.images) or len({ref for item in there.usable for ref in item.images})


def _lacking(model: str, task: str, problem: str) -> PlannedCell:
    """Return the cell of a model or a task that cannot be loaded."""
    return PlannedCell(model, task, problem, "", 0, "", "", 0, 0, 0, 0, 0, 0, 0.0, 0, False)
