"""EqBen's 10 % subset: images that differ in little, with a caption each (Wang et al., ICCV 2023).

Addresses are those of its README at 006c1cdd. No digest and no exact count of its items is
published: the annotations are recognised by the fields of their records.
"""

from benchbench.datasets.manifest import Dataset, File, Source
from benchbench.types import Content

RAW = "https://storage.googleapis.com/eqben-data/eqben_subset"

DATASET = Dataset(
    name="eqben",
    title="EqBen, 10 % subset (annotations)",
    licence="MIT by its pyproject.toml, without a licence file; the frames' own licences apply",
    citation="Wang et al., Equivariant Similarity for Vision-Language Foundation Models, ICCV "
    "2023; arXiv 2303.14465",
    homepage="https://github.com/Wangt-CN/EqBen",
    files=(
        File(
            "eqben_subset_10percent_final.json",
            (
                Source(
                    f"{RAW}/eqben_subset_10percent_final.json", "the authors' bucket, since 2023"
                ),
            ),
            content=Content(each=("caption0", "caption1", "image0", "image1")),
        ),
    ),
    how=f"Its images are in one archive, {RAW}/subset_image.tar.gz (10 GB): unpack it as "
    "ROOT/eqben/image_subset (ROOT: benchbench data where). Frames of YouCook2 are NumPy arrays "
    "there: show task eqben tells how to write them as images.",
    tasks=("eqben",),
)
