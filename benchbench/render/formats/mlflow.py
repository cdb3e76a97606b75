"""Runs in MLflow: a run a model in the experiment ``benchbench``, by the tracking client.

``--out`` is a file, which becomes an SQLite database as MLflow's own default is, or the address of
a server. ``mlflow ui --backend-store-uri sqlite:///FILE`` shows the file.
MLflow's own variables hold: ``MLFLOW_EXPERIMENT_NAME``, ``MLFLOW_TRACKING_TOKEN`` and the like.
Names of metrics have ``:`` for ``@`` and ``-`` for other signs that MLflow refuses.
"""

from __future__ import annotations

import os
import re
import time
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from benchbench.atomic import os_errors
from benchbench.errors import BenchbenchError, RunError, UsageError
from benchbench.failures import first_line
from benchbench.files import require_regular
from benchbench.printable import json_text, one_line
from benchbench.render.exporting import (
    ExportOptions,
    Format,
    cards_by_model,
    import_tracker,
    model_facts,
    place_of,
    run_facts,
    scalars,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchbench.analysis.scorecard import Scorecard
    from benchbench.types import Run

EXPERIMENT = "benchbench"
MAGIC = b"SQLite format 3\0"
"""The first bytes of a database."""
MAX_VALUE = 5000
"""Characters of a tag's value; MLflow refuses more."""


def write(runs: Sequence[Run], options: ExportOptions) -> list[str]:
    """Log a run a model; return the addresses of the runs.

    Raises:
        RunError: MLflow refuses something, or cannot be reached.
    """
    models = cards_by_model(runs, options)
    address = options.out if "://" in options.out else _database(options)
    mlflow = import_tracker("mlflow", "mlflow-skinny", "mlflow")
    written = []
    try:
        client = mlflow.MlflowClient(tracking_uri=address)
        experiment = _experiment(client)
        for name, cards in models.items():
            run = client.create_run(experiment, run_name=one_line(name), tags=_tags(cards))
            with _ended(client, run.info.run_id):
                client.log_batch(run.info.run_id, metrics=_metrics(mlflow, cards, options.step))
            written.append(f"logged  {one_line(name)}: run {run.info.run_id} at {address}")
    except BenchbenchError:
        raise
    except Exception as error:  # its own, its database's, the network's
        raise RunError(f"MLflow at {address}: {first_line(error)}.") from error
    return written


@contextmanager
def _ended(client: Any, run_id: str) -> Iterator[None]:
    """End a run: as FAILED where what is inside raises; otherwise as FINISHED."""
    try:
        yield
    except BaseException:
        try:
            client.set_terminated(run_id, "FAILED")
        except Exception as error:  # noqa: BLE001 - whose kind is MLflow's; the first one is raised
            warnings.warn(
                f"MLflow's run {run_id} stays RUNNING, as it could not be ended: "
                f"{first_line(error)}.",
                stacklevel=2,
            )
        raise
    client.set_terminated(run_id)


def _database(options: ExportOptions) -> str:
    """Return the address of a file that is a database; its folder is made.

    Raises:
        UsageError: it is there and is something else; MLflow would try it for minutes.
        RunError: it cannot be read, or its folder cannot be made.
    """
    path = place_of(options).absolute()
    with os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            require_regular(path)
            with path.open("rb") as file:
                start = file.read(len(MAGIC))
            if start not in (b"", MAGIC):
                raise UsageError(f"{path} is not an SQLite database: name another file.")
    return f"sqlite:///{path}"


def _experiment(client: Any) -> str:
    """Return the id of the experiment, which is made if there is none."""
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
    found = client.get_experiment_by_name(name)
    if found is None:
        return str(client.create_experiment(name))
    if found.lifecycle_stage != "active":
        raise UsageError(f"MLflow's experiment {name} is deleted. Restore it, or name another.")
    return str(found.experiment_id)


def _metrics(mlflow: Any, cards: Sequence[Scorecard], step: int) -> list[Any]:
    now = int(1000 * time.time())
    return [
        mlflow.entities.Metric(metric_name(name), value, now, step)
        for card in cards
        for name, value in scalars(card).items()
    ]


def metric_name(name: str) -> str:
    """Return a name with the signs that MLflow takes.

    >>> metric_name("vg-relation@scenes-v2/macro≥25.low")
    'vg-relation:scenes-v2/macro-25.low'
    """
    return re.sub(r"[^A-Za-z0-9_\-. :/]", "-", name.replace("@", ":"))


def _tags(cards: Sequence[Scorecard]) -> dict[str, str]:
    """Return the model's facts, and those of each of its runs, as texts."""
    found = {f"benchbench.{k}": str(v) for k, v in model_facts(cards[0].run).items()}
    for card in cards:
        facts = run_facts(card.run)
        place = metric_name(f"{card.run.task}@{card.run.edition}").replace("/", "-")
        found[f"benchbench.run.{place}"] = json_text(facts)
    return {name: text[:MAX_VALUE] for name, text in found.items()}


FORMAT = Format(
    "MLflow: a run of each model (extra mlflow)", "file or server", write, uses=("step",)
)
