"""The items that runs of several editions share, matched by their content.

Two releases of a suite differ in some items. Their runs are compared on the items that are equal in
both: the same images, captions and truth (``protocols.contents``). Ids and places do not count.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from benchbench.errors import NotComparable, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from benchbench.types import Run

    Key = Callable[[Any], tuple[str, str]]


@dataclass(frozen=True, slots=True)
class CommonItems:
    """How many items runs share."""

    editions: tuple[str, ...]
    """[runs]"""
    items: tuple[int, ...]
    """[runs]: the items of each run."""
    n: int
    """The items of all runs."""


def on_common_items(runs: Sequence[Run]) -> tuple[list[Run], CommonItems]:
    """Return the runs with the items alone that all of them have.

    Items have the ids and the order of the first run. Where several items of a run have the same
    content, those with the same id in both runs are the same; a single one that is left on each
    side is, too; others are left out, as nothing distinguishes them.

    Args:
        runs: the runs of one task, version and protocol.

    Raises:
        UsageError: a run does not store its items' content.
        NotComparable: the runs share no item.
    """
    key = _key_of(runs)
    first = runs[0].outcomes
    places = [dict(_matched(first, run.outcomes, key)) for run in runs]
    shared = [i for i in range(len(first)) if all(i in found for found in places)]
    if not shared:
        names = " and ".join(f"{run.model.name} ({run.edition})" for run in runs)
        raise NotComparable(
            f"These runs share no item of equal content: {names}. Compare runs of one edition."
        )
    common = CommonItems(
        tuple(run.edition for run in runs), tuple(len(run.outcomes) for run in runs), len(shared)
    )
    kept = [_restricted(run, runs[0], shared, at) for run, at in zip(runs, places, strict=True)]
    return kept, common


def _key_of(runs: Sequence[Run]) -> Key:
    """Return what identifies an item: content and source image; on the same files, the id.

    Raises:
        UsageError: the runs are of other files, and one does not store its items' content.
    """
    if len({(run.edition, run.data_sha256) for run in runs}) == 1:
        return lambda outcome: (outcome.id, outcome.cluster)
    for run in runs:
        if not all(outcome.content for outcome in run.outcomes):
            raise UsageError(
                f"The run of {run.model.name} ({run.task}@{run.edition}) does not store what its "
                "items consist of, so that they cannot be matched with another edition's. Runs of "
                "matching tasks do since run format 3: evaluate or import it again."
            )
    return lambda outcome: (outcome.content, outcome.cluster)


def _matched(mine: Sequence[Any], theirs: Sequence[Any], key: Key) -> list[tuple[int, int]]:
    """Return the pairs of places of equal items."""
    there: dict[tuple[str, str], dict[str, int]] = {}
    for place, outcome in enumerate(theirs):
        there.setdefault(key(outcome), {})[outcome.id] = place
    here: dict[tuple[str, str], dict[str, int]] = {}
    for place, outcome in enumerate(mine):
        here.setdefault(key(outcome), {})[outcome.id] = place
    found = []
    for content, ids in here.items():
        others = there.get(content, {})
        found += [(ids[name], others[name]) for name in ids.keys() & others.keys()]
        left = [ids[name] for name in ids.keys() - others.keys()]
        right = [others[name] for name in others.keys() - ids.keys()]
        if len(left) == len(right) == 1:
            found.append((left[0], right[0]))
    return found


def _restricted(run: Run, first: Run, shared: Sequence[int], places: dict[int, int]) -> Run:
    """Return a run with the shared items alone, under the first run's ids and in its order."""
    outcomes = tuple(replace(run.outcomes[places[i]], id=first.outcomes[i].id) for i in shared)
    return replace(run, outcomes=outcomes)
