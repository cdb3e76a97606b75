"""The split of a plan among workers: complete, without overlap, and the same everywhere."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbench.embedding import Share
from benchbench.engines.shards import (
    Shard,
    array_expression,
    deal,
    deal_all,
    holders,
    parse_shard,
)
from benchbench.errors import UsageError

COSTS = st.dictionaries(st.text(max_size=3), st.floats(1, 1e6), min_size=1, max_size=12)


@given(COSTS, st.integers(1, 40))
def test_each_model_is_dealt_once_in_all_of_its_parts(
    costs: dict[str, float], workers: int
) -> None:
    own = deal_all(costs, workers)
    assert len(own) == workers
    assert all(len({each.model for each in portions}) == len(portions) for portions in own)
    dealt = [each for portions in own for each in portions]
    for name in costs:
        parts = [each for each in dealt if each.model == name]
        assert sorted(each.part for each in parts) == list(range(parts[0].parts))
        assert len({each.parts for each in parts}) == 1
    loads = [sum(costs[each.model] / each.parts for each in portions) for portions in own]
    largest = max(costs[each.model] / each.parts for each in dealt)
    # Graham's bound of list scheduling
    assert max(loads) <= (sum(costs.values()) / workers + largest) * (1 + 1e-9)


def test_equal_models_stay_whole_where_they_divide_among_the_workers() -> None:
    costs = {f"model{i}": 1.0 for i in range(12)}
    for workers in (1, 2, 3, 4, 6, 12):
        own = deal_all(costs, workers)
        assert {len(portions) for portions in own} == {12 // workers}
        assert {each.parts for portions in own for each in portions} == {1}
    assert {each.parts for portions in deal_all(costs, 24) for each in portions} == {2}


def test_a_model_larger_than_a_fair_share_is_cut() -> None:
    costs = {"large": 90.0, "a": 5.0, "b": 5.0}
    own = deal_all(costs, 4)
    loads = [sum(costs[each.model] / each.parts for each in portions) for portions in own]
    assert max(loads) < 30.1
    assert [each.parts for portions in own for each in portions if each.model != "large"] == [1, 1]


def test_the_order_of_models_does_not_matter() -> None:
    names = [f"model{i}" for i in range(9)]
    mixed = random.Random(0).sample(names, 9)
    costs = dict(zip(names, range(1, 10), strict=True))
    for i in range(4):
        assert deal(costs, Shard(i, 4)) == deal({name: costs[name] for name in mixed}, Shard(i, 4))


def test_another_process_with_another_hash_seed_deals_the_same() -> None:
    code = (
        "from benchbench.engines.shards import *; from benchbench.embedding import Share\n"
        "from pathlib import Path\n"
        "print([deal(dict.fromkeys('abcdefg', 1), Shard(i, 3)) for i in range(3)],"
        " [Share(0, 5, Path('/x')).part_of(t) for t in 'abcdefg'])"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1
    assert "Portion" in said.pop()


@given(st.integers(1, 9), st.text(max_size=20))
def test_an_input_is_of_one_part(parts: int, text: str) -> None:
    assert sum(Share(i, parts, Path("/data")).has(text) for i in range(parts)) == 1


def test_a_file_is_of_the_same_part_below_another_data_root() -> None:
    for name in (f"images/{i}.jpg" for i in range(50)):
        one = Share(0, 7, Path("/here")).part_of(Path("/here") / name)
        assert one == Share(3, 7, Path("/mnt/there")).part_of(Path("/mnt/there") / name)


def test_the_holders_are_who_is_dealt_a_part() -> None:
    costs = {"a": 1.0, "b": 5.0, "c": 9.0}
    for name, numbers in holders(costs, 8).items():
        for part, number in enumerate(numbers):
            (portion,) = [each for each in deal(costs, Shard(number, 8)) if each.model == name]
            assert (portion.part, portion.parts) == (part, len(numbers))


@pytest.mark.parametrize(
    "text", ["", "3", "3/", "/3", "3/3", "4/3", "-1/3", "0/0", "a/b", "1/2/3", "0/1000000", "٣/٤"]
)
def test_wrong_shards_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"--shard is .*Type the shard's number, from 0"):
        parse_shard(text)


def test_a_launcher_numbers_the_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert parse_shard(None) == Shard(0, 1)
    monkeypatch.setenv("RANK", "2")
    with pytest.raises(UsageError, match="RANK/WORLD_SIZE is '2/None'"):
        parse_shard(None)
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert parse_shard(None) == Shard(2, 4)
    assert parse_shard("0/3") == Shard(0, 3)


@given(st.sets(st.integers(0, 60)))
def test_an_array_expression_names_exactly_its_numbers(numbers: set[int]) -> None:
    found: list[int] = []
    for part in filter(None, array_expression(numbers).split(",")):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    assert found == sorted(numbers)
