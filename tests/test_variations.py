"""Variations against plain loops with edited captions, crops and resizing; what is encoded."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from torch.nn.functional import normalize
from torchvision.transforms.functional import InterpolationMode, pil_to_tensor, resize, to_pil_image

from benchbench.analysis.comparison import compare
from benchbench.analysis.leaderboard import leaderboard
from benchbench.analysis.scorecard import scorecard
from benchbench.errors import NotComparable, Unsuited, UsageError
from benchbench.evaluation import evaluate
from benchbench.registry import load_model, load_task
from benchbench.render.publication import publish
from benchbench.runs import read_run, run_path
from benchbench.types import Claim, Entry, Gallery, ImageRef, Item, Paraphrases
from benchbench.variations import _resized, parse_variation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchbench.types import Run, TaskInfo

    Edit = Callable[[str], str]
    Pixels = Callable[[Image.Image], Image.Image]

SIDE = 32
"""The tiny model's input; it takes the shorter side to it, by bicubic interpolation."""


def plain_loop(
    items: list[Item], edit: Edit, pixels: Pixels, *, crop: bool
) -> Iterator[np.ndarray]:
    """Scores by open_clip alone, of edited captions and images."""
    torch.manual_seed(0)
    model, _, transform = open_clip.create_model_and_transforms("tiny")
    tokenizer = open_clip.get_tokenizer("tiny")
    model.eval()
    with torch.no_grad():
        for item in items:
            ref = item.images[0]
            shown = Image.open(ref.path).convert("RGB")
            shown = pixels(shown.crop(ref.box) if crop and ref.box else shown)
            image = normalize(model.encode_image(transform(shown)[None]), dim=-1)
            texts = tokenizer([edit(caption) for caption in item.captions])
            text = normalize(model.encode_text(texts), dim=-1)
            yield (image @ text.T).numpy()


def same(thing: Any) -> Any:
    return thing


def bilinear(image: Image.Image) -> Image.Image:
    """By torchvision on the image, which is what open_clip's own transform does."""
    found: Image.Image = resize(image, SIDE, InterpolationMode.BILINEAR)
    return found


def aliased(image: Image.Image) -> Image.Image:
    """By torchvision on a tensor, without antialiasing."""
    found = resize(pil_to_tensor(image), SIDE, InterpolationMode.BILINEAR, antialias=False)
    shown: Image.Image = to_pil_image(found)
    return shown


@pytest.mark.parametrize(
    ("name", "edition", "edit", "pixels", "crop"),
    [
        ("template=a photo of {}", "template-f370c155", "a photo of {}".format, same, True),
        ("stop=added", "stop-added", "{}.".format, same, True),
        ("crop=off", "crop-off", same, same, False),
        ("resize=bilinear", "resize-bilinear", same, bilinear, True),
        ("resize=bilinear-aliased", "resize-bilinear-aliased", same, aliased, True),
    ],
)
def test_scores_equal_a_plain_loop_over_edited_inputs(
    tiny: str, shapes: Path, name: str, edition: str, edit: Edit, pixels: Pixels, crop: bool
) -> None:
    run = evaluate(tiny, "vg-relation", data_root=shapes, variation=name)
    items = list(load_task("vg-relation").items(shapes))
    # torchvision rounds tensors of whole numbers by itself: one level of 255 at most.
    near = 2e-3 if name.endswith("aliased") else 1e-5
    for found, expected in zip(
        run.outcomes, plain_loop(items, edit, pixels, crop=crop), strict=True
    ):
        assert found.scores == pytest.approx(expected, abs=near)
    assert run.edition.endswith(f"+{edition}")
    assert run.settings["variation"] == name


@dataclass
class Task:
    """A task with these items."""

    kept: list[Any]
    info: TaskInfo = field(default_factory=lambda: load_task("vg-relation").info)

    def items(self, root: Path) -> list[Any]:
        return self.kept


@pytest.mark.parametrize(
    ("name", "text", "varied"),
    [
        ("template=a picture: {}!", "a dog", "a picture: a dog!"),
        ("case=lower", "A Dog in UTRECHT.", "a dog in utrecht."),
        ("stop=added", "A dog", "A dog."),
        ("stop=added", "A dog ", "A dog."),
        ("stop=added", "A dog!", "A dog!"),
        ("stop=removed", "A dog.", "A dog"),
        ("stop=removed", "A dog ...", "A dog"),
        ("stop=removed", "A dog", "A dog"),
        ("stop=removed", "...", "..."),
    ],
)
def test_captions_are_edited_in_every_kind_of_item(name: str, text: str, varied: str) -> None:
    ref, gallery = ImageRef(Path("a.png")), Gallery("g", captions=(text, "z"))
    items = [
        Item("1", (ref,), ("x", text), (1,), "c"),
        Paraphrases("2", ref, (text, "x"), (text,), "c"),
        Claim("3", ref, text, True, "c"),
        Entry("4", ref, (text,), "c", gallery, also=("x",), asks=(text,), false=(text,)),
        Entry("5", ref, (text,), "c", gallery),
    ]

    variation = parse_variation(name)
    if text == varied:
        with pytest.raises(Unsuited, match="it changes no item"):
            variation.task(Task(items[2:3])).items(Path())
        return
    one, two, three, four, five = variation.task(Task(items)).items(Path())
    assert (one.captions[1], two.true[0], two.false, three.caption) == (
        varied, varied, (varied,), varied
    )  # fmt: skip
    assert (four.captions, four.asks, four.false) == ((varied,),) * 3
    assert four.gallery.captions[0] == varied
    assert four.gallery is five.gallery, "entries of one gallery share it"
    assert [each.id for each in (one, two, three, four, five)] == list("12345")


