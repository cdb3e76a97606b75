"""The command line: each command parses, calls the library, prints.

Modules here import click alone at their top, so that ``benchbench --help`` is instant.
"""

from __future__ import annotations

from typing import Any

import click

from benchbench.cli.data import data_group
from benchbench.cli.evaluate import eval_command
from benchbench.cli.list import list_group
from benchbench.cli.show import show_group
from benchbench.errors import BenchbenchError
from benchbench.version import VERSION


class _Failure(click.ClickException):
    """What the user can put right: one message, exit code 2."""

    exit_code = 2


class _Commands(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; the one place where the library's errors become exit codes."""
        try:
            return super().invoke(ctx)
        except BenchbenchError as error:
            raise _Failure(str(error)) from error
        except KeyboardInterrupt:
            click.echo(
                "\nInterrupted.",
                err=True,
            )
            ctx.exit(130)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="benchbench")
def main() -> None:
    """Does a vision-language model understand who does what to whom?

    Evaluate checkpoints on compositional tasks, with intervals that hold.

    \b
    First steps:
      benchbench list tasks
      benchbench data where vg-relation
      benchbench eval --model openclip:ViT-B-32/openai --task vg-relation --data-root DIR
    """


for _command in (eval_command, list_group, show_group, data_group):
    main.add_command(_command)
