"""A run in Every Eval Ever's schema: one JSON file, and with the task's files one line an item.

Schema version 0.3.0 of evaleval/every_eval_ever (``eval.schema.json`` and
``instance_level_eval.schema.json``). The files lie where its datastore has them:
``data/TASK/DEVELOPER/MODEL/UUID.json`` and ``UUID_samples.jsonl``. The UUID follows from the run's
seal, so that a run that is exported again replaces its own files.

All metrics are in ``evaluation_results``. Lines belong to the headline: of metrics over groups of
items, they are its terms, not its weights. Scores are shares; ranks count from 1. Everything of a
run that the schema has no field for is in ``additional_details`` and ``metadata``, as text.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from benchbench.analysis.paired import pair_runs
from benchbench.analysis.scorecard import scorecard
from benchbench.atomic import atomic_write
from benchbench.editions import resolve_edition
from benchbench.errors import UsageError
from benchbench.failures import task_items
from benchbench.files import expand_path
from benchbench.printable import json_text, one_line
from benchbench.registry import load_task
from benchbench.render.caveats import banners, interval_note
from benchbench.render.exporting import UNKNOWN, ExportOptions, Format, file_slug, place_of
from benchbench.runs import seal_of
from benchbench.types import Item

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from benchbench.analysis.scorecard import Row, Scorecard
    from benchbench.types import MatchingOutcome, Run, Ties

SCHEMA = "0.3.0"


def write_every_eval_ever(
    run: Run,
    out: str | Path,
    *,
    data_root: str | Path | None = None,
    edition: str | None = None,
    developer: str = UNKNOWN,
    organization: str = UNKNOWN,
    ties: Ties = "wrong",
) -> list[Path]:
    """Write a run as Every Eval Ever's files.

    Args:
        run: a whole run.
        out: a folder; files lie below ``data`` in it.
        data_root: the task's files, for a line an item; without them, and without an edition, the
            summary is written alone.
        edition: the edition, where that is given instead.
        developer: who made the model, for its name ``developer/model``.
        organization: who made the evaluation.
        ties: the rule for metrics whose publication fixes none.

    Returns:
        The paths that were written, the summary first.

    Raises:
        UsageError: the files are of another edition than the run's, or the task is none whose items
            have captions to choose from.
        RunError: the folder cannot be written.
    """
    card = scorecard(run, ties=ties)
    name, maker = (file_slug(each) for each in (run.model.name, developer))
    uuid = UUID(bytes=hashlib.sha256(seal_of(run).encode()).digest()[:16], version=4)
    place = f"data/{file_slug(run.task)}/{maker}/{name}/{uuid}"
    summary = _summary(card, f"{maker}/{name}", organization)
    written = [expand_path(out) / f"{place}.json"]
    if data_root is not None or edition is not None:
        lines = _lines(card, summary, data_root, edition)
        text = "".join(json_text(line, indent=None) + "\n" for line in lines)
        written.append(expand_path(out) / f"{place}_samples.jsonl")
        _write(written[1], text)
        summary["detailed_evaluation_results"] = {
            "format": "jsonl",
            "file_path": f"{place}_samples.jsonl",
            "hash_algorithm": "sha256",
            "checksum": hashlib.sha256(text.encode()).hexdigest(),
            "total_rows": len(lines),
        }
    _write(written[0], json_text(summary) + "\n")
    return written


def _write(path: Path, text: str) -> None:
    with atomic_write(path) as temporary:
        temporary.write_bytes(text.encode())


def _epoch(created: str) -> str:
    return str(int(datetime.fromisoformat(created).timestamp()))


def _summary(card: Scorecard, model: str, organization: str) -> dict[str, Any]:
    """Return the summary, without the reference to its lines."""
    run, source = card.run, card.run.imported.get("source") or {}
    identity = f"{run.task}@{run.edition}/{model}/{_epoch(run.created)}"
    return {
        "schema_version": SCHEMA,
        "evaluation_id": identity,
        "evaluation_timestamp": _epoch(run.created),
        "retrieved_timestamp": str(int(time.time())),
        "source_metadata": {
            "source_name": source.get("name") or "benchbench",
            "source_type": "evaluation_run",
            "source_organization_name": one_line(organization),
            "evaluator_relationship": "other",
            "additional_details": _texts({**source, "caveats": list(banners(run))}),
        },
        "eval_library": {
            "name": UNKNOWN if run.imported else "benchbench",
            "version": UNKNOWN if run.imported else str(run.environment.get("benchbench", UNKNOWN)),
        },
        "model_info": _model(run, model),
        "evaluation_results": [
            _result(card, row, identity)
            for row in card.metrics
            if not math.isnan(row.estimate.value)
        ],
    }


def _model(run: Run, model: str) -> dict[str, Any]:
    manifest = run.model
    details = {
        "fingerprint": manifest.fingerprint,
        "architecture": manifest.architecture,
        "weights_sha256": manifest.weights_sha256,
        "activation": manifest.activation,
        "precision": manifest.dtype,
        "trained": manifest.trained,
    }
    where = UNKNOWN if run.imported else "self_deployed"
    return {
        "name": manifest.name,
        "id": model,
        "developer": model.partition("/")[0],
        "additional_details": {
            "deployment_type": where, "model_availability": UNKNOWN, **_texts(details),
        },
    }  # fmt: skip


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Return values as text: what is none, as JSON."""
    return {k: v if isinstance(v, str) else json.dumps(v) for k, v in values.items() if v != ""}


