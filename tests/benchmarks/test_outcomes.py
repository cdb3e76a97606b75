"""The committed record, and the page that is made from it."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchbench.errors import MalformedData, MissingData
from benchbench.variants.catalogue import BUNDLED
from benchmarks.claims import read_claims
from benchmarks.family import TOP
from benchmarks.members import BY_NAME
from benchmarks.outcomes import (
    OUTCOMES,
    Outcomes,
    claim_outcome,
    claim_result,
    in_order,
    read_outcomes,
    write_outcomes,
)
from benchmarks.variants_cards import cards
from benchmarks.variants_page import pages
from benchmarks.variants_tables import Results
from benchmarks.verdicts import judge
from tests.benchmarks.fakes import CLAIMS, results_of

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_BYTES = 150_000
SEEDS = 3
OTHER = "NVIDIA H200, bf16"


@pytest.fixture(scope="module")
def results() -> Results:
    """All that the committed record says."""
    claims, record = read_claims(), read_outcomes()
    return Results(claims, judge(record.measured(claims), claims.level), record)


def test_the_page_its_figures_and_the_cards_are_those_of_the_record(results: Results) -> None:
    texts = {TOP / "docs" / name: text for name, text in pages(results).items()}
    assert len(texts) == 3
    texts |= cards(results, BUNDLED)
    assert len(texts) == 9
    for path, text in texts.items():
        assert path.read_text("utf-8") == text, f"{path}: python -m benchmarks.family --page-only"


def test_the_record_is_small_sorted_and_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    assert OUTCOMES.stat().st_size < MAX_BYTES
    write_outcomes(in_order(read_outcomes(), read_claims()), tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == OUTCOMES.read_bytes()


def test_every_run_on_record_has_a_device_and_every_pair_names_both(results: Results) -> None:
    assert all(", " in each.on for each in results.record.runs)
    for each in results.found:
        for pair in each.pairs.values():
            assert pair.better_on
            assert bool(pair.worse_on) == (each.claim.worse in BY_NAME)


def test_every_confirmatory_claim_is_of_models_of_one_device(results: Results) -> None:
    assert not [each for each in results.found if each.across and each.claim.confirmatory]
    assert "**10 shown, 14 not shown, 1 the contrary**" in pages(results)["variants.md"]


@pytest.fixture(scope="module")
def apart(results: Results) -> Results:
    """The same, had CLIP been trained on another device than RelCLIP."""
    ours = ("relclip", "clip")
    found = [
        replace(each, pairs={n: replace(p, worse_on=OTHER) for n, p in each.pairs.items()})
        if (each.claim.better, each.claim.worse) == ours
        else each
        for each in results.found
    ]
    return replace(results, found=judge(found, results.claims.level))


def test_a_claim_across_devices_is_neither_shown_nor_its_contrary(apart: Results) -> None:
    across = [each for each in apart.found if each.across]
    assert [(each.verdict, each.above, each.below) for each in across] == [
        ("across devices", 1.0, 1.0)
    ] * 2
    assert (
        "**8 shown, 14 not shown, 1 the contrary, 2 across devices**" in pages(apart)["variants.md"]
    )


def test_the_devices_are_in_the_row_of_a_claim_across_devices(apart: Results) -> None:
    rows = [line for line in pages(apart)["variants.md"].splitlines()
            if line.startswith("| `relclip` − `clip` |")]  # fmt: skip
    assert len(rows) == 2
    assert all(row.endswith("| across devices: CPU fp32 / H200 bf16 |") for row in rows)


def test_a_record_renders_as_what_it_was_made_of(tmp_path: Path) -> None:
    made = results_of(SEEDS)
    write_outcomes(made.record, tmp_path / "record.json")
    read = read_outcomes(tmp_path / "record.json")
    again = Results(CLAIMS, judge(read.measured(CLAIMS), CLAIMS.level), read)
    assert pages(again) == pages(made)


def test_numbers_survive_writing_and_reading() -> None:
    for each in results_of(SEEDS).found:
        if not each.n:
            continue
        there = claim_result(each.claim, claim_outcome(each), Outcomes())
        assert there.tested.above == pytest.approx(each.tested.above, rel=1e-3)
        assert there.seeds.mean == pytest.approx(each.seeds.mean, abs=1e-6)
        for seed, pair in each.pairs.items():
            assert there.pairs[seed].difference == pytest.approx(pair.difference, abs=1e-6)
            assert math.isnan(there.pairs[seed].low) == math.isnan(pair.low)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda table: table | {"more": []}, "should hold an object with notes, tasks"),
        (lambda table: table | {"runs": 3}, "runs should be a list, not 3"),
        (lambda table: table | {"runs": [{"member": "clip"}]}, "runs, line 1 should have member"),
        (
            lambda table: table | {"runs": [{"member": "clip", "seed": "0", "on": "a, b"}]},
            "seed should be int, not '0'",
        ),
    ],
)
def test_a_bad_record_is_one_clear_error(
    tmp_path: Path, change: Callable[[dict[str, object]], dict[str, object]], said: str
) -> None:
    path = tmp_path / "record.json"
    path.write_text(json.dumps(change(json.loads(OUTCOMES.read_text("utf-8")))), "utf-8")
    with pytest.raises(MalformedData, match=said) as caught:
        read_outcomes(path)
    assert "\n" not in str(caught.value)


def test_no_record_and_none_that_can_be_read(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="File not found"):
        read_outcomes(tmp_path / "none.json")
    (tmp_path / "broken.json").write_text("{", "utf-8")
    with pytest.raises(MalformedData, match="cannot be read as a record"):
        read_outcomes(tmp_path / "broken.json")


def test_a_claim_that_was_changed_after_it_was_measured_is_refused() -> None:
    record = results_of(SEEDS).record
    changed = replace(CLAIMS.claims[0], task="vg-attribution")
    with pytest.raises(MalformedData, match="Claims are fixed before training"):
        claim_result(changed, record.claims[0], record)
