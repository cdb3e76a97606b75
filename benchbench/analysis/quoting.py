"""Published figures beside a leaderboard: which of them, and how they differ from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from benchbench.data.published.figure import published_models
from benchbench.editions import PHOTOGRAPHS, kind_of
from benchbench.errors import UnknownName, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchbench.analysis.leaderboard import Leaderboard
    from benchbench.data.published.figure import Figure, Publication, PublishedModel
    from benchbench.types import TaskInfo

Difference = Literal["metric", "edition", "unknown edition", "definition"]


@dataclass(frozen=True, slots=True)
class QuotedRow:
    """The figures that one table of a source prints for a model."""

    model: PublishedModel
    source: Publication
    where: str
    by: str
    """The tag that ``figures`` are groups of; empty where they are metrics."""
    figures: tuple[Figure, ...]
    differences: tuple[Difference, ...]
    """How they differ from the board; empty where they do not."""


@dataclass(frozen=True, slots=True)
class Quoted:
    """The published figures of a leaderboard's task."""

    rows: tuple[QuotedRow, ...]
    left_out: int = 0
    """Figures of photographs that are not shown, because the board is of drawings."""


def quote(board: Leaderboard, figures: Sequence[Figure]) -> Quoted:
    """Return the published figures of a board's task and metric, row by row of their sources.

    Figures of all items are those by the board's metric, and those by others that average the same
    judgement. Figures of groups are shown where they are by the board's metric.

    Args:
        board: of any metric.
        figures: of any tasks.

    Raises:
        UsageError: a figure is of a metric that the task does not have.
    """
    of_task = figures_of(figures, board.info)
    if kind_of(board.edition) is not PHOTOGRAPHS:
        return Quoted((), len(of_task))
    exact = {_table(each) for each in of_task if each.metric == board.metric.name}
    rows: dict[tuple[object, ...], list[Figure]] = {}
    for each in of_task:
        same = each.metric == board.metric.name
        alike = not each.by and _table(each) not in exact and _is_alike(board, each)
        if same or alike:
            key = (_table(each), each.by, "" if each.by else each.metric, each.differs)
            rows.setdefault(key, []).append(each)
    found = [_row(board, each) for each in rows.values()]
    return Quoted(tuple(sorted(found, key=lambda row: (bool(row.by), bool(row.differences)))))


def _table(figure: Figure) -> tuple[object, ...]:
    """Return what the figures that one table of a source prints for a model have in common."""
    return figure.source, figure.where, figure.model


def _is_alike(board: Leaderboard, figure: Figure) -> bool:
    """Return whether a figure's metric averages the same judgement as the board's."""
    other, own = board.info.metric(figure.metric), board.metric
    return (other.judgement, other.k, other.reading) == (own.judgement, own.k, own.reading)


def _row(board: Leaderboard, figures: Sequence[Figure]) -> QuotedRow:
    first = figures[0]
    found: list[Difference] = []
    if first.metric != board.metric.name:
        found.append("metric")
    if not first.editions:
        found.append("unknown edition")
    elif board.edition not in first.editions:
        found.append("edition")
    if first.differs:
        found.append("definition")
    return QuotedRow(first.model, first.source, first.where, first.by, tuple(figures), tuple(found))


def figures_of(figures: Iterable[Figure], info: TaskInfo) -> list[Figure]:
    """Return the figures of a task, each of a metric that the task has.

    Raises:
        UsageError: a figure's metric, tag or harness is none of the task's.
    """
    found = [each for each in figures if each.task == info.name]
    names = {metric.name for metric in info.metrics}
    harnesses = {"", *(harness.name for harness in info.harnesses)}
    tags = {*info.tags, *info.optional_tags}
    for each in found:
        where = f"{each.source.short}, {each.where}"
        if each.metric not in names:
            raise UsageError(
                f"A figure of {where} is by '{each.metric}', which is no metric of {info.name}. "
                f"Its metrics: {', '.join(sorted(names))}."
            )
        if each.harness not in harnesses:
            raise UsageError(
                f"Figures of {where} are by the harness '{each.harness}', which {info.name} does "
                f"not know. It knows: {', '.join(sorted(filter(None, harnesses))) or 'none'}."
            )
        if each.by and each.by not in tags:
            raise UsageError(
                f"Figures of {where} are by '{each.by}', which is no tag of {info.name}. Its tags: "
                f"{', '.join(sorted(tags)) or 'none'}."
            )
    return found


def model_named(
    figures: Iterable[Figure], name: str, published_as: str = ""
) -> PublishedModel | None:
    """Return the published model whose weights a run has; None where none is known.

    Args:
        figures: that may bring models of their own.
        name: the run's.
        published_as: the key of the model, where the run's name does not tell.

    Raises:
        UnknownName: there is no model of that key.
    """
    there = {**published_models(), **{each.model.key: each.model for each in figures}}
    if published_as:
        if published_as not in there:
            hint = f"There are: {', '.join(sorted(there))}."
            raise UnknownName("published model", published_as, there, hint)
        return there[published_as]
    return next((model for model in there.values() if name in model.names), None)
