"""Figures for papers by matplotlib: PDF, PNG and SVG of scores, groups and mean ranks.

The figures of pages and reports are ``render/figures.py``: small SVG texts that follow a reader's
light or dark page and stay the same bytes for the same runs. A paper needs what these are not: PDF
with embedded fonts, in a column's width, on white. The files have no date and no random ids, so
that the same runs give the same bytes with one version of matplotlib.

Colours are Okabe and Ito's (https://jfly.uni-koeln.de/color/), told apart by colour-blind readers,
and a map of one hue whose lightness alone tells the values.
"""

from __future__ import annotations

import math
import textwrap
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

from benchbench.analysis.leaderboard import leaderboard
from benchbench.analysis.overall import FEW_TASKS, over_tasks, shared_runs
from benchbench.analysis.reliability import is_heavy
from benchbench.atomic import atomic_write
from benchbench.errors import UsageError
from benchbench.files import expand_path
from benchbench.render.exporting import import_tracker
from benchbench.render.figures import nice_ticks
from benchbench.render.text import NONE, labels, short
from benchbench.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from benchbench.analysis.leaderboard import Leaderboard
    from benchbench.analysis.overall import Overall
    from benchbench.types import Run, Ties

    # matplotlib's, which need not be installed:
    Axes: TypeAlias = Any
    Figure: TypeAlias = Any

INK, SOFT, LINE, BLUE, VERMILION = "#1b1f24", "#57606a", "#d0d7de", "#0072B2", "#D55E00"
SUFFIXES = (".pdf", ".png", ".svg")
NAME = 32
"""Characters of a name, at most."""
WIDTH = 6.5
"""Inches: the text of a paper in one column."""
SMALL = 0.062
"""Inches of a sign of small text, with some to spare."""
STYLE = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same on every machine
    "font.size": 8,
    "text.parse_math": False,  # a $ in a name is a $
    "text.color": INK,
    "axes.edgecolor": SOFT,
    "axes.linewidth": 0.6,
    "pdf.fonttype": 42,  # TrueType, embedded: what conferences take
    "svg.fonttype": "path",
    "svg.hashsalt": "benchbench",
    "savefig.dpi": 200,
}


def write_plot(
    runs: Sequence[Run],
    kind: str,
    out: str | Path,
    *,
    metric: str | None = None,
    ties: Ties = "wrong",
    level: float = 0.95,
    seed: int = 0,
    width: float = WIDTH,
) -> Path:
    """Draw a figure of runs and write it, whole or not at all; return its path.

    Args:
        runs: one per model, task and edition.
        kind: ``forest``: scores with intervals, a panel a task and edition. ``heatmap``: of one
            task the scores in its groups, of several the headlines. ``cd``: mean ranks over tasks.
        out: the file; its suffix says the format (``SUFFIXES``).
        metric: a metric of the task; by default its headline, as always in ``cd``.
        ties: the tie rule, where the metric fixes none; as wrong in ``cd``.
        level: the confidence level of intervals.
        seed: the seed of all draws.
        width: the width in inches.

    Raises:
        UsageError: no such kind or format, matplotlib is not installed, or the runs do not give
            such a figure.
        RunError: the file cannot be written.
    """
    path = expand_path(out)
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{path.name} names no format: end it with {' or '.join(SUFFIXES)}.")
    if kind not in KINDS:
        raise UsageError(f"There is no figure '{kind}': name {' or '.join(KINDS)}.")
    if kind == "cd" and (metric is not None or ties != "wrong"):
        raise UsageError(
            "Mean ranks are of each task's headline, with ties as wrong: leave --metric and --ties "
            "out."
        )
    grouped: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        grouped.setdefault((run.task, run.edition), []).append(run)
    if not grouped:
        raise UsageError("No run was given. Name a run file, or a folder of run files.")
    matplotlib = import_tracker("matplotlib", "matplotlib", "figures")
    boards = [leaderboard(of, metric, ties=ties, level=level, seed=seed) for of in grouped.values()]
    with matplotlib.rc_context(STYLE):
        figure = KINDS[kind](boards, width)
        _save(figure, path)
    return path


def _save(figure: Figure, path: Path) -> None:
    """Write a figure without the time, which would make the bytes differ."""
    suffix = path.suffix.lower().removeprefix(".")
    maker = f"benchbench {VERSION}"
    facts: Mapping[str, Mapping[str, str | None]] = {
        "pdf": {"Creator": maker, "Producer": "matplotlib", "CreationDate": None},
        "svg": {"Creator": maker, "Date": None},
        "png": {"Software": maker},
    }
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        figure.savefig(file, format=suffix, metadata=facts[suffix])


def _figure(width: float, height: float) -> Figure:
    return import_module("matplotlib.figure").Figure(figsize=(width, height), layout="constrained")


def _wrapped(text: str, width: float) -> str:
    """Return small text in lines that fit a figure of some width, in inches."""
    return textwrap.fill(shown(text), int(width / SMALL), break_on_hyphens=False)


def shown(text: str) -> str:
    """Return text with the signs that the font has; others by their number, ``[U+4E2D]``."""
    return "".join(c if ord(c) in _signs() else f"[U+{ord(c):04X}]" for c in text)


