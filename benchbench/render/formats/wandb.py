"""Runs in Weights & Biases: a W&B run a model, with all metrics in its summary.

Runs are written offline below ``--out``, and ``wandb sync`` sends them; with ``WANDB_MODE=online``
they are sent at once. The project is ``benchbench``, or ``WANDB_PROJECT``.
"""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from benchbench.atomic import os_errors
from benchbench.errors import RunError, UsageError
from benchbench.failures import first_line
from benchbench.printable import one_line
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
    from collections.abc import Sequence

    from benchbench.types import Run

PROJECT = "benchbench"
MAX_NAME = 128
"""Characters of a W&B run's name."""


def write(runs: Sequence[Run], options: ExportOptions) -> list[str]:
    """Log a run a model; return the folders of the runs, and how to send them.

    Raises:
        UsageError: ``WANDB_MODE`` says that nothing is logged.
        RunError: W&B refuses something, or cannot be reached.
    """
    out, models = place_of(options), cards_by_model(runs, options)
    wandb = import_tracker("wandb", "wandb", "wandb")
    mode = os.environ.get("WANDB_MODE", "offline")
    if mode not in ("offline", "online"):
        raise UsageError(f"WANDB_MODE is '{mode}': nothing is logged. Let it be offline or online.")
    alone = wandb.run is None
    written = []
    for name, cards in models.items():
        with os_errors(out):
            out.mkdir(parents=True, exist_ok=True)
        facts = {f"{c.run.task}@{c.run.edition}": run_facts(c.run) for c in cards}
        try:
            with wandb.init(
                project=os.environ.get("WANDB_PROJECT", PROJECT),
                name=one_line(name)[:MAX_NAME],
                job_type="evaluation",
                dir=str(out),
                mode=mode,
                config={**model_facts(cards[0].run), "runs": facts},
                settings=wandb.Settings(silent=True, console="off", x_disable_stats=True),
                reinit="create_new",
            ) as run:
                run.log({k: v for c in cards for k, v in scalars(c).items()}, step=options.step)
                folder = os.path.dirname(run.dir)  # noqa: PTH120 - W&B gives a text
        except (wandb.Error, OSError) as error:
            raise RunError(f"Weights & Biases: {first_line(error)}.") from error
        written.append(folder if mode == "offline" else str(run.url))
    if alone:
        wandb.teardown()  # its service writes files after a run has finished
    sent = [f"next  wandb sync {shlex.join(written)}"] if mode == "offline" else []
    return [*(f"logged  {each}" for each in written), *sent]


FORMAT = Format(
    "Weights & Biases: a run of each model, offline (extra wandb)", "folder", write, uses=("step",)
)
