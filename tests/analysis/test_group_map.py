"""The map of groups, against the comparison of two runs and against plain loops."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from benchbench.analysis import group_map as module
from benchbench.analysis.comparison import compare
from benchbench.analysis.group_map import group_map
from benchbench.analysis.paired import pair_runs
from benchbench.errors import UsageError
from tests.analysis.example_runs import RELATIONS, accuracy, made


def test_a_map_of_two_runs_is_the_comparison_of_two_runs() -> None:
    a, b = made("a", 0.5), made("b", 0.6)
    pairing = pair_runs([a, b])
    found = group_map(pairing, pairing.metric())
    assert found is not None
    changes = {change.name: change for change in compare(a, b, by="relation").groups}
    assert set(found.names) == set(changes)
    for g, name in enumerate(found.names):
        assert found.p_adjusted[0, g, 1] == found.p_adjusted[1, g, 0] == changes[name].p_adjusted
        apart = found.scores[g, 1] - found.scores[g, 0]
        assert apart == pytest.approx(changes[name].difference)
        assert found.n_clusters[g] == changes[name].n_clusters
        assert found.n_items[g] == changes[name].n_items


def test_scores_are_means_and_a_larger_family_is_more_cautious() -> None:
    runs = [made("a", 0.4), made("b", 0.5), made("c", 0.6)]
    pairing = pair_runs(runs)
    found = group_map(pairing, pairing.metric())
    assert found is not None
    for m, run in enumerate(runs):
        own = accuracy(run)
        assert [own[name] for name in found.names] == pytest.approx(found.scores[:, m].tolist())
    two = pair_runs(runs[:2])
    small = group_map(two, two.metric())
    assert small is not None
    assert (found.p_adjusted[0, :, 1] >= small.p_adjusted[0, :, 1] - 0.01).all()
    assert (found.p_adjusted[[0, 1, 2], :, [0, 1, 2]] == 1).all()
    assert ((found.p_adjusted > 0) & (found.p_adjusted <= 1)).all()


def test_batches_change_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    pairing = pair_runs([made("a", 0.4), made("b", 0.5), made("c", 0.6)])
    whole = group_map(pairing, pairing.metric())
    monkeypatch.setattr(module, "MAX_CELLS", 1)
    parts = group_map(pairing, pairing.metric())
    assert whole is not None
    assert parts is not None
    assert np.array_equal(whole.p_adjusted, parts.p_adjusted)


def test_equal_runs_do_not_differ_and_one_run_has_a_map() -> None:
    a = made("a", 0.5)
    pairing = pair_runs([a, dataclasses.replace(a, model=made("b", 0.5).model)])
    found = group_map(pairing, pairing.metric())
    assert found is not None
    assert (found.p_adjusted == 1).all()
    alone = pair_runs([a])
    single = group_map(alone, alone.metric())
    assert single is not None
    assert single.p_adjusted.shape == (1, len(RELATIONS), 1)


def test_groups_beyond_the_limit_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_GROUPS", 2)
    pairing = pair_runs([made("a", 0.5), made("b", 0.6)])
    found = group_map(pairing, pairing.metric())
    assert found is not None
    assert (len(found.names), found.left_out) == (2, 1)


def test_a_tag_that_no_item_has_is_an_error() -> None:
    pairing = pair_runs([made("a", 0.5)])
    with pytest.raises(UsageError, match=r"has the tag 'colour'\. Tags: relation"):
        group_map(pairing, pairing.metric(), "colour")
