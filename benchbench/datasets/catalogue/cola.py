"""Cola, multi-object: two images and two captions an item (Ray et al., NeurIPS 2023)."""

from benchbench.datasets.manifest import Dataset, File, Source

RAW = "https://raw.githubusercontent.com/arijitray1993/COLA/main/data"

FILES = {
    "COLA_multiobjects_matching_benchmark.json": (
        56_746,
        "e2846dcc958e3277813ca572bce53db96fd5dd65caaa57ccd20dc1ce51d73ec0",
    ),
}
"""File → bytes and SHA-256."""

DATASET = Dataset(
    name="cola",
    title="Cola, multi-object (annotations)",
    licence="MIT (annotations)",
    citation="Ray et al., Cola, NeurIPS 2023 Datasets and Benchmarks; arXiv 2305.03689",
    homepage="https://github.com/arijitray1993/COLA",
    files=tuple(
        File(
            path,
            (Source(f"{RAW}/{path}", "a branch; the digest is of commit 1fa52fb"),),
            size,
            f"sha256:{digest}",
        )
        for path, (size, digest) in FILES.items()
    ),
    how="Its images are of Visual Genome (Visual Genome's licences apply). Each record has the "
    "addresses of its own, https://cs-people.bu.edu/array/data/vg_gqa_images/ID.jpg, where ID is "
    "Visual Genome's: ID.jpg of VG_100K or VG_100K_2 is the same photograph.",
    tasks=("cola",),
)
