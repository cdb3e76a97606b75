"""A gate's verdict as files: JUnit XML, markdown and JSON."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from benchbench.printable import json_text, one_line
from benchbench.render.caveats import too_few
from benchbench.render.gate import (
    NONE_GATED,
    SHOWN,
    WORDS,
    conditions,
    group_cells,
    groups_table,
    label,
    last_line_of,
    losses_heading,
    names,
    sentence,
    warnings,
    word,
)
from benchbench.render.summaries import Section, fit
from benchbench.render.text import md, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from benchbench.analysis.comparison import Change
    from benchbench.analysis.gate import Check, Gate, Verdict
    from benchbench.types import Run


def junit(gate: Gate) -> str:
    """Return JUnit XML: one case per check, with its numbers.

    An inconclusive check is skipped, or counts as ``--inconclusive`` sets: a case fails where the
    exit code is 1, and only there.
    """
    cases, counts = [], Counter[str]()
    for check, name in zip(gate.checks, _case_names(gate), strict=True):
        verdict = gate.inconclusive if check.verdict == "inconclusive" else check.verdict
        result = verdict if check.gated and verdict != "warn" else "skipped"
        counts[result] += 1
        task = one_line(check.name.partition(" ")[0])
        head = f"<testcase classname={quoteattr(task)} name={quoteattr(name)}"
        cases.append(f"  {head}>{_outcome(check, result)}</testcase>")
    if gate.exit_code and not gate.family:
        counts["fail"] += 1
        said = quoteattr(NONE_GATED)
        cases.append(
            f'  <testcase classname="gate" name={said}>'
            f'<failure message={said} type="inconclusive">{NONE_GATED}</failure></testcase>'
        )
    total = (
        f'tests="{len(cases)}" failures="{counts["fail"]}" errors="0" skipped="{counts["skipped"]}"'
    )
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<testsuites name="benchbench" {total}>',
            f'<testsuite name="benchbench gate" {total}>',
            "<properties>",
            *(f"  <property name={quoteattr(n)} value={quoteattr(v)}/>" for n, v in _facts(gate)),
            "</properties>",
            *cases,
            "</testsuite>",
            "</testsuites>",
            "",
        ]
    )


def _outcome(check: Check, result: str) -> str:
    """Return the content of a case."""
    said = one_line(f"{check.verdict}: {sentence(check)}")
    table = [f"{losses_heading(check)}:", *groups_table(check).splitlines()] if check.groups else []
    text = escape("\n".join([said, *map(one_line, table)]))
    if result == "pass":
        return f"<system-out>{text}</system-out>"
    if result == "skipped":
        return f"<skipped message={quoteattr(said)}/>"
    kind = "regression" if check.verdict == "fail" else "inconclusive"
    return f'<failure message={quoteattr(said)} type="{kind}">{text}</failure>'


def _case_names(gate: Gate) -> list[str]:
    """Return distinct names, because CI systems identify a case by its name."""
    found: list[str] = []
    for check in gate.checks:
        name = one_line(check.name.partition(" ")[2])
        if name in found:
            name = f"{name} ({len(found) + 1})"
        found.append(name)
    return found


def _facts(gate: Gate) -> Iterator[tuple[str, str]]:
    new, old = names(gate)
    yield from (("verdict", gate.verdict), ("inconclusive", gate.inconclusive))
    yield from (("candidate", new), ("baseline", old))
    yield from (("conditions", one_line(line)) for line in conditions(gate))
    yield from (("warning", line) for line in warnings(gate))


def sections(gate: Gate) -> list[Section]:
    """Return the gate in markdown: the verdict, the checks that do not pass, then the rest."""
    new, old = (text.replace("`", "'") for text in names(gate))
    said = last_line_of(gate)
    head = [f"## Gate: {WORDS[gate.verdict]}", *[f"**{md(said)}**"] * bool(said)]
    head.append(f"candidate `{new}`<br>baseline `{old}`")
    head += [f"> {md(line)}" for line in warnings(gate)]
    found = [Section("the head", "\n\n".join(head))]
    found += _rows(gate, "fail", "inconclusive")
    found += [_lost(gate, check) for check in gate.losses]
    found += _rows(gate, "pass")
    found += _rows(gate)
    return [*found, Section("the conditions", md(" ".join(conditions(gate))))]


def _lost(gate: Gate, check: Check) -> Section:
    """Return the groups with the largest losses."""
    name = label(gate, check)
    head = (
        f"**{md(name)}.** {md(losses_heading(check))}\n\n"
        f"| {md(str(check.by))} | items | lost | gained | difference | adjusted p |\n"
        "|:--|--:|--:|--:|--:|--:|"
    )
    rows = [f"| {' | '.join(map(md, group_cells(change)))} |" for change in check.groups[:SHOWN]]
    return Section(f"what {name} lost", head, rows)


def _rows(gate: Gate, *verdicts: Verdict) -> Iterator[Section]:
    """Yield a table of the gated checks of these verdicts, or of those that are not gated."""
    checks = [c for c in gate.checks if (c.verdict in verdicts if c.gated else not verdicts)]
    checks.sort(key=lambda c: (c.verdict != "fail", c.verdict != "inconclusive"))
    rows = [f"| {word(c)} | {md(label(gate, c))} | {md(one_line(sentence(c)))} |" for c in checks]
    if rows:
        what = f"checks that {'do not pass' if 'fail' in verdicts else 'pass'}"
        title = what if verdicts else "groups of too few items"
        yield Section(title, "| | check | |\n|:--|:--|:--|", rows)


def markdown(gate: Gate) -> str:
    """Return markdown for a comment, which may not be longer than 64 KiB."""
    return fit(sections(gate))


def as_json(gate: Gate) -> str:
    """Return everything as JSON."""
    record = {
        "verdict": gate.verdict,
        "inconclusive": gate.inconclusive,
        "exit_code": gate.exit_code,
        "family": gate.family,
        "items_needed": gate.items_needed,
        "ties": gate.ties,
        "warnings": list(warnings(gate)),
        "runs": [_run(gate, *pair) for pair in gate.pairs],
        "checks": [
            {
                "name": c.name,
                "verdict": c.verdict,
                "gated": c.gated,
                "note": too_few(c.n_clusters) if c.few else None,
                "baseline": plain(c.baseline),
                "candidate": plain(c.candidate),
                "bound": c.bound,
                "against": "floor" if c.rule.floor is not None else "margin",
                "alpha": c.rule.alpha,
                "p_pass": c.p_pass,
                "p_fail": c.p_fail,
                "n_items": c.n_items,
                "n_clusters": c.n_clusters,
                "items_needed": c.items_needed,
                "detectable": plain(c.detectable),
                "lost": [flip.id for flip in c.flips if not flip.gained],
                "gained": [flip.id for flip in c.flips if flip.gained],
                "by": c.by,
                "groups": [_group(change) for change in c.groups],
            }
            for c in gate.checks
        ],
    }
    return json_text(record) + "\n"


def _run(gate: Gate, new: Run, old: Run) -> dict[str, object]:
    common = gate.common.get(new.task)
    return {
        "task": new.task,
        "edition": new.edition,
        "data_sha256": new.data_sha256,
        "items": new.counts.items,
        "source_images": new.counts.clusters,
        "common_items": common.n if common else None,
        "candidate": {"name": new.model.name, "fingerprint": new.model.fingerprint},
        "baseline": {"name": old.model.name, "fingerprint": old.model.fingerprint},
    }


def _group(change: Change) -> dict[str, object]:
    return {
        "name": change.name,
        "baseline": plain(change.a),
        "candidate": plain(change.b),
        "lost": change.lost,
        "gained": change.gained,
        "n_items": change.n_items,
        "p_adjusted": plain(change.p_adjusted),
    }


FORMATS: Mapping[str, Callable[[Gate], str]] = {
    ".xml": junit,
    ".md": markdown,
    ".json": as_json,
}
"""By a file's suffix."""
