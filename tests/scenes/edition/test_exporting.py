"""The edition's files, read by readings of the test's own."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from benchbench.data.aro import read_attributions, read_relations
from benchbench.scenes.captions import captions, dense_captions
from benchbench.scenes.drawing import draw
from benchbench.scenes.edition import ALL_PARTS, export, manifest
from benchbench.scenes.edition.focus import blur
from benchbench.scenes.edition.folders import files_in
from benchbench.scenes.items import attribute_items, relation_items
from benchbench.scenes.records import records
from benchbench.scenes.sampling import sample
from benchbench.scenes.visibility import measure_visible
from benchbench.scenes.vocabulary import CATEGORIES, PATTERNS, PREDICATES

SMALL: dict[str, Any] = {"images": 20, "dense": 6, "training": 30, "size": 96}


PINNED = {
    "VG-SGG-dicts.json": "e587b29a26879325",
    "VG-SGG.h5": "244e2c9d357be25a",
    "VG_100K": "b0372ac642cf2344",
    "add_att.json": "37a8c44ea3839b30",
    "add_obj.json": "2914926f721c39a5",
    "classes.json": "806bc0733ab33521",
    "coco_karpathy_test.json": "6e2c5e98b5c6cc37",
    "coco_karpathy_train.json": "64048674676e137d",
    "coco_order_negatives.json": "7567af1f8253462d",
    "coco_order_negatives.seed1.json": "3be2ba38a286b59a",
    "coco_order_negatives.seed2.json": "511247a88a38020c",
    "coco_order_negatives.seed3.json": "4ccb7261bd62e6e1",
    "coco_order_negatives.seed4.json": "802169c1e140c9bb",
    "flickr30k_order_negatives.json": "63ea13e42f82f915",
    "flickr30k_order_negatives.seed1.json": "a2e8900692028cfa",
    "flickr30k_order_negatives.seed2.json": "f5cbdd10bfb2555c",
    "flickr30k_order_negatives.seed3.json": "37efb91a6495b453",
    "flickr30k_order_negatives.seed4.json": "5b72971aedee5fa1",
    "flickr30k_test.json": "14ce3eeca4c27ebe",
    "flickr30k_train.json": "af86227177f9fd6d",
    "examples.jsonl": "0f0f6a81a71e7921",
    "focused": "b25900f5f348002f",
    "image_data.json": "c0c8aedd891a03bb",
    "images": "73c4fdeb6ea45927",
    "metadata_test.json": "5eb7a14e4e722d03",
    "replace_att.json": "3bb42528df0aedfa",
    "replace_obj.json": "9914bb8fe9f55cd7",
    "replace_rel.json": "25b55ab2073dfc8b",
    "swap_att.json": "59229532dad3e9d2",
    "swap_obj.json": "684b742d9b8ed1c5",
    "val2017": "73c4fdeb6ea45927",
    "visual_genome_attribution.json": "976a414b66ad8714",
    "visual_genome_relation.json": "a5cc3146a673af69",
    "zeroshot_triplet.json": "eb85b9693f9d5208",
}
"""A change here is a change of the data: it needs another ``EDITION``."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small edition with all parts; not to be written to."""
    return export(tmp_path_factory.mktemp("edition") / "new" / "place", **SMALL)


def content(root: Path, name: str) -> Any:
    return json.loads((root / name).read_text())


def pixels(path: Path) -> np.ndarray[Any, Any]:
    with Image.open(path) as image:
        assert (image.format, image.mode) == ("PNG", "RGB")
        return np.asarray(image)


def test_images_are_what_is_drawn(root: Path) -> None:
    expected = draw(sample("test", np.arange(20)), 96)
    assert sorted(p.name for p in (root / "images").iterdir()) == [
        f"{i:06d}.png" for i in range(20)
    ]
    for i, image in enumerate(expected):
        assert np.array_equal(pixels(root / "images" / f"{i:06d}.png"), image)


