"""Write a test edition of the drawn world in the official formats, for any reader of these formats.

::

    cache          each part in the cache, drawn at its first use
    exporting      the one function that writes, and edition.json
    plan           the content of an edition; digests
    folders        a folder written whole or not at all
    pieces         the finished pieces of an unfinished edition
    images         PNG files
    aro            visual_genome_relation.json, images/relation/: the part vg-relation;
                   visual_genome_attribution.json, images/attribution/: the part vg-attribution
    karpathy       images/, coco_karpathy_test.json, flickr30k_test.json, their order negatives
    vg150          VG-SGG.h5, VG-SGG-dicts.json, image_data.json, zeroshot_triplet.json, VG_100K/
    scenarioclip   metadata_test.json, classes.json
    sugarcrepe     add_att.json … swap_obj.json, val2017/
    winoground     images/, examples.jsonl
    focus          focused/: two objects highlighted
"""

from benchbench.scenes.edition.cache import (
    ensure_annotations,
    ensure_drawn,
    folder_of,
    is_drawn,
    part_with,
    standard_digests,
)
from benchbench.scenes.edition.exporting import ALL_PARTS, PROVIDED, export
from benchbench.scenes.edition.folders import manifest
from benchbench.scenes.edition.plan import EDITION

__all__ = [
    "ALL_PARTS",
    "EDITION",
    "PROVIDED",
    "ensure_annotations",
    "ensure_drawn",
    "export",
    "folder_of",
    "is_drawn",
    "manifest",
    "part_with",
    "standard_digests",
]
