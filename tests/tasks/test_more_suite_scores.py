"""Further suites' scores on small files, against plain loops by the papers' definitions."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from benchbench.editions import resolve_edition
from benchbench.errors import MalformedData, Unsuited
from benchbench.evaluation import evaluate
from benchbench.registry import load_model, load_task
from benchbench.suites import choose_tasks
from tests.cli.test_cli import typed
from tests.suites import dump, photograph
from tests.suites.eccv_caption import ORIGINAL
from tests.tasks.test_suite_scores import embedding, mean, values
from tests.tasks.two_sided import three_scores

if TYPE_CHECKING:
    from benchbench.types import Run

__all__ = ["embedding"]


def first_is_best(run: Run) -> list[bool]:
    """Whether the right caption of each one-image item has the best score alone."""
    found = []
    for outcome in run.outcomes:
        scores = outcome.scores[0].tolist()
        own = scores.pop(outcome.target[0])
        found.append(all(own > other for other in scores))
    return found


def macro(groups: list[str], right: list[Any]) -> float:
    """The mean over groups of each group's mean."""
    names = dict.fromkeys(groups)
    each = [[r for g, r in zip(groups, right, strict=True) if g == name] for name in names]
    return mean([mean(rows) for rows in each])


def test_whatsup_counts_pairs_and_sets(embedding: str, suites: Path) -> None:
    run = evaluate(embedding, "whatsup", data_root=suites)
    assert len(run.outcomes) == 24
    right = first_is_best(run)
    subsets = [o.tags["subset"] for o in run.outcomes]
    found = values(run)
    assert found["individual"] == pytest.approx(macro(subsets, right))
    answers: dict[tuple[str, str, str], dict[str, bool]] = {}
    for outcome, correct in zip(run.outcomes, right, strict=True):
        subset, name = outcome.id.split("/")
        parts = name.split("_")
        answers.setdefault((subset, parts[0], parts[-1]), {})[parts[1]] = correct
    assert Counter(len(each) for each in answers.values()) == {4: 6}
    pairs: dict[str, list[bool]] = {"A": [], "B": []}
    sets: dict[str, list[bool]] = {"A": [], "B": []}
    for (subset, _, _), each in answers.items():
        pairs[subset].append(each["left"] and each["right"])
        one, other = ("on", "under") if subset == "A" else ("in-front", "behind")
        pairs[subset].append(each[one] and each[other])
        sets[subset].append(sum(each.values()) == 4)
    assert found["pair"] == pytest.approx(mean([mean(pairs[s]) for s in "AB"]))
    assert found["set"] == pytest.approx(mean([mean(sets[s]) for s in "AB"]))


@pytest.mark.parametrize("task", ["whatsup.coco", "whatsup.gqa"])
def test_whatsup_of_other_photographs(task: str, embedding: str, suites: Path) -> None:
    run = evaluate(embedding, task, data_root=suites)
    subsets = [o.tags["subset"] for o in run.outcomes]
    assert Counter(subsets) == {subsets[0]: 3, subsets[-1]: 3}
    assert values(run)["individual"] == pytest.approx(macro(subsets, first_is_best(run)))
    assert {o.tags["preposition"] for o in run.outcomes} == {"left", "right"}


def test_whatsup_names_a_photograph_that_is_none_of_a_set(tmp_path: Path) -> None:
    record = {"image_path": "data/controlled_images/mug_near_chair.jpeg", "caption_options": ["a"]}
    dump(tmp_path / "whatsup" / "controlled_images_dataset.json", [record])
    with pytest.raises(MalformedData, match="field 'image_path' names no preposition"):
        load_task("whatsup").items(tmp_path)