def test_items_are_read_by_the_official_readers(root: Path) -> None:
    scenes = sample("test", np.arange(20))
    for read, ask in ((read_relations, relation_items), (read_attributions, attribute_items)):
        asked, found = ask(scenes), read(root)
        assert [item.captions for item in found] == asked.captions()
        for item, scene in zip(found, asked.scene.tolist(), strict=True):
            assert item.cluster == f"{scene:06d}.png"
            box = item.images[0].box
            assert box is not None
            left, top, right, bottom = box
            assert 0 <= left < right <= 96
            assert 0 <= top < bottom <= 96


def test_relation_records_have_all_official_fields(root: Path) -> None:
    unseen = relation_items(sample("test", np.arange(20))).unseen.tolist()
    for record, is_unseen in zip(content(root, "visual_genome_relation.json"), unseen, strict=True):
        subject, thing = record["primary_object_name"], record["relation_info"]["object"]["name"]
        name = record["relation_name"]
        assert record["relation_info"]["name"] == name
        assert record["true_caption"] == f"the {subject} is {name} the {thing}"
        assert record["false_caption"] == f"the {thing} is {name} the {subject}"
        assert record["composition"] == ("unseen" if is_unseen else "seen")
        assert {"image_id", "primary_object_id", "bbox_x", "bbox_y", "bbox_w"} <= set(record)


def test_attribution_records_have_all_official_fields(root: Path) -> None:
    items = attribute_items(sample("test", np.arange(20)))
    records = content(root, "visual_genome_attribution.json")
    assert len(records) == len(items.scene) > 5
    for record in records:
        (a, b), x, y = record["attributes"], record["obj1_name"], record["obj2_name"]
        assert record["true_caption"] == f"the {a} {x} and the {b} {y}"
        assert record["false_caption"] == f"the {b} {x} and the {a} {y}"
        assert (root / "images" / record["image_path"]).is_file()
        assert record["composition"] in ("seen", "unseen")
        patterned = len({a, b} & set(PATTERNS))
        assert record["kind"] == ("colours", "colour and pattern", "patterns")[patterned]


def test_captions_are_karpathys(root: Path) -> None:
    texts = captions(sample("test", np.arange(20))).texts()
    entries = content(root, "coco_karpathy_test.json")
    assert [record["caption"] for record in entries] == texts
    assert all((root / record["image"]).is_file() for record in entries)
    assert {len(record["caption"]) for record in entries} == {5}


def test_flickr_captions_say_it_in_other_words(root: Path) -> None:
    others = captions(sample("test", np.arange(20)), 5).texts()
    entries = content(root, "flickr30k_test.json")
    assert [record["caption"] for record in entries] == others
    for row, first in zip(others, captions(sample("test", np.arange(20))).texts(), strict=True):
        assert len(set(row) - set(first)) >= 4
    assert len(content(root, "flickr30k_order_negatives.json")["items"]) == 100


def test_training_captions_are_of_training_scenes(root: Path) -> None:
    scenes = sample("train", np.arange(30))
    for name, first in (("coco_karpathy_train.json", 0), ("flickr30k_train.json", 5)):
        told = content(root, name)
        assert [record["caption"] for record in told] == captions(scenes, first).texts()
        assert not any((root / record["image"]).exists() for record in told)


def test_seeds_shuffle_the_same_captions_otherwise(root: Path) -> None:
    names = [f"coco_order_negatives{end}.json" for end in ("", ".seed1", ".seed4")]
    seeds = [content(root, name) for name in names]
    assert [each["seed"] for each in seeds] == [0, 1, 4]
    for a, b, c in zip(*(each["items"] for each in seeds), strict=True):
        assert a["true_option"] == b["true_option"] == c["true_option"]
    several = [
        {tuple(items[i]["negatives"]) for items in (s["items"] for s in seeds)} for i in range(100)
    ]
    assert sum(len(found) == 3 for found in several) > 95


