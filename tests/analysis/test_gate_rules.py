from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchbench.analysis.gate_rules import (
    Rule,
    check_metric,
    check_rule,
    parse_condition,
    parse_rules,
)
from benchbench.errors import UnknownName, UsageError
from benchbench.settings import read_settings
from benchbench.types import Metric

GATES = (Path(__file__).parent.parent.parent / "docs" / "gates.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("vg-relation.macro < baseline - 1.0pp @ 0.05", Rule("vg-relation", "macro", 0.01)),
        ("vg-relation.macro<baseline-1pp", Rule("vg-relation", "macro", 0.01)),
        ("vg-relation.micro < baseline", Rule("vg-relation", "micro", 0.0)),
        (
            "vg-relation.macro by relation < baseline - 5pp @ 0.01",
            Rule("vg-relation", "macro", 0.05, by="relation", alpha=0.01),
        ),
        ("coco-retrieval.R@1 < 30%", Rule("coco-retrieval", "R@1", 0.0, floor=0.3)),
        (
            "vg-relation-detection.sgcls.mR@20 < baseline - 2.5pp",
            Rule("vg-relation-detection.sgcls", "mR@20", 0.025),
        ),
    ],
)
def test_conditions_are_read(text: str, rule: Rule) -> None:
    assert parse_condition(text) == rule


@pytest.mark.parametrize(
    "text", ["", "vg-relation.macro", "vg-relation.macro > baseline", "vg-relation.macro < 30"]
)
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="Write when the gate is to fail, as"):
        parse_condition(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("vg-relation.mac < baseline", "Did you mean 'macro'"),
        ("vg-relations.macro < baseline", "Did you mean 'vg-relation.macro'"),
        ("macro < baseline", "task and metric"),
    ],
)
def test_unknown_names_come_with_advice(text: str, message: str) -> None:
    with pytest.raises(UnknownName, match=message):
        parse_condition(text)


@pytest.mark.parametrize("task", ["vg-relation", "svo-probes.decisions"])
def test_a_condition_on_a_task_alone_names_its_metrics(task: str) -> None:
    with pytest.raises(UsageError, match=rf"names the task {task}, but no metric.*there are: \w+"):
        parse_condition(f"{task} < baseline")


def test_tables_are_in_points() -> None:
    table = {"task": "vg-relation", "metric": "macro", "margin": 1.5, "alpha": 0.01}
    assert parse_rules([table], "benchbench.toml") == [
        Rule("vg-relation", "macro", 0.015, alpha=0.01)
    ]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"metric": "macro"}, "names no task"),
        ({"task": "vg-relation", "margins": 1.0}, "Did you mean 'margin'"),
        ({"task": "vg-relation", "margin": "1pp"}, "margin should be a number"),
        ({"task": "vg-relation", "margin": True}, "margin should be a number"),
        ({"task": "vg-relation", "margin": 1.0, "floor": 60.0}, "a margin and a floor"),
        ({"task": "vg-relation", "baseline": "x"}, r"baseline stands in \[gate\]"),
        ({"task": "vg-relation", "metric": "mAP"}, "metric of vg-relation"),
    ],
)
def test_wrong_tables_are_named(table: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_rules([table], "benchbench.toml")


def test_the_conditions_that_are_shown_can_be_read() -> None:
    shown = re.findall(r"[`\"]([\w.-]+\.\S+(?: by \w+)? < [^`\"]+)[`\"]", GATES)
    assert len(shown) >= 6
    for text in shown:
        assert parse_condition(text).task


def test_the_settings_that_are_shown_can_be_read(tmp_path: Path) -> None:
    own, shared = re.findall(r"```toml\n(.*?)```", GATES, re.S)
    (tmp_path / "pyproject.toml").write_text(shared)
    asked = read_settings(tmp_path).gate
    assert (asked.inconclusive, len(asked.fail_if), len(asked.checks)) == ("fail", 1, 1)
    (tmp_path / "benchbench.toml").write_text(own)
    for gate, origin in ((asked, "pyproject.toml"), (read_settings(tmp_path).gate, "own")):
        assert parse_rules(gate.checks, origin)[0].margin in (0.01, 0.02)


SHARE = Metric("R@1", "images")


@pytest.mark.parametrize(
    ("metric", "rule", "message"),
    [
        (SHARE, Rule("t", margin=1.5), "a margin is from 0 to 100 points, not 150"),
        (SHARE, Rule("t", floor=-0.1), "a floor is from 0 to 100 points, not -10"),
        (SHARE, Rule("t", margin=float("nan")), "a margin is from 0 to 100 points, not nan"),
        (SHARE, Rule("t", alpha=0.5), "α is between 0 and 0.5, not 0.5"),
    ],
)
def test_bounds_beyond_a_rate_are_refused(metric: Metric, rule: Rule, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(f"t {metric.name}: ")) as caught:
        check_rule(rule, metric)
    assert message in str(caught.value)


def test_debiased_scores_can_be_gated_where_runs_may_have_priors() -> None:
    assert check_metric("winoground", "debiased") == "debiased"
    with pytest.raises(UnknownName, match="metric of coco-retrieval"):
        check_metric("coco-retrieval", "debiased")
