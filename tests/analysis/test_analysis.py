"""The text of every result, which another room writes."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

import benchbench
from benchbench.analysis import FORMS, Result
from benchbench.analysis.comparison import compare
from tests.analysis.example_runs import made

ROOM = Path(benchbench.__file__).parent / "analysis"


def kinds() -> list[type[Result]]:
    """Every class of a result; one with slots is listed twice, before and after these are added."""
    for path in sorted(ROOM.glob("[!_]*.py")):
        import_module(f"benchbench.analysis.{path.stem}")
    return list({kind.__name__: kind for kind in Result.__subclasses__()}.values())


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_every_result_has_a_text(kind: type[Result]) -> None:
    module, _, function = FORMS[kind.__name__].partition(":")
    assert callable(getattr(import_module(module), function))
    assert kind.__str__ is Result.__str__


def test_no_text_is_of_a_result_that_does_not_exist() -> None:
    assert sorted(FORMS) == sorted(kind.__name__ for kind in kinds())


def test_the_text_of_a_result_is_that_of_its_form() -> None:
    from benchbench.render.comparison import terminal

    found = compare(made("a", 0.5), made("b", 0.6))
    assert str(found) == terminal(found)
