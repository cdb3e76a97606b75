"""A test edition of the drawn world in the official formats: whoever reads those reads this.

::

    exporting      the one function, and edition.json
    plan           what to write; digests
    folders        whole or not at all
    pictures       PNG files
    aro            images/, visual_genome_relation.json, visual_genome_attribution.json
    karpathy       coco_karpathy_test.json, flickr30k_test.json, their order negatives
    vg150          VG-SGG.h5, VG-SGG-dicts.json, image_data.json, zeroshot_triplet.json, VG_100K/
    scenarioclip   metadata_test.json, classes.json
    focus          focused/: two objects standing out
"""

from benchbench.scenes.edition.exporting import ALL_PARTS, export
from benchbench.scenes.edition.folders import manifest

__all__ = ["ALL_PARTS", "export", "manifest"]