def test_mmvp_vlm(embedding: str, suites: Path) -> None:
    run = evaluate(embedding, "mmvp-vlm", data_root=suites)
    right = []
    for outcome in run.outcomes:
        (i1_t1, i1_t2), (i2_t1, i2_t2) = outcome.scores.tolist()
        right.append(i1_t1 > i2_t1 and i2_t2 > i1_t2)
    found = values(run)
    patterns = [o.tags["pattern"] for o in run.outcomes]
    assert len(set(patterns)) == 9
    assert found["patterns"] == pytest.approx(macro(patterns, right))
    assert {name: found[name] for name in ("text", "image", "group")} == pytest.approx(
        three_scores(run)
    )
    assert load_task("mmvp-vlm").items(suites)[0].captions[0].startswith("a photo of a Orient")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["1,State,a"], "has 1 rows, and rows go in pairs"),
        (["2,State,a", "3,State,b"], "should follow 2, the odd one"),
        (["1,State,a", "2,Text,b"], "should be 'State', that of its pair"),
        (["x,State,a", "2,State,b"], "should be a whole number, not 'x'"),
    ],
)
def test_mmvp_vlm_names_what_is_no_pair(rows: list[str], message: str, tmp_path: Path) -> None:
    (tmp_path / "mmvp_vlm").mkdir()
    text = "\n".join(["Question ID,Type,Statement", *rows])
    (tmp_path / "mmvp_vlm" / "Questions.csv").write_text(text)
    with pytest.raises(MalformedData, match=message):
        load_task("mmvp-vlm").items(tmp_path)


def test_eqben(embedding: str, suites: Path) -> None:
    run = evaluate(embedding, "eqben", data_root=suites)
    found, parts = values(run), [o.tags["part"] for o in run.outcomes]
    assert set(parts) == {"ag", "youcook2", "kubric_loc"}
    right: dict[str, list[bool]] = {"text": [], "image": [], "group": []}
    for outcome in run.outcomes:
        (c0i0, c1i0), (c0i1, c1i1) = outcome.scores.tolist()
        right["text"].append(c0i0 > c1i0 and c1i1 > c0i1)
        right["image"].append(c0i0 > c0i1 and c1i1 > c1i0)
        right["group"].append(right["text"][-1] and right["image"][-1])
    for name, each in right.items():
        assert found[f"{name}-parts"] == pytest.approx(macro(parts, each))
        assert found[name] == pytest.approx(mean(each))
    assert len({o.cluster for o in run.outcomes}) == 3 * 2


def test_svo_probes(embedding: str, suites: Path) -> None:
    run = evaluate(embedding, "svo-probes", data_root=suites)
    right = [float(o.scores[0, 0]) > float(o.scores[1, 0]) for o in run.outcomes]
    kinds = [o.tags["kind"] for o in run.outcomes]
    assert kinds == ["subject", "verb", "object", "subject", "verb", "object", "subject"]
    found = values(run)
    assert found["pairwise"] == pytest.approx(macro(kinds, right))
    assert found["micro"] == pytest.approx(mean(right))
    clusters = [o.cluster for o in run.outcomes]
    assert clusters[0] == clusters[1]
    assert len(set(clusters)) == 6


def test_svo_probes_decisions(blip: Path, suites: Path) -> None:
    run = evaluate(f"itm:{blip}", "svo-probes.decisions", data_root=suites)
    positive = [o.score > 0 for o in run.outcomes if o.label]
    negative = [o.score < 0 for o in run.outcomes if not o.label]
    assert values(run)["accuracy"] == pytest.approx((mean(positive) + mean(negative)) / 2)


def test_crepe(embedding: str, suites: Path) -> None:
    run = evaluate(embedding, "crepe", data_root=suites)
    assert len(run.outcomes) == 3 * 9 * 2
    ranks = [sum(o.scores[0] > o.scores[0, 0]) for o in run.outcomes]
    right = first_is_best(run)
    assert all(r == 0 for r, best in zip(ranks, right, strict=True) if best)
    found = values(run)
    assert found["R@1"] == pytest.approx(macro([o.tags["negatives"] for o in run.outcomes], right))
    by = [o.tags["complexity"] for o in run.outcomes]
    assert found["complexities"] == pytest.approx(macro(by, right))
    item = load_task("crepe").items(suites)[0]
    assert item.images[0].box == (2, 1, 12, 10)
    assert item.captions[:2] == ("cup 71 on table with 4 legs", "atom 0 on table's 4 legs")


