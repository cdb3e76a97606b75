"""The best candidates of some queries of a retrieval run, as text or as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchbench.printable import sentence
from benchbench.render.text import short, wrap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchbench.analysis.rankings import Candidate, Ranking, Rankings

CAPTION, NAME = 100, 60
"""Characters of a caption and of a name."""
NOTE = (
    "* true. A place is that of the first true answer, behind the false candidates that tie with "
    "it. An image stands with its first caption."
)


def terminal(found: Rankings) -> str:
    """Return each query with its candidates, one a line."""
    run = found.run
    n = len(found.rankings)
    some = f"{n:,}" if not found.worst else "the worst" if n == 1 else f"the {n:,} worst"
    chosen = f"{some} of {found.of:,} queries"
    heading = sentence(f"{run.task}@{run.edition}  ·  {run.model.name}  ·  {chosen}")
    blocks = ["\n".join(_lines(ranking)) for ranking in found.rankings]
    stored = f"{found.stored:,} of {found.inputs:,} encodings were stored."
    return "\n\n".join([heading, *blocks, f"{wrap(NOTE)}\n{stored}"])


def _lines(ranking: Ranking) -> Iterator[str]:
    """Yield the query, its candidates, and the first true one if it is not among them."""
    if ranking.image:
        asked, kind = f"image {short(ranking.image, NAME)}", "captions"
    else:
        asked, kind = f"caption {_quoted(ranking.caption)}", "images"
    tied = f", {ranking.tied:,} tied" if ranking.tied else ""
    yield (
        f"{asked} (entry {short(ranking.id, NAME)}): place {ranking.place:,} of "
        f"{ranking.n_candidates:,} {kind}{tied}"
    )
    for place, candidate in enumerate(ranking.best, 1):
        yield _line(place, candidate)
    if not any(candidate.is_true for candidate in ranking.best):
        yield _line(ranking.place, ranking.first)


def _line(place: int, candidate: Candidate) -> str:
    mark = "*" if candidate.is_true else " "
    image = f"{short(candidate.image, NAME)}  " if candidate.image else ""
    return f"  {place:>6,} {mark} {candidate.score:8.4f}  {image}{_quoted(candidate.caption)}"


def _quoted(caption: str) -> str:
    return f"'{short(caption, CAPTION)}'"


def record(found: Rankings) -> dict[str, Any]:
    """Return the rankings as JSON has them."""
    run = found.run
    return {
        "task": run.task,
        "edition": run.edition,
        "model": run.model.name,
        "queries": found.of,
        "rankings": [_record(ranking) for ranking in found.rankings],
    }


def _record(ranking: Ranking) -> dict[str, Any]:
    query = {"image": ranking.image} if ranking.image else {"caption": ranking.caption}
    return {
        "entry": ranking.id,
        **query,
        "candidates": ranking.n_candidates,
        "place": ranking.place,
        "better": ranking.better,
        "tied": ranking.tied,
        "first_true": _candidate(ranking.first),
        "best": [_candidate(candidate) for candidate in ranking.best],
    }


def _candidate(candidate: Candidate) -> dict[str, Any]:
    image = {"image": candidate.image} if candidate.image else {}
    return {
        **image,
        "caption": candidate.caption,
        "score": candidate.score,
        "true": candidate.is_true,
    }
