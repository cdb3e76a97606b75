"""Flickr30k's captions of Karpathy's test split; its photographs are given on request."""

from benchbench.data.official import FLICKR30K
from benchbench.datasets.manifest import Dataset, File, Folder, Source

RAW = "https://storage.googleapis.com/sfr-vision-language-research/datasets"

DATASET = Dataset(
    name="flickr30k",
    title="Flickr30k captions, Karpathy's test split",
    licence="for research and education; the photographs belong to Flickr's users",
    citation="Young et al., From image descriptions to visual denotations, TACL 2014; split: "
    "Karpathy and Fei-Fei, CVPR 2015",
    homepage="https://shannon.cs.illinois.edu/DenotationGraph",
    files=(
        File(
            "flickr30k_test.json",
            (Source(f"{RAW}/flickr30k_test.json", "Salesforce's bucket, since 2022"),),
            content=FLICKR30K,
        ),
    ),
    folders=(
        Folder(
            "flickr30k-images/",
            archives=(File("flickr30k-images.tar"),),
            images=1_000,
            at_most=31_800,
            unpacked=8_000_000_000,
            like="[0-9]*.jpg",
        ),
    ),
    tasks=("flickr30k-retrieval", "flickr30k-order"),
    access="manual",
    how="Request the photographs by the form at https://forms.illinois.edu/sec/229675, then type: "
    "benchbench data import DIR (the folder that holds flickr30k-images/)",
    then=("benchbench data freeze-order {folder}/flickr30k_test.json",),
)
