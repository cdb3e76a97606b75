"""Imported answers to items of two images: each direction as it was asked."""

from __future__ import annotations

import csv
import itertools
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

import benchbench as bb
from benchbench.analysis.comparison import compare
from benchbench.cli import main
from benchbench.errors import MalformedData, RunError, UsageError
from benchbench.importing.importer import import_results
from benchbench.importing.readers.colorswap import _letter, _ordinal
from benchmarks.published_items import write_bivlc, write_colorswap
from tests.importing.test_importing import RESULTS, SUITE, needs_results

SIDES = ("text_score_i0", "text_score_i1", "image_score_c0", "image_score_c1")
DECISIONS = list(itertools.product((True, False), repeat=4))
"""One item for each outcome of the four decisions, the ones that no scores can give included."""


def captions_of(number: int) -> tuple[str, str]:
    return f"a red box {number} and a blue cup", f"a blue box {number} and a red cup"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return lay_out(tmp_path)


def lay_out(tmp_path: Path) -> Path:
    """Write annotations of both suites: an item for each of DECISIONS."""
    for name in ("bivlc", "colorswap"):
        (tmp_path / name).mkdir()
    lines, records = [], []
    for n in range(len(DECISIONS)):
        one, two = captions_of(n)
        lines.append({"image": f"images/{n // 2}.jpg", "negative_image": f"images/g{n}.jpg",
                      "caption": one, "negative_caption": two, "type": "add",
                      "subtype": "obj"})  # fmt: skip
        records.append({"id": 3 * n, "caption_1": one, "caption_2": two,
                        "image_1": f"images/img_{3 * n}_1.png",
                        "image_2": f"images/img_{3 * n}_2.png"})  # fmt: skip
    (tmp_path / "bivlc" / "test.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (tmp_path / "colorswap" / "test.json").write_text(json.dumps(records))
    return tmp_path


def rows_of() -> list[dict[str, str]]:
    rows = []
    for n, decided in enumerate(DECISIONS):
        one, two = captions_of(n)
        text, image = all(decided[:2]), all(decided[2:])
        rows.append({
            "image": "<PIL image>", "caption": one, "negative_caption": two, "type": "add",
            "subtype": "obj", **{k: str(v) for k, v in zip(SIDES, decided, strict=True)},
            "text_score": str(text), "image_score": str(image), "group_score": str(text and image),
        })  # fmt: skip
    return rows


def written(rows: list[dict[str, str]], path: Path) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(rows)
    return path


def scores_of(run: Any) -> dict[str, float]:
    return {row.name: row.estimate.value for row in bb.scorecard(run).metrics}


@pytest.mark.parametrize("backwards", [False, True])
def test_every_pattern_of_decisions_is_kept(root: Path, tmp_path: Path, backwards: bool) -> None:
    rows = rows_of()[::-1] if backwards else rows_of()
    path = written(rows, tmp_path / "BiVLC_ViT-B-32.csv")
    (run,) = import_results(path, "bivlc_suite", data_root=root)
    assert run.model.name == "OpenAI ViT-B/32"
    assert run.decisions_only
    assert run.imported["source"] == {}
    found = scores_of(run)
    assert (found["text"], found["image"], found["group"]) == (4 / 16, 4 / 16, 1 / 16)
    for outcome, (i0, i1, c0, c1) in zip(run.outcomes, DECISIONS, strict=True):
        one, by = outcome.scores, outcome.by_caption
        assert (one[0, 0] > one[0, 1], one[1, 1] > one[1, 0]) == (i0, i1)
        assert (by[0, 0] > by[1, 0], by[1, 1] > by[0, 1]) == (c0, c1)
    again = bb.read_run(bb.write_run(run, tmp_path / "run.parquet"))
    assert scores_of(again) == found
    row = compare(run, again, "group").whole
    assert (row.gained, row.lost) == (0, 0)


def test_a_run_without_the_second_direction_is_another_run(root: Path, tmp_path: Path) -> None:
    path = written(rows_of(), tmp_path / "BiVLC_x.csv")
    (run,) = import_results(path, "bivlc_suite", data_root=root)
    file = bb.write_run(run, tmp_path / "run.parquet")
    table = pq.ParquetFile(file).read()
    pq.write_table(table.drop_columns(["by_caption"]), file)
    with pytest.raises(RunError, match="was changed or damaged"):
        bb.read_run(file)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("truncated", "3 items without an answer (13; 14; 15)"),
        ("duplicated", "1 answer to an item that has one ("),
        ("altered caption", "1 answer without item in custom-"),
        ("foreign", "16 answers without item in custom-"),
        ("altered total", "line 2: group_score is False, and text_score_i0, text_score_i1"),
        ("altered decision", "line 3: 'maybe' means neither right nor wrong"),
        ("unreadable decision", "line 3: image_score is False, and image_score_c0"),
    ],
)
def test_other_files_are_refused_in_a_line(
    kind: str, said: str, root: Path, tmp_path: Path
) -> None:
    rows = rows_of()
    if kind == "truncated":
        rows = rows[:-3]
    elif kind == "duplicated":
        rows.append(rows[2])
    elif kind == "altered caption":
        rows[0]["caption"] += "."
    elif kind == "foreign":
        rows = [{**row, "negative_caption": row["negative_caption"].upper()} for row in rows]
    elif kind == "altered total":
        rows[0]["group_score"] = "False"
    elif kind == "altered decision":
        rows[1]["image_score_c1"] = "maybe"
    else:
        rows[1]["image_score_c1"] = "True"
    path = written(rows, tmp_path / "BiVLC_x.csv")
    with pytest.raises((UsageError, MalformedData)) as caught:
        import_results(path, "bivlc_suite", data_root=root)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_decision_too_few_is_refused(root: Path, tmp_path: Path) -> None:
    rows = [{"id": str(3 * n), "right": "1"} for n in range(len(DECISIONS))]
    path = written(rows, tmp_path / "t.csv")
    with pytest.raises(UsageError, match=r"tells 1 decisions, and item 0 of colorswap has 4"):
        import_results(path, "table", "colorswap", data_root=root, model="m")


