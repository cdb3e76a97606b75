"""Models behind a server: the documented format, from a server on this machine with faults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import benchbench as bb
from benchbench.adapters import api_client
from benchbench.errors import ModelError, UsageError
from benchbench.registry import load_model
from benchbench.testing import check_model
from benchbench.types import LoadOptions
from tests.adapters.api_server import SECRET, Served, right, tokens
from tests.cli.test_cli import typed


def scorer(url: str) -> Any:
    return load_model("api:some/model", LoadOptions(base_url=url))


def image(side: int = 8) -> Image.Image:
    return Image.new("RGB", (side, side), (10, 200, 30))


def test_contract(served: tuple[str, Served]) -> None:
    check_model(scorer(served[0]))


def test_a_score_is_log_p_yes_over_the_ways_to_write_it(served: tuple[str, Served]) -> None:
    model = scorer(served[0])
    captions = ["a red dog", 'a "quoted" cat', "ein Fußgänger"]
    scores = model.score([model.transform(image())] * 3, model.tokenize(captions))
    assert scores.tolist() == pytest.approx([right(each) for each in captions], rel=1e-6)
    body, key = served[1].requests[0]
    assert key == f"Bearer {SECRET}"
    assert body["model"] == "some/model"
    assert (body["max_tokens"], body["temperature"], body["logprobs"]) == (1, 0, True)
    assert model.spent == {
        "requests": 3, "kept_answers": 0, "prompt_tokens": 90, "completion_tokens": 3, "bounded": 0
    }  # fmt: skip
    model.score([model.transform(image())], ["a red dog"])
    assert len(served[1].requests) == 3, "an answer is kept"


def test_without_yes_among_the_tokens_the_score_is_a_bound(served: tuple[str, Served]) -> None:
    served[1].always = "unsure"
    model = scorer(served[0])
    (score,) = model.score([model.transform(image())], ["a dog"]).tolist()
    least = min(each["logprob"] for each in tokens("a dog")[3:])
    assert score == pytest.approx(least)
    assert model.spent["bounded"] == 1


def test_faults_that_pass_are_waited_for(served: tuple[str, Served], waits: list[float]) -> None:
    served[1].faults = ["503", "cut", "garbage", "500", "429, after 40"]
    model = scorer(served[0])
    (score,) = model.score([model.transform(image())], ["a dog"]).tolist()
    assert score == pytest.approx(right("a dog"))
    assert waits == pytest.approx([1, 2, 4, 8, 40], abs=0.5), "twice as long, or Retry-After"
    assert model.spent["requests"] == 1


@pytest.mark.parametrize(
    ("fault", "requests", "words"),
    [
        ("401", 1, "HTTP 401"),
        ("404", 1, "HTTP 404"),
        ("500", api_client.ATTEMPTS, "HTTP 500"),
        ("cut", api_client.ATTEMPTS, "does not answer"),
        ("garbage", api_client.ATTEMPTS, "does not answer"),
        ("silent", 1, "no log-probabilities"),
    ],
)
def test_others_are_one_error_without_the_key(
    served: tuple[str, Served], waits: list[float], fault: str, requests: int, words: str
) -> None:
    served[1].always = fault
    model = scorer(served[0])
    with pytest.raises(ModelError, match=words) as raised:
        model.score([model.transform(image())], ["a dog"])
    assert SECRET not in str(raised.value)
    assert len(served[1].requests) == requests
    assert len(waits) == max(0, requests - 1)


def test_a_run_resumes_from_the_store_and_no_file_holds_the_key(
    served: tuple[str, Served], shapes: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = ("eval", "--model", "api:m", "--base-url", served[0], "--task", "vg-relation",
                 "--data-root", shapes, "--limit", "8", "--out", out)  # fmt: skip
    done = typed(*arguments)
    assert done.exit_code == 0, done.output
    sent = len(served[1].requests)
    run = bb.read_run(next(out.rglob("*.parquet")))
    for item, outcome in zip(_items(shapes, run), run.outcomes, strict=True):
        expected = [right(caption) for caption in item.captions]
        assert outcome.scores.ravel().tolist() == pytest.approx(expected, rel=1e-6)
    assert run.environment["prompt_tokens"] == 30 * sent
    again = typed(*arguments)
    assert again.exit_code == 0, again.output
    assert len(served[1].requests) == sent, "every answer is kept"
    fresh = typed(*arguments, "--fresh")
    assert fresh.exit_code == 0, fresh.output
    assert len(served[1].requests) == 2 * sent
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) > 1
    assert not [path for path in written if SECRET.encode() in path.read_bytes()]
    printed = "".join((done.output, again.output, *capfd.readouterr()))
    assert SECRET not in printed


def _items(root: Path, run: bb.Run) -> list[Any]:
    of_id = {item.id: item for item in bb.load_task("vg-relation").items(root)}
    return [of_id[outcome.id] for outcome in run.outcomes]


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("api:m", None), ("api:", "http://a/v1"), ("api:m", "ftp://a"), ("api:m", "x"),
        ("api:m", "https://user:word@a/v1"), ("api:m", "http://[::1/v1"),
        ("api:m", "http://a/v1?key=1"),
    ],
)  # fmt: skip
def test_other_addresses_are_refused(
    name: str, url: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(api_client.BASE_URL, raising=False)
    with pytest.raises(UsageError, match="--base-url"):
        load_model(name, LoadOptions(base_url=url))


def test_the_address_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(api_client.BASE_URL, "http://127.0.0.1:1/v1/")
    assert load_model("api:m").manifest.weights == "http://127.0.0.1:1/v1"
