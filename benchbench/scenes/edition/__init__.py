"""A test edition of the drawn world in the official formats: whoever reads those reads this.

::

    keeping        each part in the cache, drawn when first asked for
    exporting      the one function that writes, and edition.json
    plan           what to write; digests
    folders        whole or not at all
    pieces         what is finished of an unfinished one
    pictures       PNG files
    aro            visual_genome_relation.json, images/relation/: the part vg-relation;
                   visual_genome_attribution.json, images/attribution/: the part vg-attribution
    karpathy       images/, coco_karpathy_test.json, flickr30k_test.json, their order negatives
    vg150          VG-SGG.h5, VG-SGG-dicts.json, image_data.json, zeroshot_triplet.json, VG_100K/
    scenarioclip   metadata_test.json, classes.json
    sugarcrepe     add_att.json … swap_obj.json, val2017/
    winoground     images/, examples.jsonl
    focus          focused/: two objects standing out
"""

from benchbench.scenes.edition.exporting import ALL_PARTS, PROVIDED, export
from benchbench.scenes.edition.folders import manifest
from benchbench.scenes.edition.keeping import is_there, keep, part_with, place, standard_digests
from benchbench.scenes.edition.plan import EDITION

__all__ = [
    "ALL_PARTS",
    "EDITION",
    "PROVIDED",
    "export",
    "is_there",
    "keep",
    "manifest",
    "part_with",
    "place",
    "standard_digests",
]
