"""Published figures on a task's card: those of the two models that papers most often compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.data.published.figure import published_figures

if TYPE_CHECKING:
    from benchbench.data.published.figure import Figure
    from benchbench.types import TaskInfo

MODELS = ("openai-vit-b-32", "negclip")


def figure_lines(info: TaskInfo) -> list[str]:
    """Return a line for each metric, model and source; figures are as printed, in percent.

    They are quoted, never measured. Figures of groups share a line. ``*`` marks those whose
    definition or inputs differ from the task's.
    """
    found = [each for each in published_figures() if each.task == info.name]
    lines: dict[tuple[str, str, str], list[Figure]] = {}
    for key in MODELS:
        for figure in (each for each in found if each.model.key == key):
            source = f"{figure.source.short}, {figure.where}"
            lines.setdefault((figure.metric, figure.model.title, source), []).append(figure)
    order = [metric.name for metric in info.metrics]
    return [
        f"{metric}, {model}: {', '.join(map(_figure, figures))} ({source})"
        for (metric, model, source), figures in sorted(
            lines.items(), key=lambda line: order.index(line[0][0])
        )
    ]


def _figure(figure: Figure) -> str:
    mark = "*" if figure.differs else ""
    return f"{figure.group} {figure.printed}{mark}".lstrip()
