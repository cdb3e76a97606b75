"""A gate's verdict for a terminal, as JUnit XML, markdown and JSON.

Every form says the same: candidate and baseline, the conditions once, what must be read before any
number, then what became of each check, what flipped in it, and which groups suffered.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from benchbench.analysis.gate import exit_code
from benchbench.analysis.paired import circumstances
from benchbench.analysis.reliability import too_few
from benchbench.printable import json_text, one_line
from benchbench.render.scorecard import banners, p_text, wrapped
from benchbench.render.summaries import Section, fitted
from benchbench.render.text import md, short

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from benchbench.analysis.comparison import Change
    from benchbench.analysis.gate import Check, Gate, Inconclusive, Verdict
    from benchbench.types import Run

WORDS = {"pass": "PASS", "fail": "FAIL", "inconclusive": "INCONCLUSIVE"}
SHOWN = 10
"""Groups that suffered most, where a table of them is read by eye."""
NAME, LINE = 100, 500
"""Characters of a name and of a warning in a report."""
_NONE_GATED = "No check is gated: every group has too few items."


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
    flipped = f"{check.n_items:,} items, {check.lost:,} lost, {check.gained:,} gained"
    if check.few:
        return f"{held}; {too_few(check.n_clusters)}; {flipped}"
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
    return f"{held}; p {p}, {flipped}{more}{few}"


def _percent(share: float) -> str:
    return "–" if math.isnan(share) else f"{100 * share:.1f}"


def label(gate: Gate, check: Check) -> str:
    """A check's name without the edition, which is said once, and with its α where these differ."""
    several = len({each.rule.alpha for each in gate.checks}) > 1
    name = short(f"{check.rule.task} {check.name.partition(' ')[2]}", NAME)
    return f"{name} @ {check.rule.alpha:g}" if several else name


def word(check: Check) -> str:
    """Its verdict, or that it is for information."""
    return WORDS[check.verdict] if check.gated else "info"


def names(gate: Gate) -> tuple[str, str]:
    """Of candidate and baseline, each with the beginning of its fingerprint."""
    new, old = ([pair[side] for pair in gate.pairs] for side in (0, 1))
    return _names(new), _names(old)


def _names(runs: list[Run]) -> str:
    found = [f"{short(r.model.name, NAME)} ({r.model.fingerprint[:8]})" for r in runs]
    return ", ".join(dict.fromkeys(found))


def conditions(gate: Gate) -> Iterator[str]:
    """What holds for all checks, a sentence each."""
    for run, _ in gate.pairs:
        yield (
            f"{run.task}@{short(run.edition, NAME)}: {run.counts.items:,} items of "
            f"{run.counts.clusters:,} source images."
        )
    alphas = sorted({check.rule.alpha for check in gate.checks})
    family = f"{gate.family:,} gated {'check' if gate.family == 1 else 'checks'}"
    if gate.family > 1:
        family += (
            ": all must pass, each at its own α; claims of failure are adjusted for "
            f"{gate.family:,} (Holm)"
        )
    yield (
        f"α {' or '.join(f'{alpha:g}' for alpha in alphas)}; {family}. p: one-sided, Student's t "
        f"over source images. Ties count {gate.ties} where a metric fixes no rule. Lost: what the "
        "baseline alone has right; gained: the candidate alone."
    )


def warnings(gate: Gate) -> Iterator[str]:
    """What must be read before any number."""
    found: dict[str, None] = {}
    for new, old in gate.pairs:
        found |= dict.fromkeys([*banners(new), *banners(old), *circumstances([old, new])])
        if new.model.fingerprint == old.model.fingerprint:
            found["SAME: candidate and baseline are the same model."] = None
    yield from (short(line, LINE) for line in found)


def last_line(
    verdict: Verdict, inconclusive: Inconclusive, wanted: int = 0, *, few: bool = False
) -> str:
    """Say what is made of a gate that is not decided; nothing where it is.

    Args:
        verdict: the gate's.
        inconclusive: what is made of it.
        wanted: items that would decide; 0 where that is not known.
        few: whether source images are too few for any test.
    """
    if verdict != "inconclusive":
        return ""
    some = f": some {wanted:,} would" if wanted else ""
    made = "fails" if exit_code(verdict, inconclusive) else "passes"
    what = "source images" if few else "items"
    return f"Too few {what} to decide{some}. --inconclusive {inconclusive}: {made}."


def in_short(gate: Gate) -> str:
    """Return the verdict for a line of a log, and why it is none."""
    few = [too_few(check.n_clusters) for check in gate.checks if check.gated and check.few]
    why = f" ({few[0]})" if few and gate.verdict == "inconclusive" else ""
    return f"gate {WORDS[gate.verdict]}{why}"


