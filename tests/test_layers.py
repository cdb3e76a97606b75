"""Imports point downward only, and the modules that must be light are."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import benchbench
from benchmarks.house import circles, imported_names, imports, running_nodes

TOP = Path(__file__).parent.parent
LAYERS = [
    {"cli", "__main__", "__init__"},
    {"callbacks", "grid", "importing", "monitor", "submission", "sweep", "testing"},
    {"render"},
    {"engines"},
    {"analysis"},
    {"evaluation", "training"},
    {"tasks"},
    {"item_sets", "run_files", "suites", "variations"},
    {"runs"},
    {"protocols"},
    {"embedding"},
    {"variants"},
    {"adapters"},
    {"checkpoints"},
    {"editions"},
    {"datasets"},
    {"scenes", "scenegraph"},
    {"data"},
    {
        "atomic",
        "cache",
        "dependencies",
        "devices",
        "products",
        "doctor",
        "failures",
        "headers",
        "memory",
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
    names = imported_names(ast.walk(ast.parse(path.read_text("utf-8"))))
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


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert len(SOURCES) > 200
    assert not circles(imports(TOP, SOURCES))


def test_a_circle_through_a_function_counts_and_one_of_types_does_not(tmp_path: Path) -> None:
    one, two = tmp_path / "one.py", tmp_path / "two.py"
    one.write_text("import two\n")
    two.write_text("if TYPE_CHECKING:\n    import one\n")
    assert not circles(imports(tmp_path, [one, two]))
    two.write_text("def function():\n    from one import name\n")
    assert circles(imports(tmp_path, [one, two])) == [["one", "two"]]


NUMBERS = sorted((TOP / "benchbench" / "analysis").glob("*.py"))
TEXTS = sorted((TOP / "benchbench" / "render").glob("*.py"))
FORMATTING = {"benchbench.printable", "csv", "html", "json", "tabulate", "textwrap"}
COMPUTING = {"numpy", "scipy"}


@pytest.mark.parametrize("path", [*NUMBERS, *TEXTS], ids=lambda p: f"{p.parent.name}/{p.name}")
def test_analysis_formats_nothing_and_render_computes_nothing(path: Path) -> None:
    foreign = FORMATTING if path in NUMBERS else COMPUTING
    nodes = running_nodes(ast.parse(path.read_text("utf-8")))
    assert not imported_names(nodes) & foreign


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


BUNDLED = """
import sys
import benchbench
run = benchbench.evaluate({model!r}, {task!r}, limit=4, resume=False)
assert "torch" in sys.modules and run.outcomes
print(*sys.modules)
"""


@pytest.mark.parametrize(
    ("model", "task"),
    [("structclip", "winoground"), ("scenarioclip", "winoground"), ("relclip", "winoground")],
)
def test_a_bundled_variant_is_evaluated_without_open_clip(model: str, task: str) -> None:
    code = BUNDLED.format(model=model, task=task)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "benchbench.variants.towers.modules" in loaded
    assert not loaded & {"open_clip", "torchvision", "timm", "transformers", "torch._dynamo"}
