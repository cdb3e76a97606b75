"""Visual Genome's photographs in one folder (Krishna et al., IJCV 2017).

Sizes are the server's; the SHA-1 digests are those of GluonCV's ``scripts/datasets`` for Visual
Genome.
"""

from benchbench.datasets.manifest import Dataset, File, Folder, Source

RAW = "https://cs.stanford.edu/people/rak248/VG_100K_2"
NOTE = "a personal page at Stanford; the address that all projects use"

DATASET = Dataset(
    name="visual-genome",
    title="Visual Genome (photographs)",
    licence="CC BY 4.0 (annotations); the photographs' own licences apply (Flickr)",
    citation="Krishna et al., Visual Genome, IJCV 2017; arXiv 1602.07332",
    homepage="https://homes.cs.washington.edu/~ranjay/visualgenome",
    folders=(
        Folder(
            "VG_100K/",
            archives=(
                File(
                    "images.zip",
                    (Source(f"{RAW}/images.zip", NOTE),),
                    9_731_705_982,
                    "sha1:a055367f675dd5476220e9b93e4ca9957b024b94",
                ),
                File(
                    "images2.zip",
                    (Source(f"{RAW}/images2.zip", NOTE),),
                    5_471_658_058,
                    "sha1:2add3aab77623549e92b7f15cda0308f50b64ecf",
                ),
            ),
            images=108_073,
            at_most=108_400,
            unpacked=20_000_000_000,
            like="[0-9]*.jpg",
            parts=("VG_100K", "VG_100K_2"),
        ),
    ),
    shared=True,
)
