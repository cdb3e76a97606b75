"""``benchbench list``: list the names of tasks, models, readers and formats."""

from __future__ import annotations

import click

HEADS = ("type", "what it is")
"""The heads of a table of models."""


@click.group("list")
def list_group() -> None:
    """List tasks, suites of tasks, models, readers of published results, or formats of export."""


@list_group.command("tasks")
@click.option("--markdown", is_flag=True, help="The whole page of their cards (docs/tasks.md).")
def list_tasks(markdown: bool) -> None:
    """List tasks by name, with the size and the licence of their files."""
    from tabulate import tabulate

    from benchbench.errors import ContractError
    from benchbench.registry import load_task, task_names
    from benchbench.render.task_pages import short_licence, tasks_page
    from benchbench.suites import cards_of, suite_names, suite_tasks

    if markdown:
        cards = [cards_of(load_task(name)) for name in task_names()]
        suites = {name: suite_tasks(name) for name in suite_names()}
        click.echo(tasks_page(cards, suites), nl=False)
        return
    rows = []
    for name in task_names():
        try:
            for info in cards_of(load_task(name)):
                licence = short_licence(info)
                row = [info.name, info.title, info.size, info.protocol, info.headline, licence]
                rows.append(row)
        except ContractError as error:
            rows.append([name, str(error), "", "", "", ""])
    headers = ["task", "title", "size", "protocol", "headline", "licence"]
    click.echo(tabulate(rows, headers, tablefmt="simple"))
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
    click.echo(tabulate(rows, HEADS, tablefmt="simple", maxcolwidths=[None, 60]))
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


@list_group.command("formats")
def list_formats() -> None:
    """List formats and trackers that runs are exported to (benchbench export)."""
    from tabulate import tabulate

    from benchbench.render.exporting import format_names, load_format

    formats = {name: load_format(name) for name in format_names()}
    rows = [[name, each.title, each.out] for name, each in formats.items()]
    click.echo(tabulate(rows, ["format", "what it is", "--out"], tablefmt="simple"))
    click.echo("\nnext  benchbench export RUNS --to latex --out table.tex")
