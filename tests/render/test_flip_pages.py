"""Pages of flips follow from runs and stored captions, and show captions as text."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import benchbench as bb
from benchbench.errors import RunError, UsageError
from benchbench.render.flip_pages import _captions
from benchbench.render.publication import publish, publish_flips, refresh
from benchbench.types import ImageRef, Item
from tests.analysis.example_runs import changed, made
from tests.cli.test_cli import typed

if TYPE_CHECKING:
    from benchbench.types import Run


def runs_of(root: Path) -> tuple[Run, Run]:
    """Two runs on the drawn SugarCrepe items; the second has the even items right, one in three of
    the others."""
    run = bb.evaluate("blind:length", "sugarcrepe", data_root=root, without_images=True)
    pair = []
    for name, every in (("a", 3), ("b", 2)):
        outcomes = tuple(
            replace(o, scores=abs(o.scores) * 0 + ([[1, 0]] if i % every == 0 else [[0, 1]]))
            for i, o in enumerate(run.outcomes)
        )
        outcomes = tuple(replace(o, scores=o.scores.astype("float32")) for o in outcomes)
        pair.append(changed(run, outcomes=outcomes, model=made(name, 0.5).model))
    return pair[0], pair[1]


@pytest.fixture
def boards(sugarcrepe: Path, tmp_path: Path) -> Path:
    publish(runs_of(sugarcrepe), tmp_path / "boards")
    return tmp_path / "boards"


def test_a_page_counts_as_a_plain_loop_does(boards: Path, sugarcrepe: Path) -> None:
    stored = publish_flips("sugarcrepe", ("a", "b"), boards, sugarcrepe)
    refresh(boards)
    page = stored.with_suffix(".md").read_text("utf-8")
    a, b = runs_of(sugarcrepe)
    flips: dict[str, list[int]] = {}
    for one, two in zip(a.outcomes, b.outcomes, strict=True):
        before, after = (o.scores[0, 0] > o.scores[0, 1] for o in (one, two))
        row = flips.setdefault(one.tags["subset"], [0, 0, 0])
        row[0] += 1
        row[1] += bool(after and not before)
        row[2] += bool(before and not after)
    for name, (n, gained, lost) in flips.items():
        assert f"| {name} | {n} | {gained} | {lost} |" in page
    of = {item.id: item for item in bb.load_task("sugarcrepe").items(sugarcrepe)}
    for name, texts in json.loads(stored.read_text("utf-8"))["captions"].items():
        assert texts["true"] == [of[name].captions[0]]
        assert texts["false"] == [of[name].captions[1]]
        assert f"({name})" in page.replace("\\_", "_")
    board = (stored.parent.parent / "sugarcrepe.md").read_text("utf-8")
    assert f"](flips/{stored.stem}.md)" in board
    assert refresh(boards, check=True) == []


def test_hostile_captions_are_text(boards: Path, sugarcrepe: Path) -> None:
    stored = publish_flips("sugarcrepe", ("a", "b"), boards, sugarcrepe)
    record = json.loads(stored.read_text("utf-8"))
    first = next(iter(record["captions"].values()))
    first["true"] = ["<script>x</script> [a](b) `c` \x1b[31m\nend"]
    stored.write_text(json.dumps(record), "utf-8")
    refresh(boards)
    page = stored.with_suffix(".md").read_text("utf-8")
    assert "<script" not in page
    assert "\x1b" not in page
    assert "&lt;script>x&lt;/script> [a\\](b) \\`c\\`" in page


def test_what_is_missing_is_named(boards: Path, sugarcrepe: Path) -> None:
    with pytest.raises(UsageError, match=r"c has no published run on sugarcrepe\. Published: a, b"):
        publish_flips("sugarcrepe", ("a", "c"), boards, sugarcrepe)
    with pytest.raises(UsageError, match="its protocol is retrieval"):
        publish_flips("coco-retrieval", ("a", "b"), boards)
    stored = publish_flips("sugarcrepe", ("a", "b"), boards, sugarcrepe)
    record = json.loads(stored.read_text("utf-8"))
    record["captions"].popitem()
    stored.write_text(json.dumps(record), "utf-8")
    with pytest.raises(RunError, match=r"has no captions of .* which flips now"):
        refresh(boards, check=True)
    stored.write_text(json.dumps({**record, "models": ["a", "gone"]}), "utf-8")
    with pytest.raises(RunError, match="not both published"):
        refresh(boards, check=True)
    stored.unlink()
    assert stored.with_suffix(".md") not in refresh(boards)


def test_the_command(boards: Path, sugarcrepe: Path) -> None:
    words = ("publish", "--to", boards, "--flips", "sugarcrepe", "a", "b")
    done = typed(*words, "--data-root", sugarcrepe)
    assert done.exit_code == 0, done.output
    assert "sugarcrepe--a--b.json" in done.stdout
    assert typed("publish", "--to", boards, "--check").exit_code == 0
    assert typed(*words, "--check").exit_code == 2


def test_an_image_without_a_caption_makes_none_true() -> None:
    images = tuple(ImageRef(Path(f"{i}.jpg")) for i in range(2))
    item = Item("0", images, ("a cat", "a dog"), target=(0, -1), cluster="0", tags={})
    shown = _captions(item)
    assert (shown["true"], shown["false"]) == (["a cat"], ["a dog"])
