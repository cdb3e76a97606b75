"""Forced choice by a model behind a server: both orders, strict reading, what is counted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import benchbench as bb
from benchbench.adapters import api_client
from benchbench.adapters.api_choice import question_of, read_answer
from benchbench.errors import ModelError, Unsuited, UsageError
from benchbench.registry import load_model
from benchbench.types import LoadOptions
from tests.adapters.api_server import SECRET
from tests.cli.test_cli import typed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.adapters.api_server import Served

REFUSAL = "I'm sorry, but I cannot help with that."


def says(captions: list[str]) -> str:
    """Depend on both captions: some choices on the order, some answers on nothing readable."""
    number = sum(map(ord, captions[0] + captions[1])) % 5
    if number == 0:
        return "A"  # the first, whatever it is
    if number == 1:
        return REFUSAL if captions[0] < captions[1] else "(B)"
    chosen = min(captions) if number < 4 else max(captions)
    letter = "AB"[captions.index(chosen)]
    return {2: f"{letter}.", 3: f"The answer is {letter}", 4: f"{chosen.capitalize()}."}[number]


def expected(captions: tuple[str, ...]) -> list[float]:
    """The decision that follows from the two answers, by the definition."""
    picks: list[str | None] = []
    for order in (list(captions), list(captions)[::-1]):
        answer = says(order)
        letters = {"A": 0, "(B)": 1, "A.": 0, "B.": 1, "The answer is A": 0, "The answer is B": 1}
        plain = answer.lower().rstrip(".")
        if answer in letters:
            picks.append(order[letters[answer]])
        else:
            picks.append(plain if plain in order else None)
    if None in picks:
        return [0.0, 0.0]
    if picks[0] != picks[1]:
        return [0.5, 0.5]
    return [float(caption == picks[0]) for caption in captions]


def evaluate(url: str, shapes: Path, **how: Any) -> bb.Run:
    return bb.evaluate("api-choice:m", "vg-relation", data_root=shapes, base_url=url, **how)


def test_an_item_is_right_if_both_orders_say_so(served: tuple[str, Served], shapes: Path) -> None:
    served[1].says = says
    run = evaluate(served[0], shapes)
    items = list(bb.load_task("vg-relation").items(shapes))
    rows = [expected(item.captions) for item in items]
    assert [outcome.scores[0].tolist() for outcome in run.outcomes] == rows
    kinds = {max(row) for row in rows}
    assert kinds == {0.0, 0.5, 1.0}, "the answers should show every case"
    card = bb.scorecard(run)
    target = [item.target[0] for item in items]
    right = np.mean([row[t] == 1 for row, t in zip(rows, target, strict=True)])
    micro = next(row for row in card.metrics if row.name == "micro")
    assert micro.estimate.value == pytest.approx(right)
    assert "mteb-micro" not in {row.name for row in card.metrics}, "no scores that could tie"
    by_order = sum(max(row) == 0.5 for row in rows)
    none = sum(max(row) == 0 for row in rows)
    assert card.counted[-2].startswith(f"{by_order} choices depend on the captions' order (")
    assert card.counted[-1] == f"{none} items with an unreadable answer"
    assert card.counted[-1] in str(card)
    assert len({caption for item in items for caption in item.captions}) == run.counts.captions


def test_a_second_run_sends_nothing_and_fresh_sends_all(
    served: tuple[str, Served], shapes: Path
) -> None:
    served[1].says = says
    first = evaluate(served[0], shapes, limit=10)
    sent = len(served[1].requests)
    assert first.environment["requests"] == sent == 2 * len(first.outcomes)
    again = evaluate(served[0], shapes, limit=10)
    assert len(served[1].requests) == sent
    assert again.environment["requests"] == 0
    for one, two in zip(first.outcomes, again.outcomes, strict=True):
        assert np.array_equal(one.scores, two.scores)
    evaluate(served[0], shapes, limit=10, resume=False)
    assert len(served[1].requests) == 2 * sent


def test_tokens_are_counted_and_cost_follows_from_the_prices(
    served: tuple[str, Served], shapes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(api_client.PRICE_IN, "2.50")
    monkeypatch.setenv(api_client.PRICE_OUT, "10")
    run = evaluate(served[0], shapes, limit=10)
    sent = len(served[1].requests)
    assert (run.environment["prompt_tokens"], run.environment["completion_tokens"]) == (
        20 * sent,
        sent,
    )
    assert run.environment["cost"] == f"{(20 * sent * 2.5 + sent * 10) / 1e6:.4f}"
    assert f"cost {run.environment['cost']} (at 2.5 and 10 for a million)" in str(bb.scorecard(run))


@pytest.mark.parametrize("variable", [api_client.PRICE_IN, api_client.RATE_LIMIT])
@pytest.mark.parametrize("typed_value", ["much", "-1", "nan", "inf"])
def test_prices_and_limits_are_numbers(
    variable: str, typed_value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, typed_value)
    with pytest.raises(UsageError, match=variable):
        load_model("api-choice:m", LoadOptions(base_url="http://127.0.0.1:1/v1"))


def test_a_limit_of_no_request_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(api_client.RATE_LIMIT, "0")
    with pytest.raises(UsageError, match="no request could be sent"):
        load_model("api-choice:m", LoadOptions(base_url="http://127.0.0.1:1/v1"))
    monkeypatch.setenv(api_client.RATE_LIMIT, "30")
    monkeypatch.setenv(api_client.PRICE_IN, "0")
    load_model("api-choice:m", LoadOptions(base_url="http://127.0.0.1:1/v1"))


@pytest.mark.parametrize(
    ("answer", "chosen"),
    [
        ("A", 0), ("b", 1), (" B. ", 1), ("**A**", 0), ("(B)", 1), ("A) a dog on a mat", 0),
        ("A: a dog", 0), ("The answer is B.", 1), ("Answer: A", 0), ("Option B", 1),
        ("The best caption is A.", 0), ("The correct option is\nB", 1), ("A dog.", 0),
        ("a CAT on a mat", 1), ("", None), ("A or B", None), ("Both A and B.", None),
        ("A. But perhaps the answer is B.", None), ("C", None), ("A mat.", None),
        (REFUSAL, None), ("I", None), ("The answer is not A.", None), ("Yes", None),
        ("A dog and a cat", None), ("The answer is a dog", None), ("A, B", None),
        ("A) or B)", None), ("A. a dog\nB. a cat on a mat", None), ("A. It is no cat.", 0),
    ],
)  # fmt: skip
def test_an_answer_is_read_strictly(answer: str, chosen: int | None) -> None:
    assert read_answer(answer, ["a dog", "a cat on a mat"]) == chosen


def test_a_letter_in_the_words_of_a_caption_is_no_second_one() -> None:
    captions = ["a box with the letter B", "a box with the letter C"]
    answers = ["A. a box with the letter B", "B. A box with the letter C."]
    assert [read_answer(answer, captions) for answer in answers] == [0, 1]


@pytest.mark.parametrize(
    ("answer", "same"),
    [
        ("A. a cat", "A. a dog"),
        ("(B) A dog.", "(A) A dog."),
        ("The answer is A: a cat", "The answer is A: a dog"),
        ("Answer: B. a dog", "Answer: A. a dog"),
    ],
)
def test_a_letter_before_the_caption_of_another_names_none(answer: str, same: str) -> None:
    assert read_answer(answer, ["a dog", "a cat"]) is None
    assert read_answer(same, ["a dog", "a cat"]) == 0


def test_a_question_has_a_line_per_caption() -> None:
    assert question_of(["a\nB. dog", "cat"]).splitlines()[1:3] == ["A. a B. dog", "B. cat"]


def test_of_two_equal_captions_none_is_named() -> None:
    assert read_answer("a dog", ["a dog", "a dog"]) is None


@pytest.mark.parametrize(
    ("fault", "words"),
    [("401", "HTTP 401"), ("500", "HTTP 500"), ("cut", "does not answer"),
     ("garbage", "does not answer"), ("deep", "nested too deeply"), ("shapeless", "another form")],
)  # fmt: skip
def test_faults_that_stay_are_one_error_without_the_key(
    served: tuple[str, Served], waits: list[float], shapes: Path, tmp_path: Path, fault: str,
    words: str,
) -> None:  # fmt: skip
    served[1].always = fault
    with pytest.raises(ModelError, match=words) as raised:
        evaluate(served[0], shapes, limit=4)
    assert SECRET not in str(raised.value)
    assert not holding_the_key(tmp_path)


def test_faults_that_pass_change_nothing(
    served: tuple[str, Served], waits: list[float], shapes: Path
) -> None:
    served[1].says = says
    served[1].faults = ["429, after 3", "500", "cut", "garbage", "503"]
    run = evaluate(served[0], shapes, limit=6)
    of_id = {item.id: item for item in bb.load_task("vg-relation").items(shapes)}
    for outcome in run.outcomes:
        assert outcome.scores[0].tolist() == expected(of_id[outcome.id].captions)
    assert run.environment["requests"] == 2 * len(run.outcomes)


def test_no_byte_that_is_written_or_printed_holds_the_key(
    served: tuple[str, Served], waits: list[float], shapes: Path, tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    arguments = ("eval", "--model", "api-choice:m", "--base-url", served[0], "--task",
                 "vg-relation", "--data-root", shapes, "--limit", "8", "--out",
                 tmp_path / "out")  # fmt: skip
    served[1].always = "echo"
    done = typed(*arguments)
    assert done.exit_code == 0, done.output
    served[1].always = "403"
    refused = typed(*arguments, "--fresh", "--verbose")
    assert refused.exit_code == 2
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) > 2
    assert not holding_the_key(tmp_path)
    printed = "".join((done.output, refused.output, *capfd.readouterr()))
    assert "8 items with an unreadable answer" in printed
    assert SECRET not in printed


def holding_the_key(folder: Path) -> list[Path]:
    """Files with the key in their bytes or name."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [p for p in files if SECRET.encode() in p.read_bytes() or SECRET in p.name]


