"""Each suite whose official annotations are there: counts, and first, tenth and last item."""

from __future__ import annotations

from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from benchbench.editions import resolve_edition
from benchbench.registry import load_task

ITEMS: dict[str, tuple[str, int, int]] = {
    "sugarcrepe-pp": ("official", 4757, 1542),
    "valse": ("official", 7702, 6123),
    "valse.decisions": ("official", 15404, 6123),
    "vsr": ("official-2023-03-22", 3292, 2627),
    "vsr.zeroshot": ("official-2023-03-22", 1562, 939),
    "vsr.questions": ("official-2023-03-22", 2195, 1874),
    "vsr.zeroshotquestions": ("official-2023-03-22", 1222, 715),
    "cola": ("official", 210, 88),
}
"""Task → edition, items, clusters."""
RECORDS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "sugarcrepe-pp": (
        ("replace_att/0", "000000331352.jpg", "A tan toilet and sink combination in a small"),
        ("replace_att/9", "000000466567.jpg", "A Christmas ornament is a donut with a squir"),
        ("swap_obj/244", "000000482436.jpg", "The woman in the diner and the man looking in"),
    ),
    "valse": (
        ("existence/existence_visual7w_2371044", "v7w_2371044.jpg", "There are no people in the"),
        ("existence/existence_visual7w_2367715", "v7w_2367715.jpg", "There are no people shown."),
        ("foil-it/1049305", "COCO_val2014_000000232115.jpg", "a four tiered dessert plate full"),
    ),
    "vsr": (
        ("dev/0", "000000239417.jpg", "The bench is at the right side of the train."),
        ("dev/9", "000000383211.jpg", "The person is touching the handbag."),
        ("test/2194", "000000419467.jpg", "The teddy bear is close to the person."),
    ),
    "vsr.zeroshot": (
        ("dev/0", "000000372029.jpg", "The dog is on the surfboard."),
        ("dev/9", "000000463593.jpg", "The bench is over the dog."),
        ("test/1221", "000000272713.jpg", "The cat is at the left side of the vase."),
    ),
    "cola": (
        ("0", "2390970.jpg", "standing tall long giraffe to the right of brown giraffe"),
        ("9", "2400769.jpg", "large small green trees to the left of standing brown eating"),
        ("209", "150391.jpg", "standing young woman to the right of standing sitting man"),
    ),
}
"""Task → id, image and beginning of the first caption of its first, tenth and last item."""


@pytest.mark.parametrize("name", ITEMS)
def test_counts_and_edition(name: str, official_annotations: Path) -> None:
    task, (edition, items, clusters) = load_task(name), ITEMS[name]
    found = resolve_edition(task.info, official_annotations, with_images=False)
    assert found.name == edition
    read = task.items(official_annotations)
    assert (len(read), len({item.cluster for item in read})) == (items, clusters)


@pytest.mark.parametrize("name", RECORDS)
def test_first_tenth_and_last_record(name: str, official_annotations: Path) -> None:
    read: Any = load_task(name).items(official_annotations)
    for item, wanted in zip((read[0], read[9], read[-1]), RECORDS[name], strict=True):
        assert (item.id, item.images[0].path.name) == wanted[:2]
        assert item.captions[0].startswith(wanted[2])


def test_sugarcrepe_pp_counts_its_subsets(official_annotations: Path) -> None:
    read = load_task("sugarcrepe-pp").items(official_annotations)
    assert Counter(item.tags["subset"] for item in read) == {
        "replace_att": 788, "replace_obj": 1652, "replace_rel": 1406, "swap_att": 666,
        "swap_obj": 245,
    }  # fmt: skip
    assert read[-245].true == (
        "A cat sits on its hind legs, and swats at the plant.",
        "The cat swats at the plant while sitting on its hind legs.",
    )
    assert read[-245].false == ("A cat sits on the plant, and swats at its hind legs.",)


def test_valse_counts_the_valid_items_of_each_piece(official_annotations: Path) -> None:
    read = load_task("valse").items(official_annotations)
    counts = {
        PurePosixPath(file.path).stem: int(file.what.split()[0])
        for file in load_task("valse").info.files
        if file.path.endswith(".json")
    }
    assert len(counts) == 11
    assert Counter(item.tags["piece"] for item in read) == counts
    assert read[0].captions == (
        "There are no people in the picture.",
        "There are people in the picture.",
    )


def test_vsr_counts_labels_and_categories(official_annotations: Path) -> None:
    read = load_task("vsr").items(official_annotations)
    assert Counter((item.validation, item.label) for item in read) == {
        (True, True): 564, (True, False): 533, (False, True): 1181, (False, False): 1014,
    }  # fmt: skip
    assert {item.tags["category"] for item in read} == {
        "Adjacency", "Directional", "Orientation", "Projective", "Proximity", "Topological",
        "Unallocated",
    }  # fmt: skip


def test_cola_reads_both_sides(official_annotations: Path) -> None:
    first = load_task("cola").items(official_annotations)[0]
    assert [ref.path.name for ref in first.images] == ["2390970.jpg", "2388902.jpg"]
    assert first.captions == (
        "standing tall long giraffe to the right of brown giraffe",
        "brown giraffe behind tall white giraffe",
    )
