"""What harnesses would print equals their formulas, written here again as plain loops."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

import benchbench as bb
from benchbench.analysis.parity import parity
from benchbench.analysis.scorecard import scorecard
from benchbench.data.aro import dropped_relations
from benchbench.data.published.figure import (
    Figure,
    Publication,
    PublishedModel,
    published_models,
)
from benchbench.errors import UnknownName, UsageError
from benchbench.types import Counts, MatchingOutcome
from tests.analysis.example_runs import changed, made

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from benchbench.types import Run

Printed = dict[tuple[str, str], float]


def run_of(task: str, items: Sequence[MatchingOutcome], **fields: object) -> Run:
    """A run of some outcomes."""
    n, images = len(items), len({each.cluster for each in items})
    info = bb.load_task(task).info
    return changed(
        made("m", 0.5), task=task, task_version=info.version, outcomes=tuple(items),
        counts=Counts(n, n, 0, images, n, 2 * n, images, 0, 0), **fields,
    )  # fmt: skip


def drawn(
    n: int, tags: Callable[[int], Mapping[str, str]], shape: tuple[int, int] = (1, 2)
) -> list[MatchingOutcome]:
    """Outcomes with few distinct scores, so that many of them tie."""
    rng = np.random.default_rng(3)
    target = tuple(range(shape[0]))
    return [
        MatchingOutcome(
            str(i), f"{i // 3}.jpg", tags(i), target,
            rng.integers(0, 4, shape).astype(np.float32), (False,) * shape[1],
        )
        for i in range(n)
    ]  # fmt: skip


def printed(run: Run) -> Printed:
    """What ``parity`` says, by harness and by what it prints."""
    found = parity(run, figures=())
    return {
        (each.harness.name, each.group or each.harness.prints): each.value for each in found.printed
    }


def aro_correct(run: Run) -> list[bool]:
    """ARO's data sets: options [false, true], then argmax, right where it is 1."""
    found = []
    for each in run.outcomes:
        true, false = each.scores[0, each.target[0]], each.scores[0, 1 - each.target[0]]
        found.append(int(np.argmax(np.array([false, true]))) == 1)
    return found


def first_correct(run: Run) -> list[bool]:
    """mteb, CLIP_benchmark, unibench: the true caption first, then argmax, right where it is 0."""
    found = []
    for each in run.outcomes:
        order = [each.target[0], *(c for c in range(each.scores.shape[1]) if c != each.target[0])]
        found.append(int(np.argmax(each.scores[0, order])) == 0)
    return found


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def by_tag(run: Run, tag: str, correct: Sequence[bool]) -> dict[str, list[bool]]:
    found: dict[str, list[bool]] = {}
    for each, right in zip(run.outcomes, correct, strict=True):
        found.setdefault(each.tags[tag], []).append(right)
    return found


def check_relations(run: Run) -> None:
    """Every harness of VG-Relation, by its own formula."""
    aro = {k: mean(v) for k, v in by_tag(run, "relation", aro_correct(run)).items()}
    kept = [value for name, value in aro.items() if name not in dropped_relations()]
    got = printed(run)
    assert got["ARO, notebook", "VG-Relation Macro Accuracy"] == pytest.approx(mean(kept))
    assert got["Structure-CLIP", "acc_test_relation"] == pytest.approx(mean(kept))
    rows = got["ARO, main_aro.py", "a row per relation; here their mean"]
    assert rows == pytest.approx(mean(list(aro.values())))
    micro = mean(first_correct(run))
    assert got["mteb", "AROVisualRelation, text_acc"] == pytest.approx(micro)
    assert got["unibench", "vg_relation, correctness"] == pytest.approx(micro)


def test_relations_with_ties_and_dropped_ones() -> None:
    names = ("on", "near", "riding", "next to", "holding")
    run = run_of("vg-relation", drawn(300, lambda i: {"relation": names[i * i % 5]}))
    check_relations(run)
    assert aro_correct(run) != first_correct(run)