def _result(card: Scorecard, row: Row, identity: str) -> dict[str, Any]:
    run, e = card.run, row.estimate
    score: dict[str, Any] = {
        "score": e.value,
        "details": _texts({"ties": row.ties, "tied": row.tied, "source_images": e.n_clusters}),
        "uncertainty": {"num_samples": e.n_items},
    }
    if not math.isnan(e.low):
        score["uncertainty"]["confidence_interval"] = {
            "lower": e.low, "upper": e.high, "confidence_level": e.level,
            "method": interval_note(card.interval, [row.kind], card.resamples),
        }  # fmt: skip
    return {
        "evaluation_result_id": f"{identity}#{row.name}",
        "evaluation_name": f"{run.task}.{row.name}",
        "source_data": {
            "dataset_name": run.task,
            "source_type": "other",
            "additional_details": _texts({
                "edition": run.edition, "data_sha256": run.data_sha256,
                "task_version": run.task_version, "items": run.counts.items,
                "items_in_edition": run.counts.items_in_edition,
            }),
        },
        "evaluation_timestamp": _epoch(run.created),
        "metric_config": {
            "evaluation_description": f"{row.statistic} over {row.meaning}",
            "metric_id": f"benchbench.{run.task}.{row.name}",
            "metric_name": row.name,
            "metric_kind": row.measure,
            "metric_unit": "rank" if row.is_rank else "proportion",
            "lower_is_better": row.is_rank,
            "score_type": "continuous",
            "min_score": 1.0 if row.is_rank else 0.0,
            "max_score": "Infinity" if row.is_rank else 1.0,
        },
        "score_details": score,
    }  # fmt: skip


def _lines(
    card: Scorecard,
    summary: Mapping[str, Any],
    data_root: str | Path | None,
    edition: str | None,
) -> list[dict[str, Any]]:
    """Return a line for each item that the headline judges."""
    run = card.run
    task = load_task(run.task)
    resolved = resolve_edition(task.info, data_root, edition, with_images=False)
    if resolved.name != run.edition:
        raise UsageError(
            f"The run is of {run.edition}, and these files are {resolved.name}: name the run's own "
            "with --data-root, or leave it out for a summary alone."
        )
    items = {item.id: item for item in task_items(task, resolved.root)}
    scores = pair_runs([run]).scores(card.headline.name, ties=card.headline.ties)
    credit = dict(zip(scores.outcome.tolist(), scores.values[:, 0].tolist(), strict=True))
    ids = {
        "schema_version": SCHEMA,
        "evaluation_id": summary["evaluation_id"],
        "model_id": summary["model_info"]["id"],
        "evaluation_name": f"{run.task}.{card.headline.name}",
        "evaluation_result_id": f"{summary['evaluation_id']}#{card.headline.name}",
    }
    return [
        {**ids, **line}
        for number, outcome in enumerate(run.outcomes)
        if number in credit
        for line in _line(run, outcome, items.get(outcome.id), credit[number])
    ]


def _line(
    run: Run, outcome: MatchingOutcome, item: object, credit: float
) -> Iterator[dict[str, Any]]:
    """Yield an item's line; decisions without scores have none but those of two directions."""
    if not isinstance(item, Item):
        raise UsageError(
            f"Item {outcome.id} has no captions to choose from in these files: leave --data-root "
            "out for a summary alone."
        )
    images = [ref.path.name for ref in item.images]
    own = [item.captions[i] for i in item.target if i >= 0]
    asked = "Which caption belongs to which image?" if len(images) > 1 else "Which caption is true?"
    chosen = [_chosen(item.captions, row) for row in outcome.scores.tolist()]
    raw = "\n".join([asked, *images, *item.captions])
    hashed = json.dumps({"raw": raw, "reference": own}, sort_keys=True, separators=(",", ":"))
    more: dict[str, Any] = {"images": images, "cluster": outcome.cluster}
    if not run.decisions_only or len(images) > 1:
        more["scores"] = outcome.scores.tolist()
    if outcome.by_caption is not None:
        more["by_caption"] = outcome.by_caption.tolist()
    yield {
        "sample_id": outcome.id,
        "sample_hash": hashlib.sha256(hashed.encode()).hexdigest(),
        "interaction_type": "single_turn",
        "input": {"raw": raw, "reference": own, "choices": list(item.captions)},
        "output": {"raw": chosen},
        "answer_attribution": [
            {
                "turn_idx": 0,
                "source": "output.raw",
                "extracted_value": json.dumps(chosen) if len(chosen) > 1 else chosen[0],
                "extraction_method": "the caption with the highest score; empty where several tie",
                "is_terminal": True,
            }
        ],
        "evaluation": {"score": credit, "is_correct": credit == 1.0},
        "metadata": _texts({**more, **{f"tag.{k}": v for k, v in outcome.tags.items()}}),
    }


def _chosen(captions: Sequence[str], scores: Sequence[float]) -> str:
    """Return the caption that an image prefers; empty where several have the highest score."""
    best = [text for text, score in zip(captions, scores, strict=True) if score == max(scores)]
    return best[0] if len(best) == 1 else ""


def write(runs: Sequence[Run], options: ExportOptions) -> Iterator[Path]:
    """Write the files of each run; yield their paths."""
    for run in runs:
        yield from write_every_eval_ever(
            run,
            place_of(options),
            data_root=options.data_root,
            edition=options.edition,
            developer=options.developer,
            organization=options.organization,
            ties=options.ties,
        )


FORMAT = Format(
    "Every Eval Ever's schema, version 0.3.0: a summary, a line an item",
    "folder",
    write,
    uses=("data_root", "edition", "developer", "organization"),
)
