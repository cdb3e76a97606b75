"""A gate's verdict for a terminal, as JUnit XML, markdown and JSON."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from benchbench.reports.text import p_text, wrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchbench.gate import Check, Gate

WORDS = {"pass": "PASS", "fail": "FAIL", "inconclusive": "INCONCLUSIVE"}
MOST_BYTES = 60_000
"""Of a comment: the forges' own bound is 65,536."""


def sentence(check: Check) -> str:
    """What became of a check, with its numbers."""
    rule = check.rule
    if rule.floor is not None:
        held = f"{_percent(check.candidate)} against a floor of {_percent(rule.floor)}"
    else:
        held = (
            f"{_percent(check.baseline)} → {_percent(check.candidate)} "
            f"({100 * check.difference:+.1f}), margin {100 * rule.margin:g}"
        )
    p = p_text(check.p_fail if check.verdict == "fail" else check.p_pass)
    more = ""
    if check.verdict == "inconclusive":
        p = f"{p} to pass, {p_text(check.p_fail)} to fail"
    if check.verdict == "inconclusive" and check.items_needed:
        more = f"; some {check.items_needed:,} items would decide a difference like this one"
    few = "" if check.gated else "; too few items to be gated"
    if not math.isnan(check.detectable):
        what = "margin" if rule.floor is None else "floor"
        beyond = 100 * check.detectable
        few = f"; minimum detectable difference beyond the {what} {beyond:.1f}{few}"
    return f"{held}; p {p}, {check.n_items:,} items{more}{few}"


def _percent(share: float) -> str:
    return "–" if math.isnan(share) else f"{100 * share:.1f}"


def terminal(gate: Gate) -> str:
    """Every check, then the verdict."""
    lines = [
        wrapped(f"{WORDS[c.verdict] if c.gated else 'info':13}{c.name}: {sentence(c)}")
        for c in gate.checks
    ]
    return "\n".join([*lines, "", f"gate  {WORDS[gate.verdict]}"])


def junit(gate: Gate) -> str:
    """One case a check; a failure holds its numbers, what is not decided is skipped."""
    cases = []
    failed = skipped = 0
    for check in gate.checks:
        task, _, rest = check.name.partition(" ")
        head = f"<testcase classname={quoteattr(task)} name={quoteattr(rest)}"
        if check.gated and check.verdict == "fail":
            failed += 1
            said = f'<failure message={quoteattr(sentence(check))} type="regression"/>'
        elif check.gated and check.verdict == "pass":
            cases.append(f"  {head}><system-out>{escape(sentence(check))}</system-out></testcase>")
            continue
        else:
            skipped += 1
            said = f"<skipped message={quoteattr(f'{check.verdict}: {sentence(check)}')}/>"
        cases.append(f"  {head}>{said}</testcase>")
    counts = f'tests="{len(gate.checks)}" failures="{failed}" errors="0" skipped="{skipped}"'
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<testsuites name="benchbench" {counts}>',
            f'<testsuite name="benchbench gate" {counts}>',
            *cases,
            "</testsuite>",
            "</testsuites>",
            "",
        ]
    )


def markdown(gate: Gate) -> str:
    """For a step's summary or a comment: the verdict, then a row a check, failures first."""
    order = {"fail": 0, "inconclusive": 1, "pass": 2}
    checks = sorted(gate.checks, key=lambda c: (not c.gated, order[c.verdict], c.name))
    lines = [f"## Gate: {WORDS[gate.verdict]}", "", "| | check | |", "|:--|:--|:--|"]
    size = sum(map(len, lines))
    for number, check in enumerate(checks):
        word = WORDS[check.verdict] if check.gated else "info"
        row = f"| {word} | {check.name} | {sentence(check)} |".replace("\n", " ")
        size += len(row.encode()) + 1
        if size > MOST_BYTES:
            lines.append(f"\n{len(checks) - number:,} further checks are not shown.")
            break
        lines.append(row)
    return "\n".join([*lines, ""])


def as_json(gate: Gate) -> str:
    """Everything as plain values."""
    record = {
        "verdict": gate.verdict,
        "checks": [
            {
                "name": c.name,
                "verdict": c.verdict,
                "gated": c.gated,
                "baseline": _plain(c.baseline),
                "candidate": _plain(c.candidate),
                "bound": c.bound,
                "alpha": c.rule.alpha,
                "p_pass": c.p_pass,
                "p_fail": c.p_fail,
                "n_items": c.n_items,
                "n_clusters": c.n_clusters,
                "items_needed": c.items_needed,
                "detectable": _plain(c.detectable),
            }
            for c in gate.checks
        ],
    }
    return json.dumps(record, indent=2) + "\n"


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else value


FORMATS: Mapping[str, Callable[[Gate], str]] = {
    ".xml": junit,
    ".md": markdown,
    ".json": as_json,
}
"""By a file's suffix."""
