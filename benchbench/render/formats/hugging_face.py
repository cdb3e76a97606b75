"""Runs for the Hugging Face hub: ``.eval_results`` and the ``model-index`` of a model card.

A folder a model, laid out as its repository on the hub:

- ``.eval_results/TASK@EDITION.yaml``: the headline, in the schema of hub-docs'
  ``eval_results.yaml`` (https://huggingface.co/docs/hub/eval-results). It needs the data set on the
  hub whose leaderboard the number belongs to (``--hub-dataset``); without one it is not written.
- ``model-index.yaml``: all metrics, as metadata for the card (hub-docs' ``modelcard.md``).

Shares are in percent. The schemas have no fields for an interval, an edition or a tie rule: they
stand in ``notes`` and in the ``args`` of metrics and data sets. Metrics that are NaN are left out.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from benchbench.errors import UsageError
from benchbench.printable import json_text, one_line
from benchbench.render.exporting import (
    ExportOptions,
    Format,
    cards_by_model,
    file_slug,
    place_of,
    row_facts,
    run_facts,
    write_texts,
)
from benchbench.render.pages import slug

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from benchbench.analysis.scorecard import Row, Scorecard
    from benchbench.types import Run

TASK_TYPE = "zero-shot-image-classification"
"""The hub's task that is nearest: an image is matched with texts that no training has fixed."""
DIGITS = 4
AMBIGUOUS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
"""Words that YAML 1.1 does not take for texts."""


def write(runs: Sequence[Run], options: ExportOptions) -> Iterator[Path | str]:
    """Write a folder a model; yield its files."""
    out = place_of(options)
    if options.hub_dataset and options.hub_dataset.count("/") != 1:
        raise UsageError(
            f"--hub-dataset should be ORG/NAME, as the hub has it; it is '{options.hub_dataset}'."
        )
    texts: list[tuple[Path, str]] = []
    for name, cards in cards_by_model(runs, options).items():
        folder = out / slug(name)
        if options.hub_dataset:
            for card in cards:
                entry = [eval_result(card, options)]
                place = f"{file_slug(card.run.task)}@{file_slug(card.run.edition)}.yaml"
                texts.append((folder / ".eval_results" / place, yaml_text(entry)))
        index = {"model-index": model_index(one_line(name), cards, options)}
        texts.append((folder / "model-index.yaml", yaml_text(index)))
    yield from write_texts(texts)
    if not options.hub_dataset:
        yield "note  no .eval_results: these name a data set on the hub (--hub-dataset ORG/NAME)"


def eval_result(card: Scorecard, options: ExportOptions) -> dict[str, Any]:
    """Return a run's headline as an entry of ``.eval_results``.

    Raises:
        UsageError: the headline is NaN.
    """
    run, row = card.run, card.headline
    if math.isnan(row.estimate.value):
        raise UsageError(f"{run.model.name} has no {row.name} on {run.task}@{run.edition} (NaN).")
    entry: dict[str, Any] = {
        "dataset": {"id": one_line(options.hub_dataset), "task_id": run.task},
        "value": _value(row, row.estimate.value),
        "date": run.created,
        "notes": notes(card, row),
    }
    if options.source_url:
        entry["source"] = {"url": one_line(options.source_url), "name": "benchbench"}
    return entry


def notes(card: Scorecard, row: Row) -> str:
    """Return the interval, the edition, the tie rule, the version and the caveats in one line."""
    e, facts, scale = row.estimate, run_facts(card.run), 1 if row.is_rank else 100
    interval = (
        f"; {100 * e.level:g} % interval {scale * e.low:.2f} to {scale * e.high:.2f} by "
        f"{e.n_clusters:,} source images"
    )
    parts = [
        f"{row.name}{'' if row.is_rank else ', percent'}{'' if math.isnan(e.low) else interval}",
        f"edition {facts['edition']}",
        f"{e.n_items:,} items",
        f"ties {row.ties}",
        f"benchbench {facts['benchbench']}",
        *facts["caveats"],
    ]
    return "; ".join(parts)


def model_index(
    name: str, cards: Sequence[Scorecard], options: ExportOptions
) -> list[dict[str, Any]]:
    """Return all metrics of a model's runs as a ``model-index``."""
    return [{"name": name, "results": [_result(card, options) for card in cards]}]


def _result(card: Scorecard, options: ExportOptions) -> dict[str, Any]:
    run = card.run
    found: dict[str, Any] = {
        "task": {"type": TASK_TYPE, "name": one_line(card.task.title)},
        "dataset": {
            "type": one_line(options.hub_dataset) or run.task,
            "name": f"{run.task}@{run.edition}",
            "config": run.task,
            "split": "test",
            "args": run_facts(run),
        },
        "metrics": [
            {
                "type": row.measure,
                "name": row.name,
                "value": _value(row, row.estimate.value),
                "args": _in_percent(row, row_facts(card, row)),
            }
            for row in card.metrics
            if not math.isnan(row.estimate.value)
        ],
    }
    if options.source_url:
        found["source"] = {"name": "benchbench", "url": one_line(options.source_url)}
    return found


def _in_percent(row: Row, facts: dict[str, Any]) -> dict[str, Any]:
    ends = {name: facts[name] for name in ("low", "high", "chance") if facts[name] is not None}
    return {**facts, **{name: _value(row, value) for name, value in ends.items()}}


def _value(row: Row, value: float) -> float:
    return round(value if row.is_rank else 100 * value, DIGITS)


def yaml_text(value: Any, indent: str = "") -> str:
    """Return plain values as YAML in blocks; texts are quoted as JSON, which YAML reads.

    >>> print(yaml_text([{"a": 1, "b": ["x: y", None], "c": {}}]), end="")
    - a: 1
      b:
        - "x: y"
        - null
      c: {}
    """
    if isinstance(value, dict) and value:
        return "".join(
            f"{indent}{_key(key)}:{_behind(each, indent)}" for key, each in value.items()
        )
    if isinstance(value, list) and value:
        return "".join(
            f"{indent}- {yaml_text(each, indent + '  ').removeprefix(indent + '  ')}"
            for each in value
        )
    text = json_text(value, indent=None)
    if isinstance(value, float) and "." not in text:
        text = text.replace("e", ".0e")  # YAML 1.1 takes 1e-09 for a text
    return f"{indent}{text}\n"


def _key(key: str) -> str:
    """Return a key, quoted unless it is a word that all versions of YAML take for a text."""
    plain = re.fullmatch("[a-z][a-z0-9_-]*", key) and key not in AMBIGUOUS
    return key if plain else json_text(key)


def _behind(value: Any, indent: str) -> str:
    """Return a value behind its key: on the same line, or as a block below it."""
    is_block = isinstance(value, (dict, list)) and value
    return f"\n{yaml_text(value, indent + '  ')}" if is_block else f" {yaml_text(value)}"


FORMAT = Format(
    "Hugging Face hub: .eval_results and model-index of each model",
    "folder",
    write,
    uses=("hub_dataset", "source_url"),
)
