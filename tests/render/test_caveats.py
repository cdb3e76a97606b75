"""Every report of a run whose file has no seal says so, and how to seal it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchbench.analysis.comparison import compare
from benchbench.analysis.gate import gate
from benchbench.analysis.gate_rules import Rule
from benchbench.analysis.leaderboard import leaderboard
from benchbench.analysis.scorecard import scorecard
from benchbench.analysis.seeds import compare_methods
from benchbench.monitor import Monitor
from benchbench.render import gate_reports as gates
from benchbench.render import leaderboard as boards
from tests.analysis.example_runs import changed, made

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchbench.analysis.gate import Gate
    from benchbench.types import Run


def gated(a: Run, b: Run) -> Gate:
    return gate([b], [a], [Rule("vg-relation", "micro")])


REPORTS: dict[str, Callable[[Run, Run], str]] = {
    "scorecard": lambda a, b: str(scorecard(a)) + str(scorecard(b)),
    "comparison": lambda a, b: str(compare(a, b)),
    "seeds": lambda a, b: str(compare_methods([a, made("c", 0.6)], [b, made("d", 0.6)])),
    "gate": lambda a, b: str(gated(a, b)),
    "gate, JUnit": lambda a, b: gates.junit(gated(a, b)),
    "gate, markdown": lambda a, b: gates.markdown(gated(a, b)),
    "gate, JSON": lambda a, b: gates.as_json(gated(a, b)),
    "board": lambda a, b: str(leaderboard([a, b])),
    "board, markdown": lambda a, b: boards.markdown(leaderboard([a, b])),
    "board, HTML": lambda a, b: boards.page(leaderboard([a, b])),
    "board, LaTeX": lambda a, b: boards.latex(leaderboard([a, b])),
}


@pytest.mark.parametrize("form", list(REPORTS))
@pytest.mark.parametrize("of", [0, 1])
def test_every_report_says_that_a_run_is_unsealed(form: str, of: int) -> None:
    runs = [made("a", 0.5), made("b", 0.8)]
    assert "UNSEALED" not in REPORTS[form](*runs)
    runs[of] = changed(runs[of], seal="")
    said = " ".join(REPORTS[form](*runs).split())
    assert f"UNSEALED: the run file of {'ab'[of]} " in said
    assert "benchbench publish FILE" in said


def test_plain_values_say_which_runs_are_sealed() -> None:
    board = leaderboard([made("a", 0.5), changed(made("b", 0.8), seal="")])
    assert {row["model"]: row["sealed"] for row in boards.rows(board)} == {"a": True, "b": False}


def test_a_monitor_warns_of_an_unsealed_baseline() -> None:
    with pytest.warns(UserWarning, match=r"UNSEALED: the run file of a .*Evaluate again"):
        Monitor("vg-relation", every=1, against=changed(made("a", 0.5), seal=""))
