"""``benchbench list``: list the names of tasks, models and readers."""

from __future__ import annotations

import click

HEADS = ("type", "what it is")
"""The heads of a table of models."""


@click.group("list")
def list_group() -> None:
    """List tasks, models, or readers of published results."""


@list_group.command("tasks")
def list_tasks() -> None:
    """List tasks by name."""
    from tabulate import tabulate

    from benchbench.errors import ContractError
    from benchbench.registry import load_task, task_names
    from benchbench.types import VariantTask

    rows = []
    for name in task_names():
        try:
            task = load_task(name)
            variants = task.variants.values() if isinstance(task, VariantTask) else ()
            for info in (task.info, *(variant.info for variant in variants)):
                rows.append([info.name, info.title, info.protocol, info.headline])
        except ContractError as error:
            rows.append([name, str(error), "", ""])
    click.echo(tabulate(rows, ["task", "title", "protocol", "headline"], tablefmt="simple"))
    click.echo(f"\nnext  benchbench show task {rows[0][0]}")


@list_group.command("models")
@click.argument("family", required=False)
def list_models(family: str | None) -> None:
    """List model families and how to type them; with FAMILY, all names that it has."""
    from tabulate import tabulate

    from benchbench.errors import ContractError
    from benchbench.registry import family_names, model_family
    from benchbench.variants.catalogue import usages

    if family is not None:
        found = model_family(family)
        names = found.names() if found.names else list(found.usage)
        if set(names) <= found.usage.keys():
            known = [(name, found.usage[name]) for name in names]
            click.echo(tabulate(known, HEADS, tablefmt="simple"))
        else:
            click.echo("\n".join(names))
        return
    rows: list[tuple[str, str]] = []
    read = usages()
    for name in family_names():
        try:
            rows += (read[name] if name in read else model_family(name).usage).items()
        except ContractError as error:
            rows.append((name, str(error)))
    click.echo(tabulate(rows, HEADS, tablefmt="simple"))
    click.echo("\nnext  benchbench list models openclip")


@list_group.command("readers")
def list_readers() -> None:
    """List readers of published results (benchbench import)."""
    from tabulate import tabulate

    from benchbench.errors import ContractError
    from benchbench.importing.importer import load_reader, reader_names

    rows = []
    for name in reader_names():
        try:
            reader = load_reader(name)
            rows.append([name, reader.title, reader.task or "--task"])
        except ContractError as error:
            rows.append([name, str(error), ""])
    click.echo(tabulate(rows, ["reader", "what it reads", "task"], tablefmt="simple"))
    click.echo("\nnext  benchbench import FILE --reader table --task sugarcrepe --data-root DIR")