def test_attributes_in_pairs_of_25_and_all() -> None:
    run = run_of("vg-attribution", drawn(200, lambda i: {"attributes": "ab" if i % 9 else "cd"}))
    groups = by_tag(run, "attributes", aro_correct(run))
    assert len(groups["cd"]) < 25
    got = printed(run)
    assert got["ARO, notebook", "VG-Attribution Macro Accuracy"] == pytest.approx(
        mean(groups["ab"])
    )
    everything = mean([mean(groups["ab"]), mean(groups["cd"])])
    assert got["Structure-CLIP", "acc_test_attribution"] == pytest.approx(everything)
    assert got["mteb", "AROVisualAttribution, text_acc"] == pytest.approx(mean(first_correct(run)))


def test_orders_of_five() -> None:
    run = run_of("coco-order", drawn(200, lambda i: {}, (1, 5)))
    right = mean(first_correct(run))
    got = list(printed(run).values())
    assert got == pytest.approx([right] * 3)
    strict = mean([all(o.scores[0, 0] > x for x in o.scores[0, 1:]) for o in run.outcomes])
    assert strict < right


def test_sugarcrepe_by_subset() -> None:
    run = run_of("sugarcrepe", drawn(300, lambda i: {"subset": ("add_obj", "swap_att")[i % 2]}))
    strict = [bool(o.scores[0, 0] > o.scores[0, 1]) for o in run.outcomes]  # main_eval.py
    got = printed(run)
    for subset, right in by_tag(run, "subset", strict).items():
        assert got["SugarCrepe", subset] == pytest.approx(mean(right))
    for subset, right in by_tag(run, "subset", first_correct(run)).items():
        assert got["CLIP_benchmark", subset] == pytest.approx(mean(right))
    assert got["mteb", "SugarCrepe, text_acc"] == pytest.approx(mean(first_correct(run)))


def test_winoground_where_the_first_of_equals_wins() -> None:
    run = run_of("winoground", drawn(300, lambda i: {"type": "a"}, (2, 2)))
    text, image, both, strict = [], [], [], []
    for each in run.outcomes:
        s = each.scores  # [images, captions]; mteb and CLIP_benchmark
        text.append([int(np.argmax(row)) for row in s] == [0, 1])
        image.append([int(np.argmax(column)) for column in s.T] == [0, 1])
        both.append(text[-1] and image[-1])
        strict.append(  # unibench
            bool(
                s[0, 0] > s[0, 1] and s[1, 1] > s[1, 0] and s[0, 0] > s[1, 0] and s[1, 1] > s[0, 1]
            )
        )
    got = printed(run)
    for harness, names in (
        ("mteb", ("Winoground, text_acc", "Winoground, image_acc", "Winoground, accuracy")),
        ("CLIP_benchmark", ("text_acc", "image_acc", "acc")),
    ):
        for name, right in zip(names, (text, image, both), strict=True):
            assert got[harness, name] == pytest.approx(mean(right))
    assert got["unibench", "winoground, correctness"] == pytest.approx(mean(strict))
    assert mean(strict) < mean(both) < mean(text)


def test_real_photographs(vrd: Path, tiny: str) -> None:
    run = bb.evaluate(tiny, "vg-relation", data_root=vrd, limit=150)
    check_relations(run)
    coarse = [replace(o, scores=np.round(o.scores, 3)) for o in run.outcomes]
    check_relations(replace(run, outcomes=tuple(coarse)))


CLIP = published_models()["openai-vit-b-32"]
SOURCE = Publication("A paper, 2023", "A paper", "https://example.org")


def figure(text: str, **fields: object) -> Figure:
    known = Figure(
        "vg-relation", "aro-paper", CLIP, text, SOURCE, "Table 1", editions=("official",)
    )
    return replace(known, **fields)  # type: ignore[arg-type]


def named(accuracy: float, **fields: object) -> Run:
    """A run of OpenAI's checkpoint on official files."""
    run = changed(made("a", accuracy, n=900), edition="official", **fields)
    return replace(run, model=replace(run.model, name="openclip:ViT-B-32/openai"))


def reasons(run: Run, each: Figure) -> dict[str, str]:
    (compared,) = parity(run, figures=[each]).compared
    return {reason.cause: reason.state for reason in compared.reasons}