def test_a_gallery_is_not_taken_for_an_earlier_one_that_is_gone() -> None:
    change = parse_variation("stop=added").task(Task([])).change  # type: ignore[attr-defined]
    ref = ImageRef(Path("a.png"))
    seen: set[int] = set()
    for i in range(1000):
        gallery = Gallery("g", captions=(f"a {i}", "b"))
        entry = Entry("1", ref, (f"a {i}",), "c", gallery)
        seen.add(id(gallery))
        assert change(entry).gallery.captions == (f"a {i}.", "b.")
        del gallery, entry
    assert len(seen) == 1000, "no gallery was freed, so that another could get its identity"


def test_what_a_setting_does_not_touch_is_not_encoded_again(tiny: str, shapes: Path) -> None:
    plain = evaluate(tiny, "vg-relation", data_root=shapes)
    images, captions = plain.counts.pictures, plain.counts.captions
    assert plain.inputs == images + captions
    for name, kept in (
        ("stop=added", images), ("crop=off", captions), ("resize=bilinear", captions),
    ):  # fmt: skip
        run = evaluate(tiny, "vg-relation", data_root=shapes, variation=name)
        assert run.resumed_inputs == kept, name
    again = evaluate(tiny, "vg-relation", data_root=shapes)
    assert again.resumed_inputs == again.inputs
    for one, two in zip(plain.outcomes, again.outcomes, strict=True):
        assert np.array_equal(one.scores, two.scores)


def test_the_models_own_filter_before_its_transform_changes_nothing(tiny: str) -> None:
    model = load_model(tiny)
    pixels = np.random.default_rng(0).integers(0, 256, (75, 190, 3), np.uint8)
    for each in (Image.fromarray(pixels), Image.fromarray(pixels.transpose(1, 0, 2).copy())):
        resized = _resized(each, SIDE, "bicubic")
        assert torch.equal(model.transform(each), model.transform(resized))
    with pytest.raises(Unsuited, match="the model itself resizes images in this way"):
        parse_variation("resize=bicubic").model(model)


@pytest.fixture
def two(tiny: str, shapes: Path, tmp_path: Path) -> tuple[Run, Run, Path]:
    """A plain run, a varied one and the folder with both."""
    out = tmp_path / "runs"
    runs = [
        evaluate(tiny, "vg-relation", data_root=shapes, out=out, variation=name)
        for name in ("", "resize=bilinear")
    ]
    return runs[0], runs[1], out


def test_a_varied_run_is_never_taken_for_the_plain_one(
    two: tuple[Run, Run, Path], tmp_path: Path
) -> None:
    plain, varied, out = two
    assert varied.edition == f"{plain.edition}+resize-bilinear"
    assert varied.model.preprocessing["resized_before"] == "bilinear"
    assert varied.model.fingerprint != plain.model.fingerprint
    paths = [run_path(run, out) for run in (plain, varied)]
    assert paths[0].parent != paths[1].parent
    read = read_run(paths[1])
    assert read.seal and (read.edition, read.settings) == (varied.edition, varied.settings)
    with pytest.raises(NotComparable, match=r"edition: .* are compared by benchbench sweep"):
        compare(plain, varied)
    with pytest.raises(UsageError, match="one task and edition"):
        leaderboard([plain, varied])
    with pytest.raises(UsageError, match="is not published"):
        publish([varied], tmp_path / "boards")
    assert "VARIED: the items were shown with resize=bilinear" in str(scorecard(varied))
    assert "VARIED" not in str(scorecard(plain))


@pytest.mark.parametrize(
    "typed",
    ["case=upper", "case", "lower", "template=a photo", "template={}{}", "template={}",
     "template=a\n{}", "stop=", "crop=on", "resize=lanczos", "resize=nearest-aliased", "=", "x=y"],
)  # fmt: skip
def test_other_settings_are_refused(typed: str) -> None:
    with pytest.raises(UsageError, match="is not a setting"):
        parse_variation(typed)


def test_a_setting_without_effect_is_refused(tiny: str, shapes: Path, sugarcrepe: Path) -> None:
    for name, task, root in (
        ("case=lower", "vg-relation", shapes),
        ("crop=off", "sugarcrepe", sugarcrepe),
    ):
        with pytest.raises(Unsuited, match=f"{name} does not apply: it changes no item"):
            evaluate(tiny, task, data_root=root, variation=name)
    with pytest.raises(Unsuited, match="the model reads no images"):
        evaluate("blind:constant", "vg-relation", data_root=shapes, variation="resize=bilinear")


def test_a_retrieval_task_searches_the_varied_captions(tiny: str, drawn_edition: Path) -> None:
    run = evaluate(tiny, "coco-retrieval", data_root=drawn_edition, variation="stop=added")
    plain = evaluate(tiny, "coco-retrieval", data_root=drawn_edition)
    assert run.counts.captions == plain.counts.captions
    assert run.resumed_inputs == 0
    assert plain.resumed_inputs == plain.counts.pictures
