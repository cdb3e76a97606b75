"""``benchbench list``."""

from __future__ import annotations

import click


@click.group("list")
def list_group() -> None:
    """List tasks, suites of tasks, models, or readers of published results."""


@list_group.command("tasks")
def list_tasks() -> None:
    """Tasks by name."""
    from tabulate import tabulate

    from benchbench.errors import ContractError
    from benchbench.registry import load_task, task_names
    from benchbench.types import Variable

    rows = []
    for name in task_names():
        try:
            task = load_task(name)
            variants = task.variants.values() if isinstance(task, Variable) else ()
            for info in (task.info, *(variant.info for variant in variants)):
                rows.append([info.name, info.title, info.protocol, info.headline])
        except ContractError as error:
            rows.append([name, str(error), "", ""])
    click.echo(tabulate(rows, ["task", "title", "protocol", "headline"], tablefmt="simple"))
    click.echo(f"\nnext  benchbench show task {rows[0][0]}")


@list_group.command("suites")
def list_suites() -> None:
    """Suites: several tasks under one name, as suite:aro."""
    from tabulate import tabulate

    from benchbench.suites import ABOUT, PREFIX, suite_names, suite_tasks

    rows = []
    for name in suite_names():
        tasks = suite_tasks(name)
        listed = ABOUT[name] if name == "all" else ", ".join(tasks)
        rows.append([f"{PREFIX}{name}", ABOUT.get(name, ""), len(tasks), listed])
    headers = ["suite", "what it is about", "tasks", "which"]
    click.echo(tabulate(rows, headers, tablefmt="simple", maxcolwidths=[None, 30, None, 50]))
    click.echo("\nnext  benchbench eval --model clip --task suite:aro")


@list_group.command("models")
@click.argument("family", required=False)
def list_models(family: str | None) -> None:
    """Model families and how to type them; with FAMILY, all names that it has."""
    from tabulate import tabulate

    from benchbench.errors import ContractError
    from benchbench.registry import family_names, model_family
    from benchbench.variants.catalogue import usages

    if family is not None:
        found = model_family(family)
        click.echo("\n".join(found.names() if found.names else found.usage))
        return
    rows: list[tuple[str, str]] = []
    read = usages()
    for name in family_names():
        try:
            rows += (read[name] if name in read else model_family(name).usage).items()
        except ContractError as error:
            rows.append((name, str(error)))
    click.echo(tabulate(rows, ["type", "what it is"], tablefmt="simple"))
    click.echo("\nnext  benchbench list models openclip")


@list_group.command("readers")
def list_readers() -> None:
    """Readers of results that somebody else measured (benchbench import)."""
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