def _last_line(gate: Gate) -> str:
    return last_line(gate.verdict, gate.inconclusive, gate.items_needed, few=gate.few)


def groups_table(check: Check, kind: str = "simple") -> str:
    """The groups that suffered most."""
    from tabulate import tabulate

    heads = [str(check.by), "items", "lost", "gained", "difference", "adjusted p"]
    rows = [_cells(change) for change in check.groups[:SHOWN]]
    align = ("left", *["right"] * 5)
    return str(tabulate(rows, heads, kind, disable_numparse=True, colalign=align))


def _cells(change: Change) -> list[str]:
    return [
        short(change.name, NAME),
        f"{change.n_items:,}",
        f"{change.lost:,}",
        f"{change.gained:,}",
        f"{100 * change.difference:+.1f}",
        p_text(change.p_adjusted),
    ]


def suffered(check: Check) -> str:
    """A heading for the groups that suffered."""
    shown = min(SHOWN, len(check.groups))
    of = f" (first {shown} of {len(check.groups):,})" if shown < len(check.groups) else ""
    return f"Lost most, by {check.by}{of}; p two-sided, adjusted for all of them"


def suffering(gate: Gate) -> list[Check]:
    """The gated checks with groups that suffered; of several with the same groups the first."""
    found = {(c.rule.task, c.by, c.groups): c for c in reversed(gate.checks) if c.groups}
    return [check for check in gate.checks if check.gated and check in found.values()]


def terminal(gate: Gate) -> str:
    """Who, under which conditions, every check, then the verdict."""
    new, old = names(gate)
    parts = [f"candidate  {new}\nbaseline   {old}"]
    parts += ["\n".join(map(wrapped, conditions(gate))), *map(wrapped, warnings(gate))]
    lines, shown = list[str](), suffering(gate)
    for check in gate.checks:
        lines.append(wrapped(f"{word(check):13}{label(gate, check)}: {sentence(check)}"))
        if check in shown:
            table = "\n".join("  " + line for line in groups_table(check).splitlines())
            lines.append(f"\n  {suffered(check)}\n\n{table}\n")
    if not gate.family:
        lines.append(_NONE_GATED)
    said = _last_line(gate)
    end = f"gate  {WORDS[gate.verdict]}" + f"\n{said}" * bool(said)
    return "\n\n".join([*parts, "\n".join(lines).rstrip("\n"), end])