def threes(words: list[str]) -> list[list[str]]:
    return [sorted(words[i : i + 3]) for i in range(0, len(words), 3)]


def test_order_negatives_are_frozen_by_the_known_tags(root: Path) -> None:
    frozen = content(root, "coco_order_negatives.json")
    told = captions(sample("test", np.arange(20)))
    assert (frozen["tagger"], frozen["seed"]) == ("scenes: known tags", 0)
    said = content(root, "edition.json")["digests"]
    assert frozen["source_digest"] == said["coco_karpathy_test.json"]
    assert len(frozen["items"]) == 100
    for number, item in enumerate(frozen["items"]):
        tagged = told.tagged(number // 5, number % 5)
        words = [word for word, _ in tagged]
        assert item["true_option"].split() == words == item["caption"].split()
        nouns, others, within, among = (text.split() for text in item["negatives"])
        assert sorted(nouns) == sorted(others) == sorted(within) == sorted(among) == sorted(words)
        for (word, tag), one, other in zip(tagged, nouns, others, strict=True):
            assert (other if tag[:2] in ("NN", "JJ") else one) == word
        for kind in ("NN", "JJ"):
            places = [i for i, (_, tag) in enumerate(tagged) if tag.startswith(kind)]
            assert sorted(nouns[i] for i in places) == sorted(words[i] for i in places)
        assert threes(within) == threes(words)
    changed = sum(item["true_option"] not in item["negatives"] for item in frozen["items"])
    assert changed > 40


@pytest.fixture(scope="module")
def h5(root: Path) -> dict[str, Any]:
    with h5py.File(root / "VG-SGG.h5") as file:
        return {name: file[name][:] for name in file}


def test_boxes_convert_back_to_the_scenes(root: Path, h5: dict[str, Any]) -> None:
    scenes = sample("test-dense", np.arange(6))
    visibility = measure_visible(scenes, 96)
    for image in range(6):
        first, last = h5["img_to_first_box"][image], h5["img_to_last_box"][image]
        slots = np.flatnonzero(visibility.pixels[image] >= 24)
        assert last - first + 1 == len(slots)
        names = content(root, "VG-SGG-dicts.json")["idx_to_label"]
        for slot, box in zip(slots, range(first, last + 1), strict=True):
            x, y, w, h = h5["boxes_1024"][box] * 96 / 1024
            back = [x - w / 2, y - h / 2, x + w / 2, y + h / 2]
            assert np.abs(back - visibility.boxes[image, slot]).max() <= 96 / 1024
            assert names[str(h5["labels"][box, 0])] == CATEGORIES[scenes.category[image, slot]].name


def test_relations_are_the_scenes(root: Path, h5: dict[str, Any]) -> None:
    names = content(root, "VG-SGG-dicts.json")
    for image, record in enumerate(records(sample("test-dense", np.arange(6)))):
        first, last = h5["img_to_first_rel"][image], h5["img_to_last_rel"][image]
        found = []
        for r in range(first, last + 1):
            ends = h5["relationships"][r]
            assert (ends >= h5["img_to_first_box"][image]).all()
            assert (ends <= h5["img_to_last_box"][image]).all()
            subject, thing = (names["idx_to_label"][str(h5["labels"][e, 0])] for e in ends)
            found.append((subject, names["idx_to_predicate"][str(h5["predicates"][r, 0])], thing))
        said = [
            (record["objects"][s]["name"], predicate, record["objects"][o]["name"])
            for s, predicate, o in record["relations"]
        ]
        assert Counter(found) <= Counter(said)
        assert len(found) >= len(said) - 2


def test_the_h5_file_is_whole(root: Path, h5: dict[str, Any]) -> None:
    assert h5["split"].tolist() == [2] * 6 + [0] * 30
    images = content(root, "image_data.json")
    assert len(images) == 36
    assert {(i["width"], i["height"]) for i in images} == {(96, 96)}
    for kind, total in (("box", len(h5["labels"])), ("rel", len(h5["predicates"]))):
        first, last = h5[f"img_to_first_{kind}"], h5[f"img_to_last_{kind}"]
        some = first >= 0
        assert (last[~some] == -1).all()
        numbers = [n for a, b in zip(first[some], last[some], strict=True) for n in range(a, b + 1)]
        assert numbers == list(range(total))
    assert h5["boxes_1024"].min() > 0
    assert (h5["labels"].shape[1], h5["relationships"].shape[1]) == (1, 2)
    assert 1 <= h5["predicates"].min() <= h5["predicates"].max() <= len(PREDICATES)
    names = content(root, "VG-SGG-dicts.json")
    assert sum(names["object_count"].values()) == len(h5["labels"])
    assert sum(names["predicate_count"].values()) == len(h5["predicates"])
    assert all(names["idx_to_label"][str(i)] == name for name, i in names["label_to_idx"].items())


def test_without_training_scenes_every_triple_is_unseen(tmp_path: Path) -> None:
    root = export(tmp_path / "x", parts=["vg150"], **{**SMALL, "training": 0})
    with h5py.File(root / "VG-SGG.h5") as file:
        assert file["split"][:].tolist() == [2] * 6
        count = len({tuple(t) for t in content(root, "zeroshot_triplet.json")})
        assert 0 < count <= len(file["predicates"])


def test_dense_images_are_what_is_drawn(root: Path) -> None:
    files = [entry["file_name"] for entry in content(root, "image_data.json")]
    expected = draw(sample("test-dense", np.arange(6)), 96)
    for name, image in zip(files[:6], expected, strict=True):
        assert np.array_equal(pixels(root / "VG_100K" / name), image)
    assert len(list((root / "VG_100K").iterdir())) == 6


def test_zero_shot_triples_are_those_that_training_lacks(root: Path, h5: dict[str, Any]) -> None:
    triples: dict[int, set[tuple[int, ...]]] = {0: set(), 2: set()}
    for image, split in enumerate(h5["split"].tolist()):
        first, last = h5["img_to_first_rel"][image], h5["img_to_last_rel"][image]
        for r in range(max(first, 0), last + 1):
            s, o = h5["relationships"][r]
            triple = h5["labels"][s, 0], h5["labels"][o, 0], h5["predicates"][r, 0]
            triples[split].add(tuple(map(int, triple)))
    found = [tuple(triple) for triple in content(root, "zeroshot_triplet.json")]
    assert set(found) == triples[2] - triples[0]
    assert len(found) == len(set(found)) > 0


def test_scenarioclip_metadata_are_the_scenes(root: Path) -> None:
    scenes = sample("test", np.arange(20))
    data = content(root, "metadata_test.json")["data"]
    dense = dense_captions(scenes).texts()
    assert len(data) == 20
    for i, (entry, record) in enumerate(zip(data, records(scenes), strict=True)):
        assert (entry["id"], entry["image_path"]) == (f"{i:06d}", f"images/{i:06d}.png")
        assert (entry["action"], entry["dense_caption"]) == (record["action"], dense[i][0])
        names = Counter(name for name, _ in entry["objects"])
        assert names <= Counter(each["name"] for each in record["objects"])
        assert all(0 <= a < c <= 96 and 0 <= b < d <= 96 for _, (a, b, c, d) in entry["objects"])
        said = [
            (record["objects"][s]["name"], predicate, record["objects"][o]["name"])
            for s, predicate, o in record["relations"]
        ]
        assert Counter(tuple(triple) for _, triple, _ in entry["relations"]) <= Counter(said)
        for path, (s, p, o), negatives in entry["relations"]:
            assert (root / path).is_file()
            assert negatives in ([], [[o, p, s]])
            assert (o, p, s) not in said or not negatives
    classes = content(root, "classes.json")
    phrases = {" ".join(triple) for entry in data for _, triple, _ in entry["relations"]}
    assert classes["relations"] == sorted(phrases)
    assert classes["actions"] == sorted({entry["action"] for entry in data})
    assert classes["objects"] == sorted({name for entry in data for name, _ in entry["objects"]})


def naively_focused(image: np.ndarray[Any, Any], masks: list[Any]) -> np.ndarray[Any, Any]:
    """The definition in floating point, with scipy's blur."""
    side = len(image)
    blur = gaussian_filter(image.astype(float), (2 * side / 640,) * 2 + (0,), mode="nearest")
    y, x = np.mgrid[:side, :side]
    lights = []
    for mask in masks:
        cy, cx = (places.mean() for places in np.nonzero(mask))
        lights.append(np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * (100 * side / 640) ** 2)))
    dim = blur * np.maximum(*lights)[..., None]
    return np.where((masks[0] | masks[1])[..., None], image, dim)


