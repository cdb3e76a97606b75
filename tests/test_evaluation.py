"""The spine: against a plain loop, under limits, with bad images, interrupted and resumed."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from torch.nn.functional import normalize

from benchbench.adapters.blind import BlindEncoder
from benchbench.errors import (
    ContractError,
    DataError,
    ImageError,
    MissingData,
    ModelError,
    UsageError,
)
from benchbench.evaluation import evaluate
from benchbench.registry import load_task
from benchbench.subsets import draw_clusters
from benchbench.types import ImageRef, Item

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchbench.adapters.openclip import OpenClip
    from benchbench.types import Role, Run


KINDS = ("oriented", "transparent", "animated", "deep")


def plain_loop(architecture: str, items: list[Item]) -> Iterator[np.ndarray]:
    """Scores by open_clip alone: one item after the other, full context, nothing shared."""
    torch.manual_seed(0)
    model, _, transform = open_clip.create_model_and_transforms(architecture)
    tokenizer = open_clip.get_tokenizer(architecture)
    model.eval()
    with torch.no_grad():
        for item in items:
            ref = item.images[0]
            pixels = transform(Image.open(ref.path).convert("RGB").crop(ref.box))
            image = normalize(model.encode_image(pixels[None]), dim=-1)
            text = normalize(model.encode_text(tokenizer(list(item.captions))), dim=-1)
            yield (image @ text.T).numpy()


def scores(run: Run) -> np.ndarray:
    """All score matrices, one below the other."""
    return np.concatenate([o.scores for o in run.outcomes])


def first_image(root: Path) -> Path:
    """The image of the first item."""
    records = json.loads((root / "visual_genome_relation.json").read_text())
    return root / "images" / str(records[0]["image_path"])


def test_scores_equal_a_plain_loop(tiny: str, shapes: Path) -> None:
    run = evaluate(tiny, "vg-relation", data_root=shapes)
    items = list(load_task("vg-relation").items(shapes))
    for found, expected in zip(run.outcomes, plain_loop("tiny", items), strict=True):
        assert found.scores == pytest.approx(expected, abs=1e-5)


def test_scores_equal_a_plain_loop_on_photographs(tiny: str, vrd: Path) -> None:
    run = evaluate(tiny, "vg-relation", data_root=vrd, limit=200)
    kept = {o.id for o in run.outcomes}
    items = [item for item in load_task("vg-relation").items(vrd) if item.id in kept]
    assert len(items) > 150
    for found, expected in zip(run.outcomes, plain_loop("tiny", items), strict=True):
        assert found.scores == pytest.approx(expected, abs=1e-5)


def test_counts_on_photographs_are_exact(vrd: Path) -> None:
    items = load_task("vg-relation").items(vrd)
    assert len(items) == 5300
    assert len({item.cluster for item in items}) == 934
    assert len({ref for item in items for ref in item.images}) == 3865
    assert len({text for item in items for text in item.captions}) == 3648
    assert len({item.tags["relation"] for item in items}) == 46
    first, tenth, last = items[0], items[9], items[-1]
    assert first.captions == ("the clock is on the post", "the post is on the clock")
    assert first.images[0].box == (344, 118, 382, 211)
    assert (tenth.id, last.id) == ("9", "5299")


def test_a_run_counts_what_went_into_it(tiny: str, shapes: Path) -> None:
    run = evaluate(tiny, "vg-relation", data_root=shapes)
    counts = run.counts
    assert (counts.items, counts.images, counts.pictures, counts.clusters) == (72, 36, 36, 36)
    assert counts.captions == 72
    assert (counts.skipped, counts.truncated_captions, counts.overhanging_crops) == (0, 0, 0)
    assert not run.partial
    assert run.edition.startswith("custom-shapes0-")


def test_the_same_inputs_give_the_same_numbers(
    tiny: str, tiny_model: OpenClip, shapes: Path
) -> None:
    runs = [evaluate(m, "vg-relation", data_root=shapes) for m in (tiny, tiny, tiny_model)]
    assert np.array_equal(scores(runs[0]), scores(runs[1]))
    assert np.array_equal(scores(runs[0]), scores(runs[2]))
    assert runs[0].data_sha256 == runs[1].data_sha256
    other = evaluate(tiny, "vg-relation", data_root=shapes, seed=1)
    assert not np.array_equal(scores(runs[0]), scores(other))
    assert other.model.fingerprint != runs[0].model.fingerprint


def test_what_decoding_leaves_out_is_counted_and_changes_nothing(tiny: str, copied: Path) -> None:
    before = evaluate(tiny, "vg-relation", data_root=copied)
    assert [getattr(before.counts, kind) for kind in KINDS] == [0, 0, 0, 0]
    turned, shown_through = sorted((copied / "images").iterdir())[:2]
    exif = Image.Exif()
    exif[0x0112] = 8
    with Image.open(turned) as image:
        image.save(turned, exif=exif)
    with Image.open(shown_through) as image:
        image.convert("RGBA").save(shown_through)
    after = evaluate(tiny, "vg-relation", data_root=copied)
    assert [getattr(after.counts, kind) for kind in KINDS] == [1, 1, 0, 0]
    assert np.array_equal(scores(after), scores(before))
    one = evaluate(tiny, "vg-relation", data_root=copied, limit=1)
    assert (one.counts.images, one.counts.oriented, one.counts.transparent) == (1, 0, 0)


@pytest.mark.parametrize("batch_size", [1, 7, 100])
def test_the_batch_size_does_not_matter(tiny: str, shapes: Path, batch_size: int) -> None:
    reference = evaluate(tiny, "vg-relation", data_root=shapes)
    run = evaluate(tiny, "vg-relation", data_root=shapes, batch_size=batch_size)
    assert scores(run) == pytest.approx(scores(reference), abs=1e-5)


def test_each_distinct_input_is_encoded_once(
    tiny_model: OpenClip, shapes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = {"images": 0, "texts": 0}
    encode_images, encode_texts = tiny_model.encode_images, tiny_model.encode_texts

    def images(batch: Any, role: Any) -> Any:
        seen["images"] += len(batch.flatten(1).unique(dim=0))
        return encode_images(batch, role)

    def texts(batch: Any, role: Any) -> Any:
        seen["texts"] += len(batch.unique(dim=0))
        return encode_texts(batch, role)

    monkeypatch.setattr(tiny_model, "encode_images", images)
    monkeypatch.setattr(tiny_model, "encode_texts", texts)
    run = evaluate(tiny_model, "vg-relation", data_root=shapes)
    assert seen == {"images": run.counts.pictures, "texts": run.counts.captions}


def test_captions_beyond_the_context_are_counted(tiny: str, copied: Path) -> None:
    path = copied / "visual_genome_relation.json"
    records = json.loads(path.read_text())
    for record in records[:3]:
        record["true_caption"] += " and" * 40
    path.write_text(json.dumps(records))
    assert evaluate(tiny, "vg-relation", data_root=copied).counts.truncated_captions == 3


def test_captions_that_differ_beyond_the_context_alone_are_no_ops(tiny: str, copied: Path) -> None:
    path = copied / "visual_genome_relation.json"
    records = json.loads(path.read_text())
    records[0]["true_caption"] = "dog " * 40 + "cat"
    records[0]["false_caption"] = "dog " * 40 + "bird"
    path.write_text(json.dumps(records))
    run = evaluate(tiny, "vg-relation", data_root=copied)
    assert run.outcomes[0].no_op == (False, True)
    assert sum(any(o.no_op) for o in run.outcomes) == 1


# --limit


def items_of(sizes: dict[str, int]) -> list[Item]:
    """As many items per cluster as said."""
    return [
        Item(f"{c}{i}", (ImageRef(Path(c)),), ("a", "b"), (0,), c)
        for c, n in sizes.items()
        for i in range(n)
    ]


def test_a_limit_draws_whole_clusters_in_their_order() -> None:
    sizes = {f"c{i}": 1 + i % 7 for i in range(50)}
    everything = items_of(sizes)
    for limit in (1, 10, 50, 100):
        drawn = draw_clusters(everything, limit, seed=0)
        clusters = [item.cluster for item in drawn]
        assert all(clusters.count(c) == sizes[c] for c in set(clusters))
        assert len(drawn) <= max(limit, 7)
        assert drawn == [item for item in everything if item in drawn]
    assert draw_clusters(everything, None, 0) == everything
    assert draw_clusters(everything, 10**6, 0) == everything


def test_a_limit_depends_on_the_seed_alone() -> None:
    everything = items_of({f"c{i}": 2 for i in range(50)})
    one = draw_clusters(everything, 20, seed=3)
    assert {i.id for i in draw_clusters(everything[::-1], 20, seed=3)} == {i.id for i in one}
    assert draw_clusters(everything, 20, seed=4) != one


def test_limited_runs_are_partial_and_equal_on_what_they_hold(tiny: str, shapes: Path) -> None:
    whole = {o.id: o for o in evaluate(tiny, "vg-relation", data_root=shapes).outcomes}
    part = evaluate(tiny, "vg-relation", data_root=shapes, limit=20)
    assert part.partial
    assert part.counts.items == 20
    for found in part.outcomes:
        assert found.scores == pytest.approx(whole[found.id].scores, abs=1e-5)


# images that cannot be read


def test_a_missing_image_is_named_with_what_hangs_on_it(tiny: str, copied: Path) -> None:
    first_image(copied).unlink()
    with pytest.raises(
        ImageError, match=r"not found: .*red-square.*\(item 0\).*: 1; items that show them: 2.*skip"
    ):
        evaluate(tiny, "vg-relation", data_root=copied)


@pytest.mark.parametrize("damage", ["missing", "text", "truncated"])
def test_skipped_items_are_counted_and_named(tiny: str, copied: Path, damage: str) -> None:
    path = first_image(copied)
    content = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes(b"no image" if damage == "text" else content[: len(content) // 2])
    if damage == "truncated":
        with pytest.raises(ImageError, match=r"Cannot decode.*--on-missing skip"):
            evaluate(tiny, "vg-relation", data_root=copied)
    run = evaluate(tiny, "vg-relation", data_root=copied, on_missing="skip")
    assert run.skipped == ("0", "1")
    assert list(run.unreadable) == [path.relative_to(copied).as_posix()]
    assert (run.counts.items, run.counts.skipped) == (70, 2)
    assert not run.partial
    assert "0" not in {o.id for o in run.outcomes}


def test_nothing_left_is_an_error(tiny: str, copied: Path) -> None:
    for path in (copied / "images").iterdir():
        path.write_bytes(b"no image")
    with pytest.raises(DataError, match="No item is left"):
        evaluate(tiny, "vg-relation", data_root=copied, on_missing="skip")


def test_crops_over_the_edge_are_counted_and_outside_ones_refused(tiny: str, copied: Path) -> None:
    path = copied / "visual_genome_relation.json"
    records = json.loads(path.read_text())
    records[0]["bbox_w"] = 95
    path.write_text(json.dumps(records))
    assert evaluate(tiny, "vg-relation", data_root=copied).counts.overhanging_crops == 1
    records[0]["bbox_x"] = 96
    path.write_text(json.dumps(records))
    with pytest.raises(ImageError, match=r"Item 0: the crop \(96, 8, 191, 88\).*outside"):
        evaluate(tiny, "vg-relation", data_root=copied, on_missing="skip")


# settings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"limit": 0}, "limit should be a whole number from 1"),
        ({"limit": "3"}, "limit should be a whole number"),
        ({"limit": 2.5}, "limit should be a whole number"),
        ({"batch_size": True}, "batch size should be a whole number"),
        ({"seed": -1}, "seed should be a whole number from 0"),
        ({"seed": 10**30}, "seed should be a whole number"),
        ({"on_missing": "ignore"}, "'error' or 'skip'"),
        ({"precision": "int8"}, "Unknown precision 'int8': fp32, fp16, bf16"),
        ({"device": "gpu"}, "Unknown device 'gpu'"),
        ({"device": "meta"}, "Unknown device 'meta'"),
        ({"device": "cuda:x"}, "Unknown device 'cuda:x'"),
        ({"device": "xpu"}, "has no device 'xpu'"),
        ({"data_root": ""}, "should name a folder"),
        ({"data_root": 5}, "should name a folder"),
        ({"data_root": "~nosuchuser/x"}, "Cannot expand"),
    ],
)
def test_settings_that_cannot_be_meant(
    tiny: str, shapes: Path, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        evaluate(tiny, "vg-relation", **{"data_root": shapes, **settings})


@pytest.mark.usefixtures("undrawn")
def test_roots_that_lack_something_say_what(tiny: str, shapes: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not part of the drawn world: pass --data-root"):
        evaluate(tiny, "undrawn")
    with pytest.raises(MissingData, match=r"visual_genome_relation\.json: missing.*data get"):
        evaluate(tiny, "vg-relation", data_root=tmp_path)
    with pytest.raises(MissingData, match="does not exist"):
        evaluate(tiny, "vg-relation", data_root=tmp_path / "none")
    with pytest.raises(MissingData, match="is a file, not a folder"):
        evaluate(tiny, "vg-relation", data_root=shapes / "visual_genome_relation.json")
    (tmp_path / "visual_genome_relation.json").write_text("[]")
    (tmp_path / "images").mkdir()
    with pytest.raises(MissingData, match="images: empty"):
        evaluate(tiny, "vg-relation", data_root=tmp_path)


def test_a_loaded_model_brings_its_own_device_and_precision(
    tiny_model: OpenClip, shapes: Path
) -> None:
    with pytest.raises(UsageError, match="leave such options out"):
        evaluate(tiny_model, "vg-relation", data_root=shapes, precision="bf16")
    run = evaluate(tiny_model, "vg-relation", data_root=shapes, limit=4)
    assert (run.settings["device"], run.settings["batch_size"]) == ("cpu", 32)


class Misshaped(BlindEncoder):
    """Images of half as many numbers as captions."""

    def encode_images(self, batch: torch.Tensor, role: Role) -> torch.Tensor:
        return super().encode_images(batch, role)[:, :32]


def test_images_and_captions_of_other_dimensions_have_no_score(shapes: Path) -> None:
    with pytest.raises(ModelError, match="dimension 64 after some of dimension 32"):
        evaluate(Misshaped("chance", seed=0), "vg-relation", data_root=shapes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"similarity": "dot"}, "similarity is 'dot', but the manifest's is 'cosine'"),
        ({"similarity": "euclid"}, "neither 'cosine' nor 'dot'"),
        ({"logit_scale": 0}, "logit_scale is 0; it should be a finite, positive number"),
        ({"logit_scale": None}, "logit_scale is None"),
        ({"device": "gpu"}, "device is 'gpu', which torch does not know"),
        ({"device": None}, "device is None"),
        ({"manifest": {"context_length": 0}}, "context_length is 0; it should be a whole number"),
        ({"manifest": {"context_length": 7.5}}, r"context_length is 7\.5"),
        ({"manifest": {"parameters": -1}}, "parameters is -1"),
        ({"manifest": {"weights_sha256": "0" * 64}}, r"not a digest.*model_digest\(module\)"),
        ({"manifest": {"weights_sha256": "abc"}}, "'abc', which is not a digest"),
        ({"manifest": {"settings": {"scale": np.float32(0.5)}}}, "what JSON cannot"),
    ],
)
def test_a_description_that_makes_no_sense_is_refused(
    shapes: Path, change: dict[str, Any], message: str
) -> None:
    model = BlindEncoder("constant")
    for name, value in change.items():
        if name == "manifest":
            value = dataclasses.replace(model.manifest, **value)
        setattr(model, name, value)
    with pytest.raises(ContractError, match=f"blind:constant breaks the contract: .*{message}"):
        evaluate(model, "vg-relation", data_root=shapes)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 40])
def test_captions_of_the_same_tokens_tie_whatever_their_batch(
    tiny: str, copied: Path, batch_size: int
) -> None:
    path = copied / "visual_genome_relation.json"
    records = json.loads(path.read_text())
    for i, record in enumerate(records[:40]):
        record["true_caption"] = f"the dog {'sees the cat and ' * (i % 3)}runs {i}"
        record["false_caption"] = record["true_caption"].upper()
    path.write_text(json.dumps(records))
    run = evaluate(tiny, "vg-relation", data_root=copied, batch_size=batch_size)
    for found in run.outcomes[:40]:
        assert found.scores[0, 0] == found.scores[0, 1]
        assert found.no_op == (False, True)


def test_the_data_root_comes_from_the_environment_too(
    tiny: str, shapes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCHBENCH_DATA", str(shapes))
    assert evaluate(tiny, "vg-relation", limit=4).counts.items == 4
