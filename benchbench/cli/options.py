"""Click options and types of numbers that several commands share."""

from __future__ import annotations

import math
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Command = TypeVar("Command", bound="Callable[..., object]")

MAX_COUNT = 2**31 - 1
"""The largest value of every count."""


class Number(click.FloatRange):
    """A finite number within bounds; NaN is within none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number, or fail if it is not finite or out of bounds."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


class RenamedOption(click.Option):
    """An option whose earlier name still works and is not listed.

    Its names are declared in order: the name to type, the earlier one, the parameter's.
    """

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the names and the help, without the earlier name."""
        with self._without_earlier():
            return super().get_help_record(ctx)

    def get_error_hint(self, ctx: click.Context | None) -> str:
        """Return the name for error messages."""
        with self._without_earlier():
            return super().get_error_hint(ctx)

    @contextmanager
    def _without_earlier(self) -> Iterator[None]:
        names, self.opts = self.opts, self.opts[:1]
        try:
            yield
        finally:
            self.opts = names


COUNT = click.IntRange(1, MAX_COUNT)
LEVEL = Number(0.5, 0.9999)

data_root_option = click.option(
    "--data-root",
    metavar="DIR",
    help="Folder with the task's files, instead of the drawn world (or the variable "
    "BENCHBENCH_DATA, or data_root in benchbench.toml).",
)
edition_option = click.option(
    "--edition",
    metavar="NAME",
    help="scenes: the drawn world. official: the data root's files, if they are known to be the "
    "official ones. (Or BENCHBENCH_EDITION, or edition in benchbench.toml.)  [default: scenes]",
)
ties_option = click.option(
    "--ties",
    type=click.Choice(["wrong", "share", "right"]),
    default="wrong",
    show_default=True,
    help="How a tie counts, for metrics whose publication fixes no rule.",
)
common_items_option = click.option(
    "--common-items",
    is_flag=True,
    help="Compare runs of several editions on the items that are equal in all by images, captions "
    "and truth.",
)
by_option = click.option("--by", metavar="TAG", help="Also a row per group, e.g. --by relation.")
interval_option = click.option(
    "--interval",
    type=click.Choice(["auto", "t", "percentile", "bca", "wilson"]),
    default="auto",
    show_default=True,
    help="Student's t, cluster bootstrap, Wilson's for independent items; auto takes what holds.",
)
device_option = click.option(
    "--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, mps."
)
log_option = click.option(
    "--log-json", metavar="FILE", help="Append events, one JSON object a line; - is standard error."
)

_seed_option = partial(
    click.option, "--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True
)
seed_option = _seed_option(help="Draws untrained weights, and the images of --limit.")
weights_option = _seed_option(help="Draws untrained weights.")
order_option = _seed_option(help="Draws untrained weights, and the order of --early-stop.")
resampling_option = _seed_option(
    help="Draws the source images, and the signs, of intervals and p-values."
)
batch_size_option = click.option(
    "--batch-size",
    type=COUNT,
    help="Images, or pairs, a forward pass.  [default: 32 on a CPU, by its memory on a GPU of "
    "CUDA, 256 elsewhere]",
)
precision_option = click.option(
    "--precision",
    type=click.Choice(["fp32", "fp16", "bf16"]),
    default="fp32",
    show_default=True,
    help="The precision of the model's arithmetic; scores are fp32 throughout.",
)
quoted_file_option = click.option(
    "--quoted-file",
    "quoted_files",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Also published figures of one's own (.toml, docs/published.md), or vl_compo's .csv; "
    "repeatable.",
)


VERBOSE = "benchbench.verbose"
"""The key of ``--verbose`` in a context's ``meta``."""


def is_verbose() -> bool:
    """Return whether the running command has ``--verbose``."""
    return bool(click.get_current_context().meta.get(VERBOSE))


verbose_option = click.option(
    "--verbose",
    is_flag=True,
    expose_value=False,
    callback=lambda context, _, value: context.meta.update({VERBOSE: value}),
    help="If a model's own code fails, show its trace.",
)


def loading_options(command: Command) -> Command:
    """Add the options for loading a checkpoint (``types.LOAD_EXTRAS``) to a command."""
    for option in reversed(
        (
            click.option(
                "--arch",
                "--architecture",
                "architecture",
                metavar="NAME",
                help="open_clip's architecture of a local file, e.g. ViT-B-32 (list models "
                "openclip).",
            ),
            click.option(
                "--activation",
                type=click.Choice(["gelu", "quickgelu"]),
                help="What a local file was trained with, if the file does not record it.",
            ),
            click.option(
                "--allow-partial",
                is_flag=True,
                help="Take weights that do not fill the model, and name the random rest.",
            ),
            click.option(
                "--trust-pickle",
                is_flag=True,
                help="Unpickle a checkpoint that is more than tensors: it may run any code.",
            ),
            click.option(
                "--base-url",
                metavar="URL",
                help="The server of api:MODEL, as http://127.0.0.1:8000/v1 (or OPENAI_BASE_URL).",
            ),
            click.option(
                "--trust-remote-code",
                is_flag=True,
                help="Run the code that a hub's repository brings along.",
            ),
            click.option(
                "--compile",
                is_flag=True,
                help="Compile the image tower (torch.compile): for long evaluations.",
            ),
            click.option(
                "--channels-last",
                is_flag=True,
                help="Hold images with channels last: for convolutions.",
            ),
            click.option(
                "--share-prefixes",
                is_flag=True,
                help="Encode the beginnings that captions share once: for many captions.",
            ),
        )
    ):
        command = option(command)
    return command