def test_focused_regions_show_their_two_objects(root: Path) -> None:
    scenes = sample("test", np.arange(20))
    images, visibility = draw(scenes, 96), measure_visible(scenes, 96)
    paths = sorted((root / "focused").iterdir())
    assert len(paths) > 20
    for path in paths:
        row, one, other = (int(number) for number in path.stem.split("-"))
        masks = [visibility.mask(row, slot) for slot in (one, other)]
        found, image = pixels(path), images[row]
        for mask in masks:
            assert np.array_equal(found[mask], image[mask])
        error = np.abs(found - naively_focused(image, masks))  # centres lie on whole pixels here
        assert error.max() < 10
        assert error.mean() < 1.5


def test_a_blur_keeps_what_is_even() -> None:
    even = np.full((64, 64, 3), 255, dtype=np.uint8)
    assert np.array_equal(blur(even), even)
    edge = even.copy()
    edge[:, 32:] = 0
    middle = blur(edge)[10, 28:36, 0].tolist()
    assert middle == sorted(middle, reverse=True)


def test_the_manifest_counts_every_file(root: Path) -> None:
    said = content(root, "edition.json")
    assert said == manifest(root)
    assert (said["name"], said["standard"]) == ("scenes-v2", False)
    assert said["parts"] == list(ALL_PARTS)
    assert sum(said["contents"].values()) == len(files_in(root)) - 1
    assert all(len(digest) == 64 for digest in said["digests"].values())


