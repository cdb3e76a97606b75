"""Imports point downward only, and the modules that must be light are."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import benchbench

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TOP = Path(__file__).parent.parent
LAYERS = [
    {"cli", "__main__", "__init__"},
    {"callbacks", "grid", "importing", "monitor", "suites", "testing"},
    {"render"},
    {"analysis"},
    {"evaluation", "training"},
    {"tasks"},
    {"run_files"},
    {"runs"},
    {"protocols"},
    {"embedding"},
    {"variants"},
    {"adapters"},
    {"checkpoints"},
    {"editions"},
    {"scenes", "scenegraph"},
    {"data"},
    {
        "atomic",
        "cache",
        "dependencies",
        "devices",
        "doctor",
        "environment",
        "failures",
        "registry",
        "seals",
        "selection",
        "settings",
        "subsets",
    },
    {"leftovers"},
    {"stats"},
    {"types"},
    {"errors", "files", "printable", "version"},
]
DEPTH = {room: depth for depth, rooms in enumerate(LAYERS) for room in rooms}
SOURCES = sorted((TOP / "benchbench").rglob("*.py")) + sorted((TOP / "tasks").glob("*.py"))


def room_of(path: Path) -> str:
    """The room that a source file belongs to."""
    if path.parent.name == "tasks":
        return "tasks"
    return path.relative_to(TOP / "benchbench").parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    """Rooms of benchbench that a file imports anywhere, also inside functions."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    parts = [name.split(".") for name in names if name.startswith("benchbench.")]
    homes = [benchbench._HOME.get(p[1], f"benchbench.{p[1]}").split(".")[1] for p in parts]
    return {home for home in homes if home in DEPTH}


def test_names_taken_from_the_package_count_as_their_homes(tmp_path: Path) -> None:
    source = tmp_path / "source.py"
    source.write_text("from benchbench import evaluate\nfrom benchbench.runs import read_run\n")
    assert imported_rooms(source) == {"evaluation", "runs"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(TOP)))
def test_imports_point_downward(path: Path) -> None:
    room = room_of(path)
    assert room in DEPTH, f"{room} has no layer: give it one in LAYERS"
    upward = {r for r in imported_rooms(path) if r != room and DEPTH[r] < DEPTH[room]}
    assert not upward, f"{room} imports {upward} from above"


def nodes_that_run(node: ast.AST) -> Iterator[ast.AST]:
    """Yield all nodes below a node, but those under ``if TYPE_CHECKING``."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        yield child
        yield from nodes_that_run(child)


def imported_modules(path: Path) -> set[str]:
    """Return the modules, and names in them, that a file imports, also inside functions."""
    names = set()
    for node in nodes_that_run(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            names |= {node.module or "", *(f"{node.module}.{each.name}" for each in node.names)}
        elif isinstance(node, ast.Import):
            names |= {each.name for each in node.names}
    return names


def circle_among(paths: Iterable[Path], root: Path) -> list[str]:
    """Return modules that import each other in a circle; none where there is no circle."""
    modules = {".".join(p.relative_to(root).with_suffix("").parts): p for p in paths}
    graph = {name: imported_modules(path) & set(modules) for name, path in modules.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        return circle
    return []


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert len(SOURCES) > 200
    assert not circle_among(SOURCES, TOP)


def test_a_circle_through_a_function_counts_and_one_of_types_does_not(tmp_path: Path) -> None:
    one, two = tmp_path / "one.py", tmp_path / "two.py"
    one.write_text("import two\n")
    two.write_text("if TYPE_CHECKING:\n    import one\n")
    assert not circle_among([one, two], tmp_path)
    two.write_text("def function():\n    from one import name\n")
    assert set(circle_among([one, two], tmp_path)) == {"one", "two"}


NUMBERS = sorted((TOP / "benchbench" / "analysis").glob("*.py"))
TEXTS = sorted((TOP / "benchbench" / "render").glob("*.py"))
FORMATTING = {"benchbench.printable", "csv", "html", "json", "tabulate", "textwrap"}
COMPUTING = {"numpy", "scipy"}


@pytest.mark.parametrize("path", [*NUMBERS, *TEXTS], ids=lambda p: f"{p.parent.name}/{p.name}")
def test_analysis_formats_nothing_and_render_computes_nothing(path: Path) -> None:
    foreign = FORMATTING if path in NUMBERS else COMPUTING
    assert not imported_modules(path) & foreign


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(TOP)))
def test_files_and_functions_stay_short(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = (node.end_lineno or 0) - body[0].lineno if body else 0
            assert lines < 60, f"{node.name} has {lines} lines"


HEAVY = {"torch", "pandas", "scipy", "pyarrow", "open_clip", "PIL", "transformers"}


@pytest.mark.parametrize(
    ("arguments", "besides"),
    [
        ("-c;import benchbench", {"numpy"}),
        ("-m;benchbench;--help", {"numpy"}),
        ("-m;benchbench;list;tasks", set()),
        ("-m;benchbench;list;models", set()),
    ],
)
def test_the_command_line_starts_without_the_heavy_packages(
    arguments: str, besides: set[str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments.split(";")],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "benchbench" in loaded
    assert not loaded & (HEAVY | besides)
