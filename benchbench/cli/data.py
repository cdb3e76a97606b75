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
@options.edition_option
def data_where(task: str | None, data_root: str | None, edition: str | None) -> None:
    """The files that a task (by default every task) reads, and which of them are there."""
    from benchbench.editions import choose
    from benchbench.registry import load_task, task_names
    from benchbench.reports.cards import layout

    infos = [load_task(name).info for name in ([task] if task else task_names())]
    choice = choose(data_root, edition)
    click.echo("\n\n".join(layout(info, choice) for info in infos))
