"""Write the numbers of items and of source images of suites, out of their annotations.

    python -m benchmarks.suite_sizes TASK=DIR … --out benchmarks/suite_sizes.json

``docs/findings.md`` reads them: the annotations themselves are not in the repository.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import click

from benchbench.atomic import written_whole
from benchbench.registry import load_task

SIZES = Path(__file__).parent / "suite_sizes.json"


@click.command()
@click.argument("roots", nargs=-1, required=True)
@click.option("--out", type=click.Path(path_type=Path), default=SIZES, show_default=True)
def main(roots: tuple[str, ...], out: Path) -> None:
    """Write the sizes of the tasks of ROOTS, each TASK=DIR."""
    found = dict(sorted(size_of(*each.split("=", 1)) for each in roots))
    with written_whole(out) as temporary:
        temporary.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    click.echo(out)


def size_of(name: str, root: str) -> tuple[str, dict[str, int]]:
    """Return a task and its items, its source images, and the sum of squares of items an image."""
    task = load_task(name)
    items = [each for each in task.items(Path(root)) if not getattr(each, "validation", False)]
    sizes = Counter(each.cluster for each in items).values()
    squares = sum(size**2 for size in sizes)
    return name, {"items": len(items), "images": len(sizes), "squares": squares}


if __name__ == "__main__":
    main()
