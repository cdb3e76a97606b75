from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from benchbench.analysis.leaderboard import leaderboard
from benchbench.analysis.overall import critical_difference, over_tasks
from benchbench.analysis.scorecard import scorecard
from benchbench.errors import UsageError
from benchbench.render.figures import critical_difference_diagram, forest_plot, heat_map, nice_ticks
from benchbench.render.leaderboard import FORMATS
from tests.analysis.example_runs import changed, made

FOUR = [
    made("low", 0.4), made("best", 0.8), made("alike", 0.79), made("blind", 0.1, sees=False),
]  # fmt: skip


def test_places_letters_and_intervals() -> None:
    board = leaderboard(FOUR)
    assert [place.run.model.name for place in board.places] == ["best", "alike", "low", "blind"]
    assert [place.letters for place in board.places] == ["a", "a", "b", "c"]
    assert [(place.best, place.worst) for place in board.places] == [(1, 2), (1, 2), (3, 3), (4, 4)]
    assert [place.tied for place in board.places] == [True, True, False, False]
    assert [place.text_only for place in board.places] == [False, False, False, True]
    card = scorecard(FOUR[1]).headline.estimate
    first = board.places[0].estimate
    assert (first.value, first.low, first.high) == pytest.approx((card.value, card.low, card.high))
    assert (board.family, board.chance) == (6, 0.5)
    assert np.allclose(board.p_values, board.p_values.T)


def test_the_order_of_runs_does_not_matter() -> None:
    one, other = leaderboard(FOUR), leaderboard(FOUR[::-1])
    assert [p.run.model.name for p in one.places] == [p.run.model.name for p in other.places]
    assert [p.letters for p in one.places] == [p.letters for p in other.places]


@pytest.mark.parametrize("correction", ["step-down", "holm", "bh"])
def test_each_correction_finds_what_is_plain(correction: str) -> None:
    board = leaderboard(FOUR, correction=correction)  # type: ignore[arg-type]
    assert board.p_values[0, 3] < 0.01
    assert board.p_values[0, 1] > 0.05
    assert (
        correction.split("-")[0]
        in {"step": "step", "holm": "holm", "bh": "bh"}[correction.split("-")[0]]
    )


def test_one_model_is_a_board_too() -> None:
    board = leaderboard(FOUR[:1])
    assert (board.places[0].best, board.places[0].worst, board.family) == (1, 1, 0)
    assert "pair" not in str(board)


@pytest.mark.parametrize("kind", sorted(FORMATS))
def test_every_format_has_every_model(kind: str) -> None:
    text = FORMATS[kind](leaderboard(FOUR))
    assert all(run.model.name in text for run in FOUR)


def test_formats_can_be_read_back() -> None:
    board = leaderboard(FOUR)
    rows = json.loads(FORMATS["json"](board))
    assert [row["model"] for row in rows] == ["best", "alike", "low", "blind"]
    assert rows[0]["p_first"] is None
    table = list(csv.DictReader(io.StringIO(FORMATS["csv"](board))))
    assert [float(row["score"]) for row in table] == [row["score"] for row in rows]
    assert "\\toprule" in FORMATS["latex"](board)
    assert "[0.0" not in FORMATS["latex"](board)


def test_pages_and_figures_are_well_formed_whatever_a_model_is_called() -> None:
    odd = changed(made("x", 0.6), model=replace(made("x", 0.6).model, name="<b>&|_%"))
    board = leaderboard([*FOUR, odd])
    for figure in (forest_plot(board), heat_map(board)):
        ElementTree.fromstring(figure)
    assert "<b>&" not in FORMATS["html"](board)
    assert "\\_\\%" in FORMATS["latex"](board)
    assert "\\|" in FORMATS["markdown"](board)


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(UsageError, match="low is there 2 times"):
        leaderboard([FOUR[0], FOUR[0]])
    with pytest.raises(UsageError, match="do not compare"):
        leaderboard([FOUR[0], changed(FOUR[1], task_version=2)])
    median = replace(leaderboard(FOUR).metric, by=None, statistic="median", name="middle")
    with pytest.raises(UsageError, match="middle is a median"):
        leaderboard(FOUR, median)


