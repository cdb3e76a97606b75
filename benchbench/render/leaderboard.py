"""A leaderboard for a terminal, as markdown, HTML, LaTeX, CSV and JSON."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING

from benchbench.analysis.reliability import is_heavy
from benchbench.printable import json_text, sentence
from benchbench.render.caveats import (
    banners,
    common_banner,
    digest_note,
    edition_banner,
    few_images,
    interval_note,
    interval_text,
    rare_groups_note,
    setting_warnings,
)
from benchbench.render.figures import forest_plot
from benchbench.render.html_page import PAGE
from benchbench.render.latex import tex
from benchbench.render.text import (
    ABOVE_BLIND,
    NONE,
    PARTS,
    csv_table,
    difference_text,
    escape_markdown,
    json_number,
    p_text,
    percent,
    place_text,
    short,
    wrap,
)
from benchbench.stats.means import FEW_CLUSTERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from benchbench.analysis.leaderboard import Correction, Leaderboard, Place

NOTE = ": NOTE:"
"""The banner that stands below the table, behind the model's name."""
NAME = 64
"""Characters of a model's name in a table."""
CORRECTIONS: Mapping[Correction, str] = {
    "step-down": "family-wise, by the step-down maximum of |T|",
    "holm": "family-wise, by Holm's method",
    "bh": "for the false discovery rate, by Benjamini and Hochberg's method",
}
"""Correction → in words."""


def heads(board: Leaderboard) -> list[str]:
    """Return the heads of the columns."""
    unit = "" if board.is_rank else " %"
    interval = f"{100 * board.level:g} % interval"
    blind = ["above blind"] * has_blind(board)
    score = f"{board.metric.name}{unit}"
    return ["place", "model", score, interval, *blind, "alike", "p (first)", "M"]


def has_blind(board: Leaderboard) -> bool:
    """Return whether an audit of the edition is packaged, by the board's metric."""
    return any(not math.isnan(place.above_blind) for place in board.places)


def alignment(board: Leaderboard) -> tuple[str, ...]:
    """Return how each column is aligned."""
    blind = ("right",) * has_blind(board)
    return ("right", "left", "right", "right", *blind, "left", "right", "right")


def cells(board: Leaderboard) -> list[list[str]]:
    """Return one row per model."""
    return [
        [
            place_text(place.best, place.worst),
            title(place),
            number(board, place.estimate.value),
            _interval(board, place),
            *[difference_text(place.above_blind)] * has_blind(board),
            place.letters,
            p_text(place.p_first),
            NONE if place.run.imported else f"{place.run.model.parameters / 1e6:.1f}",
        ]
        for place in board.places
    ]


def title(place: Place) -> str:
    """Return the model's name, cut to a table's width; with † if it is text-only."""
    return short(place.run.model.name, NAME) + " †" * place.text_only


def number(board: Leaderboard, value: float) -> str:
    """Return a share in percent, or a rank."""
    return percent(value, 1 if board.is_rank else 100)


def _interval(board: Leaderboard, place: Place) -> str:
    e = place.estimate
    bounds = f"[{number(board, e.low)}, {number(board, e.high)}]"
    return interval_text(bounds, e.low, board.rare_share)


def facts(board: Leaderboard) -> str:
    """Return the facts of the table on one line: items, protocol, ties, chance."""
    first = board.places[0].estimate
    of = board.first
    of_items = first.n_items == len(of.outcomes)
    counted = "items" if of_items else PARTS.get(of.protocol, "items")
    return (
        f"{first.n_items:,} {counted} of {first.n_clusters:,} source images · protocol "
        f"{of.protocol}, version {of.task_version} · ties {board.ties} · chance "
        f"{number(board, board.chance)}"
    )


def warnings(board: Leaderboard) -> Iterator[str]:
    """Yield the warnings above the table."""
    yield from (banner for banner in _banners(board) if NOTE not in banner)
    yield from common_banner(board.common)


