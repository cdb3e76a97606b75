"""Store outcomes of the relations protocol as columns of a run's file, and read them back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchbench.types import Hits, Places, RelationsOutcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HITS = ("constrained", "unconstrained", "among_true")
ARRAYS = ("subjects", "objects", "matching", "matching_true")
NUMBERS = ("n_pairs", "n_true_pairs", "n_labels", "n_predicates")


def columns(outcomes: Sequence[RelationsOutcome]) -> Mapping[str, Any]:
    """Return Arrow arrays: a list per image, one entry per relation or matching candidate."""
    import pyarrow as pa

    def lists(values: Sequence[Any], kind: Any) -> Any:
        return pa.array([list(each) for each in values], pa.list_(kind))

    found = {
        "predicates": lists([o.predicates for o in outcomes], pa.string()),
        "unseen": lists([o.unseen for o in outcomes], pa.bool_()),
    }
    for name in ARRAYS:
        found[name] = lists([getattr(o, name) for o in outcomes], pa.int32())
    for name in ("better", "equal"):
        found[f"own_pair.{name}"] = lists([getattr(o.own_pair, name) for o in outcomes], pa.int32())
    for hits in HITS:
        for name in ("relation", "better", "equal", "choices"):
            values = [getattr(getattr(o, hits), name) for o in outcomes]
            found[f"{hits}.{name}"] = lists(values, pa.int32())
    for name in NUMBERS:
        found[name] = pa.array([getattr(o, name) for o in outcomes], pa.int32())
    return found


def outcome(row: Mapping[str, Any], base: Mapping[str, Any]) -> RelationsOutcome:
    """Return the outcome stored in one row of those columns.

    Raises:
        ValueError: the lists do not fit each other.
    """
    n = len(row["predicates"])
    if not n or any(len(row[name]) != n for name in ("unseen", "subjects", "objects", "matching")):
        raise ValueError("lists of relations that differ in length, or are empty")
    for name in ("matching_true", "own_pair.better", "own_pair.equal"):
        if len(row[name]) not in (0, n):
            raise ValueError(f"{name} is as long as neither nothing nor the relations")
    numbers: dict[str, Any] = {name: int(row[name]) for name in NUMBERS}
    if min(numbers["n_labels"], numbers["n_predicates"]) < 1:
        raise ValueError("no label or no predicate to choose from")
    if not 0 <= numbers["n_true_pairs"] <= numbers["n_pairs"]:
        raise ValueError(f"{numbers['n_true_pairs']} of {numbers['n_pairs']} pairs truly related")
    arrays: dict[str, Any] = {name: np.array(row[name], dtype=np.int32) for name in ARRAYS}
    for name, most in (("matching", "n_pairs"), ("matching_true", "n_true_pairs")):
        if ((arrays[name] < 0) | (arrays[name] > numbers[most])).any():
            raise ValueError(f"{name} beyond {most}")
    ranked = {
        "constrained": numbers["n_pairs"],
        "unconstrained": numbers["n_pairs"] * numbers["n_predicates"],
        "among_true": numbers["n_true_pairs"],
    }
    arrays |= {name: _hits(row, name, n, ranked[name]) for name in HITS}
    better, equal = (np.array(row[f"own_pair.{name}"], np.int32) for name in ("better", "equal"))
    if len(better) != len(equal) or (better < 0).any() or (equal < 0).any():
        raise ValueError("own_pair with places that are none")
    return RelationsOutcome(
        **base,
        predicates=tuple(row["predicates"]),
        unseen=tuple(row["unseen"]),
        own_pair=Places(better, equal),
        **arrays,
        **numbers,
    )


def _hits(row: Mapping[str, Any], name: str, n: int, ranked: int) -> Hits:
    relation, better, equal, choices = (
        np.array(row[f"{name}.{field}"], dtype=np.int32)
        for field in ("relation", "better", "equal", "choices")
    )
    if not len(relation) == len(better) == len(equal) == len(choices):
        raise ValueError(f"lists of {name} hits that differ in length")
    if len(relation) and (relation.min() < 0 or relation.max() >= n):
        raise ValueError(f"{name} hits of relations that are not there")
    if (np.diff(relation) < 0).any() or (choices < 1).any():
        raise ValueError(f"{name} hits out of order, or of no choice")
    if (better < 0).any() or (equal < 0).any() or (better + equal >= ranked).any():
        raise ValueError(f"{name} hits at places that are none of {ranked}")
    return Hits(relation, better, equal, choices)