def test_crepe_systematicity(tiny: str, suites: Path) -> None:
    run = evaluate(tiny, "crepe.yfcc", data_root=suites)
    kinds = Counter((o.tags["compounds"], o.tags["negatives"]) for o in run.outcomes)
    assert kinds == {(s, n): 2 for s in ("seen", "unseen") for n in ("atom", "comp")}
    by = [o.tags["compounds"] for o in run.outcomes]
    assert values(run)["R@1"] == pytest.approx(macro(by, first_is_best(run)))


def test_spec(embedding: str, suites: Path) -> None:
    run = evaluate(embedding, "spec", data_root=suites)
    found = values(run)
    for way, name in (("image to text", "image-to-text"), ("text to image", "text-to-image")):
        outcomes = [o for o in run.outcomes if o.tags["direction"] == way]
        right = []
        for o in outcomes:
            scores = o.scores.ravel().tolist()
            label = o.target[0] if way == "image to text" else o.target.index(0)
            own = scores.pop(label)
            right.append(all(own > other for other in scores))
        subsets = [o.tags["subset"] for o in outcomes]
        assert len(set(subsets)) == 6
        assert found[name] == pytest.approx(macro(subsets, right))
    assert len({o.cluster for o in run.outcomes}) == 6 * 2, "each set of images is a cluster"


@pytest.mark.parametrize("task", ["negbench", "negbench.voc2007", "negbench.synthetic"])
def test_negbench_choices(task: str, embedding: str, suites: Path) -> None:
    run = evaluate(embedding, task, data_root=suites)
    right = first_is_best(run)
    kinds = [o.tags["kind"] for o in run.outcomes]
    assert Counter(kinds) == {"positive": 2, "negative": 2, "hybrid": 2}
    found = values(run)
    assert found["accuracy"] == pytest.approx(mean(right))
    assert found["kinds"] == pytest.approx(macro(kinds, right))
    targets = [o.target[0] for o in run.outcomes]
    assert targets == ([0, 1, 2, 3, 0, 1] if "synthetic" in task else [0] * 6)


def test_negbench_of_radiographs_has_two_options(tiny: str, suites: Path) -> None:
    run = evaluate(tiny, "negbench.chexpert", data_root=suites)
    assert [len(o.no_op) for o in run.outcomes] == [2, 2, 2]
    assert values(run) == pytest.approx({"accuracy": mean(first_is_best(run))})


@pytest.mark.parametrize("task", ["negbench.retrieval", "negbench.plain"])
def test_negbench_retrieval(task: str, tiny: str, suites: Path) -> None:
    items: Any = load_task(task).items(suites)
    assert [len(item.captions) for item in items] == [2, 2, 2]
    assert ("no cat" in items[0].captions[0]) is (task == "negbench.retrieval")
    run = evaluate(tiny, task, data_root=suites)
    hits = [int(p.better[0]) == 0 and int(p.equal[0]) == 0 for o in run.outcomes for p in o.finding]
    assert values(run)["t2i-R@1"] == pytest.approx(mean(hits))


@pytest.mark.parametrize("cell", ["no list", "[1, 2]", "[]", "['']", "[" * 300])
def test_negbench_names_a_cell_that_is_no_list(cell: str, tmp_path: Path) -> None:
    path = tmp_path / "negbench" / "images" / "COCO_val_retrieval.csv"
    path.parent.mkdir(parents=True)
    path.write_text(f'filepath,captions\nval2017/a.jpg,"{cell}"\n')
    with pytest.raises(MalformedData, match=r"record 0: field 'captions'"):
        load_task("negbench.plain").items(tmp_path)


