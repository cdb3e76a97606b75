"""A gate's verdict as text for a terminal, and the sentences shared with its other formats.

Each form has candidate and baseline, the conditions once, the caveats before any number, then each
check's verdict, its flips, and the groups that lost.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from benchbench.analysis.gate import exit_code
from benchbench.analysis.paired import setting_differences
from benchbench.printable import sentence as one_sentence
from benchbench.render.caveats import banners_of, common_banner, setting_warnings, too_few_images
from benchbench.render.text import p_text, percent, short, wrap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchbench.analysis.comparison import Change
    from benchbench.analysis.early_gate import EarlyGate
    from benchbench.analysis.gate import Check, Gate, Inconclusive, Verdict
    from benchbench.types import Run

WORDS = {"pass": "PASS", "fail": "FAIL", "inconclusive": "INCONCLUSIVE"}
MAX_GROUPS = 10
"""Groups with the largest losses in a table."""
MAX_NAME, MAX_LINE = 100, 500
"""Characters of a name and of a warning in a report."""
NONE_GATED = "No check is gated: every group has too few items."


def describe_check(check: Check) -> str:
    """Return a check's numbers in a sentence, without its verdict."""
    rule = check.rule
    if rule.floor is not None:
        held = f"{percent(check.candidate)} against a floor of {percent(rule.floor)}"
    else:
        held = (
            f"{percent(check.baseline)} → {percent(check.candidate)} "
            f"({100 * check.difference:+.1f}), margin {100 * rule.margin:g}"
        )
    flipped = f"{check.n_items:,} items, {check.lost:,} lost, {check.gained:,} gained"
    if check.has_few_images:
        return f"{held}; {too_few_images(check.n_clusters)}; {flipped}"
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


def label(gate: Gate, check: Check) -> str:
    """Return a check's name without the edition, with its α if checks differ in it."""
    several = len({each.rule.alpha for each in gate.checks}) > 1
    name = short(f"{check.rule.task} {check.name.partition(' ')[2]}", MAX_NAME)
    return f"{name} @ {check.rule.alpha:g}" if several else name


def verdict_word(check: Check) -> str:
    """Return a check's verdict in capitals, or that it is for information."""
    return WORDS[check.verdict] if check.gated else "info"


def model_names(gate: Gate) -> tuple[str, str]:
    """Return the models of candidate and baseline, each with the beginning of its fingerprint."""
    new, old = ([pair[side] for pair in gate.pairs] for side in (0, 1))
    return _names(new), _names(old)


def _names(runs: list[Run]) -> str:
    found = [f"{short(r.model.name, MAX_NAME)} ({r.model.fingerprint[:8]})" for r in runs]
    return ", ".join(dict.fromkeys(found))


