"""Differences between models in each group of a metric, with p-values adjusted over the map."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from benchbench.analysis.paired import tags_of, unknown_tag_error
from benchbench.stats import Flips, Panel, flip, step_down

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchbench.analysis.paired import PairedScores, Pairing
    from benchbench.types import Metric, Ties
    from benchbench.types.arrays import Floats, Indices

MAX_GROUPS = 60
"""The largest number of groups of a map; those of most items are kept."""

MAX_CELLS = 3_000
"""Differences whose sign flips are held at once: about 250 MB."""


@dataclass(frozen=True, slots=True)
class GroupMap:
    """The scores of all models in each group, and their differences from each of them.

    Groups stand in order of their items, the largest first; models in the order of the runs.
    """

    by: str
    """The tag that forms the groups."""
    names: tuple[str, ...]
    n_items: tuple[int, ...]
    """[groups]: units that the metric scores."""
    n_clusters: tuple[int, ...]
    """[groups]: source images."""
    left_out: int
    """Groups beyond ``MAX_GROUPS``."""
    scores: Floats = field(repr=False)
    """[groups, models]"""
    p_adjusted: Floats = field(repr=False)
    """[reference, groups, models]: p-values of the difference from the reference model, adjusted
    for all differences from it, in all groups; 1 for the reference itself."""


def group_map(
    pairing: Pairing,
    metric: Metric,
    by: str | None = None,
    *,
    ties: Ties = "wrong",
    seed: int = 0,
) -> GroupMap | None:
    """Compare every two models in each group.

    The test of a group is that of ``compare --by``: sign flips of whole clusters. The family is the
    map of one reference: all groups times all other models, adjusted by the step-down maximum of
    |T|.

    Args:
        pairing: the runs.
        metric: the metric that scores the items.
        by: the tag; by default the metric's own, otherwise the task's first tag that forms between
            two and ``MAX_GROUPS`` groups.
        ties: the tie rule, where the metric fixes none.
        seed: the seed of the sign flips.

    Returns:
        The map; None where no tag is named and none forms groups.

    Raises:
        UsageError: no item has the tag that is named.
    """
    if by is not None and by not in tags_of(pairing.runs[0]):
        raise unknown_tag_error(pairing.runs[0], by)
    tag = by or metric.by or _first_tag(pairing, metric, ties)
    return None if tag is None else _map(_sliced(pairing, metric, tag, ties), tag, seed)


def _sliced(pairing: Pairing, metric: Metric, tag: str, ties: Ties) -> PairedScores:
    """Return the scores in the groups of a tag; all groups, where it is not the metric's own."""
    if tag == metric.by:
        return pairing.scores(metric, ties=ties)
    return pairing.scores(
        replace(metric, by=tag, leave_out=frozenset(), at_least=1, statistic="mean"), ties=ties
    )


def _first_tag(pairing: Pairing, metric: Metric, ties: Ties) -> str | None:
    """Return the first tag of the task that forms between 2 and ``MAX_GROUPS`` groups."""
    there = tags_of(pairing.runs[0])
    for tag in (*pairing.info.tags, *pairing.info.optional_tags):
        if tag in there and 2 <= len(_sliced(pairing, metric, tag, ties).group_names) <= MAX_GROUPS:
            return tag
    return None


def _map(sliced: PairedScores, tag: str, seed: int) -> GroupMap:
    names, number = sliced.group_names, sliced.group_number
    sizes = np.bincount(number)
    order = sorted(range(len(names)), key=lambda g: (-sizes[g], names[g]))[:MAX_GROUPS]
    place = np.full(len(names), -1, dtype=np.intp)
    place[order] = np.arange(len(order))
    kept = place[number] >= 0
    group, values, cluster = place[number][kept], sliced.values[kept], sliced.cluster[kept]
    sums = np.stack([np.bincount(group, v, len(order)) for v in values.T], axis=1)
    clusters = [len(np.unique(cluster[group == g])) for g in range(len(order))]
    counts = np.bincount(group, minlength=len(order))
    return GroupMap(
        by=tag,
        names=tuple(names[g] for g in order),
        n_items=tuple(counts.tolist()),
        n_clusters=tuple(clusters),
        left_out=len(names) - len(order),
        scores=sums / counts[:, None],
        p_adjusted=_p_values(values, group, cluster, len(order), seed),
    )


def _p_values(values: Floats, group: Indices, cluster: Indices, n_groups: int, seed: int) -> Floats:
    """Return the adjusted p-values of all differences: [reference, groups, models].

    A column of the panel is a model's sum, in a group, of differences from the first model. Sums,
    not means: a constant factor does not change the statistic. The sign vectors are the same for
    every reference.
    """
    n_models = values.shape[1]
    found = np.ones((n_models, n_groups, n_models))
    rows, row = np.unique(cluster, return_inverse=True)
    columns = np.zeros((len(rows), n_models, n_groups))
    for model in range(1, n_models):
        np.add.at(columns[:, model], (row, group), values[:, model] - values[:, 0])
    flat = columns.reshape(len(rows), -1)
    table = Panel(flat, np.zeros_like(flat), len(values))
    for references in _batches(n_models, n_groups):
        pairs = [(a, b) for a in references for b in range(n_models) if a != b]
        unordered = sorted({(min(pair), max(pair)) for pair in pairs})
        flips = flip(table, _cells(unordered, n_groups), seed=seed)
        place = {pair: i for i, pair in enumerate(unordered)}
        for a in references:
            others = [b for b in range(n_models) if b != a]
            of = [place[min(a, b), max(a, b)] for b in others]
            cells = (np.array(of)[:, None] * n_groups + np.arange(n_groups)).ravel()
            part = Flips(flips.observed[cells], flips.flipped[:, cells], flips.exact)
            found[a][:, others] = step_down(part).reshape(len(others), n_groups).T
    return found


def _batches(n_models: int, n_groups: int) -> list[list[int]]:
    """Return the references whose flips are held at once: all, or each alone if they are many."""
    models = list(range(n_models))
    if n_models < 2:
        return []
    if n_models * (n_models - 1) // 2 * n_groups <= MAX_CELLS:
        return [models]
    return [[model] for model in models]


def _cells(pairs: Sequence[tuple[int, int]], n_groups: int) -> Indices:
    """Return the columns of each pair of models in each group: [pairs × groups, 2]."""
    models = np.array(pairs, dtype=np.intp).repeat(n_groups, axis=0)
    group = np.tile(np.arange(n_groups), len(pairs))
    return np.asarray(models[:, ::-1] * n_groups + group[:, None])