def test_naturalbench(llava: Path, suites: Path) -> None:
    run = evaluate(f"vqascore:{llava}", "naturalbench", data_root=suites)
    scores = []
    for g in range(4):
        each = {}
        for q in (0, 1):
            for i in (0, 1):
                (outcome,) = [o for o in run.outcomes if o.id == f"{g}/q{q}_i{i}"]
                first, second = outcome.scores
                assert outcome.right == (0 if q == i else 1)
                each[f"q{q}_i{i}"] = 1.0 if first > second else 0.0
        scores.append(each)
    question = image = single = group = 0
    for r in scores:
        questions = [
            r["q0_i0"] == 1 and r["q0_i1"] == 0,
            r["q1_i1"] == 1 and r["q1_i0"] == 0,
        ]
        images = [r["q0_i0"] == 1 and r["q1_i0"] == 0, r["q1_i1"] == 1 and r["q0_i1"] == 0]
        question, image = question + sum(questions), image + sum(images)
        single += (r["q0_i0"] == 1) + (r["q0_i1"] == 0) + (r["q1_i0"] == 0) + (r["q1_i1"] == 1)
        group += all(questions) and all(images)
    assert values(run) == pytest.approx(
        {"question": question / 8, "image": image / 8, "accuracy": single / 16, "group": group / 4}
    )
    assert len({o.cluster for o in run.outcomes}) == 3


def test_answers_are_the_models_own_log_probabilities(llava: Path, suites: Path) -> None:
    import torch
    from PIL import Image

    model: Any = load_model(f"vqascore:{llava}")
    item = load_task("naturalbench").items(suites)[0]
    run = evaluate(model, "naturalbench", data_root=suites)
    text = model._prompts._prompt(item.text)
    assert "figure show" not in text
    image = Image.open(item.images[0].path).convert("RGB")
    inputs = model._processor(images=image, text=text, return_tensors="pt")
    with torch.inference_mode():
        logits = model._model(**inputs).logits[0, -1].float().log_softmax(-1)
    vocabulary = model._processor.tokenizer.get_vocab()
    for answer, score in zip(item.options, run.outcomes[0].scores, strict=True):
        ids = [i for t, i in vocabulary.items() if t.lstrip("▁Ġ ") == answer] or [
            i for t, i in vocabulary.items() if t.lstrip("▁Ġ ") == answer.lower()
        ]
        assert float(score) == pytest.approx(float(logits[ids].logsumexp(0)), abs=1e-4)


def test_naturalbench_is_for_generative_models(tiny: str, suites: Path, tmp_path: Path) -> None:
    with pytest.raises(Unsuited, match="answers no questions: this task is for generative models"):
        evaluate(tiny, "naturalbench", data_root=suites)
    assert "naturalbench" in choose_tasks(["suite:questions"], suites).names
    where = ["--data-root", str(suites), "--out", str(tmp_path)]
    asked = ["eval", "--model", "blind:length", "--task", "suite:questions", "--task", "cola"]
    done = typed(*asked, *where)
    assert done.exit_code == 0, done.output
    assert "left out  naturalbench: blind:length answers no questions" in done.stderr
    done = typed("eval", "--model", "blind:length", "--task", "naturalbench", *where)
    assert done.exit_code == 2


def ranked(outcome_scores: dict[str, float]) -> list[str]:
    """Names by descending score; there are no ties."""
    return sorted(outcome_scores, key=lambda name: -outcome_scores[name])


def eccv_metrics(ranking: list[str], true: set[str]) -> tuple[float, float, float]:
    """mAP@R, R-Precision and R@1 of one search, in the words of the authors' code."""
    precisions = []
    for r in range(1, len(true) + 1):
        precision = len(set(ranking[:r]) & true) / r
        precisions.append(precision if ranking[r - 1] in true else 0.0)
    return mean(precisions), len(set(ranking[: len(true)]) & true) / len(true), ranking[0] in true


