"""Runs in mteb's layout: ``results/DEVELOPER__MODEL/FINGERPRINT/TASK.json``, a ``TaskResult`` each.

``mteb.results.TaskResult.from_disk`` reads the files, and ``mteb.cache.ResultCache`` the folder.
The task is benchbench's, not mteb's task of a similar name, whose tie rule and metric differ, so
that ``mteb_version`` is null. The headline is ``main_score``; the edition is the ``hf_subset``.
What the layout has no field for is in the scores under ``benchbench``. Shares are in [0, 1];
metrics that are NaN are left out.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING, Any

from benchbench.errors import UsageError
from benchbench.printable import json_text, one_line
from benchbench.render.exporting import (
    ExportOptions,
    Format,
    cards_by_model,
    file_slug,
    model_facts,
    place_of,
    row_facts,
    run_facts,
    write_texts,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchbench.analysis.scorecard import Scorecard
    from benchbench.types import Run

LANGUAGES = ["eng-Latn"]
"""The language of all captions, as mteb writes it."""
SIMILARITIES = {"cosine": "cosine", "dot": "dot"}
"""Comparison of embeddings → its name there; others have none."""
UNKNOWN_OF_MODELS = (
    "loader", "release_date", "memory_usage_mb", "embed_dim", "license", "open_weights",
    "public_training_code", "public_training_data", "use_instructions", "training_datasets",
)  # fmt: skip
"""Fields of a ``ModelMeta`` that must be there and may be null."""


def write(runs: Sequence[Run], options: ExportOptions) -> list[Path]:
    """Write a file a model and task, with all its editions; return the files."""
    out, maker = place_of(options), file_slug(options.developer)
    texts: list[tuple[Path, str]] = []
    for name, cards in cards_by_model(runs, options).items():
        # Runs of one model may have several fingerprints: other weights under an unchanged name.
        folders: dict[str, list[Scorecard]] = {}
        for card in cards:
            folders.setdefault(card.run.model.fingerprint, []).append(card)
        for fingerprint, of in folders.items():
            folder = out / "results" / f"{maker}__{file_slug(name)}" / fingerprint
            meta = model_meta(of[0].run, f"{maker}/{file_slug(name)}")
            texts.append((folder / "model_meta.json", json_text(meta) + "\n"))
            for task in dict.fromkeys(card.run.task for card in of):
                record = task_result([card for card in of if card.run.task == task])
                texts.append((folder / f"{file_slug(task)}.json", json_text(record) + "\n"))
    return write_texts(texts)


def model_meta(run: Run, name: str) -> dict[str, Any]:
    """Return a model as a ``ModelMeta``; what benchbench does not know of it is null."""
    manifest = run.model
    known = {
        "name": name,
        "revision": manifest.fingerprint,
        "languages": LANGUAGES,
        "n_parameters": None if run.imported else manifest.parameters,
        "max_tokens": manifest.context_length or None,
        "similarity_fn_name": SIMILARITIES.get(manifest.similarity),
        "framework": [],
        "modalities": ["text"] + ["image"] * bool(manifest.preprocessing),
    }
    return {**dict.fromkeys(UNKNOWN_OF_MODELS), **known}


def task_result(cards: Sequence[Scorecard]) -> dict[str, Any]:
    """Return a model's runs of one task as a ``TaskResult``: an entry an edition.

    Raises:
        UsageError: a headline is NaN.
    """
    first = cards[0].run
    return {
        "dataset_revision": f"benchbench-{first.task_version}",
        "task_name": first.task,
        "mteb_version": None,
        "scores": {"test": [_scores(card) for card in cards]},
        "evaluation_time": sum(card.run.seconds for card in cards),
        "kg_co2_emissions": None,
        "date": max(datetime.fromisoformat(card.run.created).timestamp() for card in cards),
    }


def _scores(card: Scorecard) -> dict[str, Any]:
    run, headline = card.run, card.headline
    if math.isnan(headline.estimate.value):
        raise UsageError(
            f"{run.model.name} has no {headline.name} on {run.task}@{run.edition} (NaN)."
        )
    shown = [row for row in card.metrics if not math.isnan(row.estimate.value)]
    return {
        **{row.name: row.estimate.value for row in shown},
        "main_score": headline.estimate.value,
        "hf_subset": one_line(run.edition),
        "languages": LANGUAGES,
        "benchbench": {
            **model_facts(run),
            **run_facts(run),
            "headline": headline.name,
            "metrics": {row.name: row_facts(card, row) for row in shown},
        },
    }


FORMAT = Format(
    "mteb's results: a TaskResult of each model and task", "folder", write, uses=("developer",)
)
