"""SVO-Probes: images that differ in subject, verb or object (Hendricks and Nematzadeh, 2021).

No digest of its table, and no exact number of its rows (some 36,800), was at hand: it is recognised
by its columns, which its README describes.
"""

from benchbench.datasets.manifest import Dataset, File, Source
from benchbench.types import Content

RAW = "https://raw.githubusercontent.com/google-deepmind/svo_probes/main"

DATASET = Dataset(
    name="svo-probes",
    title="SVO-Probes (annotations)",
    licence="CC BY 4.0 (annotations); images of the web, with their own licences",
    citation="Hendricks and Nematzadeh, Probing Image-Language Transformers for Verb "
    "Understanding, Findings of ACL 2021; arXiv 2106.09141",
    homepage="https://github.com/google-deepmind/svo_probes",
    files=(
        File(
            "svo_probes.csv",
            (Source(f"{RAW}/svo_probes.csv", "a branch"),),
            content=Content(
                each=(
                    "sentence", "pos_triplet", "neg_triplet", "pos_url", "neg_url",
                    "pos_image_id", "neg_image_id", "subj_neg", "verb_neg", "obj_neg",
                ),
            ),
        ),
    ),
    how="Its images are addresses on the web (pos_url, neg_url), and many are gone: of 36,800 rows "
    "22,162 could be fetched whole in 2024 (Oh et al., EMNLP 2024). Save those that are left as "
    "ROOT/svo_probes/images/ID.jpg (ROOT: benchbench data where).",
    tasks=("svo-probes",),
)  # fmt: skip
