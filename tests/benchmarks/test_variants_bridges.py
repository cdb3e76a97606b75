"""The section about members that were trained on two devices."""

from __future__ import annotations

from dataclasses import replace
from statistics import stdev

from benchmarks.outcomes import Bridge, RunOutcome
from benchmarks.variants_bridges import bridged
from benchmarks.variants_page import PAGE, pages
from tests.benchmarks.fakes import ON, TASK, results_of

CPU = "CPU (x86_64), fp32"


def test_a_member_on_two_devices_is_told_with_its_interval_and_the_spread_of_seeds() -> None:
    results = results_of(3)
    own = [run for run in results.record.runs if run.member == "structclip"]
    twin = RunOutcome(
        "structclip", 0, CPU, "facts", 1190, 256, 262_144, 345.1, scores={TASK: 81.25}
    )
    runs = (*(replace(run, pool=393_216) for run in results.record.runs), twin)
    bridge = Bridge("structclip", 0, TASK, "aro-paper", CPU, ON, -1.25, -2.5, 0.04)
    record = replace(results.record, runs=runs, bridges=(bridge,))
    lines = list(bridged(replace(results, record=record)))
    said = "`structclip` saw 262,144 distinct examples on CPU fp32 and 393,216 on a machine fp32"
    assert said in lines[2]
    spread = stdev(run.scores[TASK] for run in own)
    first = own[0].scores[TASK]
    assert lines[-2] == (
        f"| structclip | 0 | CPU fp32 − a machine fp32 | {TASK} | 81.2 | {first:.1f} | −1.2 | "
        f"[−2.5, +0.0] | {spread:.1f} (3) |"
    )
    text = pages(replace(results, record=record))[PAGE]
    assert "## The same training on another device" in text
    assert "| structclip (CPU fp32) | 0 | – | 81.2 |" in text


def test_without_twins_nothing_is_said() -> None:
    assert "another device" not in pages(results_of(3))[PAGE]
