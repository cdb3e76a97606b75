"""Train the family on a bare machine with a GPU, in calls of some minutes each.

    python -m benchmarks.family_gpu --wheels .whl --out $OUT --seeds 0
    python -m benchmarks.family_gpu --wheels .whl --out $OUT --seeds 1,2 --from CARRIED

A call makes the examples once, with all cores (``training.packs``), and the validation sets.
Then members train side by side, each a process that brings the columns it needs to the device.
Before ``--max-minutes`` are over it stops them, and leaves their results in a few small files
(``archives``): the next call goes on from those. ``--unpack`` puts them into ``WORK/SEED/MEMBER``,
where ``family.py`` finds them. A call without ``--out`` can be left to train in the background,
while others ``--collect`` what is finished.
"""

from __future__ import annotations

import os
import sys
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

RESERVE = 25.0
"""Seconds at the end for the last validations and the archive."""


@dataclass(frozen=True, slots=True)
class Call:
    """The settings of one call."""

    work: str
    """Folder of runs, as it is typed: plans remember it."""
    packs: str
    device: str
    precision: str
    pool: int
    processes: int
    at_once: int
    stop_at: float
    """When training stops, by ``time.monotonic``."""
    small: bool
    """Whether counts are tiny, and one process draws: a trial of the whole way."""

    def scenes(self) -> dict[str, int]:
        """Return the number of scenes of validation sets, where it is smaller than usual."""
        return {"scenes": 24} if self.small else {}


@click.command()
@click.option("--work", default="training", show_default=True, help="Folder of runs.")
@click.option("--packs", default="", help="Folder of examples and exams.  [default: WORK/packs]")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder of results; without it, they stay in --work.",
)
@click.option("--from", "carried", type=click.Path(path_type=Path), multiple=True,
              help="A folder of results to go on from.")  # fmt: skip
@click.option("--unpack", is_flag=True, help="Put --from into --work, and do no more.")
@click.option("--collect", is_flag=True, help="Put what is newly finished into --out, no more.")
@click.option("--seeds", default="0", show_default=True, help="With commas between.")
@click.option("--members", default="", help="Names with commas between; by default all.")
@click.option(
    "--max-minutes",
    "minutes",
    default=9.0,
    show_default=True,
    help="Of this call, all in all.",
)
@click.option("--pool", default=400_000, show_default=True, help="Examples, shown repeatedly.")
@click.option("--scale", default=1.0, show_default=True, help="Share of each member's steps.")
@click.option("--batch-size", type=int, help="Of all; as many examples as else.  [default: each's]")
@click.option("--lr", "rate", type=float, help="Learning rate of all.  [default: each's]")
@click.option("--processes", type=int, help="That make examples.  [default: one a core]")
@click.option("--at-once", default=6, show_default=True, help="Members that train side by side.")
@click.option("--device", default="cuda", show_default=True)
@click.option("--precision", type=click.Choice(["fp32", "bf16"]), default="bf16")
@click.option("--wheels", type=click.Path(path_type=Path), help="Folder of wheels to take along.")
@click.option("--dry-run", is_flag=True, help="Tiny counts: a trial of the whole way.")
def main(**given: Any) -> None:
    """Make examples, train, carry the results."""
    started = time.monotonic()
    if given["wheels"] is not None:
        take_along(given["wheels"], Path(given["work"]) / "wheels")
    from benchbench.errors import BenchbenchError
    from benchmarks.gpu_runs import work_through

    try:
        work_through(started, given)
    except BenchbenchError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)


def take_along(wheels: Path, site: Path) -> None:
    """Make wheels importable, here and in the processes that this one starts.

    Args:
        wheels: a folder of ``*.whl``.
        site: where they are unpacked.

    Raises:
        click.ClickException: there are none.
    """
    found = sorted(wheels.glob("*.whl"))
    if not found:
        raise click.ClickException(f"{wheels} holds no wheels (*.whl): --wheels FOLDER.")
    for wheel in found:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)
    place = str(site.absolute())
    sys.path.insert(0, place)
    older = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([place, *([older] if older else [])])


if __name__ == "__main__":
    main()
