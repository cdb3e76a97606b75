"""The suites' scores on small files, against plain loops by the papers' definitions."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from benchbench.analysis.scorecard import scorecard
from benchbench.evaluation import evaluate
from benchbench.registry import load_task
from tests import pair_scorers
from tests.tasks.two_sided import three_scores

if TYPE_CHECKING:
    from benchbench.types import Run


def values(run: Run) -> dict[str, float]:
    """The estimate of each metric."""
    return {row.name: row.estimate.value for row in scorecard(run).metrics}


def mean(right: list[Any]) -> float:
    return sum(map(float, right)) / len(right)


@pytest.fixture(params=["tiny", "blind:chance"])
def embedding(request: pytest.FixtureRequest, tiny: str) -> str:
    """Models that embed apart."""
    return tiny if request.param == "tiny" else str(request.param)


def test_sugarcrepe_pp(embedding: str, suites: Path) -> None:
    run = evaluate(embedding, "sugarcrepe-pp", data_root=suites)
    by_subset: dict[str, list[tuple[bool, bool]]] = {}
    for outcome in run.outcomes:
        p1, p2, n = outcome.scores.tolist()
        (_, p1_p2, p1_n), (_, _, p2_n), _ = outcome.between.tolist()
        both = (p1 > n and p2 > n, p1_p2 > p1_n and p1_p2 > p2_n)
        by_subset.setdefault(outcome.tags["subset"], []).append(both)
    found = values(run)
    for k, name in enumerate(("image-text", "text-only")):
        each = [mean([right[k] for right in rows]) for rows in by_subset.values()]
        assert found[name] == pytest.approx(mean(each))
        everything = [right[k] for rows in by_subset.values() for right in rows]
        assert found[f"{name}-micro"] == pytest.approx(mean(everything))


def test_sugarcrepe_pp_has_no_text_only_score_for_a_matching_head(blip: Path, suites: Path) -> None:
    run = evaluate(f"itm:{blip}", "sugarcrepe-pp", data_root=suites)
    found = values(run)
    assert found["text-only"] != found["text-only"]
    assert found["image-text"] == found["image-text"]
    assert "has no text-only score" in str(scorecard(run))


def test_cola(embedding: str, suites: Path) -> None:
    run = evaluate(embedding, "cola", data_root=suites)
    found = values(run)
    assert found == pytest.approx({**three_scores(run)})
    right = []
    for outcome in run.outcomes:
        preds = outcome.scores
        right.append(preds[0, 0] > preds[1, 0] and preds[1, 1] > preds[0, 1])
    assert found["image"] == pytest.approx(mean(right))


def test_valse(embedding: str, suites: Path) -> None:
    run = evaluate(embedding, "valse", data_root=suites)
    assert len(run.outcomes) == 11 * 3
    pieces: dict[str, list[bool]] = {}
    for outcome in run.outcomes:
        caption, foil = outcome.scores[0]
        pieces.setdefault(outcome.tags["piece"], []).append(caption > foil)
    assert len(pieces) == 11
    assert values(run)["acc_r"] == pytest.approx(mean([mean(each) for each in pieces.values()]))


def test_valse_decisions_of_a_matching_head(blip: Path, suites: Path) -> None:
    run = evaluate(f"itm:{blip}", "valse.decisions", data_root=suites)
    captions = [o.score for o in run.outcomes if o.label]
    foils = [o.score for o in run.outcomes if not o.label]
    assert len(captions) == len(foils) == 33
    p_c, p_f = mean([s > 0 for s in captions]), mean([s < 0 for s in foils])
    pairs = [(c > f) + 0.5 * (c == f) for c in captions for f in foils]
    found = values(run)
    assert found["p_c"] == pytest.approx(p_c)
    assert found["p_f"] == pytest.approx(p_f)
    assert found["acc"] == pytest.approx((p_c + p_f) / 2)
    assert found["auroc"] == pytest.approx(mean(pairs))
    assert f"min(p_c, p_f) is {100 * min(p_c, p_f):.1f}" in " ".join(str(scorecard(run)).split())


def test_valse_decisions_need_a_model_that_decides(tiny: str, suites: Path) -> None:
    run = evaluate(tiny, "valse.decisions", data_root=suites)
    found = values(run)
    assert found["acc"] != found["acc"]
    assert found["auroc"] == found["auroc"]
    assert "has no threshold of its own" in str(scorecard(run))


@pytest.mark.parametrize("task", ["vsr", "vsr.zeroshot"])
def test_vsr(task: str, embedding: str, suites: Path) -> None:
    run = evaluate(embedding, task, data_root=suites)
    dev = [(o.score, o.label) for o in run.outcomes if o.validation]
    test = [(o.score, o.label, o.tags["relation"]) for o in run.outcomes if not o.validation]
    assert (len(dev), len(test)) == (6, 12)
    levels = sorted({score for score, _ in dev})
    middles = [(a + b) / 2 for a, b in pairwise(levels)]
    tried = [float("-inf"), *middles, float("inf")]
    right = [sum((score > t) == label for score, label in dev) for t in tried]
    best = [t for t, n in zip(tried, right, strict=True) if n == max(right)]
    accuracies = [mean([(s > t) == label for s, label, _ in test]) for t in best]
    found = values(run)
    assert any(found["accuracy"] == pytest.approx(each) for each in accuracies)
    true = [s for s, label, _ in test if label]
    false = [s for s, label, _ in test if not label]
    pairs = [(t > f) + 0.5 * (t == f) for t in true for f in false]
    assert found["auc"] == pytest.approx(mean(pairs))
    assert len({relation for *_, relation in test}) == 4


def test_a_generative_model_decides_by_its_own_threshold(llava: Path, suites: Path) -> None:
    run = evaluate(f"vqascore:{llava}", "vsr", data_root=suites)
    test = [o for o in run.outcomes if not o.validation]
    right = [(math.exp(o.score) > 0.5) == o.label for o in test]
    assert values(run)["own-threshold"] == pytest.approx(mean(right))


@pytest.mark.parametrize(
    ("name", "plain"),
    [("vsr.questions", "vsr"), ("vsr.zeroshotquestions", "vsr.zeroshot")],
)
def test_vsr_as_questions(
    name: str, plain: str, suites: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_answers() -> Any:
        tokenizer = tokenizer_of_bytes()
        tokenizer.add_tokens(["true", "false"])
        return tokenizer

    tokenizer_of_bytes = pair_scorers._bytes
    monkeypatch.setattr(pair_scorers, "_bytes", with_answers)
    run = evaluate(f"vqascore:{pair_scorers.save_llava(tmp_path / 'm')}", name, data_root=suites)
    items = {item.id: item for item in load_task(name).items(suites)}
    claims = [claim for claim in load_task(plain).items(suites) if not claim.validation]
    assert list(items) == [claim.id for claim in claims] == [o.id for o in run.outcomes]
    credit: dict[str, list[bool]] = {}
    for claim, outcome in zip(claims, run.outcomes, strict=True):
        item = items[claim.id]
        assert item.text == (
            f'Based on the image, is this statement true or false? "{claim.caption}" Answer:'
        )
        true, false = outcome.scores
        right = bool(true > false) == claim.label
        assert item.options[item.right] == str(claim.label).lower()
        credit.setdefault(claim.tags["relation"], []).append(right)
    found = values(run)
    assert found["accuracy"] == pytest.approx(mean([r for each in credit.values() for r in each]))
    assert found["macro"] == pytest.approx(mean([mean(each) for each in credit.values()]))
