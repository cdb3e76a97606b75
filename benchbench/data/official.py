"""What published files hold, by which tasks and data sets recognise them.

Most of these files have no digest that is published: they are known by counts, and by some of their
records, whose sources stand beside them.
"""

from __future__ import annotations

from benchbench.types import Arrays, Content

VG_RELATION = Content(
    records=23_937,
    distinct={("image_path",): 5_316, ("true_caption", "false_caption"): 26_706},
    pinned={
        0: {
            "true_caption": "the door is to the left of the shirt",
            "image_path": "2410049.jpg",
            "bbox_w": 259,
        },
        9: {
            "true_caption": "the table is below the plate",
            "image_path": "2375361.jpg",
            "bbox_w": 499,
        },
        -1: {
            "true_caption": "the toilet is to the left of the curtain",
            "image_path": "2379672.jpg",
            "bbox_w": 473,
        },
    },
)
"""Counts of the published file; its first, tenth and last record as copied at
ivana-13/fvp-review@2ddf467."""
VG_ATTRIBUTION = Content(
    records=28_748,
    distinct={("image_path",): 4_517, ("true_caption", "false_caption"): 52_146},
)
"""Counts of the published file."""
FLICKR30K = Content(
    records=1_000,
    distinct={("image",): 1_000},
    total={"caption": 5_000},
    pinned={
        0: {"image": "flickr30k-images/1007129816.jpg", "caption": "sha256:b013befcc311bae2"},
        1: {"image": "flickr30k-images/1009434119.jpg"},
    },
)
"""Counts of the published file; its first records as quoted where BLIP's data are described."""
BIVLC = Content(
    records=2_933,
    whole={("caption", "negative_caption", "type", "subtype"): "aa21724187890f5f"},
)
"""The digest is of every row of results/BiVLC_ViT-B-32.csv at IMirandaM/BiVLC@84f0d17."""
COLORSWAP = Content(records=300, whole={("id", "caption_1", "caption_2"): "17e49c5b2b9f0756"})
"""The digest is of every answer of vlm_results/text-gpt4v-colorswap.json at
Top34051/colorswap@4f2c9e4."""
WINOGROUND = Content(records=400, distinct={("id",): 400, ("image_0", "image_1"): 800})
"""Counts of its paper."""
VG150_GRAPHS = Arrays(
    {
        "split": 108_073,
        "img_to_first_box": 108_073,
        "img_to_first_rel": 108_073,
        "boxes_1024": 1_145_398,
        "labels": 1_145_398,
        "relationships": 622_705,
        "predicates": 622_705,
    }
)
VG150_NAMES = Content(
    fields={"label_to_idx": 150, "predicate_to_idx": 50},
    within={
        "label_to_idx": {"airplane": 1, "bench": 10, "zebra": 150},
        "predicate_to_idx": {"above": 1, "between": 10, "with": 50},
    },
)
VG150_IMAGES = tuple(
    Content(
        records=n,
        distinct={("image_id",): n},
        pinned={0: {"image_id": 1, "width": 800, "height": 600}},
    )
    for n in (108_077, 108_073)
)
"""The images of Visual Genome's own list, and without the four images that the graphs lack."""
