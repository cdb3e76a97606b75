"""Runs whose names hold what a terminal, a page or a spreadsheet would obey."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from benchbench.cli.boards import FORMATS
from benchbench.runs import write_run
from tests.analysis.example_runs import changed, made
from tests.cli.hostile import FAKE, UNSAFE, WORDS, lines, problems, typed

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.types import Run

NAMES = {
    **{kind: word for kind, word in WORDS.items() if word.strip() and kind != "surrogate"},
    "formula": "=HYPERLINK(1)",
    "at": "@sum",
    "plus": "+1+2",
    "minus": "-2+3|cmd",
    "link": "](https://example.org) [x](javascript:y)",
    "fence": f"x\n~~~~\n```\n{FAKE}",
    "row": "a | b\n| c | d |",
    "tex": r"\input{/etc/passwd}$^_&%#{~",
    "script": "</title><script>x</script>'\"",
    "workflow": f"x\n::error::{FAKE}\n{FAKE}",
}  # fmt: skip


def hostile(word: str, name: str, accuracy: float) -> Run:
    """Return a run in which everything that is a name holds this word."""
    run = made(name, accuracy, n=90)
    outcomes = tuple(
        replace(
            each,
            id=f"{word}{each.id}",
            cluster=f"{word}{each.cluster}",
            tags={"relation": f"{word} {each.tags['relation']}", f"x{word}": word},
        )
        for each in run.outcomes
    )
    settings = {"note": f"{word} note", word: {word: [word]}, "chosen_on": []}
    model = replace(
        run.model, name=f"{word}{name}", weights=word, architecture=word, tokenizer=word,
        preprocessing={"size": 64, word: word}, settings=settings,
    )  # fmt: skip
    return changed(
        run, model=model, edition=f"{word}edition", outcomes=outcomes, unreadable={word: word},
        skipped=(word,), environment={word: word}, settings={**run.settings, "batch_size": word},
        counts=replace(run.counts, skipped=1, items_in_edition=91),
    )  # fmt: skip


@pytest.fixture(params=sorted(NAMES))
def runs(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str, str]:
    """The word, and files of two runs with it."""
    word = NAMES[request.param]
    paths = [
        write_run(hostile(word, name, accuracy), tmp_path / f"{name}.parquet")
        for name, accuracy in (("a", 0.5), ("b", 0.7))
    ]
    return word, str(paths[0]), str(paths[1])


def printed(*arguments: str) -> str:
    """Return what a command prints that succeeds, and keeps what it owes."""
    done = typed(arguments)
    assert not problems(done, (0, 1)), done.output[:3000]
    return done.stdout


def test_a_terminal_shows_names_and_obeys_none(runs: tuple[str, str, str]) -> None:
    word, a, b = runs
    printed("show", "run", a)
    printed("show", "run", a, "--by", "relation", "--manifest")
    printed("compare", a, b, "--by", "relation")
    printed("compare", a, b, "--by", f"x{word}")
    printed("leaderboard", a, b)
    gate = ("gate", "--candidate", b, "--baseline", a, "--fail-if")
    printed(*gate, "vg-relation.macro < baseline - 1pp")
    printed(*gate, "vg-relation.macro by relation < baseline - 1pp")


@pytest.mark.parametrize("kind", FORMATS)
def test_a_board_in_any_format_is_no_more_than_its_text(
    kind: str, runs: tuple[str, str, str]
) -> None:
    text = printed("leaderboard", *runs[1:], "--format", kind)
    if kind == "html":
        assert "<b>" not in text and "<script>x" not in text
    if kind == "markdown":
        assert is_tame(text)
    if kind == "latex":
        assert "\\input" not in text
    if kind == "csv":
        assert {row["model"].lstrip("'") for row in rows(text)}
        assert not [cell for row in rows(text) for cell in row.values() if is_formula(cell)]
    if kind == "json":
        assert json.loads(text)[0]["model"] in {f"{runs[0]}{name}" for name in "ab"}


def test_reports_and_pages_are_no_more_than_their_text(
    runs: tuple[str, str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    word, a, b = runs
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    reports = [tmp_path / f"report{suffix}" for suffix in (".xml", ".md", ".json")]
    flips = tmp_path / "flips.csv"
    asked = [word for path in reports for word in ("--report", str(path))]
    condition = "vg-relation.macro by relation < baseline - 1pp"
    printed("gate", "--candidate", b, "--baseline", a, "--fail-if", condition, *asked)
    printed("compare", a, b, "--flips", str(flips))
    assert not [cell for row in rows(flips.read_text("utf-8")) for cell in row.values()
                if is_formula(cell)]  # fmt: skip
    for path in (*reports[:2], summary, flips):
        assert not UNSAFE.search(path.read_text("utf-8")), path.name
    for path in (reports[1], summary):
        assert is_tame(path.read_text("utf-8"))
    assert json.loads(reports[2].read_text("utf-8"))["runs"][0]["edition"] == f"{word}edition"


def test_what_is_published_is_no_more_than_its_text(
    runs: tuple[str, str, str], tmp_path: Path
) -> None:
    word, *_ = runs
    found = []
    for name, accuracy in (("a", 0.5), ("b", 0.7)):
        run = changed(hostile(word, name, accuracy), edition="custom-made", skipped=())
        run = changed(run, counts=made(name, accuracy, n=90).counts, unreadable={})
        found.append(str(write_run(run, tmp_path / f"{name}.parquet")))
    to = tmp_path / "boards"
    done = typed(["publish", *found, "--to", str(to)])
    assert not problems(done, (0, 2)), done.output[:3000]
    for page in to.rglob("*.md"):
        text = page.read_text("utf-8")
        assert not UNSAFE.search(text), page
        assert is_tame(text.partition("```json")[0])
    for page in to.rglob("*.svg"):
        assert "<b>" not in page.read_text("utf-8") and "<script" not in page.read_text("utf-8")
    if done.exit_code == 0:
        assert not problems(typed(["publish", "--to", str(to), "--check"]), (0,))


def rows(text: str) -> list[dict[str, str]]:
    """Return a CSV table's rows."""
    return list(csv.DictReader(io.StringIO(text)))


