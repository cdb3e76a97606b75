"""The cards of a task and of a model, and the layout of a task's files."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from benchbench.data.headers import DECODING
from benchbench.datasets.names import task_root
from benchbench.editions import KINDS, SCENES, drawn_part, state_of
from benchbench.printable import sentence
from benchbench.render.card_figures import figure_lines
from benchbench.render.text import CELL, WIDTH, short
from benchbench.scenes.edition import EDITION, folder_of, is_drawn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchbench.analysis.chance import ChanceLevels, MissingReason
    from benchbench.editions import EditionChoice
    from benchbench.types import Metric, ModelManifest, TaskInfo

INDENT = "  "
MISSING_REASONS: Mapping[MissingReason, str] = {
    "proposals": "it depends on how much the detector proposes.",
    "no files": "it is computed from the items; pass --data-root DIR.",
    "not drawn": "it is computed from the items, which are not drawn yet; benchbench eval --model "
    "blind:chance --task {task} draws them.",
    "unreadable": "it is computed from the items, which cannot be read. {error}",
}
"""Why a task has no chance level → in words."""
MEANINGS = {
    ("resize_mode", "shortest"): "shortest side to size, then the middle is cropped",
    ("resize_mode", "longest"): "longest side to size, then the rest is padded",
    ("resize_mode", "squash"): "squashed to size both ways, nothing is cropped",
    ("similarity", "cosine"): "cosine (embeddings of unit length)",
    ("similarity", "dot"): "dot product (embeddings as given)",
}
"""A field and its value → in words."""


def task_card(info: TaskInfo, guessing: ChanceLevels | None = None) -> str:
    """Return what a task measures, on what, by which metrics, and with which caveats.

    Args:
        info: the task's.
        guessing: the chance levels of its files.
    """
    metrics: dict[str, list[str]] = {}
    for metric in info.metrics:
        name = metric.name + (_headline_mark(metric.name, info) or _kinds_mark(metric))
        metrics.setdefault(_definition(metric), []).append(name)
    parts = [
        f"{info.title} ({info.name}, version {info.version}, {info.protocol} protocol)",
        _wrap(info.measures),
        "Metrics (* headline)\n"
        + _bullets([f"{', '.join(names)}: {what}" for what, names in metrics.items()]),
        _chance_text(guessing, info),
        _slices(info),
        _figures(info),
        "Beware\n" + _bullets([*info.quirks, DECODING]),
        "Files\n" + _bullets([f"{f.path}  {f.what}. {f.source}" for f in info.files]),
        _drawn_world(info),
        _wrap(f"Paper: {info.paper}."),
        _wrap(f"Licence: {info.license}."),
        f"next  benchbench data where {info.name}",
    ]
    return "\n\n".join(part for part in parts if part)


def _headline_mark(name: str, info: TaskInfo) -> str:
    of = [each.images for each in KINDS if info.headlines.get(each.name, info.headline) == name]
    where = "" if len(of) == len(KINDS) else f" ({', '.join(of)})"
    return f" *{where}" if of else ""


def _kinds_mark(metric: Metric) -> str:
    """Return the kinds of images that a metric is read on, where these are not all."""
    images = [each.images for each in KINDS if each.name in metric.kinds]
    return f" ({', '.join(images)})" if metric.kinds else ""


def _definition(metric: Metric) -> str:
    """Return the definition of a metric, without its name."""
    parts = [
        f"{metric.statistic} over {metric.meaning}",
        f"a tie is {metric.ties or 'as --ties says'}",
    ]
    if metric.no_ops == "drop":
        parts.append("no-ops dropped")
    source = f". {metric.source}" if metric.source else ""
    return "; ".join(parts) + source


def _chance_text(guessing: ChanceLevels | None, info: TaskInfo) -> str:
    """Return the chance levels of a task's files, or why there are none."""
    if guessing is None:
        return ""
    if guessing.missing is not None:
        why = MISSING_REASONS[guessing.missing].replace("{task}", info.name)
        return _wrap(f"Chance: {why.replace('{error}', guessing.error)}")
    same: dict[str, list[str]] = {}
    for metric, chance in guessing.chance.items():
        same.setdefault(_level_text(metric, chance), []).append(metric.name)
    parts = [f"{level} ({', '.join(names)})" for level, names in same.items()]
    levels = parts[0].split(" (")[0] if len(parts) == 1 else "; ".join(parts)
    return _wrap(f"Chance on {guessing.edition}, {guessing.items:,} items: {levels}.")


def _level_text(metric: Metric, chance: float) -> str:
    """Return a chance level in percent, or as a rank."""
    if math.isnan(chance):
        return "none"
    if metric.reading == "rank":
        return f"rank {chance:.1f}"
    return f"{100 * chance:.1f}" if chance >= 0.0005 or chance == 0 else f"{100 * chance:.1g}"


