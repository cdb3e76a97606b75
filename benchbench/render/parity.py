"""A run beside published harnesses and figures, as text for a terminal or a log."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from benchbench.printable import sentence
from benchbench.render.text import NONE, cell, percent, short, wrap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchbench.analysis.parity import Compared, Parity, Printed, Reason

HARNESSES = "What published harnesses would print from these scores"
MODEL = 60
"""Characters of a model's name in a sentence."""


def terminal(found: Parity) -> str:
    """Return the whole report: harnesses, figures in print, reasons for differences."""
    run = found.run
    heading = sentence(f"{run.task}@{run.edition}  ·  {run.model.name}  ·  parity")
    parts = [heading]
    if found.printed:
        parts += [HARNESSES, _harness_table(found), "\n".join(map(wrap, _harness_notes(found)))]
    else:
        parts.append(f"{run.task} declares no published harness.")
    parts += _figures(found)
    return "\n\n".join(part for part in parts if part)


def far_line(each: Compared) -> str:
    """Return that a run is far from print, on one line."""
    figure = each.figure
    what = f"{figure.metric}, {figure.group}" if figure.group else figure.metric
    return sentence(
        f"Far from print: {what} is {_here(each)} here, and {figure.printed} in "
        f"{figure.source.short}, {figure.where} ({figure.model.title}): {_signed(each)} "
        f"points, {_errors(each)}. Why: benchbench show run RUN --parity."
    )


def _harness_table(found: Parity) -> str:
    from tabulate import tabulate

    rows = [
        [
            each.harness.name,
            cell(_prints(each)),
            percent(each.value),
            f"{each.n_items:,}",
            _ties(each),
            _mean_over(each),
        ]
        for each in found.printed
    ]
    heads = ["harness", "prints", "%", "n", "ties", "mean over"]
    align = ["left", "left", "right", "right", "left", "left"]
    return str(tabulate(rows, heads, disable_numparse=True, colalign=align))


def _prints(each: Printed) -> str:
    return f"{each.harness.prints}: {each.group}" if each.group else each.harness.prints


def _ties(each: Printed) -> str:
    rule = "first" if each.harness.first_of_equals else str(each.harness.metric.ties or "wrong")
    return f"{rule} ({each.tied:,})" if each.tied else rule


def _mean_over(each: Printed) -> str:
    metric = each.harness.metric
    return f"{each.n_groups} {metric.meaning}" if metric.by else metric.meaning


def _harness_notes(found: Parity) -> Iterator[str]:
    """Yield the meaning of the columns, and where harnesses show the model something else."""
    firsts = any(each.harness.first_of_equals for each in found.printed)
    yield (
        "ties: how the harness counts a true option that ties with another"
        f"{'; first: the first of equals, as argmax finds it' if firsts else ''}. (n): so many "
        "ties decide."
    )
    if any(math.isnan(each.value) for each in found.printed):
        yield (
            f"{NONE}: decisions without scores do not tell which scores tied, and this harness "
            "does not count ties as wrong."
        )
    others: dict[str, list[str]] = {}
    for each in found.printed:
        if each.harness.inputs and each.harness.name not in others.get(each.harness.inputs, ()):
            others.setdefault(each.harness.inputs, []).append(each.harness.name)
    for inputs, names in others.items():
        yield (
            f"{', '.join(names)}: its own scores would differ: {inputs}. Here it reads the run's."
        )
    sources = dict.fromkeys((e.harness.name, e.harness.source) for e in found.printed)
    yield f"Formulas: {'; '.join(f'{name}: {source}' for name, source in sources)}."


def _figures(found: Parity) -> Iterator[str]:
    """Yield the comparison with print, and the reasons for each difference."""
    if found.model is None:
        name = short(found.run.model.name, MODEL)
        yield wrap(
            f"No published figure is known to be of {name}. If its weights are a published "
            "model's, name it: --as KEY (docs/published.md)."
        )
        return
    title = found.model.title
    if not found.compared:
        yield wrap(f"No figure of {title} on {found.run.task} is in the files of figures.")
        return
    yield f"In print: {title}"
    yield _figure_table(found)
    yield "\n".join(wrap(line) for line in _figure_notes(found))
    yield from _all_reasons(found)