def is_formula(cell: str) -> bool:
    """Return whether a spreadsheet would compute a cell; a number is none."""
    try:
        float(cell)
    except ValueError:
        return cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    return False


def is_tame(text: str) -> bool:
    """Return whether markdown holds no tag, link, line or fence of a hostile name's making."""
    text = re.sub(r"(?<!\\)`[^`\n]*`", "", text)  # in a span of code nothing is obeyed
    made = re.search(r"<b>|<script|(?<!\\)\]\((https|javascript)", text)
    return made is None and not any(line.startswith(FAKE) for line in lines(text))


@pytest.mark.parametrize("value", [None, [], {}, 1.5, " ", True, [[]], {"a": []}, float("nan")])
def test_a_header_of_wrong_types_is_refused_or_read(value: object, tmp_path: Path) -> None:
    """Of the format without a seal: what is sealed cannot be changed."""
    path = write_run(made("a", 0.5, n=90), tmp_path / "a.parquet")
    table = pq.ParquetFile(path).read()
    header = json.loads(table.schema.metadata[b"benchbench"])
    del header["seal"]
    header["format"] = 1
    found = []
    for way in [(key,) for key in header] + [("model", key) for key in header["model"]]:
        changed = json.loads(json.dumps(header))
        place = changed["model"] if len(way) > 1 else changed
        place[way[-1]] = value
        new = table.replace_schema_metadata({b"benchbench": json.dumps(changed).encode()})
        pq.write_table(new, path)
        done = typed(["show", "run", str(path), "--manifest"])
        found += [f"{way}: {each}" for each in problems(done, (0, 2))]
    assert not found, "\n".join(found)
