"""The command line: each command parses its options, calls the library, and prints the result.

Modules here import only click at their top, so that ``benchbench --help`` is instant.
"""

from __future__ import annotations

import gc
import os
import sys
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import click

from benchbench.cli import options
from benchbench.cli.audit import audit_command
from benchbench.cli.boards import leaderboard_command, publish_command, submit_command
from benchbench.cli.cache import cache_group
from benchbench.cli.check import check_group
from benchbench.cli.compare import compare_command
from benchbench.cli.data import data_group
from benchbench.cli.doctor import doctor_command
from benchbench.cli.evaluate import eval_command
from benchbench.cli.gate import gate_command
from benchbench.cli.list import list_group
from benchbench.cli.output import escape_output
from benchbench.cli.plan import merge_command, missing_command, plan_command, work_command
from benchbench.cli.plot import plot_command
from benchbench.cli.probe import probe_command
from benchbench.cli.report import report_command
from benchbench.cli.results import export_command, import_command
from benchbench.cli.scenes import scenes_group
from benchbench.cli.show import show_group
from benchbench.cli.sweep import sweep_command
from benchbench.cli.train import train_command
from benchbench.errors import BenchbenchError
from benchbench.printable import sentence
from benchbench.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


COLLECTED_AFTER = 100_000
"""New objects after which Python looks for reference cycles. Imports and items are hundreds of
thousands that live until the command ends: Python's 700 take a seventh of a command's time."""
PIPE_CLOSED = 141
"""The exit code of a program whose output nobody reads any more, as shells number it."""


class _Commands(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; with ``--verbose``, print the trace behind a BenchbenchError."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:  # the reader, such as `| head`, has read enough
            # Python flushes the closed pipe once more at its end, and would complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise click.exceptions.Exit(PIPE_CLOSED) from error
        except BenchbenchError as error:
            if ctx.meta.get(options.VERBOSE):
                from benchbench.failures import trace_of

                click.echo(trace_of(error), err=True)
            raise

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command line; the one place where errors become a line and an exit code."""
        run = partial(super().main, args, prog_name, complete_var, standalone_mode=False, **extra)
        with escape_output():
            _show_warnings()
            if standalone_mode:
                _tune_process()
            return _in_one_line(run) if standalone_mode else run()


def _tune_process() -> None:
    """Set what makes this process faster, and changes no number."""
    gc.set_threshold(COLLECTED_AFTER, *gc.get_threshold()[1:])
    # Torch's threads otherwise spin between operations, on the cores that decode images: a small
    # tower's evaluation then takes half as much CPU time again. libgomp reads it when torch loads.
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "0")


def _in_one_line(run: Callable[[], Any]) -> NoReturn:
    """Run a command, and exit with the code that it returns, or with an error in one line."""
    try:
        code: object = run()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(0)
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "benchbench"
        _fail(f"{error.format_message()} Help: {command} --help")
    except click.ClickException as error:
        _fail(error.format_message())
    except BenchbenchError as error:
        _fail(str(error), error.exit_code)
    except OSError as error:  # a full disk, a name too long, a working directory that is gone
        where = f"{error.filename}: " if error.filename else ""
        _fail(f"{where}{error.strerror or error}.")
    except SystemExit as error:
        _fail(f"Code that was run here left the program (exit code {error.code!r}): no result.")
    except MemoryError:
        _fail("The machine is out of memory.")
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted.", err=True)
        sys.exit(130)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str, code: int = 2) -> NoReturn:
    _say(f"Error: {sentence(message)}")
    sys.exit(code)


def _say(message: str) -> None:
    """Print a line on standard error; ``color`` keeps its escapes for the border to show."""
    click.echo(message, err=True, color=True)


def _show_warnings() -> None:
    """Make warnings print in one line, without their source."""
    warnings.showwarning = lambda message, *_, **__: _say(f"Warning: {sentence(str(message))}")
    # benchbench refuses oversized images by its own rule, with an ImageError.
    warnings.filterwarnings("ignore", message=r"Image size .* could be decompression bomb")


# color: click removes no escapes from printed text, and the border makes them visible.
@click.group(
    "benchbench",
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "color": True},
)
@click.version_option(VERSION, prog_name="benchbench")
def main() -> None:
    """Does a vision-language model understand who does what to whom?

    Evaluate checkpoints on compositional tasks, with intervals that hold.

    \b
    First steps:
      benchbench eval --model structclip --task vg-relation
      benchbench list tasks
      benchbench data where vg-relation
    """


for _command in (
    eval_command, sweep_command, audit_command, compare_command, gate_command, leaderboard_command,
    publish_command, train_command, probe_command, list_group, show_group, check_group, data_group,
    scenes_group, cache_group, doctor_command, import_command, export_command, report_command,
    plan_command, work_command, missing_command, merge_command, submit_command,
    plot_command,
):  # fmt: skip
    main.add_command(_command)
