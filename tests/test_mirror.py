"""Tests stand where the code stands: ``tests/ROOM/test_NAME.py`` is about a module of the room.

NAME is a module or a package of ``benchbench/ROOM``, or the room itself, alone or with the aspect
that the file tests behind it (``test_gate_models.py``). Files about a behaviour of several modules
are listed. A module need not have a file of its own: several are tested through the one that uses
them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent
SOURCES = {"tests": "benchbench", "tests/tasks": "tasks", "tests/benchmarks": "benchmarks"}
"""A folder of tests → the folder that it mirrors; folders below likewise."""
BEHAVIOURS = """
checkpoints/test_untrusted.py cli/test_damaged_runs.py cli/test_hostile.py
cli/test_hostile_files.py cli/test_hostile_models.py cli/test_hostile_runs.py
datasets/test_data_commands.py datasets/test_fresh_home.py datasets/test_page.py
embedding/test_invariance.py importing/test_every_eval_ever.py importing/test_two_sided.py
protocols/relations/test_metrics.py scenes/test_round_trips.py scenes/test_suites.py
tasks/test_more_suite_scores.py tasks/test_official_annotations.py
tasks/test_relation_detection.py tasks/test_retrieval_tasks.py tasks/test_suite_scores.py
tasks/test_two_sided.py test_ci.py test_container.py test_contract.py test_contributing.py
test_layers.py test_leaderboards.py test_lock.py test_mirror.py test_official_content.py
test_packaging.py test_pages.py test_pair_evaluation.py test_protocol_runs.py test_public_names.py
test_resuming.py test_style.py test_warnings.py test_workflows.py training/test_refusals.py
training/test_scenario_views.py
""".split()
"""Files about a behaviour rather than a module, below ``tests/``."""
FILES = sorted(path.relative_to(TOP / "tests") for path in (TOP / "tests").rglob("test_*.py"))


def mirrored(folder: Path) -> Path:
    """The folder of code that a folder below ``tests/`` mirrors."""
    first, *rest = folder.parts or ("",)
    special = SOURCES.get(f"tests/{first}")
    return TOP.joinpath(special, *rest) if special else TOP / "benchbench" / folder


def is_about_a_module(path: Path) -> bool:
    """Whether a file of tests, below ``tests/``, is named like the code that it tests."""
    folder = mirrored(path.parent)
    names = {each.stem if each.suffix == ".py" else each.name for each in folder.glob("[!_]*")}
    stem = path.stem.removeprefix("test_")
    return any(stem == name or stem.startswith(f"{name}_") for name in {*names, folder.name})


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_file_of_tests_is_named_like_a_module_or_listed(path: Path) -> None:
    if path.parts[0] == "plugin":
        return
    listed = str(path.as_posix()) in BEHAVIOURS
    assert is_about_a_module(path) or listed, (
        f"tests/{path}: name it test_MODULE.py or test_MODULE_ASPECT.py, for a module of "
        f"{mirrored(path.parent)}, or list it in BEHAVIOURS if it is about several modules"
    )


def test_listed_files_exist_and_have_no_module() -> None:
    assert not set(BEHAVIOURS) - {path.as_posix() for path in FILES}
    assert not [each for each in BEHAVIOURS if is_about_a_module(Path(each))]


def test_a_name_of_no_module_is_found() -> None:
    assert is_about_a_module(Path("stats/test_ranks.py"))
    assert is_about_a_module(Path("cli/test_gate_models.py"))
    assert is_about_a_module(Path("cli/test_cli.py"))
    assert not is_about_a_module(Path("stats/test_letters.py"))
