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


@show_group.command("rankings")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--model",
    default="",
    help="The run's model, if the name in the run does not load it: a file, whose name is there "
    "without its folder.",
)
@click.option(
    "--worst",
    "n",
    type=options.COUNT,
    default=5,
    show_default=True,
    metavar="N",
    help="The queries whose first true answer has the worst place.",
)
@click.option(
    "--entry",
    "ids",
    multiple=True,
    metavar="ID",
    help="The queries of an entry instead: its image and its captions; repeatable.",
)
@click.option(
    "--direction",
    type=click.Choice(["image-to-text", "text-to-image"]),
    help="Images that search captions, or captions that search images.  [default: both]",
)
@click.option(
    "-k", type=options.COUNT, default=5, show_default=True, help="Candidates of each query."
)
@options.data_root_option
@options.edition_option
@click.option("--device", help="auto, cpu, cuda, cuda:1, mps.  [default: the run's]")
@options.loading_options
@options.verbose_option
@click.option("--json", "as_json", is_flag=True, help="The rankings as JSON.")
def show_rankings(path: Path, direction: str | None, as_json: bool, **how: Any) -> None:
    """Rank the candidates of a retrieval run's queries: what was found instead of the true answer.

    PATH is a run of a retrieval task. Captions and images come from the task's files, encodings
    from the store; what is not stored is encoded again. Places must be those of the run, otherwise
    this is an error (exit code 2).
    """
    from benchbench.analysis.rankings import rank_queries
    from benchbench.cli.progress import ProgressBar
    from benchbench.render.rankings import record
    from benchbench.runs import read_run

    bar = ProgressBar()
    try:
        found = rank_queries(
            read_run(path), direction=(direction or "").replace("-", " "), progress=bar, **how
        )
    finally:
        bar.close()
    click.echo(json_text(record(found)) if as_json else found)


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
@options.weights_option
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
