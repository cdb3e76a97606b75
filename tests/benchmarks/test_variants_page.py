"""The page of made-up members; ``python -m tests.benchmarks.test_variants_page`` writes it anew."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.outcomes import Outcomes
from benchmarks.variants_cards import card_lines
from benchmarks.variants_figures import COLOURS, Axis
from benchmarks.variants_page import CURVES, FOREST, PAGE, describe_claim, pages
from benchmarks.variants_tables import Results
from tests.benchmarks.fakes import CLAIMS, ON, results_of, runs_of

HERE = Path(__file__).parent
SPACE = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("name", [PAGE, FOREST, CURVES])
def test_the_page_of_three_seeds_is_the_one_that_was_looked_at(name: str) -> None:
    assert pages(results_of(3))[name] == (HERE / name).read_text("utf-8")


def test_every_claim_is_told_and_none_is_dropped() -> None:
    text = pages(results_of(3))[PAGE]
    for each in CLAIMS.claims:
        assert f"`{each.better}` − `{each.worse}`" in text
    assert "5 claims were written down" in text
    assert "**1 shown, 1 not shown, 2 the contrary, 1 not trained**" in text
    assert "2 further questions" in text


def test_one_seed_speaks_of_the_checkpoint() -> None:
    text = pages(results_of(1))[PAGE]
    assert text.count("One seed: about this checkpoint, not the method.") == 5
    assert "Below 3 seeds claims are tested over test images" in text
    assert "over 1 seeds" not in text
    assert "seed 1" not in text


def test_two_seeds_have_an_interval_and_are_tested_over_items() -> None:
    text = pages(results_of(2))[PAGE]
    assert text.count("Two seeds are few: the verdict is of these checkpoints") == 5
    start = "| `structclip` − `clip` | vg-relation |"
    row = next(line for line in text.splitlines() if line.startswith(start))
    cells = [cell.strip() for cell in row.split("|")[1:-1]]
    assert cells[-3] == "items"
    assert re.fullmatch(r"\[.+, .+\]", cells[6])


def test_nothing_trained_is_said() -> None:
    empty = Results(CLAIMS, results_of(1).found[4:5], Outcomes())
    text = pages(empty)
    assert "None of the claims has both of its models trained yet." in text[PAGE]
    assert CURVES not in text


def test_numbers_have_a_minus_that_is_one() -> None:
    text = pages(results_of(3))[PAGE]
    assert not re.search(r"[\[ ]-\d", text)
    assert re.search(r"[\[ ]−\d", text)


def test_equal_examples_and_equal_arithmetic_are_both_there() -> None:
    text = pages(results_of(3))[PAGE]
    table = text.partition("### relation")[2].strip().splitlines()
    assert table[0].endswith("| examples to 80 % | at 200 TFLOPs | at 600 TFLOPs |")
    rows = {line.split("|")[1].strip(): line for line in table[2:5]}
    assert "not reached" in rows["negclip"]
    # negclip costs twice as much: its 500,000 examples against clip's million.
    curve = next(r for r in results_of(3).record.learning if r.member == "negclip").curve
    marks = [curve.at(500_000) + s * (curve.at(500_000) - 55) / (60 - 55) for s in (0, 1, 2)]
    assert f"| {sum(marks) / 3:.1f} |" in rows["negclip"]


def test_pairs_are_compared_at_equal_examples_and_at_equal_arithmetic() -> None:
    text = pages(results_of(3))[PAGE]
    row = next(x for x in text.splitlines() if x.startswith("| `negclip` − `clip` | relation"))
    cells = [cell.strip() for cell in row.split("|")[1:-1]]
    runs = {(each.member, *each.seeds): each.curve for each in results_of(3).record.learning}
    apart = {"examples": 0.0, "flops": 0.0}
    for seed in range(3):
        one, other = (runs[name, seed] for name in ("negclip", "clip"))
        apart["examples"] += (one.percents[-1] - other.percents[-1]) / 3
        # clip's 3.072 M examples cost what half as many of negclip's do.
        apart["flops"] += (one.at(1_536_000) - other.percents[-1]) / 3
    assert cells[2:] == ["3", f"{apart['examples']:+.1f}", f"{apart['flops']:+.1f}"]


@pytest.mark.parametrize("name", [FOREST, CURVES])
def test_figures_are_xml_and_nothing_lies_outside(name: str) -> None:
    for seeds in (1, 2, 3):
        root = ElementTree.fromstring(pages(results_of(seeds))[name])
        width, height = (float(x) for x in root.attrib["viewBox"].split()[2:])
        for each in root.iter(f"{SPACE}circle"):
            assert 0 < float(each.attrib["cx"]) < width
            assert 0 < float(each.attrib["cy"]) < height
        for each in root.iter(f"{SPACE}text"):
            assert 0 < float(each.attrib["x"]) < width
            assert 0 < float(each.attrib["y"]) <= height


def test_a_wide_interval_ends_at_the_frame() -> None:
    axis = Axis(0.0, 10.0, 100.0, 200.0)
    assert [axis.at(x) for x in (-5, 0, 5, 99)] == [100, 100, 150, 200]


def brightness(colour: str) -> float:
    """Relative luminance, as WCAG 2 defines it."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [x / 12.92 if x <= 0.03928 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colour", COLOURS)
def test_lines_stand_out_on_light_and_dark_pages(colour: str) -> None:
    for page in ("#ffffff", "#0d1117"):
        bright = sorted([brightness(colour), brightness(page)])
        assert (bright[1] + 0.05) / (bright[0] + 0.05) >= 3


def test_a_card_has_scores_and_verdicts() -> None:
    results = results_of(3)
    runs = {"vg-relation": runs_of(3)[0, "structclip", "vg-relation"]}
    lines = card_lines(results, "structclip", runs)
    assert lines[2].startswith("| vg-relation@custom-made-00000000 | aro-paper | ")
    assert "## Claims" in lines
    assert sum(line.startswith("- **") for line in lines) == 4
    assert "## Claims" not in card_lines(results, "clip", {})


def test_a_claim_that_is_sure_only_by_itself_says_so() -> None:
    said = {each.claim.name: describe_claim(each, ON) for each in results_of(3).found}
    assert said["negclip over clip"].endswith(
        "together with the others it is not (adjusted p 0.041)."
    )
    assert not any(
        "By itself" in text for name, text in said.items() if name != "negclip over clip"
    )


def test_a_contrary_that_is_sure_only_by_itself_says_so() -> None:
    found = next(each for each in results_of(3).found if each.verdict == "not shown")
    low = replace(found, seeds=replace(found.seeds, low=-0.2, high=-0.1))
    assert describe_claim(low, ON).endswith(
        "By itself its contrary would be shown; tested together with the others it is not."
    )


def test_a_lost_run_leaves_the_interval_over_seeds() -> None:
    for seeds, said in ((1, "no interval, as one of the runs is lost"), (3, "over 3 seeds")):
        found = results_of(seeds).found[0]
        lost = replace(found.pairs[0], low=float("nan"), high=float("nan"))
        assert said in describe_claim(replace(found, pairs={**found.pairs, 0: lost}), ON)


def test_seeds_that_agree_are_said_to() -> None:
    found = results_of(3).found[0]
    alike = replace(found, seeds=replace(found.seeds, low=float("nan"), high=float("nan")))
    assert "no interval over 3 seeds: all alike, which is no certainty" in describe_claim(alike, ON)


if __name__ == "__main__":
    for name, text in pages(results_of(3)).items():
        (HERE / name).write_text(text, "utf-8")
