"""``benchbench audit``: how far text-only models get on a task, and what makes its items fewer."""

from __future__ import annotations

from pathlib import Path

import click

from benchbench.cli import options
from benchbench.cli.output import say
from benchbench.errors import UsageError


@click.command("audit")
@click.argument("task")
@options.data_root_option
@options.edition_option
@click.option(
    "--captions",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Train the n-gram models on the captions of FILE, too (Karpathy's format); those of the "
    "task's own images are left out.",
)
@click.option(
    "--blind",
    multiple=True,
    metavar="MODEL",
    help="A further text-only model, as blind:hf:openai-community/gpt2; repeatable.",
)
@click.option(
    "--model",
    metavar="MODEL",
    help="Count the items whose answer by MODEL changes with the crop; needs the images.",
)
@options.device_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Also write TASK@EDITION.md and .json to DIR.",
)
@options.verbose_option
def audit_command(
    task: str,
    data_root: str | None,
    edition: str | None,
    captions: Path | None,
    blind: tuple[str, ...],
    model: str | None,
    device: str,
    out: Path | None,
) -> None:
    """Audit a task: how far text-only models get, and what its items give away.

    Length, n-grams and each --blind model are evaluated without images. N-gram models are trained
    on the task's training split; without one, on the true captions of other items (five parts). The
    items that no text-only model answers are listed in the JSON file.
    """
    from benchbench.analysis.audit import audit
    from benchbench.cli.progress import ProgressBar
    from benchbench.registry import load_task

    if out is not None:
        from benchbench.render.audit_files import check_folder

        check_folder(out)
    if device != "auto" and model is None:
        raise UsageError("--device is where --model runs. Name a model: --model MODEL")
    bar = ProgressBar()
    try:
        found = audit(
            load_task(task), data_root=data_root, edition=edition, captions=captions, blind=blind,
            model=model, device=device if model else None, progress=bar,
        )  # fmt: skip
    finally:
        bar.close()
    click.echo(found)
    if out is not None:
        from benchbench.render.audit_files import write_audit

        click.echo()
        for path in write_audit(found, out):
            say(path)
