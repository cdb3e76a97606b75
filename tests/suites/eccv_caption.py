"""ECCV Caption and CxC: ids of matches over COCO's captions; two images only wait to be found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.suites import dump, photograph

if TYPE_CHECKING:
    from pathlib import Path

IMAGES = tuple(range(11, 23))
ORIGINAL = {image: [100 * image + k for k in range(3)] for image in IMAGES}
ECCV_IMAGES = {
    11: [1100, 1101, 1102, 1200, 1201],
    12: [1200, 1201, 1202],
    13: [1300, 1301, 2200],
}
"""Image 13 lacks one of its own captions; 22 does not search, and one of its captions is true."""
ECCV_CAPTIONS = {1100: [11, 14], 1200: [12, 11, 15], 1300: [13]}
"""Images 14 and 15 do not search."""
CXC_IMAGES = {image: list(captions) for image, captions in ORIGINAL.items()}
CXC_IMAGES[11] += [1201]
CXC_IMAGES[16].remove(1602)
CXC_CAPTIONS: dict[int, list[int]] = {}
for _image, _captions in CXC_IMAGES.items():
    for _caption in _captions:
        CXC_CAPTIONS.setdefault(_caption, []).append(_image)


def write(root: Path) -> None:
    """Write the matches, the captions and the photographs."""
    here = root / "eccv_caption"
    lists = {
        "original_image_to_caption": ORIGINAL,
        "eccv_image_to_caption": ECCV_IMAGES,
        "eccv_caption_to_image": ECCV_CAPTIONS,
        "cxc_image_to_caption": CXC_IMAGES,
        "cxc_caption_to_image": CXC_CAPTIONS,
    }
    for name, content in lists.items():
        dump(here / f"{name}.json", {str(key): value for key, value in content.items()})
    annotations = [
        {"image_id": image, "id": caption, "caption": f"Caption {caption} of a street."}
        for image, captions in ORIGINAL.items()
        for caption in captions
    ]
    dump(root / "annotations" / "captions_val2014.json", {"annotations": annotations})
    for image in IMAGES:
        photograph(root / "val2014" / f"COCO_val2014_{image:012}.jpg")
