"""The page of a report: its template filled with boards, manifests and the names of the views."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from benchbench.printable import one_line, sentence
from benchbench.render.leaderboard import (
    cells,
    facts,
    has_blind,
    heads,
    notes,
    number,
    title,
    warnings,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchbench.analysis.leaderboard import Leaderboard, Place
    from benchbench.render.explorer.images import ImageFiles, Mode
    from benchbench.render.explorer.report import TaskReport
    from benchbench.types import Run

BAR = 160
"""Width of the drawn interval in a board's row."""


def page(tasks: Sequence[TaskReport], images: ImageFiles, mode: Mode) -> str:
    """Return the HTML page; every text in it is escaped.

    Args:
        tasks: the results of each task.
        images: the image files of all tasks.
        mode: what is done with image files.
    """
    from jinja2 import Environment, StrictUndefined

    template = (files("benchbench.render.explorer") / "assets" / "index.html.jinja").read_text(
        "utf-8"
    )
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(template).render(
        tasks=[_task(task) for task in tasks],
        bar=BAR,
        remark=_image_remark(images, mode),
        runs=_counted(sum(len(task.runs) for task in tasks), "run"),
    )


def _image_remark(images: ImageFiles, mode: Mode) -> str:
    """Return what the page says of images that it lacks; "" if there is nothing to say."""
    if mode == "none":
        return "This report shows no images (--images none)."
    if images.missing == 1:
        return "1 image file is not at hand, or no browser shows it."
    if images.missing:
        return f"{images.missing:,} image files are not at hand, or no browser shows them."
    return ""


def _counted(n: int, noun: str) -> str:
    """Return a number with its noun, which takes an "s" for several.

    >>> _counted(1, "run"), _counted(2000, "run")
    ('1 run', '2,000 runs')
    """
    return f"{n:,} {noun if n == 1 else noun + 's'}"


def _task(task: TaskReport) -> dict[str, Any]:
    board = task.board
    return {
        "name": task.name,
        "title": one_line(board.info.title),
        "measures": one_line(board.info.measures),
        "paper": one_line(board.info.paper),
        "facts": sentence(facts(board)),
        "missing": one_line(task.source.missing),
        "warnings": [sentence(line) for line in warnings(board)],
        "notes": [sentence(line) for line in notes(board)],
        "heads": heads(board),
        "metric": board.metric.name,
        "rows": [_row(board, *each) for each in zip(board.places, cells(board), strict=True)],
        "chance": _position(board, board.chance),
        "models": [one_line(run.model.name) for run in task.runs],
        "titles": [title(place) for place in board.places],
        "text_only": [place.text_only for place in board.places],
        "decisions": [run.decisions_only for run in task.runs],
        "alpha": f"{1 - board.level:.2g}",
        "ranks": board.is_rank,
        "n_items": len(task.runs[0].outcomes),
        "has_groups": task.groups is not None,
        "manifest": list(_manifest(task.runs)),
    }


def _row(board: Leaderboard, place: Place, texts: Sequence[str]) -> dict[str, Any]:
    """Return the cells of a model, each with the value by which its column sorts."""
    estimate = place.estimate
    sorts: list[float | str] = [
        place.best,
        one_line(place.run.model.name.lower()),
        estimate.value,
        estimate.low,
        *[place.above_blind] * has_blind(board),
        place.letters,
        place.p_first,
        math.nan if place.run.imported else place.run.model.parameters,
    ]
    at = _position(board, estimate.value)
    ends = [_position(board, each) for each in (estimate.low, estimate.high)]
    low, high = (at if end is None else end for end in ends)  # a dot where there is no interval
    values = ["" if isinstance(each, float) and math.isnan(each) else each for each in sorts]
    return {
        "cells": [{"text": text, "sort": value} for text, value in zip(texts, values, strict=True)],
        "full_name": one_line(place.run.model.name),
        "text_only": place.text_only,
        "bar": None if at is None else [low, at, high],
        "says": f"{number(board, estimate.low)} to {number(board, estimate.high)}",
    }


def _position(board: Leaderboard, value: float) -> float | None:
    """Return where a score stands on the drawn axis; None for NaN, and for ranks."""
    if board.is_rank or math.isnan(value):
        return None
    return round(BAR * min(1.0, max(0.0, value)), 1)


def _manifest(runs: Sequence[Run]) -> Iterator[dict[str, Any]]:
    """Yield a row for each fact of the models and runs, with a value per run."""
    facts_of = [dict(_facts(run)) for run in runs]
    for name in dict.fromkeys(name for of_run in facts_of for name in of_run):
        values = [of_run.get(name, "") for of_run in facts_of]
        yield {"name": name, "texts": values}


def _facts(run: Run) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each fact of a model and of its run."""
    model = {name: value for name, value in asdict(run.model).items() if name != "name"}
    yield from _flat("model", {**model, "fingerprint": run.model.fingerprint})
    yield from _flat("settings", run.settings)
    yield from _flat("environment", run.environment)
    yield from _flat("counts", asdict(run.counts))
    for name in ("task_version", "data_sha256", "created", "seconds", "seal"):
        yield f"run.{name}", _value(getattr(run, name))


def _flat(prefix: str, record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the leaves of a nested record under dotted names."""
    for key, value in record.items():
        name = f"{prefix}.{one_line(str(key))}"
        if isinstance(value, dict) and value:
            yield from _flat(name, value)
        else:
            yield name, _value(value)


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return one_line(text)