def _banners(board: Leaderboard) -> Iterator[str]:
    """Yield the banners of all runs, each once, with its models; the edition's without them."""
    found: dict[str, list[str]] = {}
    for place in board.places:
        for banner in banners(place.run):
            found.setdefault(banner, []).append(short(place.run.model.name, NAME))
    of_edition = edition_banner(board.first)
    for banner, models in found.items():
        yield banner if banner == of_edition else f"{'; '.join(models)}: {banner}"


def notes(board: Leaderboard) -> Iterator[str]:
    """Yield the meaning of each column and sign."""
    level, alpha = f"{100 * board.level:g} %", f"{1 - board.level:.2g}"
    if board.family:
        yield (
            "place: 2–4 is a model that may be second, third or fourth. These hold for all models "
            f"at once with about {level} confidence, from simultaneous intervals of all pairwise "
            "differences. They are cautious: two models may share places and yet be told apart."
        )
        how = "all sign flips" if board.exact else "sign flips"
        yield (
            f"alike: models that share a letter are not told apart (p ≥ {alpha}). p (first): "
            f"against the first model. Both are for {board.family:,} "
            f"{'pair' if board.family == 1 else 'pairs'}, {CORRECTIONS[board.correction]}; {how} "
            "of whole source images, shared by all pairs."
        )
        yield (
            f"Between two typical models here, a true difference of "
            f"{number(board, board.detectable)} {'ranks' if board.is_rank else 'points'} is "
            "found in four of five tries, before that adjustment."
        )
    yield from setting_warnings(board.setting_differences)
    if board.is_rank:
        yield f"{board.metric.name}: ranks, counted from 1; less is better."
    note = interval_note(board.interval, ["mean" if board.is_rank else "share"])
    yield (
        f"interval ({board.interval}): of each model by itself, {note}; – below {FEW_CLUSTERS} "
        "clusters. Intervals that overlap do not say that models are alike."
    )
    yield from few_images(board.places[0].estimate.n_clusters)
    named = [short(name, NAME) for name in board.rare]
    yield from rare_groups_note({board.metric.name: board.rare_share}, named)
    yield "M: millions of parameters."
    if has_blind(board):
        yield ABOVE_BLIND
    if any(place.text_only for place in board.places):
        yield "†: text-only. No image is needed for the score of such a model."
    yield from digest_note(place.run for place in board.places)
    yield from run_notes(board)


def run_notes(board: Leaderboard) -> Iterator[str]:
    """Yield the banners of runs that stand below the table."""
    yield from (banner for banner in _banners(board) if NOTE in banner)


def heading(board: Leaderboard) -> str:
    """Return the task, the edition and the metric."""
    return sentence(f"{board.info.name}@{board.edition} · {board.metric.name}")


def terminal(board: Leaderboard) -> str:
    """Return a board for a terminal or a log."""
    from tabulate import tabulate

    table = tabulate(cells(board), heads(board), disable_numparse=True, colalign=alignment(board))
    lines = [heading(board), *map(wrap, warnings(board)), wrap(facts(board)), str(table)]
    return "\n\n".join([*lines, "\n".join(map(wrap, notes(board)))])


def markdown(board: Leaderboard) -> str:
    """Return a markdown table and its notes, without a heading."""
    from tabulate import tabulate

    rows = [[escape_markdown(cell) for cell in row] for row in cells(board)]
    table = tabulate(
        rows, heads(board), tablefmt="pipe", disable_numparse=True, colalign=alignment(board)
    )
    listed = "\n".join(f"- {escape_markdown(note)}" for note in notes(board))
    before = "".join(f"{escape_markdown(each)}\n\n" for each in warnings(board))
    return f"{before}{facts(board)}\n\n{table}\n\n{listed}\n"


