"""Rankings as text and as JSON; what comes from data files cannot command a terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from benchbench.analysis.rankings import Candidate, Ranking, Rankings
from benchbench.printable import json_text
from benchbench.render.rankings import record
from tests.analysis.example_runs import changed, made
from tests.cli.hostile import OBEYED, UNSAFE
from tests.cli.test_cli import typed

if TYPE_CHECKING:
    from pathlib import Path

TRUE = Candidate("a dog chases a cat", "", 0.25, is_true=True)
FALSE = Candidate("a cat chases a dog", "", 0.5, is_true=False)
OF_IMAGE = Ranking("7", "", "7.jpg", 1200, 11, 2, TRUE, (FALSE, FALSE))
DOG = Candidate("a dog", "8.jpg (0, 0, 9, 9)", 1.0, is_true=True)
OTHER = Candidate("b", "9.jpg", -0.125, is_true=False)
OF_CAPTION = Ranking("8", "a dog", "", 300, 0, 0, DOG, (DOG, OTHER))


def rankings(*of: Ranking, worst: bool = True) -> Rankings:
    run = changed(made("clip", 0.5), task="coco-retrieval")
    return Rankings(run, 1500, worst, of, 60, 59)


def test_each_query_has_its_candidates_and_its_first_true_answer() -> None:
    assert (
        str(rankings(OF_IMAGE, OF_CAPTION))
        == """\
coco-retrieval@custom-made-00000000  ·  clip  ·  the 2 worst of 1,500 queries

image 7.jpg (entry 7): place 14 of 1,200 captions, 2 tied
       1     0.5000  'a cat chases a dog'
       2     0.5000  'a cat chases a dog'
      14 *   0.2500  'a dog chases a cat'

caption 'a dog' (entry 8): place 1 of 300 images
       1 *   1.0000  8.jpg (0, 0, 9, 9)  'a dog'
       2    -0.1250  9.jpg  'b'

* true. A place is that of the first true answer, behind the false candidates that tie with it.
  An image stands with its first caption.
59 of 60 encodings were stored."""
    )
    assert str(rankings(OF_IMAGE)).splitlines()[0].endswith("  ·  the worst of 1,500 queries")
    named = str(rankings(OF_IMAGE, worst=False)).splitlines()[0]
    assert named.endswith("  ·  1 of 1,500 queries")


def test_names_and_captions_are_escaped_and_cut() -> None:
    bad = Candidate(OBEYED + "x" * 999, OBEYED, 0.0, is_true=False)
    text = str(rankings(Ranking(OBEYED, "", OBEYED, 2, 1, 0, bad, (bad,))))
    assert not UNSAFE.search(text)
    assert max(map(len, text.splitlines())) < 300


def test_the_record_has_all_fields(tmp_path: Path) -> None:
    found = json.loads(json_text(record(rankings(OF_IMAGE, OF_CAPTION))))
    assert (found["task"], found["model"], found["queries"]) == ("coco-retrieval", "clip", 1500)
    first, second = found["rankings"]
    assert first["image"] == "7.jpg"
    assert "caption" not in first
    assert (first["place"], first["better"], first["tied"]) == (14, 11, 2)
    assert first["first_true"] == {"caption": "a dog chases a cat", "score": 0.25, "true": True}
    assert second["best"][1] == {"image": "9.jpg", "caption": "b", "score": -0.125, "true": False}


def test_the_command_prints_the_same_as_the_library(
    tiny: str, drawn_edition: Path, tmp_path: Path
) -> None:
    from benchbench.analysis.rankings import rank_queries
    from benchbench.evaluation import evaluate

    path = tmp_path / "run.parquet"
    run = evaluate(tiny, "coco-retrieval", data_root=drawn_edition, limit=6, out=path)
    files = ["--data-root", str(drawn_edition)]
    done = typed("show", "rankings", str(path), "--worst", "3", "-k", "2", *files)
    found = rank_queries(run, n=3, k=2, data_root=drawn_edition)
    assert done.stdout == f"{found}\n"
    way = typed("show", "rankings", str(path), "--direction", "image-to-text", "--json", *files)
    shown = json.loads(way.stdout)
    assert len(shown["rankings"]) == 5
    assert all("image" in each for each in shown["rankings"])
