"""Runs with priors have one more metric, in every reading; others have none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from benchbench.adapters.null_images import null_images
from benchbench.analysis.comparison import compare
from benchbench.analysis.item_table import item_table
from benchbench.analysis.leaderboard import leaderboard
from benchbench.analysis.paired import pair_runs
from benchbench.analysis.scorecard import scorecard
from benchbench.errors import UsageError
from benchbench.evaluation import evaluate
from benchbench.protocols.matching import judge
from benchbench.registry import load_task
from benchbench.runs import read_run, write_run
from benchbench.types import MatchingOutcome
from tests.adapters.test_itm import library, scorer
from tests.adapters.test_visualgptscore import alone, scores
from tests.analysis.example_runs import changed
from tests.pair_scorers import HashScorer, save_captioner
from tests.test_pair_evaluation import one_by_one

if TYPE_CHECKING:
    from benchbench.types import Run


@pytest.fixture(scope="module")
def biased(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A captioner that says "left" whatever it sees."""
    return save_captioner(tmp_path_factory.mktemp("models") / "biased", "left", 30.0)


@pytest.fixture(scope="module")
def run(biased: Path, shapes: Path) -> Run:
    specification = f"visualgptscore:{biased}"
    return evaluate(specification, "vg-relation", data_root=shapes, batch_size=16)


def names(run: Run) -> list[str]:
    return [row.name for row in scorecard(run).metrics]


def test_a_run_holds_each_captions_prior(run: Run, biased: Path, shapes: Path) -> None:
    """By the library, token after token, on each image of noise."""
    items = load_task("vg-relation").items(shapes)[:6]
    noise = null_images(library(biased, "BlipForConditionalGeneration")[1])
    expected = one_by_one(f"visualgptscore:{biased}", items)
    for item, outcome, own in zip(items, run.outcomes, expected, strict=False):
        table = np.array(alone(biased, "captioner", noise, item.captions)).reshape(3, -1)
        assert outcome.priors == pytest.approx(np.log(np.exp(table).mean(axis=0)), abs=2e-5)
        assert outcome.scores == pytest.approx(own, abs=2e-5)


def test_a_strong_prior_decides_plain_scores_and_not_debiased_ones(
    biased: Path, shapes: Path
) -> None:
    """Whatever it sees, the likelier caption; less the prior, what the image speaks for."""
    model: Any = scorer(f"visualgptscore:{biased}")
    files = sorted((shapes / "images").iterdir())
    shown = [Image.open(path).convert("RGB") for path in files]
    texts = ("a blue square", "a left square")
    table = np.array(scores(model, shown, texts), "f").reshape(-1, 1, 2)
    priors = np.array(scores(model.prior_scorer(), shown[:1], texts), "f")
    items = [MatchingOutcome("", "", {}, (1,), each, (False,) * 2, priors=priors) for each in table]
    likelier, by_image = (judge(items, "wrong", debias=alpha) for alpha in (0.0, 1.0))
    assert likelier.mean() == 1.0
    assert 0 < by_image.mean() < 0.5
    assert len(items) > 30


def test_the_scorecard_has_the_metric_with_its_source(run: Run) -> None:
    assert names(run)[-1] == "debiased"
    shown = " ".join(str(scorecard(run)).split())
    assert "images choose by log P(caption | image) − log P(caption)" in shown
    assert "Lin et al., Revisiting the Role of Language Priors" in shown
    right = [
        float((o.scores[0] - o.priors.astype(float)).argmax() == o.target[0]) for o in run.outcomes
    ]
    assert run.frame(["debiased"])["metric.debiased"].tolist() == right


def test_a_file_keeps_the_priors(run: Run, tmp_path: Path) -> None:
    again = read_run(write_run(run, tmp_path / "run.parquet"))
    for one, other in zip(run.outcomes, again.outcomes, strict=True):
        assert np.array_equal(one.priors, other.priors)
    assert names(again) == names(run)


def test_another_evaluation_takes_them_from_the_store(run: Run, biased: Path, shapes: Path) -> None:
    given: dict[str, Any] = {"data_root": shapes, "batch_size": 16, "limit": 24}
    first, again = (
        evaluate(f"visualgptscore:{biased}", "vg-relation", **given) for _ in range(2)
    )  # fmt: skip
    assert again.resumed_inputs == again.inputs == 2 * again.settings["pairs"]
    whole = {outcome.id: outcome for outcome in run.outcomes}
    for one, other in zip(first.outcomes, again.outcomes, strict=True):
        assert np.array_equal(one.priors, other.priors)
        assert one.priors == pytest.approx(whole[one.id].priors, abs=2e-5)


def test_a_run_without_priors_has_no_such_metric(shapes: Path, tmp_path: Path) -> None:
    plain = evaluate(HashScorer(), "vg-relation", data_root=shapes)
    assert "debiased" not in names(plain)
    assert "debiased" not in str(scorecard(plain))
    again = read_run(write_run(plain, tmp_path / "run.parquet"))
    assert all(outcome.priors is None for outcome in again.outcomes)


def test_comparisons_and_boards_read_it_where_all_have_it(run: Run, shapes: Path) -> None:
    outcomes = tuple(replace(o, priors=np.zeros_like(o.priors)) for o in run.outcomes)
    other = changed(run, outcomes=outcomes, model=replace(run.model, name="other"))
    found = compare(run, other, "debiased")
    one, two = scorecard(run), scorecard(other)
    values = [card.metrics[-1].estimate.value for card in (one, two)]
    assert found.whole.difference == pytest.approx(values[1] - values[0])
    assert values[1] == two.headline.estimate.value, "a prior that is equal for all"
    assert "debiased" in str(found)
    board = leaderboard([run, other], "debiased")
    assert sorted(place.estimate.value for place in board.places) == sorted(values)
    pairing = pair_runs([run, other])
    table = item_table(pairing, pairing.metric("debiased"))
    assert np.array_equal(table.margins > 0, table.values == 1), "what is shown is what decides"
    plain = evaluate(HashScorer(), "vg-relation", data_root=shapes)
    with pytest.raises(UsageError, match="has no metric 'debiased'"):
        leaderboard([run, plain], "debiased")
