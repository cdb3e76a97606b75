"""NegBench: captions with a negation, to choose from and to search by (Alhamoud et al., CVPR 2025).

Its tables lie on Google Drive without digests. Their numbers of rows are those of its paper
(App. D); VOC2007's is the one that the accuracies in its ``results/mcq`` are of, 5,031, where the
paper prints 5,032.
"""

from benchbench.datasets.manifest import Dataset, File, Link
from benchbench.types import Content

DRIVE = "https://drive.google.com/drive/folders/1kSEq0mkV1t1T8GuOAM65iz_iAA7e5gxB"
CHOICE = ("image_path", "correct_answer", "caption_0", "caption_1")
CHOICES = (*CHOICE, "caption_2", "caption_3", "correct_answer_template")
PAIR = ("filepath", "captions")
ROWS = {
    "COCO_val_mcq_llama3.1_rephrased.csv": (5_914, CHOICES),
    "VOC2007_mcq_llama3.1_rephrased.csv": (5_031, CHOICES),
    "synthetic_mcq_llama3.1_rephrased.csv": (10_000, CHOICES),
    "chexpert_binary_mcq.csv": (690, CHOICE),
    "COCO_val_negated_retrieval_llama3.1_rephrased_affneg_true.csv": (5_000, PAIR),
    "COCO_val_retrieval.csv": (5_000, PAIR),
}
"""File → rows, and columns that it must have."""

DATASET = Dataset(
    name="negbench",
    title="NegBench (annotations)",
    licence="MIT (annotations); the photographs' own licences apply",
    citation="Alhamoud et al., Vision-Language Models Do Not Understand Negation, CVPR 2025; arXiv "
    "2501.09425",
    homepage="https://github.com/m1k2zoo/negbench",
    files=tuple(
        File(f"images/{name}", content=Content(rows, each=columns))
        for name, (rows, columns) in ROWS.items()
    ),
    links=(Link("val2017/", "coco-val2017"),),
    tasks=("negbench",),
    access="manual",
    how=f"Download the folder images of {DRIVE} in a browser, and put its tables into "
    "ROOT/negbench/images (ROOT: benchbench data where). Their paths of images are read from the "
    "data root: edit them to val2017/NAME.jpg, as upstream asks.",
)
