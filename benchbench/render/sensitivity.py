"""A sweep over settings for a terminal, as markdown, JSON and CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.analysis.sensitivity import BASELINE
from benchbench.printable import json_text, sentence
from benchbench.render.caveats import (
    banners,
    banners_of,
    few_images,
    interval_note,
    interval_text,
    rare_groups_note,
)
from benchbench.render.text import (
    NONE,
    csv_table,
    difference_text,
    escape_markdown,
    json_number,
    p_text,
    percent,
    short,
    wrap,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from benchbench.analysis.sensitivity import (
        Conclusion,
        ModelSensitivity,
        Sensitivity,
        SettingScore,
    )
    from benchbench.stats.intervals import Kind

NAME = 40
"""Characters of a model's or a setting's name."""
AGAINST = 3
"""Settings that a conclusion names."""


def heading(found: Sensitivity) -> str:
    """Return the task, the edition and the metric."""
    return sentence(f"{found.info.name}@{found.edition} · {found.metric.name} · sweep")


def warnings(found: Sensitivity) -> Iterator[str]:
    """Yield the banners of the baselines, each once."""
    yield from banners_of(model.scores[0].run for model in found.models)


def _heads(found: Sensitivity) -> list[str]:
    unit = "" if found.is_rank else " %"
    return [
        "setting", f"{found.metric.name}{unit}", "interval", "difference", "its interval", "p",
        "gained", "lost",
    ]  # fmt: skip


def _rows(found: Sensitivity, model: ModelSensitivity) -> list[list[str]]:
    return [_row(found, model, score) for score in model.scores]


def _row(found: Sensitivity, model: ModelSensitivity, score: SettingScore) -> list[str]:
    e, is_baseline = score.estimate, score.setting == BASELINE
    bounds = f"[{_number(found, e.low)}, {_number(found, e.high)}]"
    apart = f"[{_difference(found, score.low)}, {_difference(found, score.high)}]"
    return [
        short(score.setting, NAME),
        _number(found, e.value),
        interval_text(bounds, e.low, model.rare_share),
        _difference(found, score.difference),
        interval_text(apart, score.low, model.rare_share),
        p_text(score.p_adjusted),
        NONE if is_baseline else f"{score.gained:,}",
        NONE if is_baseline else f"{score.lost:,}",
    ]


def _number(found: Sensitivity, value: float) -> str:
    return percent(value, 1 if found.is_rank else 100)


def _difference(found: Sensitivity, value: float) -> str:
    return difference_text(value / 100 if found.is_rank else value)


def summary(found: Sensitivity, model: ModelSensitivity) -> str:
    """Return a model's spread, and how many of its items flip under any setting."""
    low, high = model.lowest, model.highest
    unit = "ranks" if found.is_rank else "points"
    share = percent(model.flipping / model.n_items)
    ends = f" ({high.setting}: {_number(found, high.estimate.value)}; {low.setting}: "
    ends += f"{_number(found, low.estimate.value)})"
    return sentence(
        f"{short(model.name, NAME)}: spread {_number(found, model.spread)} {unit}"
        f"{ends if model.spread > 0 else ''}; {share} % of the items flip under some setting "
        f"({model.flipping:,} of {model.n_items:,})."
    )


def left_out(found: Sensitivity) -> Iterator[str]:
    """Yield the settings that do not apply, those of one reason and the same models together."""
    models: dict[tuple[str, str], list[str]] = {}
    for model in found.models:
        for setting, reason in model.left_out.items():
            models.setdefault((setting, reason), []).append(short(model.name, NAME))
    settings: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (setting, reason), names in models.items():
        settings.setdefault((reason, tuple(names)), []).append(setting)
    for (reason, some), named in settings.items():
        of = f" ({', '.join(some)})" if len(some) < len(found.models) else ""
        yield sentence(f"left out: {', '.join(named)}{of}: {reason}.")


CONCLUSION_HEADS = ["better", "worse", "difference", "least", "largest p", "conclusion"]
VERDICTS = {
    "survives": "survives every setting",
    "changes sign": "changes sign",
    "not always significant": "not significant under every setting",
    "not significant as it is": "not significant as it is",
}


def _conclusion_row(found: Sensitivity, each: Conclusion) -> list[str]:
    least = min(each.differences, key=lambda d: d.difference)
    against = [d.setting for d in each.against]
    named = ", ".join(short(name, NAME) for name in against[:AGAINST])
    more = f", {len(against) - AGAINST} more" if len(against) > AGAINST else ""
    is_told = each.verdict in ("changes sign", "not always significant")
    return [
        short(each.better, NAME),
        short(each.worse, NAME),
        _difference(found, each.differences[0].difference),
        _difference(found, least.difference),
        p_text(max(d.p_adjusted for d in each.differences)),
        VERDICTS[each.verdict] + (f": {named}{more}" if is_told else ""),
    ]


def conclusions_line(found: Sensitivity) -> str:
    """Return how many of the baseline's conclusions survive every setting."""
    significant = [c for c in found.conclusions if c.verdict != "not significant as it is"]
    survive = sum(c.verdict == "survives" for c in significant)
    turned = sum(c.verdict == "changes sign" for c in significant)
    return (
        f"Pairs of models: {len(found.conclusions):,}. They differ as the task is (p < "
        f"{1 - found.level:.2g}): {len(significant):,}; of these under all {len(found.settings):,} "
        f"settings, with the same sign: {survive:,}; with another sign under some: {turned:,}."
    )