def _signs() -> Any:
    """Return the code points of the font."""
    fonts = import_module("matplotlib.font_manager")
    path = fonts.findfont(fonts.FontProperties(family=STYLE["font.family"]))
    return fonts.get_font(path).get_charmap()


def forest(boards: Sequence[Leaderboard], width: float) -> Figure:
    """Draw every model's score with its interval: a panel a board, below each other."""
    rows = [len(board.places) for board in boards]
    places = [place for board in boards for place in board.places]
    notes = [f"Bars: {100 * boards[0].level:g} % intervals by source images. Dashed: guessing."]
    notes += ["Dotted: unreliable, for rare groups."] * any(
        is_heavy(board.rare_share) for board in boards
    )
    notes += ["Hollow: text-only."] * any(place.text_only for place in places)
    notes += ["Models that share a letter are not told apart."] * (max(rows) > 1)
    note = _wrapped(" ".join(notes), width)
    height = sum(0.22 * n + 0.75 for n in rows) + 0.15 * (1 + note.count("\n"))
    figure = _figure(width, height)
    panels = figure.subplots(len(boards), 1, squeeze=False, height_ratios=[n + 1 for n in rows])
    for axes, board in zip(panels[:, 0], boards, strict=True):
        _forest_panel(axes, board, width)
    figure.supxlabel(note, fontsize=7, color=SOFT)
    return figure


