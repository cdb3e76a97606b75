"""Events to means: filters, groups, averages within an outcome."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchbench.errors import ContractError, UsageError
from benchbench.protocols import load_protocol, reading
from benchbench.protocols.protocol import Answers, Events
from benchbench.protocols.reading import Judge, Units, read_units
from benchbench.types import ImageRef, MatchingOutcome, Metric, Outcome, Ties

OUTCOMES = [Outcome("0", "a", {"r": "on"}), Outcome("1", "b", {"r": "on"}), Outcome("2", "c", {})]


class Stub:
    """A protocol of four events on three outcomes."""

    judgements = frozenset({"text"})
    pooled: frozenset[str] = frozenset()
    sample_note = ""
    event_tags = frozenset({"kind"})
    item_tags: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()

    def __init__(self, *, per_outcome: bool = False, categories: int = 0) -> None:
        self._per_outcome = per_outcome
        self._categories = categories

    def events(self, outcomes: Sequence[Any], metric: Metric, ties: Ties) -> Events:
        return Events(
            values=np.array([1.0, 0.0, 1.0, 0.5]),
            chance=np.array([0.5, 0.5, 0.5, 0.25]),
            outcome=np.array([0, 0, 1, 2]),
            tags={"kind": ["new", "old", "old", "new"]},
            per_outcome=self._per_outcome,
            categories={"kind": self._categories},
        )

    def uses_encoder(self, model: Any) -> bool:
        raise NotImplementedError

    def regions(self, item: Any) -> Iterator[ImageRef]:
        raise NotImplementedError

    def answer(self, items: Sequence[Any], model: Any, encoder: Any) -> Answers:
        raise NotImplementedError

    def counted(self, outcomes: Sequence[Any]) -> Iterator[str]:
        raise NotImplementedError

    def remarks(self, outcomes: Sequence[Any], metrics: Sequence[Metric]) -> Iterator[str]:
        raise NotImplementedError

    def columns(self, outcomes: Sequence[Any]) -> Mapping[str, Any]:
        raise NotImplementedError

    def outcomes(self, columns: Mapping[str, Any], bases: Any) -> tuple[Outcome, ...]:
        raise NotImplementedError

    def content(self, item: Any, root: Path) -> str:
        raise NotImplementedError

    def problems(self, item: Any) -> Iterator[str]:
        raise NotImplementedError


def read(metric: Metric, **settings: Any) -> Units:
    return read_units(Stub(**settings), OUTCOMES, metric, "wrong")


def test_without_groups_every_event_counts() -> None:
    units = read(Metric("m", ""))
    assert units.values.tolist() == [1, 0, 1, 0.5]
    assert units.outcome.tolist() == [0, 0, 1, 2]
    assert units.groups == ["", "", "", ""]


def test_groups_come_from_the_items_tags_or_the_events_own() -> None:
    assert read(Metric("m", "", by="r")).groups == ["on", "on", "on"]
    assert read(Metric("m", "", by="kind")).groups == ["new", "old", "old", "new"]


def test_filters_are_applied_once_for_all_tie_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    select, names = reading._select, []

    def counted(events: Events, outcomes: Sequence[Outcome], metric: Metric) -> Any:
        names.append(metric.name)
        return select(events, outcomes, metric)

    monkeypatch.setattr(reading, "_select", counted)
    judge = Judge(Stub(), OUTCOMES)
    one, same = Metric("one", "", by="kind"), Metric("same", "too", by="kind", ties="right")
    assert judge.units(one, "wrong").groups == judge.units(same, "wrong").groups
    assert judge.tied(one) == (0, 4)
    assert judge.units(Metric("other", ""), "wrong").groups == [""] * 4
    assert names == ["one", "other"]


def test_groups_are_left_out_by_name_and_by_size() -> None:
    metric = Metric("m", "", by="kind", leave_out=frozenset({"old"}))
    assert read(metric).groups == ["new", "new"]
    assert read(Metric("m", "", by="kind", at_least=3)).groups == []


def test_a_metric_can_be_about_some_events_alone() -> None:
    units = read(Metric("m", "", only=(("kind", "new"), ("r", "on"))))
    assert units.values.tolist() == [1.0]


def test_events_are_averaged_within_their_outcome_after_filtering() -> None:
    units = read(Metric("m", ""), per_outcome=True)
    assert units.values.tolist() == [0.5, 1.0, 0.5]
    assert units.chance.tolist() == [0.5, 0.5, 0.25]
    old = read(Metric("m", "", only=(("kind", "old"),)), per_outcome=True)
    assert old.values.tolist() == [0.0, 1.0]
    assert old.outcome.tolist() == [0, 1]


def test_groups_within_an_outcome_are_averaged_apart() -> None:
    units = read(Metric("m", "", by="kind"), per_outcome=True, categories=5)
    assert dict(zip(zip(units.outcome, units.groups, strict=True), units.values, strict=True)) == {
        (0, "new"): 1.0,
        (0, "old"): 0.0,
        (1, "old"): 1.0,
        (2, "new"): 0.5,
    }
    assert units.absent == 3


def test_an_unknown_protocol_is_named() -> None:
    with pytest.raises(UsageError, match="matching, paraphrases, verification, "):
        load_protocol("guessing")


def test_a_judgement_that_the_protocol_does_not_know_is_refused() -> None:
    with pytest.raises(ContractError, match="judges by 'recall', which its protocol does not"):
        read(Metric("m", "", judgement="recall"))


@pytest.mark.parametrize("ties", ["wrong", "share", "right"])
def test_items_that_count_together_are_right_where_every_one_is(ties: Ties) -> None:
    rng = np.random.default_rng(3)
    outcomes = [
        MatchingOutcome(
            str(i),
            f"c{i}",
            {"set": str(rng.integers(4)), "part": "ab"[i % 2]},
            (0,),
            rng.integers(0, 3, size=(1, 2)).astype(np.float32),
            (False, False),
        )
        for i in range(30)
    ]
    protocol = load_protocol("matching")
    metric = Metric("sets", "sets", all_of="set")
    units = read_units(protocol, outcomes, metric, ties)
    wanted: dict[str, float] = {}
    for each in outcomes:
        own, other = each.scores[0]
        credit = float(own > other)
        if own == other:
            credit = {"wrong": 0.0, "share": 0.5, "right": 1.0}[ties]
        wanted[each.tags["set"]] = wanted.get(each.tags["set"], 1.0) * credit
    assert units.values.tolist() == pytest.approx(list(wanted.values()))
    sizes = [sum(o.tags["set"] == name for o in outcomes) for name in wanted]
    assert units.chance.tolist() == pytest.approx([0.5**n for n in sizes])
    firsts = [next(i for i, o in enumerate(outcomes) if o.tags["set"] == name) for name in wanted]
    assert units.outcome.tolist() == firsts
    by = read_units(protocol, outcomes, replace(metric, by="part"), ties)
    assert list(by.groups) == [outcomes[i].tags["part"] for i in firsts]