def junit(gate: Gate) -> str:
    """One case a check; a failure holds its numbers.

    What is not decided is skipped, or counts as ``--inconclusive`` has it: the cases fail where the
    exit code is 1, and only there.
    """
    cases, counts = [], Counter[str]()
    for check, name in zip(gate.checks, _case_names(gate), strict=True):
        verdict = gate.inconclusive if check.verdict == "inconclusive" else check.verdict
        made = verdict if check.gated and verdict != "warn" else "skipped"
        counts[made] += 1
        task = _printable(check.name.partition(" ")[0])
        head = f"<testcase classname={quoteattr(task)} name={quoteattr(name)}"
        cases.append(f"  {head}>{_outcome(check, made)}</testcase>")
    if gate.exit_code and not gate.family:
        counts["fail"] += 1
        said = quoteattr(_NONE_GATED)
        cases.append(
            f'  <testcase classname="gate" name={said}>'
            f'<failure message={said} type="inconclusive">{_NONE_GATED}</failure></testcase>'
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


def _outcome(check: Check, made: str) -> str:
    """What stands in a case."""
    said = _printable(f"{check.verdict}: {sentence(check)}")
    table = [f"{suffered(check)}:", *groups_table(check).splitlines()] if check.groups else []
    text = escape("\n".join([said, *map(_printable, table)]))
    if made == "pass":
        return f"<system-out>{text}</system-out>"
    if made == "skipped":
        return f"<skipped message={quoteattr(said)}/>"
    kind = "regression" if check.verdict == "fail" else "inconclusive"
    return f'<failure message={quoteattr(said)} type="{kind}">{text}</failure>'


def _case_names(gate: Gate) -> list[str]:
    """Distinct, for readers of reports know a case by its name."""
    found: list[str] = []
    for check in gate.checks:
        name = _printable(check.name.partition(" ")[2])
        if name in found:
            name = f"{name} ({len(found) + 1})"
        found.append(name)
    return found


def _facts(gate: Gate) -> Iterator[tuple[str, str]]:
    new, old = names(gate)
    yield from (("verdict", gate.verdict), ("inconclusive", gate.inconclusive))
    yield from (("candidate", new), ("baseline", old))
    yield from (("conditions", _printable(line)) for line in conditions(gate))
    yield from (("warning", line) for line in warnings(gate))


def _printable(text: str) -> str:
    """Without what XML does not bear, on one line."""
    return one_line(text)


def sections(gate: Gate) -> list[Section]:
    """The gate in markdown: the verdict, what does not pass and why, then the rest."""
    new, old = (text.replace("`", "'") for text in names(gate))
    said = _last_line(gate)
    head = [f"## Gate: {WORDS[gate.verdict]}", *[f"**{md(said)}**"] * bool(said)]
    head.append(f"candidate `{new}`<br>baseline `{old}`")
    head += [f"> {md(line)}" for line in warnings(gate)]
    found = [Section("the head", "\n\n".join(head))]
    found += _rows(gate, "fail", "inconclusive")
    found += [_lost(gate, check) for check in suffering(gate)]
    found += _rows(gate, "pass")
    found += _rows(gate)
    return [*found, Section("the conditions", md(" ".join(conditions(gate))))]


def _lost(gate: Gate, check: Check) -> Section:
    """The groups that suffered most."""
    name = label(gate, check)
    head = (
        f"**{md(name)}.** {md(suffered(check))}\n\n"
        f"| {md(str(check.by))} | items | lost | gained | difference | adjusted p |\n"
        "|:--|--:|--:|--:|--:|--:|"
    )
    rows = [f"| {' | '.join(map(md, _cells(change)))} |" for change in check.groups[:SHOWN]]
    return Section(f"what {name} lost", head, rows)


def _rows(gate: Gate, *verdicts: Verdict) -> Iterator[Section]:
    """A table of the gated checks of these verdicts, or of those that are not gated."""
    checks = [c for c in gate.checks if (c.verdict in verdicts if c.gated else not verdicts)]
    checks.sort(key=lambda c: (c.verdict != "fail", c.verdict != "inconclusive"))
    rows = [f"| {word(c)} | {md(label(gate, c))} | {md(_printable(sentence(c)))} |" for c in checks]
    if rows:
        what = f"checks that {'do not pass' if 'fail' in verdicts else 'pass'}"
        title = what if verdicts else "groups of too few items"
        yield Section(title, "| | check | |\n|:--|:--|:--|", rows)


def markdown(gate: Gate) -> str:
    """For a comment, which may not be longer than 64 KiB."""
    return fitted(sections(gate))


def as_json(gate: Gate) -> str:
    """Everything as plain values."""
    record = {
        "verdict": gate.verdict,
        "inconclusive": gate.inconclusive,
        "exit_code": gate.exit_code,
        "family": gate.family,
        "items_needed": gate.items_needed,
        "ties": gate.ties,
        "warnings": list(warnings(gate)),
        "runs": [_run(*pair) for pair in gate.pairs],
        "checks": [
            {
                "name": c.name,
                "verdict": c.verdict,
                "gated": c.gated,
                "note": too_few(c.n_clusters) if c.few else None,
                "baseline": _plain(c.baseline),
                "candidate": _plain(c.candidate),
                "bound": c.bound,
                "against": "floor" if c.rule.floor is not None else "margin",
                "alpha": c.rule.alpha,
                "p_pass": c.p_pass,
                "p_fail": c.p_fail,
                "n_items": c.n_items,
                "n_clusters": c.n_clusters,
                "items_needed": c.items_needed,
                "detectable": _plain(c.detectable),
                "lost": [flip.id for flip in c.flips if not flip.gained],
                "gained": [flip.id for flip in c.flips if flip.gained],
                "by": c.by,
                "groups": [_group(change) for change in c.groups],
            }
            for c in gate.checks
        ],
    }
    return json_text(record) + "\n"


def _run(new: Run, old: Run) -> dict[str, object]:
    return {
        "task": new.task,
        "edition": new.edition,
        "data_sha256": new.data_sha256,
        "items": new.counts.items,
        "source_images": new.counts.clusters,
        "candidate": {"name": new.model.name, "fingerprint": new.model.fingerprint},
        "baseline": {"name": old.model.name, "fingerprint": old.model.fingerprint},
    }


def _group(change: Change) -> dict[str, object]:
    return {
        "name": change.name,
        "baseline": _plain(change.a),
        "candidate": _plain(change.b),
        "lost": change.lost,
        "gained": change.gained,
        "n_items": change.n_items,
        "p_adjusted": _plain(change.p_adjusted),
    }


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else value


FORMATS: Mapping[str, Callable[[Gate], str]] = {
    ".xml": junit,
    ".md": markdown,
    ".json": as_json,
}
"""By a file's suffix."""