def notes(found: Sensitivity) -> Iterator[str]:
    """Yield the settings that are left out, and the meaning of the columns."""
    yield from left_out(found)
    yield (
        f"{BASELINE}: the task's captions and crops, and the model's own transform. Every other "
        "row departs from it in one thing."
    )
    yield (
        "difference: to the first row, paired over items; gained and lost: what does better or "
        "worse than there. p: by sign flips of whole source images, adjusted for the model's "
        "settings (step-down maximum of |T|)."
    )
    share: list[Kind] = ["mean" if found.is_rank else "share"]
    yield (
        f"intervals ({100 * found.level:g} %): of scores, {interval_note(found.interval, share)}; "
        "of differences, "
        f"{interval_note('auto' if found.interval == 'wilson' else found.interval, ['mean'])}."
    )
    if found.conclusions:
        yield (
            "conclusions: least: the smallest difference under any setting; largest p: adjusted "
            "for the number of pairs within each setting. Only settings that apply to all models "
            "count."
        )
    elif len(found.models) > 1:
        yield "No setting applies to all models: whether conclusions depend on them is unknown."
    if found.is_rank:
        yield f"{found.metric.name}: ranks, counted from 1; less is better."
    yield from few_images(found.models[0].scores[0].estimate.n_clusters)
    shares = {found.metric.name: max(model.rare_share for model in found.models)}
    yield from rare_groups_note(shares, ())


def terminal(found: Sensitivity) -> str:
    """Return a sweep for a terminal or a log."""
    parts = [heading(found), *map(wrap, warnings(found))]
    for model in found.models:
        lines = [short(model.name, 2 * NAME), _table(_rows(found, model), _heads(found), "simple")]
        parts.append("\n\n".join(lines))
        parts.append(wrap(summary(found, model)))
    if found.conclusions:
        rows = [_conclusion_row(found, each) for each in found.conclusions]
        parts += [_table(rows, CONCLUSION_HEADS, "simple"), wrap(conclusions_line(found))]
    return "\n\n".join([*parts, "\n".join(map(wrap, notes(found)))])


def markdown(found: Sensitivity) -> str:
    """Return a sweep in markdown."""
    parts = [f"## {escape_markdown(heading(found))}", *map(escape_markdown, warnings(found))]
    for model in found.models:
        parts.append(f"### {escape_markdown(short(model.name, 2 * NAME))}")
        parts.append(_table(_rows(found, model), _heads(found), "pipe"))
        parts.append(escape_markdown(summary(found, model)))
    if found.conclusions:
        rows = [_conclusion_row(found, each) for each in found.conclusions]
        parts += ["### Conclusions", _table(rows, CONCLUSION_HEADS, "pipe")]
        parts.append(escape_markdown(conclusions_line(found)))
    parts.append("\n".join(f"- {escape_markdown(note)}" for note in notes(found)))
    return "\n\n".join(parts) + "\n"


def _table(rows: Sequence[Sequence[str]], heads: Sequence[str], kind: str) -> str:
    from tabulate import tabulate

    is_text = {"setting", "better", "worse", "conclusion"}
    align = tuple("left" if head in is_text else "right" for head in heads)
    if kind == "pipe":
        rows = [[escape_markdown(cell) for cell in row] for row in rows]
    return str(tabulate(rows, heads, tablefmt=kind, disable_numparse=True, colalign=align))


def rows(found: Sensitivity) -> list[dict[str, object]]:
    """Return one dictionary per model and setting; scores are shares, or ranks."""
    return [
        {
            "task": found.info.name,
            "edition": score.run.edition,
            "metric": found.metric.name,
            "ties": found.ties,
            "model": model.name,
            "fingerprint": score.run.model.fingerprint,
            "setting": score.setting,
            "score": score.estimate.value,
            "low": json_number(score.estimate.low),
            "high": json_number(score.estimate.high),
            "level": found.level,
            "difference": json_number(score.difference),
            "difference_low": json_number(score.low),
            "difference_high": json_number(score.high),
            "p_adjusted": json_number(score.p_adjusted),
            "gained": score.gained,
            "lost": score.lost,
            "n_items": model.n_items,
            "n_clusters": score.estimate.n_clusters,
            "caveats": " ".join(banners(score.run)),
        }
        for model in found.models
        for score in model.scores
    ]


def as_json(found: Sensitivity) -> str:
    """Return scores, summaries and conclusions as JSON."""
    record = {
        "scores": rows(found),
        "models": [
            {
                "model": model.name,
                "spread": model.spread,
                "lowest": model.lowest.setting,
                "highest": model.highest.setting,
                "items": model.n_items,
                "flipping": model.flipping,
                "left_out": dict(model.left_out),
            }
            for model in found.models
        ],
        "settings": list(found.settings),
        "conclusions": [
            {
                "better": each.better,
                "worse": each.worse,
                "verdict": each.verdict,
                "same_sign": each.same_sign,
                "differences": [
                    {
                        "setting": d.setting,
                        "difference": d.difference,
                        "p_adjusted": json_number(d.p_adjusted),
                    }
                    for d in each.differences
                ],
            }
            for each in found.conclusions
        ],
    }
    return json_text(record) + "\n"


def as_csv(found: Sensitivity) -> str:
    """Return ``rows`` as CSV."""
    return csv_table(rows(found))


FORMATS: Mapping[str, Callable[[Sensitivity], str]] = {
    "terminal": terminal,
    "markdown": markdown,
    "json": as_json,
    "csv": as_csv,
}
