"""``benchbench probe``: find the activation that a file's weights were trained with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from benchbench.cli import options
from benchbench.cli.output import say
from benchbench.printable import sentence


@click.command("probe")
@click.argument("path")
@click.option("--arch", "--architecture", "architecture", metavar="NAME", help="As for eval.")
@click.option(
    "--pairs",
    type=click.Path(path_type=Path),
    metavar="FILE.csv",
    help="Images' paths, relative to the file, and captions that are true of them.",
)
@click.option(
    "--task",
    default="coco-retrieval",
    show_default=True,
    help="The task whose true pairs are used, if no file is named.",
)
@click.option(
    "--limit",
    type=options.COUNT,
    default=500,
    show_default=True,
    help="The largest number of pairs; the first are used.",
)
@options.data_root_option
@options.edition_option
@options.device_option
@options.precision_option
@options.weights_option
@click.option("--allow-partial", is_flag=True, help="As for eval.")
@click.option("--trust-pickle", is_flag=True, help="As for eval.")
@options.verbose_option
def probe_command(
    path: str, pairs: Path | None, task: str, limit: int, data_root: str | None,
    edition: str | None, device: str, precision: Any, seed: int, **extras: Any,
) -> None:  # fmt: skip
    """Compare GELU and QuickGELU for a file of weights on true pairs; the result is advice only."""
    from itertools import islice

    from tabulate import tabulate

    from benchbench.adapters.activation_probe import LEVEL, probe, read_pairs, true_pairs
    from benchbench.devices import choose_device
    from benchbench.editions import resolve_edition
    from benchbench.failures import task_items
    from benchbench.registry import load_task
    from benchbench.types import LoadOptions

    if pairs is not None:
        true, where = read_pairs(pairs)[:limit], str(pairs)
    else:
        found = load_task(task)
        chosen = resolve_edition(found.info, data_root, edition)
        true = true_pairs(islice(task_items(found, chosen.root), limit))
        where = f"{task}@{chosen.name}"
    probed = probe(path, LoadOptions(choose_device(device), precision, seed, **extras), true)
    rows = [
        (m.name, m.gelu, m.quickgelu, m.difference.value,
         f"[{m.difference.low:+.4f}, {m.difference.high:+.4f}]")
        for m in probed.measures
    ]  # fmt: skip
    heads = ["measure", "gelu", "quickgelu", "difference", f"{LEVEL:.0%} interval"]
    say(sentence(f"{path}  ·  {probed.pairs} true pairs of {where}"))
    click.echo()
    click.echo(tabulate(rows, heads, tablefmt="simple", floatfmt=".4f"))
    click.echo(f"\n{probed.advice}")
