"""What'sUp: two controlled subsets in sets of four, and four files of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.suites import dump, photograph

if TYPE_CHECKING:
    from pathlib import Path

A = ("left_of", "right_of", "on", "under")
B = ("left_of", "right_of", "in-front_of", "behind")
OBJECTS = [("beer-bottle", "armchair"), ("mug", "chair"), ("mug", "table")]
ROWS = {
    "coco_qa_one_obj.json": ("val2017", "{:012}.jpg", "A photo of a dog on the {}"),
    "coco_qa_two_obj.json": ("val2017", "{:012}.jpg", "A photo of a dog to the {} of a cat"),
    "vg_qa_one_obj.json": ("VG_100K", "{}.jpg", "A photo of a cup on the {}"),
    "vg_qa_two_obj.json": ("VG_100K", "{}.jpg", "A photo of a cup to the {} of a jug"),
}


def controlled(root: Path, folder: str, prepositions: tuple[str, ...]) -> list[dict[str, object]]:
    """Draw the photographs of a subset; return its records."""
    records: list[dict[str, object]] = []
    for one, other in OBJECTS:
        captions = [f"A {one} {p.replace('_', ' ')} a {other}" for p in prepositions]
        for k, preposition in enumerate(prepositions):
            name = f"{one}_{preposition}_{other}.jpeg"
            photograph(root / "whatsup" / folder / name)
            others = [caption for i, caption in enumerate(captions) if i != k]
            records.append(
                {
                    "image_path": f"data/{folder}/{name}",
                    "caption_options": [captions[k], *others],
                }
            )
    return records


def write(root: Path) -> None:
    """Write all six files."""
    here = root / "whatsup"
    dump(here / "controlled_images_dataset.json", controlled(root, "controlled_images", A))
    dump(here / "controlled_clevr_dataset.json", controlled(root, "controlled_clevr", B))
    for k, (file, (folder, name, caption)) in enumerate(ROWS.items()):
        rows = []
        for i in range(3):
            number = 100 * k + i // 2 + 7
            photograph(root / folder / name.format(number))
            sides = ("left", "right") if i % 2 else ("right", "left")
            rows.append([number, caption.format(sides[0]), caption.format(sides[1])])
        dump(here / file, rows)
