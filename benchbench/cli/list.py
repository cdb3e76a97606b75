"""``benchbench list``."""

from __future__ import annotations

import click


@click.group("list")
def list_group() -> None:
    """What there is: tasks, models."""


@list_group.command("tasks")
def list_tasks() -> None:
    """Tasks by name."""
    from tabulate import tabulate

    from benchbench.registry import load_task, task_names

    infos = [load_task(name).info for name in task_names()]
    rows = [[i.name, i.title, i.protocol, i.headline] for i in infos]
    click.echo(tabulate(rows, ["task", "title", "protocol", "headline"], tablefmt="simple"))
    click.echo(f"\nnext  benchbench show task {infos[0].name}")


@list_group.command("models")
def list_models() -> None:
    """Model families, and how to type them."""
    from tabulate import tabulate

    from benchbench.registry import model_families

    rows = [usage for family in model_families() for usage in family.usage.items()]
    click.echo(tabulate(rows, ["type", "what it is"], tablefmt="simple"))
    click.echo("\nnext  benchbench show model openclip:ViT-B-32/untrained")