def _forest_panel(axes: Axes, board: Leaderboard, width: float) -> None:
    scale = 1.0 if board.is_rank else 100.0
    names = labels([place.run.model.name for place in board.places], NAME)
    ends = [] if math.isnan(board.chance) else [scale * board.chance]
    for row, place in enumerate(board.places):
        e, colour = place.estimate, SOFT if place.text_only else BLUE
        found = [scale * value for value in (e.value, e.low, e.high) if not math.isnan(value)]
        ends += found
        if len(found) == 3:
            style = ":" if is_heavy(board.rare_share) else "-"
            axes.plot(found[1:], [row, row], style, color=colour, lw=2, solid_capstyle="butt")
        fill = "white" if place.text_only else colour
        axes.plot(scale * e.value, row, "o", color=colour, markerfacecolor=fill, markersize=4.5)
        said = f"{scale * e.value:.1f} {place.letters if len(board.places) > 1 else ''}"
        axes.annotate(
            said, (1, row), (4, 0), xycoords=("axes fraction", "data"),
            textcoords="offset points", va="center", fontsize=7,
        )  # fmt: skip
    if not math.isnan(board.chance):
        axes.axvline(scale * board.chance, color=SOFT, linestyle=(0, (4, 3)), linewidth=0.8)
    if ends:
        ticks = nice_ticks(min(ends), max(ends))
        axes.set_xticks(ticks)
        pad = 0.02 * (ticks[-1] - ticks[0])
        axes.set_xlim(ticks[0] - pad, ticks[-1] + pad)
    axes.set_yticks(range(len(names)), [shown(name) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(axis="x", color=LINE, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(length=0)
    unit = ", rank" if board.is_rank else ", %"
    title = f"{_name(board)} · {board.metric.name}{unit}"
    axes.set_title(_wrapped(title, 0.6 * width), loc="left", fontsize=8)


def _name(board: Leaderboard) -> str:
    return f"{board.info.name}@{short(board.edition, NAME)}"


def heat_map(boards: Sequence[Leaderboard], width: float) -> Figure:
    """Draw scores as shades with their numbers: of one board by group, of several by task.

    Raises:
        UsageError: a metric is a rank, or a single board has no groups.
    """
    if ranked := next((board for board in boards if board.is_rank), None):
        raise UsageError(
            f"{_name(ranked)} is by {ranked.metric.name}, a rank, and a heat map is of shares. "
            "Leave it out, or name a metric: --metric."
        )
    if len(boards) > 1:
        names = list(dict.fromkeys(p.run.model.name for b in boards for p in b.places))
        found = [{p.run.model.name: p.estimate.value for p in b.places} for b in boards]
        table = [[of.get(name, math.nan) for of in found] for name in names]
        heads = [f"{_name(board)} · {board.metric.name}" for board in boards]
        return _shades(names, heads, table, "Scores, %", width)
    (board,) = boards
    if board.groups_by is None:
        raise UsageError(
            f"{_name(board)} has no groups of items. A heat map needs them, or runs of several "
            "tasks."
        )
    names = [place.run.model.name for place in board.places]
    heads = [f"{short(group.name or 'all', 20)} ({group.n_items:,})" for group in board.groups]
    table = [[group.scores[i] for group in board.groups] for i in range(len(names))]
    title = f"{_name(board)} · {board.metric.name}, % by {board.groups_by} (items)"
    return _shades(names, heads, table, title, width)


def _shades(
    names: Sequence[str],
    heads: Sequence[str],
    table: Sequence[Sequence[float]],
    title: str,
    width: float,
) -> Figure:
    """Draw a table with a row a head and a column a model; NaN is a dash."""
    columns = list(zip(*table, strict=True))
    figure = _figure(width, 0.24 * len(heads) + 1.3)
    axes = figure.subplots()
    axes.imshow(columns, cmap="Blues", vmin=0, vmax=1.15, aspect="auto")  # 1.15: no black cells
    for row, of_models in enumerate(columns):
        for column, value in enumerate(of_models):
            text = NONE if math.isnan(value) else f"{100 * value:.0f}"
            colour = "white" if value > 0.78 else INK  # whichever contrasts more
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=7)
    axes.set_yticks(range(len(heads)), [shown(head) for head in heads])
    models = [shown(name) for name in labels(names, NAME)]
    axes.set_xticks(range(len(models)), models, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_xticks([x - 0.5 for x in range(1, len(models))], minor=True)
    axes.set_yticks([y - 0.5 for y in range(1, len(heads))], minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(length=0, which="both")
    axes.spines[:].set_visible(False)
    if title:
        figure.suptitle(_wrapped(title, 0.85 * width), x=0.02, ha="left", fontsize=8)
    return figure


def critical_difference(boards: Sequence[Leaderboard], width: float) -> Figure:
    """Draw mean ranks over tasks, with bars that join models within the critical difference.

    Raises:
        UsageError: fewer than two tasks of one edition, or fewer than two models on all of them.
    """
    editions = {board.edition for board in boards}
    runs = {b.info.name: {p.run.model.name: p.run for p in b.places} for b in boards}
    shared = shared_runs(runs) if len(editions) == 1 and len(runs) > 1 else {}
    if not shared:
        raise UsageError(
            "A diagram of mean ranks needs two models with runs of the same two tasks or more, of "
            f"one edition: these are of {', '.join(_name(board) for board in boards)}."
        )
    whole = over_tasks(shared, level=boards[0].level)
    k = len(whole.standings)
    half, bars = (k + 1) // 2, len(whole.cliques)
    top = 0.3 + 0.12 * bars  # from the axis to the first name
    height = 1.15 + top + 0.26 * half
    figure = _figure(width, height)
    axes = figure.subplots()
    _rank_axis(axes, whole)
    _rank_names(axes, whole, top)
    axes.set_xlim(1 - 0.62 * k, k + 0.62 * k)
    axes.set_ylim(-(top + 0.26 * half - 0.2), 0.75)
    axes.axis("off")
    note = (
        f"Mean ranks over {len(whole.tasks)} tasks of {short(next(iter(editions)), NAME)}; 1 is "
        "best. A bar joins models within the critical difference."
    )
    if len(whole.tasks) <= FEW_TASKS:
        note += " Over so few tasks that is rough."
    axes.set_title(_wrapped(note, width), fontsize=7, color=SOFT, loc="left")
    return figure


def _rank_axis(axes: Axes, whole: Overall) -> None:
    """Draw the axis of ranks, the critical difference, and the bars of models alike."""
    k, order = len(whole.standings), whole.by_mean_rank
    axes.plot([1, k], [0, 0], color=INK, linewidth=0.8, clip_on=False)
    for rank in range(1, k + 1):
        axes.plot([rank, rank], [0, 0.09], color=INK, linewidth=0.8)
        axes.text(rank, 0.15, str(rank), ha="center", va="bottom", fontsize=7)
    bar = [1, 1 + whole.critical_difference]
    axes.plot(bar, [0.55, 0.55], color=VERMILION, linewidth=1.5, marker="|", markersize=5)
    said = f"critical difference {whole.critical_difference:.2f}"
    axes.text(1 - 0.02 * k, 0.55, said, ha="right", va="center", fontsize=7, color=SOFT)
    for row, (first, last) in enumerate(whole.cliques):
        y, ends = -0.16 - 0.12 * row, (order[first].mean_rank, order[last].mean_rank)
        axes.plot(
            [ends[0] - 0.02 * k, ends[1] + 0.02 * k], [y, y], color=BLUE, linewidth=3,
            solid_capstyle="butt",
        )  # fmt: skip


def _rank_names(axes: Axes, whole: Overall, top: float) -> None:
    """Write the better half of the models at the left, the others at the right, best outside."""
    k, order = len(whole.standings), whole.by_mean_rank
    half, names = (k + 1) // 2, labels([each.name for each in order], 26)
    for place, each in enumerate(order):
        left = place < half
        y = -(top + 0.26 * (place if left else k - 1 - place))
        edge = 1 - 0.6 * k if left else k + 0.6 * k
        axes.plot([each.mean_rank] * 2 + [edge], [0, y, y], color=SOFT, linewidth=0.6)
        axes.plot(each.mean_rank, 0, "o", color=BLUE, markersize=3, clip_on=False)
        axes.text(
            edge, y + 0.03, f"{shown(names[place])}  {each.mean_rank:.1f}",
            ha="left" if left else "right", va="bottom", fontsize=7,
        )  # fmt: skip


KINDS: Mapping[str, Callable[[Sequence[Leaderboard], float], Figure]] = {
    "forest": forest,
    "heatmap": heat_map,
    "cd": critical_difference,
}
"""Kind of figure → the function that draws it."""