def asked(n: int, decided: tuple[bool, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The records of one item's answers in both directions, options in changing order."""
    captions, key = captions_of(n), 3 * n
    names = [f"https://x.org/images/img_{key}_{i}.png" for i in (1, 2)]
    text: dict[str, Any] = {"id": key}
    image: dict[str, Any] = {"id": key}
    for i in (0, 1):
        order = (i, 1 - i) if n % 2 else (1 - i, i)
        options = [captions[j] for j in order]
        right = order.index(i)
        chosen = right if decided[i] else 1 - right
        text[f"response_image_{i + 1}"] = f"({'AB'[chosen]}) {options[chosen]}"
        text[f"log_{i + 1}"] = {"caption_1": options[0], "caption_2": options[1],
                                "image_url": names[i], "correct_answer": "AB"[right]}  # fmt: skip
        chosen = right if decided[2 + i] else 1 - right
        image[f"response_caption_{i + 1}"] = f"The {('first', 'second')[chosen]} image."
        image[f"log_{i + 1}"] = {"caption": captions[i], "image_url_1": names[order[0]],
                                 "image_url_2": names[order[1]],
                                 "correct_answer": ("first", "second")[right]}  # fmt: skip
    return text, image


def folder_of(tmp_path: Path) -> tuple[Path, list[dict[str, Any]], list[dict[str, Any]]]:
    folder = tmp_path / "answers"
    folder.mkdir(exist_ok=True)
    both = [asked(n, decided) for n, decided in enumerate(DECISIONS)]
    texts, images = ([pair[side] for pair in both] for side in (0, 1))
    return folder, texts, images


def saved(folder: Path, texts: Any, images: Any) -> Path:
    (folder / "text-gpt4v-colorswap.json").write_text(json.dumps(texts))
    (folder / "image-gpt4v-colorswap.json").write_text(json.dumps(images))
    return folder


def test_answers_in_both_directions(root: Path, tmp_path: Path) -> None:
    folder, texts, images = folder_of(tmp_path)
    (run,) = import_results(saved(folder, texts[::-1], images), "colorswap", data_root=root)
    assert run.model.name == "GPT-4V"
    found = scores_of(run)
    assert (found["text"], found["image"], found["group"]) == (4 / 16, 4 / 16, 1 / 16)
    assert run.imported["unreadable"] == 0
    texts[0]["response_image_1"] = "I cannot tell."
    images[0]["response_caption_2"] = "Neither image shows it."
    (run,) = import_results(saved(folder, texts, images), "colorswap", data_root=root)
    found = scores_of(run)
    assert (found["text"], found["image"], found["group"]) == (3 / 16, 3 / 16, 0)
    assert run.imported["unreadable"] == 2
    assert "COUNTED: 2 answers cannot be read and count as wrong" in str(bb.scorecard(run))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("one direction", "has no image-gpt4v-colorswap.json"),
        ("none", "holds no text-MODEL-colorswap.json"),
        ("truncated", "record 15: field 'id' is 45, which the other direction has not"),
        ("truncated texts", "record 15: field 'id' is one that the other direction has not"),
        ("truncated both", "1 item without an answer (45)"),
        ("duplicated", "1 answer to an item that has one ("),
        ("altered caption", "1 answer without item in custom-"),
        ("altered image", "1 answer without item in custom-"),
        ("altered question", "field 'caption' should be 'a red box 0"),
        ("foreign", "16 answers without item in custom-"),
        ("no answer", "no field 'response_image_1'"),
        ("another letter", "field 'correct_answer' should be A or B, not 'C'"),
        ("no list", "should hold a list of records"),
    ],
)
def test_other_answers_are_refused_in_a_line(
    kind: str, said: str, root: Path, tmp_path: Path
) -> None:
    folder, texts, images = folder_of(tmp_path)
    if kind == "truncated":
        images = images[:-1]
    elif kind.startswith("truncated"):
        texts, images = texts[:-1], images[: -1 if kind.endswith("both") else None]
    elif kind == "duplicated":
        texts, images = [*texts, texts[2]], [*images, images[2]]
    elif kind == "altered caption":
        for log in (texts[0]["log_1"], texts[0]["log_2"], images[0]["log_1"]):
            log.update({k: v.replace("red box", "red bus") for k, v in log.items()})
    elif kind == "altered image":
        texts[0]["log_1"]["image_url"] = "other.png"
    elif kind == "altered question":
        images[0]["log_1"]["caption"] = "another"
    elif kind == "foreign":
        for each in (*texts, *images):
            each["id"] += 1
    elif kind == "no answer":
        del texts[0]["response_image_1"]
    elif kind == "another letter":
        texts[0]["log_1"]["correct_answer"] = "C"
    saved(folder, {"a": 1} if kind == "no list" else texts, images)
    if kind in ("one direction", "none"):
        (folder / "image-gpt4v-colorswap.json").unlink()
    if kind == "none":
        (folder / "text-gpt4v-colorswap.json").unlink()
    with pytest.raises((UsageError, MalformedData)) as caught:
        import_results(folder, "colorswap", data_root=root)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


