"""``benchbench check``: hold a model or a task to the plugin contract."""

from __future__ import annotations

from typing import Any

import click

from benchbench.cli import options
from benchbench.cli.output import say
from benchbench.printable import sentence

WIDTH = 14


@click.group("check")
def check_group() -> None:
    """Hold a model or a task, your own too, to the contract: exit code 1 if it breaks it."""


@check_group.command("model")
@click.argument("specification")
@options.device_option
@options.precision_option
@options.weights_option
@options.loading_options
@options.verbose_option
def check_model_command(
    specification: str, device: str, precision: Any, seed: int, **extras: Any
) -> int:
    """Load a model and try it on small images and captions; a line a check."""
    from benchbench.devices import choose_device
    from benchbench.registry import load_model
    from benchbench.testing import model_checks
    from benchbench.types import LoadOptions

    model = load_model(specification, LoadOptions(choose_device(device), precision, seed, **extras))
    checks = model_checks(model)
    for check in checks:
        state = f"not tried: {check.blocked_by} failed" if check.blocked_by else "ok"
        for problem in check.problems or (state,):
            say(f"{check.name:{WIDTH}}  {'FAILED: ' if check.problems else ''}{sentence(problem)}")
    failed = sum(bool(check.problems) for check in checks)
    click.echo()
    say(sentence(f"{specification} {_verdict(failed)}"))
    return 1 if failed else 0


def _verdict(failed: int) -> str:
    return f"breaks the contract: {failed} failed" if failed else "keeps the contract"


@check_group.command("task")
@click.argument("name")
@options.data_root_option
@options.edition_option
def check_task_command(name: str, data_root: str | None, edition: str | None) -> int:
    """Read a task's items and look through them all."""
    from benchbench.editions import resolve_edition
    from benchbench.errors import ContractError
    from benchbench.registry import load_task
    from benchbench.testing import check_task

    task = load_task(name)
    resolved = resolve_edition(task.info, data_root, edition)
    try:
        check_task(task, resolved.root)
    except ContractError as error:
        click.echo(str(error))
        return 1
    say(f"{name}@{resolved.name} {_verdict(0)}")
    return 0