def _slices(info: TaskInfo) -> str:
    always = [f"--by {tag}" for tag in info.tags]
    sometimes = [f"--by {tag} (where the files have it)" for tag in info.optional_tags]
    return _wrap(f"Slices: {', '.join(always + sometimes)}") if always or sometimes else ""


def _figures(info: TaskInfo) -> str:
    """Return what others printed for two models; "" where nothing is known."""
    lines = figure_lines(info)
    title = "Published, in percent (* by another definition, or on other inputs: docs/published.md)"
    return f"{title}\n{_bullets(lines)}" if lines else ""


def _drawn_world(info: TaskInfo) -> str:
    """Return whether the drawn world has the task's files."""
    if drawn_part(info) is None:
        return "The drawn world has no such files: pass --data-root DIR."
    return f"By default the drawn world's of these names are read ({EDITION}); nothing is fetched."


def layout(info: TaskInfo, choice: EditionChoice) -> str:
    """Return the files that a task reads: where, what each is, and whether it exists."""
    root, lines = _data_root_lines(info, choice)
    for file in info.files:
        lines.append(f"  {file.path}")
        if root is not None:
            there, state = state_of(file, root)
            lines.append(f"      here: {state if there else state.upper()}")
        lines += _wrap(f"official: {file.what}; {file.source}", "      ").splitlines()
    return "\n".join(lines)


def _data_root_lines(info: TaskInfo, choice: EditionChoice) -> tuple[Path | None, list[str]]:
    """Return the folder of a task's files, and the lines above these."""
    if choice.edition != SCENES:
        root = None if choice.root is None else task_root(info, choice.root)
        return root, [sentence(f"{info.name}: {root or 'DATA_ROOT'}/")]
    part = drawn_part(info)
    if part is None:
        return None, [
            f"{info.name}: DATA_ROOT/",
            "  no part of the drawn world (files of your own: --data-root DIR)",
        ]
    state = "drawn already" if is_drawn(part) else "drawn when first needed"
    return folder_of(part), [
        sentence(f"{info.name}: {folder_of(part)}/"),
        f"  the drawn world, {EDITION}: {state} (other files: --data-root DIR)",
    ]


def _wrap(text: str, indent: str = "") -> str:
    return textwrap.fill(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {_wrap(line, '  ')[2:]}" for line in lines)


def model_card(manifest: ModelManifest, logit_scale: float | None) -> str:
    """Return a model's manifest: its name, the caveats, and one line per field.

    Args:
        manifest: everything about the model that can change a number.
        logit_scale: its factor before a softmax; None if it compares no embeddings.
    """
    rows = [(short(name, CELL), sentence(value)) for name, value in _rows(manifest, logit_scale)]
    width = max(len(name) for name, _ in rows)
    lines = [
        textwrap.fill(
            f"{name:{width}}  {value}",
            WIDTH,
            subsequent_indent=" " * (width + 2),
            break_long_words=False,
            break_on_hyphens=False,
        )
        for name, value in rows
    ]
    return "\n\n".join([sentence(manifest.name), *_banners(manifest), "\n".join(lines)])


def _banners(manifest: ModelManifest) -> Iterator[str]:
    if not manifest.trained:
        text = f"UNTRAINED: {manifest.weights} weights. Its numbers show that the path works."
        yield textwrap.fill(sentence(text), WIDTH, subsequent_indent=INDENT)
    if note := manifest.settings.get("note"):
        yield textwrap.fill(sentence(f"NOTE: {note}"), WIDTH, subsequent_indent=INDENT)


def _rows(manifest: ModelManifest, logit_scale: float | None) -> Iterator[tuple[str, str]]:
    settings = {name: value for name, value in manifest.settings.items() if name != "note"}
    yield "weights", manifest.weights
    yield "weights' sha256", manifest.weights_sha256
    yield "architecture", manifest.architecture
    yield "parameters", f"{manifest.parameters:,}"
    yield "activation", manifest.activation
    yield "dtype", manifest.dtype
    yield from _nested("preprocessing", manifest.preprocessing)
    yield "tokenizer", manifest.tokenizer
    yield "context length", f"{manifest.context_length:,} tokens"
    yield "similarity", _value_text("similarity", manifest.similarity)
    if logit_scale is not None:
        yield "logit scale", f"{logit_scale:.6g}"
    yield from _nested("settings", settings)
    yield "fingerprint", manifest.fingerprint


def _nested(name: str, record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield a field that holds fields, each on a line below it."""
    yield name, "" if record else "none"
    for inner, value in record.items():
        if isinstance(value, Mapping) and value:
            yield from ((f"{INDENT}{n}", v) for n, v in _nested(inner, value))
        else:
            yield f"{INDENT}{inner}", _value_text(inner, value)


def _value_text(name: str, value: Any) -> str:
    """Return a value in words; a size with a cross, other lists with commas."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return (" × " if name == "size" else ", ").join(
            _value_text("", each) for each in value
        ) or "none"
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    return MEANINGS.get((name, value), str(value)) if isinstance(value, str) else str(value)
