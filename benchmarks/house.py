"""Measure the code: sizes by room, import circles, and the modules that a command imports.

    python -m benchmarks.house            # this checkout
    python -m benchmarks.house OTHER      # another checkout, to compare with

Circles are strongly connected sets of modules. Imports inside functions count; those for type
checkers do not. Times are of one machine: compare two checkouts in one session.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

COMMANDS = (("--help",), ("list", "models"), ("list", "tasks"))
MAIN_JOB = (
    "import sys; from benchbench import registry; registry.load_task('vg-relation'); "
    "registry.load_model('structclip'); import benchbench.evaluation; "
    "print(sum(m.startswith('benchbench') for m in sys.modules))"
)
"""Everything that ``eval --model structclip --task vg-relation`` imports before it reads a file."""


@click.command()
@click.argument("checkout", default=".", type=click.Path(exists=True, path_type=Path))
def main(checkout: Path) -> None:
    """Print the tables of a CHECKOUT."""
    top = checkout.absolute()
    files = [*sorted((top / "benchbench").rglob("*.py")), *sorted((top / "tasks").glob("*.py"))]
    _sizes(top, files)
    found = circles(imports(top, files))
    click.echo(f"\nimport circles: {len(found)}")
    for each in found:
        click.echo(f"  {' ↔ '.join(each)}")
    _commands(top)


def _sizes(top: Path, files: list[Path]) -> None:
    rooms: dict[str, list[int]] = defaultdict(list)
    lengths: list[int] = []
    for path in files:
        parts = path.relative_to(top).parts
        room = "tasks" if parts[0] == "tasks" else parts[1] if len(parts) > 2 else "(top level)"
        text = path.read_text("utf-8")
        rooms[room].append(text.count("\n"))
        lengths += list(function_lengths(ast.parse(text)))
    click.echo(f"{'room':<16} {'files':>5} {'lines':>6} {'< 60 lines':>10}")
    for room, lines in sorted(rooms.items(), key=lambda each: -sum(each[1])):
        small = sum(each < 60 for each in lines)
        click.echo(f"{room:<16} {len(lines):>5} {sum(lines):>6} {small:>10}")
    every = [each for lines in rooms.values() for each in lines]
    small = sum(each < 60 for each in every)
    click.echo(f"{'all':<16} {len(every):>5} {sum(every):>6} {small:>10}")
    middle, high = np.percentile(lengths, [50, 95])
    click.echo(
        f"\nfunctions: {len(lengths):,}; lines: median {middle:.0f}, 95 % {high:.0f}, "
        f"longest {max(lengths)}"
    )


def function_lengths(tree: ast.AST) -> Iterator[int]:
    """Yield the lines of each function's body, without its docstring."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            yield (node.end_lineno or 0) - body[0].lineno + 1 if body else 0


def imports(top: Path, files: Iterable[Path]) -> dict[str, set[str]]:
    """Return which of the modules each module imports, also inside functions.

    Args:
        top: the folder that the modules' names begin in.
        files: the modules' files.
    """
    names = {_module(top, path): path for path in files}
    found: dict[str, set[str]] = {}
    for name, path in names.items():
        wanted: set[str] = set()
        for node in running_nodes(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                inside = {f"{node.module}.{each.name}" for each in node.names}
                # Of "from package import module", the module; its package is imported anyway.
                wanted |= inside & names.keys()
                wanted |= set() if inside <= names.keys() else {node.module}
            elif isinstance(node, ast.Import):
                wanted |= {each.name for each in node.names}
        found[name] = (wanted & names.keys()) - {name}
    return found


def imported_names(nodes: Iterable[ast.AST]) -> set[str]:
    """Return the modules, and names in them, that the import statements among nodes name."""
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            names |= {node.module or "", *(f"{node.module}.{each.name}" for each in node.names)}
        elif isinstance(node, ast.Import):
            names |= {each.name for each in node.names}
    return names


def running_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield all nodes but those under ``if TYPE_CHECKING``."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        yield node
        yield from running_nodes(node)


def _module(top: Path, path: Path) -> str:
    parts = list(path.relative_to(top).with_suffix("").parts)
    parts = ["benchbench", *parts] if parts[0] == "tasks" else parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return the strongly connected sets of two modules or more (Tarjan 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in sorted(graph.get(name, ())):
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            here = stack.index(name)
            if len(stack) - here > 1:
                found.append(sorted(stack[here:]))
            del stack[here:]

    for name in sorted(graph):
        if name not in index:
            visit(name)
    return sorted(found)


def _commands(top: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(top), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", MAIN_JOB], env=environment, capture_output=True, text=True, cwd=top,
        check=False,
    )  # fmt: skip
    click.echo(f"\nmodules of the package that the main job imports: {done.stdout.strip() or '?'}")
    for command in COMMANDS:
        seconds = []
        for _ in range(3):
            begun = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "benchbench", *command], env=environment, cwd=top,
                capture_output=True, check=True,
            )  # fmt: skip
            seconds.append(time.perf_counter() - begun)
        click.echo(f"benchbench {' '.join(command)}: {min(seconds):.2f} s")


if __name__ == "__main__":
    main()
