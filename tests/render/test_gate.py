"""A gate's verdict in all its forms: each says the same, and none breaks what it is put into."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest
import xmlschema

from benchbench.analysis.gate import Gate, gate
from benchbench.analysis.gate_rules import Rule
from benchbench.render.gate import terminal
from benchbench.render.gate_reports import as_json, junit, markdown, sections
from benchbench.render.summaries import SUMMARY, limit_length
from tests.analysis.example_runs import changed, made, verified

if TYPE_CHECKING:
    from benchbench.analysis.gate import Inconclusive
    from benchbench.types import Run

SCHEMA = xmlschema.XMLSchema(Path(__file__).parent / "junit.xsd")
WHOLE = Rule("vg-relation", "macro", margin=0.05)
ODD = "on | `top`\n<b>of\x00\x1b[31m & \"under\" 'it'"


def named(run: Run, digest: str, name: str | None = None) -> Run:
    """A run of other weights."""
    model = dataclasses.replace(run.model, weights_sha256=digest * 64, name=name or run.model.name)
    return changed(run, model=model)


BASE = named(made("base", 0.6, n=1200), "a")
WORSE = named(made("worse", 0.5, n=1200), "b")


def hurt(run: Run, relation: str, name: str = "hurt") -> Run:
    """A run that has one relation wrong throughout."""
    outcomes = tuple(
        dataclasses.replace(o, scores=-abs(o.scores)) if o.tags["relation"] == relation else o
        for o in run.outcomes
    )
    return named(changed(run, outcomes=outcomes), "c", name)


def renamed(run: Run, names: dict[str, str]) -> Run:
    """A run whose relations have other names."""
    outcomes = tuple(
        dataclasses.replace(o, tags={"relation": names.get(o.tags["relation"], "")})
        for o in run.outcomes
    )
    return changed(run, outcomes=outcomes)


def gated(new: Run, *rules: Rule, old: Run = BASE, inconclusive: Inconclusive = "warn") -> Gate:
    return gate([new], [old], rules or [WHOLE], inconclusive=inconclusive)


def test_every_form_names_both_models_the_flips_and_what_suffered() -> None:
    found = gated(hurt(BASE, "riding"))
    right = sum(o.scores[0, 0] > 0 for o in BASE.outcomes if o.tags["relation"] == "riding")
    [check] = found.checks
    assert (check.lost, check.gained, check.by) == (right, 0, "relation")
    assert [change.name for change in check.groups] == ["riding"]
    for text in (terminal(found), markdown(found), junit(found), as_json(found)):
        assert "hurt" in text
        assert "base" in text
        assert "riding" in text
        assert "holding" not in text
    for form in (terminal, markdown, junit):
        text = " ".join(form(found).split())
        assert f"{right} lost, 0 gained" in text
        assert text.count("1,200 items of 400 source images") == 1
        assert text.count("α 0.05") == 1
    record = json.loads(as_json(found))
    assert len(record["checks"][0]["lost"]) == right
    assert record["checks"][0]["groups"][0]["name"] == "riding"


def test_groups_that_suffered_stand_in_the_order_of_what_they_lost() -> None:
    worst = hurt(hurt(BASE, "riding"), "on")
    [check] = gated(worst, Rule("vg-relation", "micro", margin=0.01)).checks
    lost = [change.lost - change.gained for change in check.groups]
    assert {change.name for change in check.groups} == {"riding", "on"}
    assert lost == sorted(lost, reverse=True)
    assert sum(lost) == check.lost - check.gained


def test_what_passes_and_single_groups_need_no_groups() -> None:
    assert not gated(named(BASE, "a", "again")).checks[0].groups
    by = gated(hurt(BASE, "riding"), Rule("vg-relation", margin=0.05, by="relation"))
    assert not any(check.groups for check in by.checks)


def test_conditions_that_differ_stand_with_their_checks() -> None:
    found = gated(WORSE, WHOLE, Rule("vg-relation", "micro", alpha=0.01))
    said = terminal(found)
    assert "α 0.01 or 0.05; 2 gated checks" in said
    assert "adjusted for 2 (Holm)" in " ".join(said.split())
    assert "vg-relation micro @ 0.01" in said


def test_what_must_be_read_first_is_said() -> None:
    untrained = changed(WORSE, model=dataclasses.replace(WORSE.model, trained=False))
    for form in (terminal, markdown, junit, as_json):
        assert "UNTRAINED: made weights." in form(gated(untrained))
        assert "SAME: candidate and baseline" not in form(gated(untrained))
        assert "SAME: candidate and baseline are the same model." in form(gated(BASE))


@pytest.mark.parametrize("inconclusive", ["pass", "warn", "fail"])
@pytest.mark.parametrize("verdict", ["pass", "fail", "inconclusive"])
def test_all_forms_and_the_exit_code_agree(verdict: str, inconclusive: Inconclusive) -> None:
    new, margin = {
        "pass": (named(BASE, "a", "same"), 0.05),
        "fail": (WORSE, 0.01),
        "inconclusive": (named(made("new", 0.6, n=1200), "b"), 0.001),
    }[verdict]
    rule = Rule("vg-relation", "macro", margin=margin)
    found = gated(new, rule, inconclusive=inconclusive)
    assert found.verdict == verdict
    stopped = verdict == "fail" or (verdict == "inconclusive" and inconclusive == "fail")
    assert found.exit_code == int(stopped)
    record = json.loads(as_json(found))
    assert (record["verdict"], record["exit_code"]) == (verdict, int(stopped))
    report = ElementTree.fromstring(junit(found))
    assert (report.find(".//failure") is not None) is stopped
    assert report.get("failures") == str(int(stopped))
    assert (report.find(".//skipped") is not None) is (
        verdict == "inconclusive" and inconclusive == "warn"
    )
    assert f"gate  {verdict.upper()}" in str(found).splitlines()
    assert markdown(found).startswith(f"## Gate: {verdict.upper()}\n")
    last = terminal(found).splitlines()[-1]
    made_of_it = f"--inconclusive {inconclusive}: {'fails' if stopped else 'passes'}."
    assert (made_of_it in last) is (verdict == "inconclusive")
    if verdict == "inconclusive":
        assert found.items_needed > 1200
        assert f"some {found.items_needed:,} would" in last
        assert f"{found.items_needed:,} would" in markdown(found)


def test_groups_too_small_to_be_gated_are_said_to_be() -> None:
    rule = Rule("vg-relation", by="relation", least_items=401)
    found = gated(WORSE, rule)
    assert (found.verdict, found.family) == ("inconclusive", 0)
    assert "No check is gated" in terminal(found)
    assert ElementTree.fromstring(junit(found)).get("skipped") == "3"
    refused = gated(WORSE, rule, inconclusive="fail")
    assert refused.exit_code == 1
    text = junit(refused)
    SCHEMA.validate(text.split("\n", 1)[1])
    suites = ElementTree.fromstring(text)
    assert [suites.get(name) for name in ("tests", "failures", "skipped")] == ["4", "1", "3"]
    assert len(suites.findall(".//failure")) == 1


def test_items_of_an_area_are_not_said_to_be_right() -> None:
    found = gated(verified("new"), Rule("svo-probes.decisions"), old=verified("old"))
    said = " ".join(terminal(found).split())
    assert "Of an area (AUROC), an item is lost or gained if its contribution is smaller" in said
    assert "Of an area" not in terminal(gated(WORSE))


def test_junit_is_what_its_readers_know() -> None:
    odd = {"on": ODD, "riding": "r" * 5000, "holding": "holding"}
    base = renamed(BASE, odd)
    worse = renamed(named(WORSE, "b", f"m{ODD}"), odd)
    by = Rule("vg-relation", "micro", margin=0.01, by="relation")
    for new, rules in ((worse, [WHOLE, WHOLE, by]), (base, [WHOLE]), (worse, [by, by])):
        text = junit(gated(new, *rules, old=base))
        SCHEMA.validate(text.split("\n", 1)[1])
        ElementTree.fromstring(text)


def test_the_schema_refuses_what_is_no_report() -> None:
    text = junit(gated(WORSE)).split("\n", 1)[1]
    for old, new in (
        ('tests="1"', 'tests="many"'),
        ("<properties>", "<properties><shape/>"),
        (' type="regression"', ""),
        ("</testcase>", "</testcase><testcase name='macro'/>"),
    ):
        assert old in text
        assert not SCHEMA.is_valid(text.replace(old, new))


def test_markdown_tables_bear_odd_names() -> None:
    odd = {"on": ODD, "riding": "a|b", "holding": "c"}
    base, worse = (renamed(run, odd) for run in (BASE, hurt(hurt(BASE, "on"), "riding")))
    text = markdown(gated(named(worse, "b", "x`y`|z\n# big"), old=base))
    assert "\n# big" not in text
    assert "<b>" not in text
    tables = [block for block in text.split("\n\n") if block.startswith("|")]
    assert len(tables) == 2
    for table in tables:
        bars = [line.replace("\\|", "").count("|") for line in table.splitlines()]
        assert len(set(bars)) == 1


def test_long_reports_are_cut_where_forges_would_refuse_them() -> None:
    outcomes = tuple(
        dataclasses.replace(o, tags={"relation": f"{i % 600} {'ü' * 80}"})
        for i, o in enumerate(BASE.outcomes)
    )
    base = changed(BASE, outcomes=outcomes)
    found = gated(base, Rule("vg-relation", by="relation", least_items=2), WHOLE, old=base)
    text = markdown(found)
    assert len(text.encode()) < 65_536
    assert "Cut for length:" in text
    whole = limit_length(sections(found), SUMMARY)
    assert "Cut for length:" not in whole
    assert whole.count("\n|") > 600
