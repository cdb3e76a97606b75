"""Runs as scalars for TensorBoard: a folder of events a model, a scalar a metric and an end.

All numbers are written at one step, that of the checkpoint (``--step``); the facts of the model and
of the runs are a text beside them. An export adds a file of events and changes no earlier one.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from benchbench.atomic import os_errors
from benchbench.printable import json_text
from benchbench.render.exporting import (
    ExportOptions,
    Format,
    cards_by_model,
    import_tracker,
    model_facts,
    place_of,
    require_apart,
    run_facts,
    scalars,
)
from benchbench.render.pages import slug

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchbench.types import Run


def write(runs: Sequence[Run], options: ExportOptions) -> list[Path]:
    """Write a folder of events a model; return the folders.

    Raises:
        UsageError: the names of two models are alike as names of files.
    """
    out, models = place_of(options), cards_by_model(runs, options)
    require_apart([out / slug(name) for name in models])
    import_tracker("tensorboard", "tensorboard", "tensorboard")
    from torch.utils.tensorboard import SummaryWriter

    written = []
    for name, cards in models.items():
        folder = out / slug(name)
        with os_errors(folder), SummaryWriter(str(folder)) as writer:
            for card in cards:
                when = datetime.fromisoformat(card.run.created).timestamp()
                for tag, value in scalars(card).items():
                    writer.add_scalar(tag, value, options.step, walltime=when)
                facts = json_text({**model_facts(card.run), **run_facts(card.run)})
                text = "".join(f"    {line}\n" for line in facts.splitlines())
                tag = f"{card.run.task}@{card.run.edition}/run"
                writer.add_text(tag, text, options.step, walltime=when)
        written.append(folder)
    return written


FORMAT = Format(
    "TensorBoard: scalars of each model (extra tensorboard)", "folder", write, uses=("step",)
)
