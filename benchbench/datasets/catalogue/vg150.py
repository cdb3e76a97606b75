"""VG150: scene graphs of Visual Genome's 150 objects and 50 predicates (Xu et al., CVPR 2017).

The SHA-1 of ``image_data.json`` is GluonCV's; Visual Genome's own file of that name is another,
with the same 108,077 images. No publisher gives digests of the other two files.
"""

from benchbench.data.official import VG150_GRAPHS, VG150_IMAGES, VG150_NAMES
from benchbench.datasets.manifest import Dataset, File, Link, Source

RAW = "http://svl.stanford.edu/projects/scene-graph"
NOTE = "the authors' page, unencrypted"

DATASET = Dataset(
    name="vg150",
    title="VG150 scene graphs",
    licence="CC BY 4.0 (Visual Genome's annotations)",
    citation="Xu et al., Scene Graph Generation by Iterative Message Passing, CVPR 2017; arXiv "
    "1701.02426",
    homepage="https://github.com/danfeiX/scene-graph-TF-release",
    files=(
        File(
            "VG-SGG.h5",
            (Source(f"{RAW}/dataset/VG-SGG.h5", NOTE),),
            content=VG150_GRAPHS,
        ),
        File(
            "VG-SGG-dicts.json",
            (Source(f"{RAW}/dataset/VG-SGG-dicts.json", NOTE),),
            content=VG150_NAMES,
        ),
        File(
            "image_data.json",
            (Source(f"{RAW}/VG/image_data.json", NOTE),),
            digest="sha1:c550d8bf07fe9cbb951c94f1fabd827cc934cefe",
            content=VG150_IMAGES[0],
        ),
    ),
    links=(Link("VG_100K/", "visual-genome"),),
    tasks=("vg-relation-detection",),
)
