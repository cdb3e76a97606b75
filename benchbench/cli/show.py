"""``benchbench show``: print a run, a task or a model in full."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchbench.cli import options
from benchbench.printable import json_text

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.group("show")
def show_group() -> None:
    """Show a run, a task or a model in full."""


@show_group.command("run")
@click.argument("path", type=click.Path(path_type=Path))
@options.by_option
@options.ties_option
@options.interval_option
@click.option("--manifest", is_flag=True, help="Also all that could have changed a number.")
@click.option(
    "--parity",
    "with_parity",
    is_flag=True,
    help="Also what published harnesses would print, and published figures of the same model.",
)
@click.option(
    "--as",
    "published_as",
    default="",
    metavar="KEY",
    help="With --parity: the published model whose weights the run has.",
)
@options.quoted_file_option
def show_run(
    path: Path,
    manifest: bool,
    with_parity: bool,
    published_as: str,
    quoted_files: Sequence[Path],
    **how: Any,
) -> None:
    """Read a run's file: its scorecard by any tie rule, any slice and any kind of interval."""
    from benchbench.analysis.parity import parity
    from benchbench.analysis.scorecard import scorecard
    from benchbench.data.published.sources import all_figures
    from benchbench.errors import UsageError
    from benchbench.runs import read_run

    if (published_as or quoted_files) and not with_parity:
        raise UsageError("--as and --quoted-file are of --parity: add it, or leave them out.")
    run = read_run(path)
    click.echo(scorecard(run, **how))
    if with_parity:
        figures = all_figures(quoted_files)
        click.echo(f"\n{parity(run, figures=figures, published_as=published_as)}")
    if manifest:
        record = {
            "model": asdict(run.model),
            "fingerprint": run.model.fingerprint,
            "data_sha256": run.data_sha256,
            "seal": run.seal or None,
            "counts": asdict(run.counts),
            "settings": dict(run.settings),
            "environment": dict(run.environment),
            "created": run.created,
            "seconds": run.seconds,
            "skipped": list(run.skipped),
            "unreadable": dict(run.unreadable),
        }
        click.echo("\n" + json_text(record))


@show_group.command("task")
@click.argument("name")
@options.data_root_option
@options.edition_option
def show_task(name: str, data_root: str | None, edition: str | None) -> None:
    """Show a task's card: what it measures, on which files, chance, and what to beware of."""
    from benchbench.analysis.chance import chance_levels
    from benchbench.registry import load_task
    from benchbench.render.cards import task_card

    task = load_task(name)
    click.echo(task_card(task.info, chance_levels(task, data_root, edition)))


@show_group.command("model")
@click.argument("specification")
@options.device_option
@options.precision_option
@options.seed_option
@options.loading_options
@options.verbose_option
@click.option("--json", "as_json", is_flag=True, help="The manifest as JSON.")
def show_model(
    specification: str, device: str, precision: Any, seed: int, as_json: bool, **extras: Any
) -> None:
    """Load a model and print its manifest: all about it that can change a number."""
    from benchbench.evaluation import prepare_model
    from benchbench.render.cards import model_card

    settings: Any = extras
    model = prepare_model(specification, device, precision, seed, settings, None)
    scale: float | None = getattr(model, "logit_scale", None)
    if not as_json:
        click.echo(model_card(model.manifest, scale))
        return
    record = asdict(model.manifest) | ({} if scale is None else {"logit_scale": round(scale, 4)})
    click.echo(json_text({**record, "fingerprint": model.manifest.fingerprint}))