def test_digests_are_pinned(root: Path) -> None:
    found = content(root, "edition.json")["digests"]
    assert {name: digest[:16] for name, digest in found.items()} == PINNED


def test_digests_are_of_what_the_files_hold(root: Path) -> None:
    said = content(root, "edition.json")["digests"]
    line = json.dumps(content(root, "classes.json"), sort_keys=True, separators=(",", ":")) + "\n"
    assert said["classes.json"] == hashlib.sha256(line.encode()).hexdigest()
    state = hashlib.sha256()
    for path in sorted((root / "images").iterdir()):
        state.update(f"{path.name} (96, 96, 3)\n".encode() + pixels(path).tobytes())
    assert said["images"] == state.hexdigest()


def test_the_same_call_gives_the_same_digests(root: Path, tmp_path: Path) -> None:
    again = export(tmp_path / "again", **SMALL)
    assert content(again, "edition.json") == content(root, "edition.json")
    other = export(tmp_path / "other", **{**SMALL, "size": 112})
    assert content(other, "edition.json")["digests"] != content(root, "edition.json")["digests"]


@pytest.mark.parametrize("part", ALL_PARTS)
def test_parts_come_one_by_one(root: Path, tmp_path: Path, part: str) -> None:
    one = export(tmp_path / "one", parts=[part], **SMALL)
    said, whole = content(one, "edition.json"), content(root, "edition.json")
    assert said["parts"] == [part]
    assert said["digests"].items() <= whole["digests"].items()
    assert said["counts"].items() <= whole["counts"].items()
