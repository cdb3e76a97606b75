"""Imports point downward only, and the modules that must be light are."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import benchbench

TOP = Path(__file__).parent.parent
LAYERS = [
    {"cli", "__main__", "__init__"},
    {
        "baselines",
        "callbacks",
        "conditions",
        "gate",
        "grid",
        "monitor",
        "reports",
        "stopping",
        "testing",
    },
    {"evaluation", "training"},
    {"tasks"},
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
        "choice",
        "dependencies",
        "devices",
        "doctor",
        "environment",
        "failures",
        "registry",
        "seals",
        "settings",
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


def imports_at_run_time(path: Path) -> set[str]:
    """Modules of benchbench that a file imports anywhere but under TYPE_CHECKING."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    named = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    return {
        name
        for node in named
        for name in (node.module or "", *(f"{node.module}.{each.name}" for each in node.names))
    }


@pytest.mark.parametrize("room", ["adapters", "checkpoints"])
def test_files_of_a_room_import_each_other_in_no_circle(room: str) -> None:
    own = {
        ".".join(path.relative_to(TOP).with_suffix("").parts): path
        for path in (TOP / "benchbench" / room).rglob("*.py")
    }
    graph = {name: imports_at_run_time(path) & own.keys() for name, path in own.items()}
    order = list(TopologicalSorter(graph).static_order())  # raises a CycleError
    assert len(order) == len(own) > 5


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