def test_a_difference_comes_with_its_reasons() -> None:
    run = named(0.5, settings={"precision": "fp32"})
    exact = f"{100 * scorecard(run).headline.estimate.value:.2f}"
    assert reasons(run, figure(exact)) == {}
    found = reasons(run, figure("99"))
    assert found == {
        "edition": "excluded", "items": "excluded", "average": "excluded", "ties": "excluded",
        "activation": "found", "crop": "unknown", "precision": "excluded",
    }  # fmt: skip
    assert reasons(run, figure("99", editions=("official-2020-01-01",)))["edition"] == "found"
    assert reasons(run, figure("99", editions=()))["edition"] == "unknown"
    assert reasons(run, figure("99", activation="gelu"))["activation"] == "excluded"
    assert reasons(run, figure("99", images="whole images"))["crop"] == "found"
    assert reasons(run, figure("99", differs="other items"))["definition"] == "found"
    half = replace(run, settings={"precision": "fp16"})
    assert reasons(half, figure("99"))["precision"] == "found"
    part = replace(run, counts=replace(run.counts, items_in_edition=1000))
    assert reasons(part, figure("99"))["items"] == "found"


def test_another_average_and_another_tie_rule_are_found_in_print() -> None:
    tags = ("on", "on", "on", "riding")
    items = drawn(400, lambda i: {"relation": tags[i % 4]})
    skewed = [
        replace(o, scores=np.array([[1, 0]], np.float32)) if o.tags["relation"] == "riding" else o
        for o in items
    ]
    run = replace(run_of("vg-relation", skewed, edition="official"), model=named(0.5).model)
    micro = mean(aro_correct(run))
    assert reasons(run, figure(f"{100 * micro:.2f}"))["average"] == "found"
    groups = by_tag(run, "relation", first_correct(run)).values()
    lucky = mean([mean(each) for each in groups])
    found = reasons(run, figure(f"{100 * lucky:.2f}"))
    assert found["ties"] == "found"


def test_a_run_far_from_print_says_so_under_its_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchbench.analysis.parity.published_figures", lambda: (figure("59"),))
    line = "Far from print: aro-paper is"
    assert line in str(scorecard(named(0.75)))
    assert line not in str(scorecard(named(0.59)))
    assert line not in str(scorecard(made("a", 0.75)))  # another model
    assert line not in str(scorecard(changed(named(0.75), edition="custom-a-00000000")))
    partial = replace(named(0.75).counts, items_in_edition=1000)
    assert line not in str(scorecard(changed(named(0.75), counts=partial)))


def test_decisions_tell_what_they_can() -> None:
    run = run_of("sugarcrepe", drawn(60, lambda i: {"subset": "add_obj"}))
    run = replace(
        run, settings={"imported": {"decisions_only": True}},
        model=replace(run.model, name="OpenAI ViT-B/32"),
    )  # fmt: skip
    got = printed(run)
    strict = mean([bool(o.scores[0, 0] > o.scores[0, 1]) for o in run.outcomes])
    assert got["SugarCrepe", "add_obj"] == pytest.approx(strict)
    assert np.isnan(got["mteb", "SugarCrepe, text_acc"])
    assert np.isnan(got["CLIP_benchmark", "acc per subset"])
    text = str(parity(run))
    assert "decisions without scores do not tell which scores tied" in text
    assert "not told" in text


def test_a_model_is_named_where_the_runs_name_does_not_tell() -> None:
    run = made("best.pt", 0.5)
    assert "No published figure is known to be of best.pt" in str(parity(run))
    found = parity(run, published_as="negclip")
    assert {each.figure.printed for each in found.compared} >= {"81", "81.0", "80.2"}
    with pytest.raises(UnknownName, match="Did you mean 'negclip'"):
        parity(run, published_as="negclp")
    own = PublishedModel("mine", "Mine", frozenset({"best.pt"}))
    (compared,) = parity(run, figures=[figure("12", model=own)]).compared
    assert compared.is_far


def test_figures_of_no_metric_or_tag_are_refused() -> None:
    run = made("a", 0.5)
    for wrong, said in (
        (figure("1", metric="accuracy"), "by 'accuracy', which is no metric of vg-relation"),
        (figure("1", by="subset", group="a"), "by 'subset', which is no tag of vg-relation"),
        (figure("1", harness="mtb"), "the harness 'mtb', which vg-relation does not know"),
    ):
        with pytest.raises(UsageError, match=said):
            parity(run, figures=[wrong])


def test_a_task_without_harnesses_says_so() -> None:
    task = bb.load_task("vg-relation")

    class Bare:
        info = replace(task.info, harnesses=())
        items = task.items

    assert "declares no published harness" in str(parity(made("a", 0.5), task=Bare(), figures=()))