def test_damaged_and_foreign_answers_are_asked_again(
    served: tuple[str, Served], shapes: Path, tmp_path: Path
) -> None:
    served[1].says = says
    first = evaluate(served[0], shapes, limit=4)
    (file,) = (tmp_path / "cache" / "answers").glob("*.jsonl")
    lines = file.read_text().splitlines()
    answered = [line for line in lines if '"key"' in line]
    record = json.loads(answered[0])
    damaged = [json.dumps({**record, "answer": {"not": "text"}}), answered[1][:20]]
    file.write_text("\n".join([lines[1], *damaged, *answered[2:]]))
    sent = len(served[1].requests)
    bb_cache = tmp_path / "cache" / "encodings"
    assert bb_cache.is_dir()
    for each in sorted(bb_cache.rglob("*"), reverse=True):
        each.unlink() if each.is_file() else each.rmdir()
    again = evaluate(served[0], shapes, limit=4)
    assert len(served[1].requests) == sent + 2
    assert again.environment["kept_answers"] == sent - 2
    for one, two in zip(first.outcomes, again.outcomes, strict=True):
        assert np.array_equal(one.scores, two.scores)


def test_the_cache_command_shows_and_removes_kept_answers(
    served: tuple[str, Served], shapes: Path
) -> None:
    evaluate(served[0], shapes, limit=4)
    assert "8 kept answers of api-choice:m:" in typed("cache", "info").output
    assert typed("cache", "clear", "--model", "api-choice:m", "--yes").exit_code == 0
    assert "kept answers" not in typed("cache", "info").output


def test_the_rate_limit_is_a_gap_between_requests(
    served: tuple[str, Served], waits: list[float], shapes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(api_client.RATE_LIMIT, "30")
    evaluate(served[0], shapes, limit=2)
    assert sorted(waits) == pytest.approx([2, 4, 6], abs=0.5), "the clock stands still here"


@pytest.mark.parametrize("task", ["coco-retrieval", "winoground"])
def test_tasks_without_a_choice_of_captions_are_refused(
    served: tuple[str, Served], task: str, winoground: Path, drawn_edition: Path
) -> None:
    root = winoground if task == "winoground" else drawn_edition
    with pytest.raises(Unsuited, match="api-choice:m chooses"):
        bb.evaluate("api-choice:m", task, data_root=root, base_url=served[0], limit=4)
    assert not served[1].requests


def test_ties_cannot_be_shared(served: tuple[str, Served], shapes: Path) -> None:
    run = evaluate(served[0], shapes, limit=4)
    with pytest.raises(UsageError, match="decisions without scores"):
        bb.scorecard(run, ties="share")
