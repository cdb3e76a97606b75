"""The items that one of two runs has right and the other has wrong."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from benchbench.analysis.leaderboard import grouping_tag
from benchbench.analysis.paired import pair_runs, tags_of
from benchbench.editions import kind_of
from benchbench.errors import UsageError
from benchbench.subsets import shuffle

if TYPE_CHECKING:
    from benchbench.analysis.paired import PairedScores
    from benchbench.types import Metric, Run

MATCHING = "matching"
"""The protocol whose items have captions to choose from."""


@dataclass(frozen=True, slots=True)
class Flip:
    """An item that one of two runs has right and the other has wrong, or on another rank."""

    id: str
    cluster: str
    group: str
    a: float
    b: float
    gained: bool
    """Whether b does better; otherwise a does."""


def flips_in(scores: PairedScores) -> tuple[Flip, ...]:
    """Return the items that the second of two runs gains, then those that it loses, in their order.

    Args:
        scores: the scores of two runs.
    """
    sign, first = scores.sign, scores.runs[0].outcomes
    units = np.flatnonzero(scores.values[:, 0] != scores.values[:, 1])
    rows = zip(
        units.tolist(), scores.outcome[units].tolist(), scores.values[units].tolist(), strict=True
    )
    found = []
    for unit, item, (one, two) in rows:
        outcome, gained = first[item], sign * (two - one) > 0
        found.append(Flip(outcome.id, outcome.cluster, scores.groups[unit], one, two, gained))
    return tuple(sorted(found, key=lambda each: not each.gained))


@dataclass(frozen=True, slots=True)
class GroupFlips:
    """The items of one group that flip between two runs."""

    name: str
    """Empty where the task has no groups."""
    n_items: int
    gained: tuple[Flip, ...]
    lost: tuple[Flip, ...]

    def some(self, each: int) -> list[Flip]:
        """Return a few that are gained, then a few that are lost, drawn by a hash of their ids.

        Args:
            each: at most so many of both.
        """
        found = []
        for flips in (self.gained, self.lost):
            of_id = {flip.id: flip for flip in flips}
            found += [of_id[name] for name in shuffle(of_id, 0)[:each]]
        return found


def require_captions(task: str, protocol: str) -> None:
    """Raise an error for a task whose items have no captions to choose from.

    Raises:
        UsageError: its protocol is another one.
    """
    if protocol != MATCHING:
        raise UsageError(
            f"Pages of flips show captions to choose from, and {task} has none: its protocol is "
            f"{protocol}."
        )


def flips_by_group(a: Run, b: Run) -> tuple[Metric, tuple[GroupFlips, ...]]:
    """Return the headline metric of two runs, and their flips in each group of items.

    Args:
        a: the run to compare with.
        b: the b of the same items.

    Raises:
        UsageError: the headline is not of matching items, each with a score of its own.
        NotComparable: the runs differ.
    """
    pairing = pair_runs([a, b])
    kind = kind_of(a.edition).name
    headline = pairing.metric()
    require_captions(a.task, a.protocol)
    tag = grouping_tag(pairing.info, headline, kind)
    known = tag if tag in tags_of(a) else None
    scores = pairing.scores(replace(headline, by=known, leave_out=frozenset(), at_least=1))
    sizes = Counter(scores.groups)
    flips = flips_in(scores)
    groups = tuple(
        GroupFlips(
            name,
            size,
            tuple(flip for flip in flips if flip.group == name and flip.gained),
            tuple(flip for flip in flips if flip.group == name and not flip.gained),
        )
        for name, size in sorted(sizes.items(), key=lambda each: (-each[1], each[0]))
    )
    return headline, groups
