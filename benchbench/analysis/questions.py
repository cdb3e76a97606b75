"""The items behind a run, read again from its task's files, for reports that show them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchbench.editions import DRAWN, SCENES, choose_edition, kind_of, resolve_edition
from benchbench.errors import MissingData, UsageError
from benchbench.failures import task_items
from benchbench.registry import load_task

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchbench.types import Progress, Question, Run


@dataclass(frozen=True, slots=True)
class QuestionSource:
    """The items of a run, or the reason why they are not at hand."""

    items: Mapping[str, Question] = field(default_factory=dict, repr=False)
    """Id → item; empty if the files are not at hand."""
    missing: str = ""
    """Why there are none, in a sentence; "" if they are there."""
    root: Path | None = None
    """The root of the files, if they are there."""


def questions_of(
    run: Run,
    data_root: str | Path | None = None,
    edition: str | None = None,
    progress: Progress | None = None,
    *,
    with_images: bool = False,
) -> QuestionSource:
    """Read the items of a run's edition.

    The drawn world is made where it is not in the cache; a data root is for other editions, whose
    images need not be there.

    Args:
        run: the run.
        data_root: a folder with the task's files, as for ``evaluate``.
        edition: as for ``evaluate``.
        progress: called while the world is drawn.
        with_images: whether the drawn world's images are drawn, too, and not its annotations alone.

    Raises:
        MalformedData: a file exists and is not in its format.
        UsageError: the files are of this edition, and lack an item of the run.
    """
    task = load_task(run.task)
    drawn = kind_of(run.edition) is DRAWN
    if drawn:
        data_root, edition = None, SCENES
    elif choose_edition(data_root, edition).edition == SCENES:
        return QuestionSource(
            missing=f"The files of {run.edition} are nowhere named: --data-root DIR"
        )
    try:
        shown = with_images and drawn
        found = resolve_edition(task.info, data_root, edition, progress, with_images=shown)
    except (MissingData, UsageError) as error:
        return QuestionSource(missing=str(error))
    if found.name != run.edition:
        return QuestionSource(
            missing=f"The runs are of {run.edition}, and the files found are {found.name}. Name "
            "the runs' own: --data-root DIR"
        )
    items = {item.id: item for item in task_items(task, found.root)}
    if lacking := next((o.id for o in run.outcomes if o.id not in items), None):
        raise UsageError(
            f"The files of {run.task}@{run.edition} have no item {lacking}, and the run has. The "
            "run was not made from them: leave the items out with --ids-only."
        )
    return QuestionSource(items=items, root=found.root)
