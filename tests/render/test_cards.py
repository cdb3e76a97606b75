"""The cards of tasks and of models."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchbench.analysis.chance import chance_levels
from benchbench.cli import main
from benchbench.data.published.figure import published_figures
from benchbench.registry import load_task, task_names
from benchbench.render.card_figures import MODELS, figure_lines
from benchbench.render.cards import model_card, task_card
from benchbench.types import ModelManifest, TaskInfo
from tests.conftest import Undrawn

MANIFEST = ModelManifest(
    name="openclip:tiny/untrained",
    architecture="tiny",
    weights="random (seed 0)",
    weights_sha256="0123456789abcdef" * 4,
    trained=False,
    activation="quickgelu",
    preprocessing={
        "size": [224, 224],
        "mean": [0.5, 0.25, 0.125],
        "interpolation": "bicubic",
        "resize_mode": "squash",
    },
    tokenizer="SimpleTokenizer",
    context_length=77,
    dtype="fp32",
    parameters=1234567,
    similarity="cosine",
    settings={"captions_trimmed": True, "adapter": {"rank": None}, "note": "Read this first."},
)
PAGE = """\
openclip:tiny/untrained

UNTRAINED: random (seed 0) weights. Its numbers show that the path works.

NOTE: Read this first.

weights             random (seed 0)
weights' sha256     0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
architecture        tiny
parameters          1,234,567
activation          quickgelu
dtype               fp32
preprocessing
  size              224 × 224
  mean              0.5, 0.25, 0.125
  interpolation     bicubic
  resize_mode       squashed to size both ways, nothing is cropped
tokenizer           SimpleTokenizer
context length      77 tokens
similarity          cosine (embeddings of unit length)
logit scale         100
settings
  captions_trimmed  yes
  adapter
    rank            none
fingerprint         """


def test_a_page_is_this() -> None:
    assert model_card(MANIFEST, 100.0) == PAGE + MANIFEST.fingerprint


def test_what_there_is_none_of_is_said_or_left_out() -> None:
    bare = replace(MANIFEST, trained=True, preprocessing={}, settings={}, similarity="dot")
    page = model_card(bare, None)
    assert "UNTRAINED" not in page and "NOTE" not in page and "logit scale" not in page
    lines = dict(line.split("  ", 1) for line in page.splitlines()[2:])
    assert lines["preprocessing"].strip() == lines["settings"].strip() == "none"
    assert lines["similarity"].strip() == "dot product (embeddings as given)"


def test_long_values_are_folded() -> None:
    long = replace(MANIFEST, settings={"classes": [f"class{i}" for i in range(60)]})
    assert max(map(len, model_card(long, 1.0).splitlines())) <= 96


def test_a_card_tells_why_there_is_no_chance_level(undrawn: TaskInfo) -> None:
    assert "pass --data-root" in task_card(undrawn, chance_levels(Undrawn()))
    named = load_task("vg-relation")
    assert "not drawn yet" in " ".join(task_card(named.info, chance_levels(named)).split())
    detector = load_task("vg-relation-detection.sgdet")
    card = task_card(detector.info, chance_levels(detector))
    assert "Chance: it depends on how much the detector proposes" in card


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("BENCHBENCH_DATA", "here", r"visual_genome_relation\.json: missing"),
        ("BENCHBENCH_DATA", "nowhere", "does not exist"),
        ("BENCHBENCH_EDITION", "official", "nowhere named"),
        ("BENCHBENCH_EDITION", "secnes", "Did you mean 'scenes'"),
    ],
)
def test_a_card_is_printed_whatever_the_surroundings(
    variable: str, value: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    place = str(tmp_path / value) if variable == "BENCHBENCH_DATA" else value
    monkeypatch.setenv(variable, place)
    done = CliRunner().invoke(main, ["show", "task", "vg-relation"])
    assert done.exit_code == 0, done.output
    assert re.search(
        rf"Chance: it is computed from the items, which cannot be read\. .*{said}",
        " ".join(done.output.split()),
    )
    assert "Beware" in done.output


@pytest.mark.parametrize("typed", [["--data-root", "here"], ["--edition", "official"]])
def test_files_that_were_typed_are_the_users_own_error(
    typed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("here").mkdir()
    done = CliRunner().invoke(main, ["show", "task", "vg-relation", *typed])
    assert done.exit_code == 2
    assert "Beware" not in done.output


def test_a_card_tells_chance_levels_together(drawn_edition: Path) -> None:
    task = load_task("vg-attribution")
    card = task_card(task.info, chance_levels(task, drawn_edition))
    assert "items: none (aro-paper); 50.0 (structclip-paper, mteb-micro, micro)." in " ".join(
        card.split()
    )
    assert "aro-paper * (photographs)" in card
    assert "micro * (drawings)" in card


@pytest.mark.parametrize("name", [*task_names(), "vg-relation-detection.sgdet"])
def test_every_card_tells_how_images_are_decoded(name: str) -> None:
    card = " ".join(task_card(load_task(name).info).split())
    assert "- Images are decoded by Pillow's convert('RGB')" in card
    assert card.count("EXIF orientation of JPEG, PNG and WebP is not applied") == 1


def test_a_card_tells_where_a_metric_is_read() -> None:
    card = " ".join(task_card(load_task("vg-relation-detection").info).split())
    assert "R@10 (drawings), R@20, R@50, R@100 (photographs): mean over images" in card
    assert "mR@10 (drawings), mR@20 * (drawings), mR@50 * (photographs)" in card
    assert "mR@K counts a predicate without a relation among these images as 0" in card
    card = " ".join(task_card(load_task("vg-relation-detection.predicate").info).split())
    assert "macro@1 *, macro@5: " in card
    assert "macro@K is over the predicates that some relation of these images has" in card


def test_published_figures_are_quoted_with_their_source() -> None:
    """Every figure of both models is there, as printed; a task without any has no such block."""
    card = " ".join(task_card(load_task("vg-relation").info).split())
    assert "NegCLIP (ViT-B/32): 81 (Yüksekgönül et al. 2023" in card
    figures = [each for each in published_figures() if each.task == "winoground"]
    lines = figure_lines(load_task("winoground").info)
    quoted = [each for each in figures if each.model.key in MODELS]
    assert len(lines) == len({(f.metric, f.model, f.source, f.where) for f in quoted}) >= 9
    assert all(any(f"{f.printed}" in line for line in lines) for f in quoted)
    assert [line.partition(",")[0] for line in lines] == sorted(
        (f.metric for f in quoted), key=["text", "image", "group"].index
    )
    assert figure_lines(load_task("naturalbench").info) == []
    assert "Published, in percent" not in task_card(load_task("naturalbench").info)