def conditions(gate: Gate) -> Iterator[str]:
    """Yield the conditions of all checks, one sentence each."""
    for run, _ in gate.pairs:
        yield (
            f"{run.task}@{short(run.edition, MAX_NAME)}: {run.counts.items:,} items of "
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
    if any(check.of_area for check in gate.checks):
        yield (
            "Of an area (AUROC), an item is lost or gained if its contribution is smaller or "
            "larger with the candidate; by itself no item is right or wrong."
        )


def warnings(gate: Gate) -> Iterator[str]:
    """Yield the warnings above the checks."""
    found: dict[str, None] = {}
    for new, old in gate.pairs:
        found |= banners_of([new, old]) | dict.fromkeys(
            setting_warnings(setting_differences([old, new]))
        )
        if new.model.fingerprint == old.model.fingerprint:
            found["SAME: candidate and baseline are the same model."] = None
        found |= dict.fromkeys(common_banner(gate.common.get(new.task)))
    yield from (short(line, MAX_LINE) for line in found)


def last_line(
    verdict: Verdict, inconclusive: Inconclusive, wanted: int = 0, *, few: bool = False
) -> str:
    """Return what an inconclusive verdict counts as; nothing if the verdict is another.

    Args:
        verdict: the gate's.
        inconclusive: what an inconclusive verdict counts as.
        wanted: items that would decide; 0 if that is not known.
        few: whether source images are too few for any test.
    """
    if verdict != "inconclusive":
        return ""
    some = f": some {wanted:,} would" if wanted else ""
    result = "fails" if exit_code(verdict, inconclusive) else "passes"
    what = "source images" if few else "items"
    return f"Too few {what} to decide{some}. --inconclusive {inconclusive}: {result}."


def short_verdict(gate: Gate) -> str:
    """Return the verdict for a line of a log, and why it is inconclusive."""
    gated = [check for check in gate.checks if check.gated]
    few = [too_few_images(check.n_clusters) for check in gated if check.has_few_images]
    why = f" ({few[0]})" if few and gate.verdict == "inconclusive" else ""
    return f"gate {WORDS[gate.verdict]}{why}"


def last_line_of(gate: Gate) -> str:
    """Return ``last_line`` of a gate."""
    return last_line(gate.verdict, gate.inconclusive, gate.items_needed, few=gate.has_few_images)


def groups_table(check: Check, kind: str = "simple") -> str:
    """Return a table of the groups with the largest losses."""
    from tabulate import tabulate

    heads = [str(check.by), "items", "lost", "gained", "difference", "adjusted p"]
    rows = [group_cells(change) for change in check.groups[:MAX_GROUPS]]
    align = ("left", *["right"] * 5)
    return str(tabulate(rows, heads, kind, disable_numparse=True, colalign=align))


def group_cells(change: Change) -> list[str]:
    """Return the cells of a group that lost."""
    return [
        short(change.name, MAX_NAME),
        f"{change.n_items:,}",
        f"{change.lost:,}",
        f"{change.gained:,}",
        f"{100 * change.difference:+.1f}",
        p_text(change.p_adjusted),
    ]


def losses_heading(check: Check) -> str:
    """Return a heading for the groups that lost."""
    shown = min(MAX_GROUPS, len(check.groups))
    of = f" (first {shown} of {len(check.groups):,})" if shown < len(check.groups) else ""
    return f"Lost most, by {check.by}{of}; p two-sided, adjusted for all of them"


def terminal(gate: Gate) -> str:
    """Return the models, the conditions, every check, then the verdict."""
    new, old = model_names(gate)
    parts = [f"candidate  {new}\nbaseline   {old}"]
    parts += ["\n".join(map(wrap, conditions(gate))), *map(wrap, warnings(gate))]
    lines, shown = list[str](), gate.losses
    for check in gate.checks:
        lines.append(wrap(f"{verdict_word(check):13}{label(gate, check)}: {describe_check(check)}"))
        if check in shown:
            table = "\n".join("  " + line for line in groups_table(check).splitlines())
            lines.append(f"\n  {losses_heading(check)}\n\n{table}\n")
    if not gate.family:
        lines.append(NONE_GATED)
    last = last_line_of(gate)
    end = f"gate  {WORDS[gate.verdict]}" + f"\n{last}" * bool(last)
    return "\n\n".join([*parts, "\n".join(lines).rstrip("\n"), end])


def early_terminal(early: EarlyGate) -> str:
    """Return the models, the caveats, the check, then the verdict."""
    rule, runs = early.rule, [early.candidate, early.baseline]
    before = banners_of(runs) | dict.fromkeys(setting_warnings(setting_differences(runs[::-1])))
    first = "".join(f"{wrap(line)}\n\n" for line in before)
    check = (
        f"{WORDS[early.verdict]:13}{rule.task}@{early.baseline.edition} {early.metric}: "
        f"{100 * early.difference:+.1f} on {early.n_items:,} of {early.of_items:,} items "
        f"({100 * early.share:.0f} %), margin {100 * rule.margin:g}, α "
        f"{rule.alpha:g} at any time, {early.lost:,} lost, {early.gained:,} gained"
        f"{f'; {too_few_images(early.n_clusters)}' if early.has_few_images else ''}"
    )
    models = [f"candidate  {early.candidate.model.name}", f"baseline   {early.baseline.model.name}"]
    both = "\n".join(map(one_sentence, models))
    return f"{both}\n\n{first}{wrap(one_sentence(check))}\n\ngate  {WORDS[early.verdict]}"