@pytest.mark.parametrize("task", ["eccv-caption", "cxc"])
def test_many_to_many_retrieval(task: str, suites: Path) -> None:
    """Rankings are computed here from the model's vectors, truth is read from the files."""
    import torch
    from PIL import Image

    model: Any = load_model("blind:chance")
    name = task.removesuffix("-caption")
    read = {
        way: {int(k): v for k, v in json.loads(path.read_text()).items()}
        for way in ("image_to_caption", "caption_to_image")
        for path in [suites / "eccv_caption" / f"{name}_{way}.json"]
    }
    images = {i: suites / "val2014" / f"COCO_val2014_{i:012}.jpg" for i in ORIGINAL}
    pixels = [model.transform(Image.open(p).convert("RGB")) for p in images.values()]
    vectors = torch.nn.functional.normalize(model.encode_images(torch.stack(pixels), "scene"))
    ids = [caption for each in ORIGINAL.values() for caption in each]
    texts = [f"Caption {caption} of a street." for caption in ids]
    phrases = torch.nn.functional.normalize(model.encode_texts(model.tokenize(texts), "scene"))
    table = (vectors.double() @ phrases.double().T).tolist()
    scores = {
        i: dict(zip(map(str, ids), row, strict=True)) for i, row in zip(images, table, strict=True)
    }
    found: dict[str, list[tuple[float, float, float]]] = {"i2t": [], "t2i": []}
    for image, captions in read["image_to_caption"].items():
        found["i2t"].append(eccv_metrics(ranked(scores[image]), set(map(str, captions))))
    for caption, true in read["caption_to_image"].items():
        column = {str(image): row[str(caption)] for image, row in scores.items()}
        found["t2i"].append(eccv_metrics(ranked(column), set(map(str, true))))
    got = values(evaluate(model, task, data_root=suites))
    for k, metric in enumerate(("mAP@R", "R-Precision", "R@1")):
        each = {way: mean([rows[k] for rows in found[way]]) for way in found}
        if metric in got:
            assert got[metric] == pytest.approx(mean(list(each.values()))), metric
        for way, value in each.items():
            if f"{way}-{metric}" in got:
                assert got[f"{way}-{metric}"] == pytest.approx(value), f"{way}-{metric}"


@pytest.mark.parametrize("name", ["eccv", "cxc"])
def test_official_matches_are_read_as_their_files_say(
    name: str, official_annotations: Path, tmp_path: Path
) -> None:
    """COCO's captions were not at hand: here each one's text is its id."""
    read: dict[str, dict[int, list[int]]] = {
        path.stem: {int(k): v for k, v in json.loads(path.read_text()).items()}
        for path in (official_annotations / "eccv_caption").glob("*.json")
    }
    (tmp_path / "eccv_caption").symlink_to(official_annotations / "eccv_caption")
    of_image, of_caption = read[f"{name}_image_to_caption"], read[f"{name}_caption_to_image"]
    original = read["original_image_to_caption"]
    needed = {c for each in (*original.values(), *of_image.values()) for c in each}
    rows = [{"image_id": 0, "id": c, "caption": str(c)} for c in sorted(needed)]
    dump(tmp_path / "annotations" / "captions_val2014.json", {"annotations": rows})
    entries: Any = load_task("eccv-caption" if name == "eccv" else "cxc").items(tmp_path)
    assert len(entries) == 5000
    searching = {int(e.id): {int(c) for c in e.captions} for e in entries if e.searches}
    assert searching == {image: set(captions) for image, captions in of_image.items()}
    asked = [int(caption) for e in entries for caption in e.asks]
    assert sorted(asked) == sorted(of_caption)
    images_of: dict[int, set[int]] = {}
    for entry in entries:
        for caption in entry.captions:
            images_of.setdefault(int(caption), set()).add(int(entry.id))
    wrong = [c for c, images in of_caption.items() if images_of[c] != set(images)]
    assert not wrong
    gallery = {c for e in entries for c in (*e.captions, *e.false)}
    assert len(gallery) == len(needed) == (25002 if name == "eccv" else 25000)
    photograph(tmp_path / "val2014" / "a.jpg")
    found = resolve_edition(load_task("cxc").info, tmp_path, with_images=False)
    assert found.name.startswith("custom-")
