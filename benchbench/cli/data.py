"""``benchbench data``."""

from __future__ import annotations

import click

from benchbench.cli import options


@click.group("data")
def data_group() -> None:
    """Data sets: what belongs where."""


@data_group.command("where")
@click.argument("task", required=False)
@options.data_root_option
def data_where(task: str | None, data_root: str | None) -> None:
    """The files that a task (by default every task) expects, and which of them are there."""
    from benchbench.editions import DATA_VARIABLE, find_root
    from benchbench.registry import load_task, task_names
    from benchbench.reports.cards import layout

    infos = [load_task(name).info for name in ([task] if task else task_names())]
    root = find_root(data_root)
    if root is None:
        click.echo(
            f"No data root: pass --data-root DIR or set {DATA_VARIABLE}. Where there are no "
            "official files,\ndrawn ones serve ARO's tasks: benchbench scenes export --out drawn\n"
        )
    for info in infos:
        click.echo(layout(info, root))
