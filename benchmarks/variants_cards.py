"""The bundled members' cards: their scores, and the verdicts of their claims."""

from __future__ import annotations

from typing import TYPE_CHECKING

import benchbench as bb
from benchbench.files import read_text
from benchmarks.family_runs import TASKS
from benchmarks.members import SHIPPED
from benchmarks.variants_page import describe_claim
from benchmarks.variants_tables import table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchbench.types import Run
    from benchmarks.variants_tables import Results

CARD_CLAIMS = "## Claims"


def card_lines(results: Results, member: str, runs: Mapping[str, Run]) -> list[str]:
    """Return a bundled member's scores and the verdicts of its claims, for its card.

    Args:
        results: of all members.
        member: whose seed 0 is bundled.
        runs: its runs by task.
    """
    rows = []
    for task in TASKS:
        if (run := runs.get(task)) is not None:
            row = bb.scorecard(run).headline
            e = row.estimate
            bounds = f"[{100 * e.low:.1f}, {100 * e.high:.1f}]"
            rows.append([f"{run.task}@{run.edition}", row.name, f"{100 * e.value:.1f}", bounds])
    lines = table(["task", "metric", "%", "95 % interval"], rows, 2)
    return [*lines, *_card_claims(results, member)]


def _card_claims(results: Results, member: str) -> list[str]:
    """Return the verdicts of a member's claims, for its card; nothing where there are none."""
    claimed = [each for each in results.found if each.claim.better == member]
    if not claimed:
        return []
    about = "As docs/variants.md tells them; claims are of the method, where seeds allow."
    told = (f"- {describe_claim(each, results.record.usual)}" for each in claimed)
    return ["", CARD_CLAIMS, "", about, "", *told]


def cards(results: Results, bundled: Path) -> dict[Path, str]:
    """Return the cards of bundled members, with the verdicts of their claims as they are now.

    Args:
        results: of all members.
        bundled: the folder of cards; those that are not there are left out.
    """
    paths = [bundled / f"{name}.md" for name in SHIPPED]
    found = {}
    for name, path in zip(SHIPPED, paths, strict=True):
        if path.is_file():
            text = read_text(path).partition(f"\n{CARD_CLAIMS}\n")[0].rstrip()
            found[path] = "\n".join([text, *_card_claims(results, name)]) + "\n"
    return found