def _figure_table(found: Parity) -> str:
    from tabulate import tabulate

    rows = [
        [
            cell(each.figure.group or each.figure.metric),
            each.figure.printed,
            _here(each),
            NONE if math.isnan(each.here) else _signed(each),
            NONE if math.isnan(each.here) else percent(each.standard_error),
            _verdict(each),
            cell(f"{each.figure.source.short}, {each.figure.where}"),
        ]
        for each in found.compared
    ]
    heads = ["figure", "print", "here", "difference", "s.e.", "", "source"]
    align = ["left", "right", "right", "right", "right", "left", "left"]
    return str(tabulate(rows, heads, disable_numparse=True, colalign=align))


def _verdict(each: Compared) -> str:
    if math.isnan(each.here):
        return "not told"
    if each.is_equal:
        return "equal"
    return "far" if each.is_far else "near"


def _figure_notes(found: Parity) -> Iterator[str]:
    yield (
        "equal: as in print, rounded or cut. near, far: within two standard errors (of source "
        "images), or not."
    )
    if any(math.isnan(each.here) for each in found.compared):
        yield "not told: only raw scores would tell it, and the run has decisions."


def _all_reasons(found: Parity) -> Iterator[str]:
    """Yield the figures that differ, those with the same reasons together."""
    same: dict[tuple[str, ...], list[Compared]] = {}
    for each in found.compared:
        if each.reasons:
            lines = tuple(wrap(f"  {r.state:<9} {r.cause}: {_why(r)}") for r in each.reasons)
            same.setdefault(lines, []).append(each)
    for lines, figures in same.items():
        yield "\n".join([*(wrap(_headed(each)) for each in figures), *lines])


def _headed(each: Compared) -> str:
    figure = each.figure
    return (
        f"{figure.group or figure.metric}: {figure.printed} in {figure.source.short}, "
        f"{figure.where}; {_here(each)} here ({_signed(each)} points, {_errors(each)})"
    )


def _why(reason: Reason) -> str:
    """Return in words what was checked."""
    here, there = reason.here, reason.there
    both = f"{here or 'unknown'} here, {there or 'unknown'} in print"
    words = {
        "edition": both,
        "items": f"{here} items here",
        "definition": there,
        "average": _average(reason),
        "ties": _tie_words(reason),
        "activation": both,
        "crop": both,
        "precision": f"{here} here",
    }
    return sentence(words[reason.cause])


def _average(reason: Reason) -> str:
    if reason.state == "found":
        return f"the mean over {reason.here} is {percent(reason.value)} here, as in print"
    if reason.here:
        return f"no other mean of the task is as in print; the nearest, over {reason.here}, is " + (
            percent(reason.value)
        )
    return "no other mean of the task is nearer to print"


def _tie_words(reason: Reason) -> str:
    if reason.state == "unknown":
        return "the run has decisions without scores"
    reaches = "reaches" if reason.state == "found" else "does not reach"
    return f"all counted as right give {percent(reason.value)}, which {reaches} print"


def _here(each: Compared) -> str:
    """Return the run's value with the digits of print, at least one."""
    if math.isnan(each.here):
        return NONE
    return f"{100 * each.here:.{max(1, each.figure.digits)}f}"


def _signed(each: Compared) -> str:
    """Return the difference with the digits of print; none is +0."""
    digits = max(1, each.figure.digits)
    points = round(100 * each.difference, digits) + 0.0  # −0.0 becomes 0.0
    return f"{points:+.{digits}f}".replace("-", "−")


def _errors(each: Compared) -> str:
    """Return a difference in standard errors."""
    if not each.standard_error > 0:
        return "standard error unknown"
    return f"{abs(each.difference) / each.standard_error:.1f} standard errors"
