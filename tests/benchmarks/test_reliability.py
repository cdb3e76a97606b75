"""The two figures of reliability show the shares that were simulated."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.reliability import (
    CHANGES,
    LEVELS,
    calibration_figure,
    coverage,
    gate_figure,
    gate_shares,
)

DOCS = Path(__file__).parents[2] / "docs"


def heights(svg: str) -> list[list[float]]:
    """The heights of each curve's points."""
    found = re.findall(r'<polyline points="([^"]*)"', svg)
    return [[float(point.split(",")[1]) for point in points.split()] for points in found]


def test_verdicts_are_one_of_three_and_follow_the_truth() -> None:
    shares = gate_shares(50, 20)
    assert [sum(of) for of in zip(*shares.values(), strict=True)] == pytest.approx([1] * 17)
    assert shares["fail"][0] > shares["fail"][-1] == 0
    assert shares["pass"][-1] > shares["pass"][0] == 0
    assert shares == gate_shares(50, 20)
    svg = gate_figure({50: shares})
    ElementTree.fromstring(svg)
    bottom, top = 34 + 250, 34
    for points, values in zip(heights(svg), shares.values(), strict=True):
        wanted = [bottom - (bottom - top) * value for value in values]
        assert points == pytest.approx(wanted, abs=0.06)


def test_intervals_of_independent_items_hold_too_little() -> None:
    held = coverage(100)
    assert len(held["benchbench"]) == len(LEVELS)
    for ours, naive, level in zip(*held.values(), LEVELS, strict=True):
        assert naive < ours
        assert ours == pytest.approx(level, abs=0.2)
    svg = calibration_figure(held)
    ElementTree.fromstring(svg)
    assert len(heights(svg)) == 2


def test_the_published_figures_are_of_this_form() -> None:
    gate, intervals = (
        (DOCS / f"{name}.svg").read_text() for name in ("gate-reliability", "interval-calibration")
    )
    assert [len(points) for points in heights(gate)] == 6 * [len(CHANGES)]
    assert [len(points) for points in heights(intervals)] == 2 * [len(LEVELS)]