OPTIONS = ("a man with a red hat and a blue coat", "a man with a blue hat and a red coat")


@pytest.mark.parametrize(
    ("answer", "chosen"),
    [
        ("A", 0), ("B.", 1), ("A) whatever", 0), ("(B) a man", 1), ("Option B: a man", 1),
        ("Option (A)", 0), ("The image presents (B), not (A).", 1), ("It is option A.", 0),
        ("It shows (B).", 1), ("I would choose option A", 0), ("Man with blue hat, red coat", None),
        ("The man with the blue hat and red coat.", 1), ("Both (A) and (B).", None),
        (f"{OPTIONS[0]} or {OPTIONS[1]}", None), ("", None), ("Apples", None), ("Bread", None),
    ],
)  # fmt: skip
def test_rules_for_letters(answer: str, chosen: int | None) -> None:
    assert _letter(answer, OPTIONS) == chosen
    if chosen is not None and "man" in answer.lower() and "(" not in answer and ":" not in answer:
        assert _letter(answer, OPTIONS[::-1]) == 1 - chosen


@pytest.mark.parametrize(
    ("answer", "chosen"),
    [
        ("The second image.", 1), ("First image", 0), ("Neither image fits.", None),
        ("The first image better aligns than the second.", 0),
        ("The second image aligns better; the first does not.", 1),
        ("The first image, unlike the second image", None), ("", None),
    ],
)  # fmt: skip
def test_rules_for_ordinals(answer: str, chosen: int | None) -> None:
    assert _ordinal(answer) == chosen


@needs_results
@pytest.mark.parametrize("suite", ["bivlc", "colorswap"])
def test_published_answers_give_the_published_figures(suite: str, tmp_path: Path) -> None:
    """BiVLC's main results; ColorSwap's by its authors' script (72 and 42 in its abstract)."""
    first = tmp_path / "first"
    shutil.copytree(SUITE, first)
    shutil.copyfile(SUITE / "2023-06-23" / "swap_obj.json", first / "swap_obj_old.json")
    (first / "swap_obj_old.json").replace(first / "swap_obj.json")
    write_bivlc(RESULTS / "bivlc" / "BiVLC_ViT-B-32.csv", first, tmp_path)
    write_colorswap(RESULTS / "colorswap" / "text-gpt4v-colorswap.json", tmp_path)
    reader = {"bivlc": "bivlc_suite"}.get(suite, suite)
    published = {
        "OpenAI ViT-B/32": (75.83, 52.40, 49.06), "ViT-B/32 tuned on COCO": (82.75, 63.89, 60.96),
        "ViT-B/32 tuned on TROHN-Text": (78.18, 62.19, 57.48),
        "ViT-B/32 tuned on TROHN-Img": (88.54, 71.84, 69.25),
        "GPT-4V": (91.33, 76.33, 72.00), "LLaVA": (69.67, 54.33, 42.00),
        "LLaVA-R": (27.67, 25.67, 8.33),
    }  # fmt: skip
    runs = import_results(RESULTS / suite, reader, data_root=tmp_path)
    assert len(runs) == (4 if suite == "bivlc" else 3)
    for run in runs:
        found = scores_of(run)
        for name, value in zip(("text", "image", "group"), published[run.model.name], strict=True):
            assert abs(100 * found[name] - value) < 0.05, (run.model.name, name)
        assert (run.edition, run.unverified) == ("official", True)
        assert run.imported["source"]["license"] == "MIT"
        assert run.counts.items == (2933 if suite == "bivlc" else 300)
    unread = {run.model.name: run.imported["unreadable"] for run in runs}
    if suite == "colorswap":
        assert unread == {"GPT-4V": 2, "LLaVA": 12, "LLaVA-R": 23}


def test_the_command(root: Path, tmp_path: Path) -> None:
    path = written(rows_of(), tmp_path / "BiVLC_x.csv")
    done = CliRunner().invoke(
        main,
        ["import", str(path), "--reader", "bivlc_suite", "--data-root", str(root), "--out",
         str(tmp_path / "runs")],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert np.isclose(6.2, 100 / 16, atol=0.1)
    assert "group               6.2" in done.output