def test_several_tasks_make_one_score() -> None:
    other = [
        changed(
            run,
            task="vg-attribution",
            outcomes=tuple(
                replace(o, tags={**o.tags, "attributes": "red/blue"}) for o in run.outcomes
            ),
        )
        for run in FOUR
    ]
    whole = over_tasks({"vg-relation": FOUR, "vg-attribution": other})
    assert [each.name for each in whole.standings] == ["best", "alike", "low", "blind"]
    assert whole.standings[0].best == 1
    assert whole.n_clusters == 120
    ElementTree.fromstring(critical_difference_diagram(whole))


def test_the_critical_difference_is_demsars() -> None:
    # Demšar 2006, §3.2.2: four classifiers, 14 data sets, α = 0.05: q = 2.569, CD = 1.25.
    assert critical_difference(4, 14, 0.05) == pytest.approx(1.25, abs=0.005)
    assert np.isnan(critical_difference(1, 14, 0.05))


@pytest.mark.parametrize(("low", "high"), [(41.3, 83.2), (0.0, 0.001), (50.0, 50.0), (-3.0, 120.0)])
def test_ticks_enclose(low: float, high: float) -> None:
    ticks = nice_ticks(low, high)
    assert ticks[0] <= low
    assert ticks[-1] >= high
    assert 2 <= len(ticks) <= 9


def test_where_less_is_better_the_least_is_first() -> None:
    metric = replace(leaderboard(FOUR).metric, reading="rank", name="mean-rank")
    board = leaderboard(FOUR, metric)
    assert [place.run.model.name for place in board.places] == ["blind", "low", "alike", "best"]
    assert [(place.best, place.worst) for place in board.places] == [(1, 1), (2, 2), (3, 4), (3, 4)]
    assert "less is better" in str(board)
    assert all(place.estimate.low >= 1 for place in board.places)


def test_runs_of_other_precision_are_noted() -> None:
    other = changed(FOUR[1], settings={**FOUR[1].settings, "precision": "bf16"})
    assert "UNLIKE: precision differs" in " ".join(str(leaderboard([FOUR[0], other])).split())


def test_more_flips_than_memory_are_refused() -> None:
    with pytest.raises(UsageError, match="--correction step-down"):
        leaderboard(FOUR * 1 + [made(f"m{k}", 0.5) for k in range(8)], correction="holm",
                    level=0.9999)  # fmt: skip


def test_an_overall_score_is_of_the_same_models() -> None:
    other = [changed(run, task="vg-attribution") for run in FOUR]
    renamed = [*other[:3], changed(other[3], model=replace(other[3].model, name="else"))]
    with pytest.raises(UsageError, match="all tasks"):
        over_tasks({"vg-relation": FOUR, "vg-attribution": renamed})
    swapped = [*other[:3], changed(other[3], model=replace(other[3].model, weights_sha256="9"))]
    with pytest.raises(UsageError, match="blind has other weights"):
        over_tasks({"vg-relation": FOUR, "vg-attribution": swapped})
    cast = [*other[:3], changed(other[3], model=replace(other[3].model, dtype="bf16"))]
    with pytest.raises(UsageError, match=r"blind has another precision on .* \(bf16, not fp32\)"):
        over_tasks({"vg-relation": FOUR, "vg-attribution": cast})


@pytest.mark.parametrize("kind", ["terminal", "markdown", "html"])
def test_what_must_be_read_first_stands_first(kind: str) -> None:
    drawn = [changed(run, edition="scenes-v1") for run in FOUR[:2]]
    noted = replace(drawn[1].model, trained=False, settings={"note": "Two tensors are random."})
    text = FORMATS[kind](leaderboard([drawn[0], changed(drawn[1], model=noted)]))
    table = text.index("alike")
    assert text.index("DRAWN: ") < table
    assert text.index("UNTRAINED: ") < table
    assert text.index("NOTE: Two tensors") > table
    assert text.count("DRAWN: ") == 1
