"""Options that several commands share."""

from __future__ import annotations

import click

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
by_option = click.option("--by", metavar="TAG", help="Also a row per group, e.g. --by relation.")
device_option = click.option(
    "--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, mps."
)
seed_option = click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    default=0,
    show_default=True,
    help="Draws untrained weights, and the images of --limit.",
)
precision_option = click.option(
    "--precision",
    type=click.Choice(["fp32", "fp16", "bf16"]),
    default="fp32",
    show_default=True,
    help="Of the model's arithmetic; scores are fp32 throughout.",
)