def table_html(board: Leaderboard) -> str:
    """Return the table alone, in HTML."""
    head = "".join(
        f"<th{_text(board, i)}>{html.escape(each)}</th>" for i, each in enumerate(heads(board))
    )
    rows = []
    for place, row in zip(board.places, cells(board), strict=True):
        inner = "".join(
            f"<td{_text(board, i)}>{html.escape(each)}</td>" for i, each in enumerate(row)
        )
        rows.append(f"<tr{' class=blind' if place.text_only else ''}>{inner}</tr>")
    body = "".join(rows)
    return (
        f"<div class=wide><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _text(board: Leaderboard, column: int) -> str:
    return " class=text" if alignment(board)[column] == "left" else ""


def page(board: Leaderboard) -> str:
    """Return an HTML page that needs no other file."""
    listed = "".join(f"<li>{html.escape(note)}</li>" for note in notes(board))
    before = "".join(f"<p class=warning>{html.escape(each)}</p>" for each in warnings(board))
    body = (
        f"<h1>{html.escape(heading(board))}</h1><p>{html.escape(board.info.measures)}</p>{before}"
        f"<p class=note>{html.escape(facts(board))}</p>{table_html(board)}"
        f"<div class=wide>{forest_plot(board)}</div><ul class=note>{listed}</ul>"
    )
    return PAGE.format(title=html.escape(heading(board)), body=body)


def latex(board: Leaderboard) -> str:
    """Return a booktabs table, with all facts, warnings and notes in its caption.

    One table over several tasks, a column each, is ``formats.latex``.
    """
    caption = f"{heading(board)}. {facts(board)}. {' '.join([*warnings(board), *notes(board)])}"
    spec = "".join("l" if each == "left" else "r" for each in alignment(board))
    lines = [
        "% \\usepackage{booktabs}",
        "\\begin{table}",
        "\\centering",
        f"\\caption{{{tex(caption)}}}",
        f"\\begin{{tabular}}{{{spec}}}",
        "\\toprule",
        " & ".join(map(tex, heads(board))) + " \\\\",
        "\\midrule",
        *(" & ".join(map(tex, row)) + " \\\\" for row in cells(board)),
        "\\bottomrule",
        "\\end{tabular}",
        "\\end{table}",
    ]
    return "\n".join(lines) + "\n"


def rows(board: Leaderboard) -> list[dict[str, object]]:
    """Return everything as plain values, one dictionary per model."""
    unlike = list(setting_warnings(board.setting_differences))
    return [
        {
            "task": board.info.name,
            "edition": place.run.edition,
            "common_items": board.common.n if board.common else None,
            "metric": board.metric.name,
            "ties": board.ties,
            "model": place.run.model.name,
            "score": place.estimate.value,
            "low": json_number(place.estimate.low),
            "high": json_number(place.estimate.high),
            "level": board.level,
            "interval": board.interval,
            "best_place": place.best,
            "worst_place": place.worst,
            "letters": place.letters,
            "tied_with_first": place.tied,
            "p_first": json_number(place.p_first),
            "correction": board.correction,
            "family": board.family,
            "chance": json_number(board.chance),
            "above_blind": json_number(place.above_blind),
            "n_items": place.estimate.n_items,
            "n_clusters": place.estimate.n_clusters,
            "parameters": place.run.model.parameters,
            "trained": place.run.model.trained,
            "weights_sha256": place.run.model.weights_sha256,
            "fingerprint": place.run.model.fingerprint,
            "sealed": not place.run.unsealed,
            "benchbench": str(place.run.environment.get("benchbench", "unknown")),
            "unreliable_interval": is_heavy(board.rare_share),
            "caveats": " ".join([*banners(place.run), *unlike]),
        }
        for place in board.places
    ]


def as_json(board: Leaderboard) -> str:
    """Return ``rows`` as JSON."""
    return json_text(rows(board)) + "\n"


def as_csv(*boards: Leaderboard) -> str:
    """Return the ``rows`` of all boards as CSV."""
    return csv_table([row for board in boards for row in rows(board)])


FORMATS: Mapping[str, Callable[[Leaderboard], str]] = {
    "terminal": terminal,
    "markdown": lambda board: f"## {escape_markdown(heading(board))}\n\n{markdown(board)}",
    "html": page,
    "latex": latex,
    "csv": as_csv,
    "json": as_json,
}
