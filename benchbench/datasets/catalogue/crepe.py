"""CREPE: hard negatives of growing length, and of unseen compounds (Ma et al., CVPR 2023).

No digest of its tables is published: they are recognised by the columns that its scripts read.
"""

from benchbench.datasets.manifest import Dataset, File, Link
from benchbench.types import Content

BOX = ("x", "y", "width", "height")
PRODUCTIVITY = Content(each=("image_id", "caption", "hard_negs", *BOX))
SYSTEMATICITY = Content(
    each=("image_id", "caption", "valid_hard_negs_atom", "valid_hard_negs_comp", *BOX)
)

DATASET = Dataset(
    name="crepe",
    title="CREPE (annotations)",
    licence="none stated: for your own use only; Visual Genome, CC BY 4.0 (photographs' own apply)",
    citation="Ma et al., CREPE, CVPR 2023; arXiv 2212.07796",
    homepage="https://github.com/RAIVNLab/CREPE",
    files=(
        *(
            File(
                f"prod_hard_negatives/{kind}/prod_vg_hard_negs_{kind}_complexity_{n}.csv",
                content=PRODUCTIVITY,
            )
            for kind in ("atom", "swap", "negate")
            for n in range(4, 13)
        ),
        *(
            File(
                f"syst_hard_negatives/syst_vg_hard_negs_{split}_compounds_in_{data}.csv",
                content=SYSTEMATICITY,
            )
            for data in ("cc12m", "yfcc", "laion")
            for split in ("seen", "unseen")
        ),
    ),
    links=(Link("VG_100K/", "visual-genome"),),
    tasks=("crepe",),
    access="manual",
    how="Its README names the folder of its tables, crepe/, and gives no address; others link "
    "https://github.com/RAIVNLab/CREPE/tree/master/data: copy prod_hard_negatives and "
    "syst_hard_negatives of it into ROOT/crepe (ROOT: benchbench data where)",
)
